"""Sets of labels are similar when they overlap."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator

from skhash.utils._labels import check_target


class MultilabelSimilarity(BaseEstimator):
    """Similarity of label sets, given as indicators of 0 and 1.

    Parameters
    ----------
    measure : {"jaccard", "cosine", "overlap", "any"}, default="jaccard"
        With `|a|` the number of labels of a and `|ab|` the number that a and b share:

        - ``"jaccard"``: `|ab| / (|a| + |b| - |ab|)`;
        - ``"cosine"``: `|ab| / sqrt(|a| |b|)`;
        - ``"overlap"``: `|ab| / min(|a|, |b|)`, which is 1 where one set contains the other;
        - ``"any"``: 1 where a label is shared, the usual relevance of multilabel retrieval.

        Two empty sets are equal, so their similarity is 1; that of an empty and a non-empty
        set is 0.

    Examples
    --------
    >>> from skhash.similarity import MultilabelSimilarity
    >>> MultilabelSimilarity("jaccard")([[1, 1, 0]], [[1, 0, 0], [0, 1, 1], [0, 0, 0]]).round(3)
    array([[0.5  , 0.333, 0.   ]])
    """

    def __init__(self, measure="jaccard"):
        self.measure = measure

    def __call__(self, y_a, y_b) -> np.ndarray:
        """Similarities of label sets.

        Parameters
        ----------
        y_a : {array-like, sparse matrix} of shape (n_a, n_labels)
            Indicators of 0 and 1.
        y_b : {array-like, sparse matrix} of shape (n_b, n_labels)
            Indicators over the same labels.

        Returns
        -------
        values : ndarray of shape (n_a, n_b), dtype float64
            Similarities in [0, 1].

        Raises
        ------
        ValueError
            If the measure is unknown, or the labels are not indicators of equal width.
        """
        if self.measure not in _MEASURES:
            raise ValueError(f"measure must be one of {sorted(_MEASURES)}, got {self.measure!r}")
        y_a, y_b = _check_indicator(y_a, "y_a"), _check_indicator(y_b, "y_b")
        if y_a.shape[1] != y_b.shape[1]:
            raise ValueError(
                "y_a and y_b must be over the same labels, "
                f"got {y_a.shape[1]} and {y_b.shape[1]} columns"
            )
        size_a, size_b = _set_sizes(y_a)[:, None], _set_sizes(y_b)[None, :]
        # an empty set shares nothing; the maximum only keeps its quotient from being 0 / 0
        values = _MEASURES[self.measure](_shared(y_a, y_b), np.maximum(size_a, 1), size_b.clip(1))
        values[(size_a == 0) & (size_b == 0)] = 1
        return values


def _jaccard(shared, size_a, size_b):
    return shared / (size_a + size_b - shared)


def _cosine(shared, size_a, size_b):
    return shared / np.sqrt(size_a * size_b)


def _overlap(shared, size_a, size_b):
    return shared / np.minimum(size_a, size_b)


def _any(shared, size_a, size_b):
    return (shared > 0).astype(np.float64)


_MEASURES = {"jaccard": _jaccard, "cosine": _cosine, "overlap": _overlap, "any": _any}


def _check_indicator(y, name: str):
    if not sparse.issparse(y):
        y = np.asarray(y)
        if y.ndim != 2 or y.dtype.kind not in "biuf" or not np.all((y == 0) | (y == 1)):
            raise ValueError(
                f"{name} must be an indicator of 0 and 1 of shape (n_samples, n_labels), "
                f"got dtype {y.dtype} and shape {y.shape}"
            )
        return y
    return check_target(y, name)[1]


def _set_sizes(y) -> np.ndarray:
    return np.asarray(y.sum(axis=1, dtype=np.float64)).ravel()


def _shared(y_a, y_b) -> np.ndarray:
    """Number of shared labels, ndarray of shape (n_a, n_b); counts, so float32 is exact."""
    if sparse.issparse(y_a) or sparse.issparse(y_b):
        y_a, y_b = sparse.csr_array(y_a), sparse.csr_array(y_b)
        product = (y_a.astype(np.float32) @ y_b.astype(np.float32).T).toarray()
    else:
        product = y_a.astype(np.float32) @ y_b.astype(np.float32).T
    return product.astype(np.float64)
