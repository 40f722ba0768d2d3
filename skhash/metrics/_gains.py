"""What is relevant: from labels, similarity targets and matrices to gains."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from numbers import Real

import numpy as np
from scipy import sparse
from sklearn.utils import check_array
from sklearn.utils.validation import _num_samples

from skhash.metrics._relevance import ClassGains, PairGains
from skhash.similarity import prepare_similarity
from skhash.similarity._evaluate import check_callable
from skhash.utils._arrays import as_array
from skhash.utils._labels import check_target, encode_labels

# a table of classes with more cells than this is not held, but evaluated for each block of queries
MAX_TABLE_CELLS = 2**24
# similarities below the threshold by no more than this reach it: the rounding of float32 products
THRESHOLD_TOLERANCE = 1e-6


class Labels:
    """Checked labels of queries and database; ``kind`` is None where there are none.

    `levels` says that labels have a class in each of several columns.
    """

    def __init__(self, query_labels, database_labels, n_queries, n_database, *, levels=False):
        self.shape = (n_queries, n_database)
        self.kind = None
        if query_labels is None and database_labels is None:
            return
        self.kind, self.of_queries = _check_labels(query_labels, n_queries, "query_labels", levels)
        kind, self.of_items = _check_labels(database_labels, n_database, "database_labels", levels)
        if {kind, self.kind} == {"multilabel", "vector"}:
            # vectors that happen to hold only 0 and 1 on one side
            kind = self.kind = "vector"
        if kind != self.kind:
            raise ValueError(
                "query_labels and database_labels must be of one kind, "
                f"got {self.kind} and {kind} labels"
            )
        if kind == "class":
            self.query_names, self.query_classes = _encode(self.of_queries)
            self.item_names, self.item_classes = _encode(self.of_items)
            name, other = self.query_names.tolist()[0], self.item_names.tolist()[0]
            if isinstance(name, str) != isinstance(other, str):
                raise ValueError(
                    "query_labels and database_labels must be of one type, "
                    f"got {name!r} in one and {other!r} in the other"
                )
        elif self.of_queries.shape[1] != self.of_items.shape[1]:
            raise ValueError(
                "query_labels and database_labels must have the same number of columns, "
                f"got {self.of_queries.shape[1]} and {self.of_items.shape[1]}"
            )

    def require(self) -> None:
        """Refuse to go on without labels."""
        if self.kind is None:
            raise ValueError(
                "query_labels and database_labels are needed, unless a matrix says which items "
                "are relevant to which queries"
            )

    def check_own(self, own: np.ndarray) -> None:
        """Refuse queries that are said to be an item of another class."""
        inside = np.flatnonzero(own >= 0)
        if self.kind != "class" or not len(inside):
            return
        differing = np.count_nonzero(self.of_queries[inside] != self.of_items[own[inside]])
        if differing:
            raise ValueError(
                "exclude_self says which row of the database each query is, but the labels of "
                f"{differing} of {len(inside)} queries differ from those of their rows"
            )


def binary_gains(labels: Labels, relevance=None, similarity=None, threshold=None):
    """Gains of 0 and 1.

    By a matrix of them; where a similarity is at least the threshold, up to rounding; and else
    where the classes are the same, or the label sets have a label in common.
    """
    if relevance is not None and similarity is not None:
        raise ValueError("relevance and similarity both say what is relevant: give one of them")
    if (similarity is None) != (threshold is None):
        raise ValueError(
            "similarity and threshold go together: an item is relevant where its similarity to "
            "the query is at least the threshold"
        )
    if threshold is not None:
        _check_threshold(threshold)
    if relevance is not None:
        matrix = _check_matrix(relevance, labels, "relevance")
        # whole numbers need no comparison, which for a large matrix would take its room again
        values = matrix.data if sparse.issparse(matrix) else matrix
        whole = matrix.dtype.kind in "biu"
        if matrix.max() > 1 or not (whole or np.all((values == 0) | (values == 1))):
            raise ValueError(
                "relevance must hold only 0 and 1 here; degrees of relevance become binary by a "
                "comparison, such as relevance >= 0.5"
            )
        return PairGains(lambda rows: _dense(matrix[rows]), binary=True)
    if similarity is not None:
        # a small threshold is still above 0
        least = max(threshold - THRESHOLD_TOLERANCE, threshold / 2)
        return _similarity_gains(labels, similarity, lambda values: values >= least, True)
    _require_names(labels, "say similarity= and threshold=, or pass a relevance matrix")
    if labels.kind == "class":
        return _same_class(labels)
    return _shared_labels(labels, lambda shared: shared > 0, binary=True)


def shared_gains(labels: Labels, transform: Callable | None = None):
    """Gains by the number of labels in common; 0 and 1 for classes.

    A transform must leave 0 and 1 as they are.
    """
    _require_names(labels, "say similarity=, or pass a relevance matrix")
    if labels.kind == "class":
        return _same_class(labels)
    return _shared_labels(labels, transform or np.asarray, binary=False)


def relevance_gains(labels: Labels, relevance, similarity, transform: Callable | None = None):
    """Gains by degrees: from a matrix, from a similarity, and else from the labels in common."""
    if relevance is not None and similarity is not None:
        raise ValueError("relevance and similarity both say what is relevant: give one of them")
    if relevance is not None:
        return matrix_gains(labels, relevance, transform)
    if similarity is not None:
        return graded_gains(labels, similarity, transform)
    return shared_gains(labels, transform)


def graded_gains(labels: Labels, similarity, transform: Callable | None = None):
    """Gains by degrees: the similarities, or a non-negative function of them."""
    return _similarity_gains(labels, similarity, transform or np.asarray, False)


def matrix_gains(labels: Labels, relevance, transform: Callable | None = None):
    """Gains by degrees from a matrix of any non-negative numbers."""
    matrix = _check_matrix(relevance, labels, "relevance")
    transform = transform or np.asarray
    return PairGains(lambda rows: transform(_dense(matrix[rows])), binary=False)


def _similarity_gains(labels: Labels, similarity, transform: Callable, binary: bool):
    if isinstance(similarity, type):
        check_callable(similarity, "similarity")
    if not callable(similarity):
        matrix = _check_matrix(similarity, labels, "similarity")
        return PairGains(
            lambda rows: np.asarray(transform(_dense(matrix[rows])), dtype=np.float64),
            binary=binary,
        )
    labels.require()
    of_classes = labels.kind == "class"
    queries, items = (
        (labels.query_names, labels.item_names)
        if of_classes
        else (labels.of_queries, labels.of_items)
    )
    compare, queries, items = prepare_similarity(similarity, queries, items)

    def evaluate(rows) -> np.ndarray:
        # a copy, for the target may hand out an array of its own
        return np.array(transform(compare(queries[rows], items)), dtype=np.float64)

    if of_classes:
        return _class_gains(labels, evaluate, binary)
    return PairGains(evaluate, binary=binary)


def _require_names(labels: Labels, otherwise: str) -> None:
    """Refuse labels that cannot be compared by name."""
    labels.require()
    if labels.kind == "vector":
        raise ValueError(f"labels that are vectors are never equal: {otherwise}")


def _same_class(labels: Labels):
    position = {name: i for i, name in enumerate(labels.item_names.tolist())}
    same = np.array([position.get(name, -1) for name in labels.query_names.tolist()])
    n_items = len(position)
    return _class_gains(
        labels, lambda classes: (same[classes, None] == np.arange(n_items)).astype(float), True
    )


def _shared_labels(labels: Labels, transform: Callable, binary: bool) -> PairGains:
    """Gains from the number of labels that two label sets share."""
    items = labels.of_items.T
    if not sparse.issparse(items):
        # counts of labels are exact in single precision, and its products are fast
        items = items.astype(np.float32)

    def evaluate(rows: np.ndarray) -> np.ndarray:
        queries = labels.of_queries[rows].astype(np.float32)
        shared = queries @ items
        shared = shared.toarray() if sparse.issparse(shared) else shared
        return np.asarray(transform(shared.astype(np.float64)), dtype=np.float64)

    return PairGains(evaluate, binary=binary)


def _class_gains(labels: Labels, table_rows: Callable, binary: bool):
    """Gains from the rows of a class table, which is held where it is small."""
    n_classes = len(labels.query_names)
    if n_classes * len(labels.item_names) <= MAX_TABLE_CELLS:
        table = table_rows(np.arange(n_classes))
        return ClassGains(table, labels.query_classes, labels.item_classes, binary=binary)

    def evaluate(rows: np.ndarray) -> np.ndarray:
        classes, place = np.unique(labels.query_classes[rows], return_inverse=True)
        return table_rows(classes)[:, labels.item_classes][place]

    return PairGains(evaluate, binary=binary)


def _check_threshold(threshold) -> None:
    if not isinstance(threshold, Real) or isinstance(threshold, bool) or not isfinite(threshold):
        raise ValueError(f"threshold must be a finite number, got {threshold!r}")


def _check_matrix(matrix, labels: Labels, name: str):
    matrix = sparse.csr_array(matrix) if sparse.issparse(matrix) else as_array(matrix, name)
    if matrix.dtype.kind not in "biuf":
        raise TypeError(
            f"{name} must be a callable or a matrix of numbers of shape (n_queries, n_database), "
            f"got dtype {matrix.dtype}"
        )
    if matrix.shape != labels.shape:
        raise ValueError(
            f"{name} must have shape (n_queries, n_database) = {labels.shape}, got {matrix.shape}"
        )
    check_array(matrix, accept_sparse=True, dtype=None, input_name=name)
    if matrix.min() < 0:
        raise ValueError(f"{name} must not be negative, got {matrix.min()}")
    return matrix


def _dense(rows) -> np.ndarray:
    """A new array of the rows of a matrix, float64."""
    return rows.toarray().astype(np.float64) if sparse.issparse(rows) else rows.astype(np.float64)


def _check_labels(labels, n_expected: int, name: str, levels: bool):
    if labels is None:
        raise ValueError(f"{name} is missing")
    kind, labels = check_target(labels, name, levels=levels)
    if _num_samples(labels) != n_expected:
        raise ValueError(f"{name} must hold {n_expected} labels, got {_num_samples(labels)}")
    return kind, labels


def _encode(labels: np.ndarray):
    """Distinct labels as an array of the user's own type, and the place of each label there."""
    distinct, places = encode_labels(labels)
    names = np.empty(len(distinct), dtype=labels.dtype)
    names[:] = distinct
    return names, places
