"""From a fitted estimator and a fold to scores: plan and check, encode once, rank."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from skhash.metrics._policy import caller_level, mean_over_queries, settle
from skhash.metrics._scorer_rows import FoldRows, fitted_attribute, last_step, select_rows
from skhash.metrics._scorer_run import ScoringOptions, check_depth, query_values
from skhash.metrics._statistics import Statistic
from skhash.similarity import resolve_similarity, takes_levels
from skhash.utils._labels import check_target, encode_labels
from skhash.utils._packing import check_codes, unpack_codes
from skhash.utils._rows import find_rows

if TYPE_CHECKING:
    from skhash.metrics._scorer import RetrievalScorer


@dataclass(frozen=True)
class _Plan:
    """One score: what of whom, and how."""

    statistic: Statistic
    rows: FoldRows
    options: ScoringOptions


class _Training(NamedTuple):
    """Codes and labels of the training rows; ``own`` is the place there of each row of the fold."""

    codes: np.ndarray
    labels: Any
    own: np.ndarray


class _Fold:
    """A fold and the estimator that is scored on it; what both scores need is computed once."""

    def __init__(self, estimator, X, kind: str, y):
        self.estimator, self.X, self.kind, self.y = estimator, X, kind, y
        self._training: _Training | None = None

    @property
    def name(self) -> str:
        return type(self.estimator).__name__

    def attribute(self, name: str):
        return fitted_attribute(self.estimator, name)

    @cached_property
    def _codes(self):
        return self.estimator.transform(self.X)

    def codes(self, metric: str) -> np.ndarray:
        """What transform returns, fit to be ranked by the metric."""
        codes = self._codes
        if metric != "hamming":
            return np.asarray(codes)
        try:
            return check_codes(codes, f"{self.name}.transform(X)")
        except ValueError as error:
            raise ValueError(
                f"{error}; to score real vectors, give the scorer metric='cosine' or 'euclidean'"
            ) from error

    def training(self) -> _Training:
        if self._training is None:
            self._training = self._find_training()
        return self._training

    def _find_training(self) -> _Training:
        hasher, X = last_step(self.estimator, self.X)
        names = ("training_codes_", "training_labels_", "training_keys_")
        packed, labels, keys = (getattr(hasher, name, None) for name in names)
        if packed is None or labels is None or keys is None:
            raise ValueError(
                f"database='train' searches the training codes, which {self.name} has not kept: a "
                "hasher keeps them under store_codes=True, with the labels that fit was given"
            )
        kind, labels = check_target(labels, "training_labels_")
        groups: list[np.ndarray | None] = [None, None]
        if kind == self.kind == "class":
            numbers = encode_labels([*self.y.tolist(), *labels.tolist()])[1]
            groups = np.split(numbers, [len(self.y)])
        own = find_rows(hasher._row_keys(X), keys, *groups)
        n_own = np.count_nonzero(own >= 0)
        if 0 < n_own < len(own):
            warnings.warn(
                f"{n_own} of {len(own)} rows of the fold equal rows that {type(hasher).__name__} "
                "was trained on. They are taken for these, and left out of their own search",
                UserWarning,
                stacklevel=caller_level(),
            )
        return _Training(unpack_codes(packed, hasher.n_bits_), labels, own)


def score_fold(
    scorers: dict[str, RetrievalScorer], estimator, X, y, error_score="raise"
) -> dict[str, float]:
    """Scores of an estimator on a fold, by the keys of the scorers.

    All that can be refused is refused before X is encoded. ``error_score`` is what a score is
    set to that cannot be computed, or ``"raise"``.
    """
    if not hasattr(estimator, "transform"):
        raise TypeError(
            "a retrieval scorer scores what transform returns, which "
            f"{type(estimator).__name__} lacks"
        )
    if y is None:
        raise ValueError("a retrieval scorer needs y: labels say what is relevant")
    kind, y = check_target(y, levels=_any_takes_levels(scorers.values(), estimator))
    fold = _Fold(estimator, X, kind, y)
    scores = dict.fromkeys(scorers, error_score)
    plans = {}
    for key, scorer in scorers.items():
        with _attempt([key], error_score):
            plans[key] = _make_plan(scorer, fold)
    for keys in _alike({key: scorers[key] for key in plans}):
        with _attempt(keys, error_score):
            values = _values_of_queries([plans[key] for key in keys], fold)
            warned: set[str] = set()
            for key in keys:
                statistic, policy = plans[key].statistic, plans[key].options.no_relevant
                if policy == "warn" and statistic.gains in warned:
                    # once is enough
                    policy = "skip"
                warned.add(statistic.gains)
                with _attempt([key], error_score):
                    scores[key] = mean_over_queries(settle(values[statistic.name], policy))
    return scores


@contextlib.contextmanager
def _attempt(keys: Sequence[str], error_score) -> Iterator[None]:
    """Go on without the scores where they fail, as scikit-learn does with a dict of scorers."""
    try:
        yield
    except Exception as error:
        if isinstance(error_score, str):
            raise
        names = ", ".join(map(repr, keys))
        warnings.warn(
            f"Scoring failed. The score {names} on this train-test partition for these parameters "
            f"will be set to {error_score}. Details:\n{type(error).__name__}: {error}",
            UserWarning,
            stacklevel=caller_level(),
        )


def _any_takes_levels(scorers, estimator) -> bool:
    targets = [scorer.similarity for scorer in scorers]
    return any(map(takes_levels, [*targets, fitted_attribute(estimator, "similarity_")]))


def _alike(scorers: dict[str, RetrievalScorer]) -> list[list[str]]:
    """Keys of scorers that differ in the name of the score only."""
    groups: dict[tuple, list[str]] = {}
    for key, scorer in scorers.items():
        params = scorer.get_params(deep=False) | {"name": None}
        # targets need not be hashable
        params["similarity"] = id(scorer.similarity)
        groups.setdefault(tuple(params.values()), []).append(key)
    return list(groups.values())


def _make_plan(scorer: RetrievalScorer, fold: _Fold) -> _Plan:
    statistic = scorer._validate()
    seen_classes = None
    if scorer.queries in ("seen", "unseen"):
        seen_classes = fold.attribute("classes_")
        if seen_classes is None:
            raise ValueError(
                f"queries={scorer.queries!r} goes by the classes_ of the fitted estimator, which "
                f"{fold.name} does not keep. To score it on unseen classes, use queries='all' "
                "with UnseenClassSplit(seen_size=0), or retrieval_evaluate"
            )
    own = fold.training().own if scorer.database == "train" else None
    rows = select_rows(fold.kind, fold.y, scorer.queries, scorer.database, seen_classes, own)
    n_database = len(fold.training().codes if rows.database is None else rows.database)
    where = (
        f"fold of {fold.y.shape[0]} rows, queries={scorer.queries!r}, database={scorer.database!r}"
    )
    check_depth([statistic], n_database - bool(np.any(rows.own >= 0)), where)
    options = {
        name: getattr(scorer, name)
        for name in ScoringOptions.__dataclass_fields__
        if name != "similarity"
    }
    needs_similarity = statistic.gains == "graded" or scorer.threshold is not None
    similarity = _similarity(scorer, fold) if needs_similarity else None
    return _Plan(statistic, rows, ScoringOptions(similarity=similarity, **options))


def _similarity(scorer: RetrievalScorer, fold: _Fold):
    if not (isinstance(scorer.similarity, str) and scorer.similarity == "estimator"):
        return resolve_similarity(scorer.similarity, fold.y)
    similarity = fold.attribute("similarity_")
    if similarity is None:
        raise ValueError(
            f"{scorer.name!r} grades by similarity, but {fold.name} has no similarity_ to take; "
            "give the scorer a target: similarity=..."
        )
    return similarity


def _values_of_queries(plans: list[_Plan], fold: _Fold) -> dict[str, np.ndarray]:
    """Values of scores that differ in the statistic only, by its name."""
    rows, options = plans[0].rows, plans[0].options
    similarities = [plan.options.similarity for plan in plans]
    given = (similarity for similarity in similarities if similarity is not None)
    options = replace(options, similarity=next(given, None))
    codes, y = fold.codes(options.metric), fold.y
    if rows.database is None:
        database, database_labels, _ = fold.training()
    else:
        database, database_labels = codes[rows.database], y[rows.database]
    return query_values(
        [plan.statistic for plan in plans],
        codes[rows.queries],
        y[rows.queries],
        database,
        database_labels,
        rows.own,
        options,
    )
