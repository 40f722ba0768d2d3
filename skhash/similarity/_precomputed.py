"""Classes are as similar as a given matrix says."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator

from skhash.utils._arrays import check_table
from skhash.utils._labels import check_classes, encode_labels, gather

_TOLERANCE = 1e-6


class PrecomputedSimilarity(BaseEstimator):
    """Similarity of class labels, looked up in a matrix.

    Parameters
    ----------
    matrix : array-like of shape (n_labels, n_labels)
        Similarities in [0, 1], symmetric, with ones on the diagonal; up to 1e-6.
    labels : array-like of shape (n_labels,), default=None
        The label that each row and column stands for. None: labels are row indices.

    Examples
    --------
    >>> from skhash.similarity import PrecomputedSimilarity
    >>> similarity = PrecomputedSimilarity([[1, 0.8], [0.8, 1]], labels=["cat", "dog"])
    >>> similarity(["dog", "cat"], ["cat"])
    array([[0.8],
           [1. ]])
    """

    def __init__(self, matrix, labels=None):
        self.matrix = matrix
        self.labels = labels

    def __call__(self, y_a, y_b) -> np.ndarray:
        """Similarities of class labels.

        Parameters
        ----------
        y_a : array-like of shape (n_a,)
            Labels that the matrix has.
        y_b : array-like of shape (n_b,)
            Labels that the matrix has.

        Returns
        -------
        values : ndarray of shape (n_a, n_b), dtype float64
            Entries of the matrix.

        Raises
        ------
        ValueError
            If the matrix is not a similarity matrix, its labels are not distinct or not as
            many as its rows, or y has labels that it lacks.
        """
        matrix = check_matrix(self.matrix)
        row_of = _rows_by_label(self.labels, len(matrix))
        rows, columns = _rows(y_a, row_of, "y_a"), _rows(y_b, row_of, "y_b")
        return gather(matrix, rows, columns)


def check_matrix(matrix, name: str = "matrix", *, ones: bool = True) -> np.ndarray:
    """A symmetric matrix of similarities in [0, 1] as float64, with ones on the diagonal."""
    matrix = check_table(matrix, name, dtype=np.float64)
    if matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"{name} must be square, got shape {matrix.shape}")
    wanted = {
        "have values in [0, 1]": (matrix < -_TOLERANCE) | (matrix > 1 + _TOLERANCE),
        "have ones on its diagonal": np.diag(ones * np.abs(np.diagonal(matrix) - 1) > _TOLERANCE),
        "be symmetric": np.abs(matrix - matrix.T) > _TOLERANCE,
    }
    for what, wrong in wanted.items():
        if wrong.any():
            i, j = np.argwhere(wrong)[0].tolist()
            back = f" and {matrix[j, i]} at [{j}, {i}]" if i != j else ""
            raise ValueError(f"{name} must {what}, got {matrix[i, j]} at [{i}, {j}]{back}")
    return np.clip(matrix, 0, 1)


def _rows_by_label(labels, n_rows: int) -> dict:
    if labels is None:
        return {i: i for i in range(n_rows)}
    names, codes = encode_labels(check_classes(labels, "labels"))
    if len(codes) != n_rows:
        raise ValueError(f"labels must be as many as the {n_rows} rows, got {len(codes)}")
    if len(names) != n_rows:
        repeated = [names[i] for i in np.flatnonzero(np.bincount(codes) > 1)]
        raise ValueError(f"labels must be distinct, got several of {repeated[:5]}")
    return {name: i for i, name in enumerate(names)}


def _rows(y, row_of: dict, name: str) -> np.ndarray:
    labels, codes = encode_labels(check_classes(y, name))
    unknown = [label for label in labels if label not in row_of]
    if unknown:
        raise ValueError(
            f"{name} has labels that the matrix of {len(row_of)} rows lacks: {unknown[:5]}; it "
            f"has, for example, {list(row_of)[:3]}"
        )
    return np.array([row_of[label] for label in labels], dtype=np.intp)[codes]
