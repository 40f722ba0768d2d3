"""What is relevant: from labels, similarity targets and matrices to gains."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import _num_samples

from skhash.metrics._relevance import ClassGains, PairGains
from skhash.similarity import LabelSimilarity, evaluate_similarity
from skhash.utils._labels import check_target, encode_labels

# a table of class similarities beyond this many cells is evaluated by blocks of queries instead
_MAX_TABLE_CELLS = 2**24


class Labels:
    """Checked labels of queries and database, None where relevance needs none."""

    def __init__(self, query_labels, database_labels, n_queries: int, n_database: int):
        self.shape = (n_queries, n_database)
        self.kind = None
        if query_labels is None and database_labels is None:
            return
        self.kind, self.of_queries = _check_labels(query_labels, n_queries, "query_labels")
        kind, self.of_items = _check_labels(database_labels, n_database, "database_labels")
        if kind != self.kind:
            raise ValueError(
                "query_labels and database_labels must be of one kind, "
                f"got {self.kind} and {kind} labels."
            )
        if kind == "class":
            self.query_classes, self.query_codes = _encode(self.of_queries)
            self.item_classes, self.item_codes = _encode(self.of_items)

    def check_own(self, own: np.ndarray) -> None:
        """Refuse queries that are said to be an item of another class."""
        inside = np.flatnonzero(own >= 0)
        if self.kind != "class" or not len(inside):
            return
        queries, items = self.of_queries[inside], self.of_items[own[inside]]
        differing = np.count_nonzero(queries != items)
        if differing:
            raise ValueError(
                "exclude_self says which database row each query is, but the labels of "
                f"{differing} of these rows differ from the labels of their queries."
            )


def similarity_gains(similarity, labels: Labels, transform: Callable | None = None):
    """Gains by a similarity target or a matrix, optionally passed through a function."""
    transform = transform or (lambda values: values)
    if not callable(similarity):
        return _matrix_gains(similarity, labels, transform, "similarity")
    _require_labels(labels)
    if labels.kind == "class":
        n_cells = len(labels.query_classes) * len(labels.item_classes)
        if n_cells <= _MAX_TABLE_CELLS:
            table = evaluate_similarity(similarity, labels.query_classes, labels.item_classes)
            return ClassGains(transform(table), labels.query_codes, labels.item_codes)
    return PairGains(
        lambda rows: transform(
            np.array(evaluate_similarity(similarity, labels.of_queries[rows], labels.of_items))
        )
    )


def _matrix_gains(matrix, labels: Labels, transform, name: str) -> PairGains:
    matrix = check_array(matrix, dtype=None, input_name=name)
    if matrix.shape != labels.shape:
        raise ValueError(
            f"{name} must have shape (n_queries, n_database) = {labels.shape}, got {matrix.shape}."
        )
    if matrix.min() < 0:
        raise ValueError(f"{name} must not be negative, got {matrix.min()}.")
    return PairGains(lambda rows: transform(matrix[rows].astype(np.float64)))


def _check_labels(labels, n_expected: int, name: str):
    if labels is None:
        raise ValueError(f"{name} is missing.")
    kind, labels = check_target(labels, name)
    if _num_samples(labels) != n_expected:
        raise ValueError(f"{name} must hold {n_expected} labels, got {_num_samples(labels)}.")
    return kind, labels


def _encode(labels: np.ndarray):
    """Distinct labels as an array of the user's own type, and the place of each label there."""
    distinct, codes = encode_labels(labels)
    classes = np.empty(len(distinct), dtype=labels.dtype)
    classes[:] = distinct
    return classes, codes


def _require_labels(labels: Labels) -> None:
    if labels.kind is None:
        raise ValueError("query_labels and database_labels are needed unless a matrix is given.")
