"""A fold to be scored: its codes, which of its rows query, and what they are ranked against."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np

from skhash.metrics._policy import caller_level
from skhash.utils._labels import check_target, encode_labels
from skhash.utils._packing import check_codes, unpack_codes
from skhash.utils._rows import find_rows

QUERIES = ("all", "seen", "unseen")
DATABASES = ("fold", "queries", "rest", "train")


@dataclass(frozen=True)
class FoldRows:
    """Rows of a fold that query, and the rows that they search.

    queries : ndarray of shape (n_queries,), dtype intp.
    database : ndarray of shape (n_database,), dtype intp; None where it is the training codes.
    own : ndarray of shape (n_queries,); place in the database of each query, -1 for none.
    """

    queries: np.ndarray
    database: np.ndarray | None
    own: np.ndarray


class Training(NamedTuple):
    """Codes and labels of the training rows; ``own`` is the place there of each row of the fold."""

    codes: np.ndarray
    labels: Any
    own: np.ndarray


class Fold:
    """A fold and the estimator that is scored on it; what both scores need is computed once."""

    def __init__(self, estimator, X, kind: str, y):
        self.estimator, self.X, self.kind, self.y = estimator, X, kind, y
        self._training: Training | None = None

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

    def training(self) -> Training:
        if self._training is None:
            self._training = self._find_training()
        return self._training

    def _find_training(self) -> Training:
        hasher, X = last_step(self.estimator, self.X)
        names = ("training_codes_", "training_labels_", "training_keys_")
        packed, labels, keys = (getattr(hasher, name, None) for name in names)
        if packed is None or labels is None or keys is None:
            raise ValueError(
                f"database='train' searches the training codes, which {self.name} has not kept: a "
                "hasher keeps them under store_codes=True, with the labels that fit was given"
            )
        kind, labels = check_target(labels, "training_labels_")
        groups: Any = (None, None)
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
        return Training(unpack_codes(packed, hasher.n_bits_), labels, own)


def select_rows(
    kind: str, y, queries, database: str, seen_classes, own_in_training=None
) -> FoldRows:
    """Divide the rows of a fold into queries and database.

    Parameters
    ----------
    kind : {"class", "multilabel", "vector"}
        The kind of labels.
    y : ndarray or CSR array of n_samples labels
        The labels of the fold, in the form that `check_target` gives them.
    queries : {"all", "seen", "unseen"} or int
        See `RetrievalScorer`.
    database : {"fold", "queries", "rest", "train"}
        See `RetrievalScorer`.
    seen_classes : array-like or None
        The classes seen in training; needed for "seen" and "unseen".
    own_in_training : ndarray of shape (n_samples,), default=None
        Place of each row among the training rows, -1 for none; needed for "train".
    """
    n_rows = y.shape[0]
    is_query = _query_mask(kind, y, queries, seen_classes)
    rows = np.flatnonzero(is_query)
    nowhere = np.full(len(rows), -1)
    if database == "train":
        return FoldRows(rows, None, own_in_training[rows])
    if database == "fold":
        return FoldRows(rows, np.arange(n_rows), rows)
    if database == "queries":
        return FoldRows(rows, rows, np.arange(len(rows)))
    rest = np.flatnonzero(~is_query)
    if not len(rest):
        raise ValueError(
            f"database='rest' is empty: all {n_rows} rows of the fold are queries "
            f"(queries={queries!r})"
        )
    return FoldRows(rows, rest, nowhere)


def ranks_within_class(positions: np.ndarray, order: np.ndarray | None = None) -> np.ndarray:
    """Count the rows of the same class that come before each row.

    Parameters
    ----------
    positions : ndarray of shape (n_samples,), dtype intp
        Class of each row, numbered from 0.
    order : ndarray of shape (n_samples,), default=None
        Order in which the rows come; None for the order they have.

    Returns
    -------
    ranks : ndarray of shape (n_samples,), dtype intp
    """
    order = np.arange(len(positions)) if order is None else order
    by_class = order[np.argsort(positions[order], kind="stable")]
    counts = np.bincount(positions)
    starts = np.cumsum(counts) - counts
    ranks = np.empty(len(positions), dtype=np.intp)
    ranks[by_class] = np.arange(len(positions)) - np.repeat(starts, counts)
    return ranks


def fitted_attribute(estimator, name: str) -> Any:
    """Attribute of a fitted estimator or of what it wraps, None where there is none.

    Pipelines are searched at their last step, whose output the codes are, and searches at their
    best estimator.
    """
    while estimator is not None:
        value = getattr(estimator, name, None)
        if value is not None:
            return value
        if hasattr(estimator, "steps"):
            estimator = estimator.steps[-1][1]
        else:
            estimator = getattr(estimator, "best_estimator_", None)
    return None


def last_step(estimator, X) -> tuple[Any, Any]:
    """What gives the codes in the end, and what the steps before it make of X."""
    while True:
        if hasattr(estimator, "steps"):
            X = estimator[:-1].transform(X) if len(estimator.steps) > 1 else X
            estimator = estimator.steps[-1][1]
        elif hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        else:
            return estimator, X


def _query_mask(kind: str, y, queries, seen_classes) -> np.ndarray:
    if queries == "all":
        return np.ones(y.shape[0], dtype=bool)
    if kind != "class":
        raise ValueError(f"queries={queries!r} needs class labels, got {kind} labels")
    names, positions = encode_labels(y)
    if isinstance(queries, Integral):
        return ranks_within_class(positions) < queries
    seen = set(np.asarray(seen_classes).tolist())
    is_seen = np.array([name in seen for name in names])
    is_query = (is_seen if queries == "seen" else ~is_seen)[positions]
    if not is_query.any():
        which = "none" if queries == "seen" else "all"
        raise ValueError(
            f"queries={queries!r}: there are no such rows, {which} of the {len(names)} classes "
            "of the fold were seen in training"
        )
    return is_query
