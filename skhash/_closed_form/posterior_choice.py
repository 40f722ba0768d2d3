"""Which settings suit the data: judged on classes and rows that a trial has left out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import softmax

from skhash._closed_form.posterior_map import PosteriorMaps
from skhash.metrics import hierarchical_precision_score

# share of the classes, and of the rows of the other classes, that a trial leaves out
_LEFT_OUT = 0.2
# fewer classes or rows a class say nothing of classes that are not there
_FEWEST_CLASSES, _FEWEST_ROWS = 8, 10
# rows that a trial trains on, finds the map from and judges, and queries of either kind
_TRAIN_ROWS, _MAP_ROWS, _JUDGED_ROWS, _N_QUERIES = 2**14, 2000, 1500, 250
# cut-offs, in multiples of the size of a class
_CUT_OFFS = (0.25, 0.5, 1.0, 2.5)
# of fewer classes left out, chance says too much: their precision counts less
_ENOUGH_CLASSES = 10
# by how much precision must differ to count; settings as good as the best share the choice
_EQUAL = 0.01
# settings are powers of 2 ** (1 / 8), so that rounding on another processor seldom changes them
_STEPS_PER_OCTAVE = 8


class Settings(NamedTuple):
    """The settings that the data decide."""

    temperature: float
    feature_weight: float
    shrinkage: float


#: Where the data cannot decide.
DEFAULTS = Settings(0.85, 1.0, 0.5)
CANDIDATES = (
    DEFAULTS,
    *(
        Settings(temperature, feature_weight, 0.5)
        for temperature, feature_weight in (
            (0.85, 0.5),
            (1.2, 1.0),
            (1.7, 1.0),
            (2.4, 1.0),
            (1.7, 2.0),
            (3.4, 2.0),
            (3.4, 4.0),
        )
    ),
    *(
        Settings(temperature, feature_weight, 0.03)
        for temperature, feature_weight in (
            (0.85, 0.7),
            (1.2, 1.0),
            (1.7, 1.4),
            (2.4, 1.0),
            (3.4, 2.0),
        )
    ),
)


class Trial(NamedTuple):
    """What a trial leaves out.

    Parameters
    ----------
    classes : ndarray of int
        Numbers of the classes that it knows, in order.
    fit_rows : ndarray of int
        Rows to train on, all of these classes.
    judged_rows : ndarray of int
        Rows to judge, of all classes, in random order.
    """

    classes: np.ndarray
    fit_rows: np.ndarray
    judged_rows: np.ndarray


def plan_trial(labels, n_classes, seed) -> Trial | None:
    """Leave out a fifth of the classes, and a fifth of the rows of each other class.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,) of int
    n_classes, seed : int

    Returns
    -------
    trial : Trial or None
        None where there are too few classes or rows.
    """
    if n_classes < _FEWEST_CLASSES or len(labels) < _FEWEST_ROWS * n_classes:
        return None
    random = np.random.RandomState(seed)
    unknown = random.permutation(n_classes)[: round(_LEFT_OUT * n_classes)]
    rows = random.permutation(len(labels))[: int(_TRAIN_ROWS / (1 - _LEFT_OUT) ** 2)]
    is_known = ~np.isin(labels[rows], unknown)
    is_fitted = is_known & (random.random_sample(len(rows)) >= _LEFT_OUT)
    fit_rows = np.sort(rows[is_fitted])
    # a class of few rows may have none left to train on
    classes = np.unique(labels[fit_rows])
    # in random order, of which the first rows will be queries
    judged_rows = rows[~is_fitted][:_JUDGED_ROWS]
    found = np.bincount(labels[judged_rows], minlength=n_classes) >= 2
    known = np.isin(np.arange(n_classes), classes)
    if not (found[known].any() and found[~known].any()):
        return None
    return Trial(classes, fit_rows, judged_rows)


def judge_settings(trial, X, labels, logits, similarity, n_bits, candidates, seed) -> np.ndarray:
    """Hierarchical precision of codes by each of some settings, where a trial has trained.

    Parameters
    ----------
    trial : Trial
    X : ndarray of shape (n_fit + n_judged, n_features)
        Rows to fit, then those to judge.
    labels : ndarray of shape (n_fit + n_judged,) of int
        Their classes.
    logits : ndarray of shape (n_fit + n_judged, n_known)
        What a classifier trained on the former says of all.
    similarity : ndarray of shape (n_classes, n_classes)
    n_bits : int
    candidates : sequence of Settings
    seed : int

    Returns
    -------
    precision : ndarray of shape (n_candidates, 3)
        That of queries of the known classes, and of the others, among all judged rows; and of
        the others among themselves.
    """
    n_fit = len(trial.fit_rows)
    rows = np.random.RandomState(seed).permutation(n_fit)[:_MAP_ROWS]
    maps = PosteriorMaps(
        X[rows],
        np.searchsorted(trial.classes, labels[rows]),
        similarity[np.ix_(trial.classes, trial.classes)],
        n_bits,
        seed,
    )
    judge = _Judge(labels[n_fit:], np.isin(labels[n_fit:], trial.classes), similarity)
    precision = []
    for temperature, *rest in candidates:
        posterior = softmax(logits / np.float32(temperature), axis=1)
        found = maps.find(posterior[rows], feature_weight=rest[0], shrinkage=rest[1])
        values = posterior[n_fit:] @ found.classes + (X[n_fit:] - found.mean) @ found.features
        precision.append(judge((values + found.offset > 0).astype(np.uint8)))
    return np.array(precision)


def choose_settings(precision, candidates, emphasis, n_left_out) -> Settings:
    """The mean of the best settings.

    Each counts the less, the further its precision is behind that of the best: rounding, and the
    chance of what was left out, then change the choice by little. The precision on fewer than ten
    classes left out counts in proportion to their number.

    Parameters
    ----------
    precision : ndarray of shape (n_candidates, 3)
        See `judge_settings`.
    candidates : sequence of Settings
    emphasis : float in [0, 1]
        How much unseen classes count.
    n_left_out : int
        Number of classes left out.

    Returns
    -------
    settings : Settings
        Geometric means, rounded to an eighth of an octave.
    """
    seen, unseen = precision[:, 0], precision[:, 1:].mean(axis=1)
    on_seen, on_unseen = 1 - emphasis, emphasis * min(1.0, n_left_out / _ENOUGH_CLASSES)
    score = (on_seen * seen + on_unseen * unseen) / (on_seen + on_unseen)
    share = softmax(score / _EQUAL)
    logarithms = np.log2(np.maximum(candidates, np.finfo(np.float64).tiny))
    steps = np.round(_STEPS_PER_OCTAVE * (share @ logarithms))
    return Settings(*np.exp2(steps / _STEPS_PER_OCTAVE).tolist())


class _Judge:
    """Precision of codes of the judged rows."""

    def __init__(self, labels, is_known, similarity):
        self._labels = labels
        self._options = {
            "similarity": lambda a, b: similarity[np.ix_(a, b)],
            "no_relevant": "skip",
        }
        everything = np.arange(len(labels))
        known, unknown = everything[is_known], everything[~is_known]
        self._tasks = ((known, everything), (unknown, everything), (unknown, unknown))
        size = len(labels) / len(np.unique(labels))
        self._cut_offs = sorted({max(1, round(share * size)) for share in _CUT_OFFS})

    def __call__(self, codes):
        found = []
        for queries, database in self._tasks:
            queries = queries[:_N_QUERIES]
            own = np.searchsorted(database, queries)
            scores = hierarchical_precision_score(
                codes[queries],
                self._labels[queries],
                codes[database],
                self._labels[database],
                k=[min(k, len(database) - 1) for k in self._cut_offs],
                exclude_self=own,
                **self._options,
            )
            found.append(np.mean(scores))
        return found
