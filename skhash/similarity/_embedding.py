"""Rows of real numbers are similar when they are near."""

from __future__ import annotations

from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.utils import check_array


class EmbeddingSimilarity(BaseEstimator):
    """Similarity of targets that are vectors, such as sentence embeddings.

    Parameters
    ----------
    metric : {"cosine", "euclidean"}, default="cosine"
        - ``"cosine"``: ``max(0, (cos - floor) / (1 - floor))``;
        - ``"euclidean"``: ``exp(-distance / scale)``.
    floor : float in [-1, 1), default=0.0
        The cosine at and below which vectors have nothing in common. Unrelated sentences
        have cosines around 0 under the usual encoders, so that 0 keeps the whole range of
        similarity for what is related; -1 gives ``(1 + cos) / 2``, where unrelated vectors
        have similarity one half. Used by ``metric="cosine"`` only.
    scale : float, default=1.0
        The distance, in units of y, at which similarity has dropped to 1/e. Used by
        ``metric="euclidean"`` only.

    Notes
    -----
    A vector of zeros has no direction: its cosine similarity is 1 with another vector of
    zeros, which is equal to it, and 0 with any other.

    Examples
    --------
    >>> from skhash.similarity import EmbeddingSimilarity
    >>> EmbeddingSimilarity()([[1, 0]], [[2, 0], [1, 1], [-1, 0]]).round(3)
    array([[1.   , 0.707, 0.   ]])
    >>> EmbeddingSimilarity("euclidean", scale=2.0)([[0.0]], [[0.0], [2.0]]).round(3)
    array([[1.   , 0.368]])
    """

    def __init__(self, metric="cosine", *, floor=0.0, scale=1.0):
        self.metric = metric
        self.floor = floor
        self.scale = scale

    def __call__(self, y_a, y_b) -> np.ndarray:
        """Similarities of vectors.

        Parameters
        ----------
        y_a : array-like of shape (n_a, n_features)
            Vectors.
        y_b : array-like of shape (n_b, n_features)
            Vectors of the same space.

        Returns
        -------
        values : ndarray of shape (n_a, n_b), dtype float64
            Similarities in [0, 1].

        Raises
        ------
        ValueError
            If a parameter is out of its range, or the vectors are not finite numbers of
            equal width.
        """
        self._check_params()
        y_a, y_b = _check_vectors(y_a, "y_a"), _check_vectors(y_b, "y_b")
        if y_a.shape[1] != y_b.shape[1]:
            raise ValueError(
                "y_a and y_b must be vectors of the same space, "
                f"got {y_a.shape[1]} and {y_b.shape[1]} features."
            )
        if len(y_a) == 0 or len(y_b) == 0:
            return np.zeros((len(y_a), len(y_b)))
        if self.metric == "cosine":
            return _cosine_similarity(y_a, y_b, self.floor)
        return _euclidean_similarity(y_a, y_b, self.scale)

    def _check_params(self) -> None:
        if self.metric not in ("cosine", "euclidean"):
            raise ValueError(f"metric must be 'cosine' or 'euclidean', got {self.metric!r}.")
        if not (isinstance(self.floor, Real) and -1 <= float(self.floor) < 1):
            raise ValueError(f"floor must be a number in [-1, 1), got {self.floor!r}.")
        if not (isinstance(self.scale, Real) and 0 < float(self.scale) < np.inf):
            raise ValueError(f"scale must be a positive number, got {self.scale!r}.")


def _check_vectors(y, name: str) -> np.ndarray:
    y = np.asarray(y) if isinstance(y, list) else y
    if getattr(y, "ndim", 2) == 1:
        raise ValueError(
            f"{name} must be vectors of shape (n_samples, n_features), got one dimension; "
            "pass one number a sample as a column of shape (n_samples, 1)."
        )
    # a float16 product would overflow and round too much
    dtype = np.float32 if getattr(y, "dtype", None) == np.float16 else [np.float64, np.float32]
    return check_array(y, dtype=dtype, input_name=name, ensure_min_samples=0)


def _cosine_similarity(y_a: np.ndarray, y_b: np.ndarray, floor: float) -> np.ndarray:
    unit_a, zero_a = _unit_rows(y_a)
    unit_b, zero_b = _unit_rows(y_b)
    values = (unit_a @ unit_b.T).astype(np.float64, copy=False)
    values -= floor
    values /= 1 - floor
    np.clip(values, 0, 1, out=values)
    if zero_a.any() or zero_b.any():
        values[zero_a] = 0
        values[:, zero_b] = 0
        values[np.ix_(zero_a, zero_b)] = 1
    return values


def _unit_rows(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows scaled to length 1, and which rows are zero."""
    # scaling by the largest entry first keeps the squares of huge or tiny rows in range
    largest = np.abs(y).max(axis=1, keepdims=True)
    zero = largest[:, 0] == 0
    largest[zero] = 1
    y = y / largest
    norms = np.linalg.norm(y, axis=1, keepdims=True)
    norms[zero] = 1
    return y / norms, zero


def _euclidean_similarity(y_a: np.ndarray, y_b: np.ndarray, scale: float) -> np.ndarray:
    # distances do not depend on the origin, but their rounding does
    center = y_b.mean(axis=0)
    values = euclidean_distances(y_a - center, y_b - center).astype(np.float64, copy=False)
    values /= -scale
    return np.exp(values, out=values)
