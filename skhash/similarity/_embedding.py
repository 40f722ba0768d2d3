"""Rows of real numbers are similar when they are near."""

from __future__ import annotations

from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.utils import check_array


class EmbeddingSimilarity(BaseEstimator):
    r"""Similarity of labels that are vectors, such as sentence embeddings.

    Hashers and metrics compare a batch or a block of rows at a time: no full n x n matrix is ever
    made, so each of hundreds of thousands of rows may have a vector of its own.

    Parameters
    ----------
    metric : {"cosine", "euclidean"}, default="cosine"
        What distance between vectors means: the angle, or the difference.
    floor : float in [-1, 1), default=0.0
        The cosine at and below which vectors have nothing in common. Unrelated sentences have
        cosines around 0 under the usual encoders, so 0 keeps the whole range of similarity for
        related ones; -1 gives ``(1 + cos) / 2``, where unrelated vectors have similarity one half.
        Used by ``metric="cosine"`` only.
    temperature : float or None, default=None
        How fast similarity falls with distance.

        - Cosine: between 0 at the floor and 1 at a cosine of 1, similarity is linear in ``exp(cos /
          temperature)``. The lower the temperature, the more of the range is reserved for very
          similar vectors; None is linear in the cosine itself, the limit of high temperatures.
        - Euclidean: ``exp(-distance / temperature)``, the temperature in units of y; None is 1.

    See Also
    --------
    SentenceSimilarity : The same for texts, given an encoder.

    Notes
    -----
    With :math:`f` the floor and :math:`T` the temperature, the similarity of vectors of cosine
    :math:`c \ge f` is :math:`(e^{c/T} - e^{f/T}) / (e^{1/T} - e^{f/T})`, and
    :math:`(c - f) / (1 - f)` without a temperature.

    The defaults are measured: of the calibrations tried on captions of pictures and their
    embeddings by a sentence-transformers model, none made better codes than the cosine cut at 0
    (``benchmarks/captions.py``). An encoder whose unrelated vectors have high cosines needs a
    floor.

    A vector of zeros has no direction: its cosine similarity is 1 with another vector of
    zeros, which is equal to it, and 0 with any other.

    Examples
    --------
    >>> from skhash.similarity import EmbeddingSimilarity
    >>> y = [[2, 0], [1, 1], [-1, 0]]
    >>> EmbeddingSimilarity()([[1, 0]], y).round(3)
    array([[1.   , 0.707, 0.   ]])
    >>> EmbeddingSimilarity(temperature=0.3)([[1, 0]], y).round(3)
    array([[1.   , 0.354, 0.   ]])
    >>> EmbeddingSimilarity("euclidean", temperature=2.0)([[0.0]], [[0.0], [2.0]]).round(3)
    array([[1.   , 0.368]])
    """

    def __init__(self, metric="cosine", *, floor=0.0, temperature=None):
        self.metric = metric
        self.floor = floor
        self.temperature = temperature

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
        return self.compare(self.prepare(y_a, "y_a"), self.prepare(y_b, "y_b"))

    def prepare(self, y, name: str = "y") -> np.ndarray:
        """Check vectors and do what is needed once for each, however often it is compared.

        Parameters
        ----------
        y : array-like of shape (n_samples, n_features)
            Vectors.
        name : str, default="y"
            Name of the argument in error messages.

        Returns
        -------
        prepared : ndarray of shape (n_samples, n_columns), float32 or float64
            For `compare`, which takes any rows of it.

        Raises
        ------
        ValueError
            As calling the target does.
        """
        self._check_params()
        y = _check_vectors(y, name)
        return _unit_rows(y) if self.metric == "cosine" else y

    def compare(self, prepared_a, prepared_b) -> np.ndarray:
        """Similarities of vectors that `prepare` returned.

        Parameters
        ----------
        prepared_a : ndarray of shape (n_a, n_columns)
        prepared_b : ndarray of shape (n_b, n_columns)

        Returns
        -------
        values : ndarray of shape (n_a, n_b), dtype float64

        Raises
        ------
        ValueError
            If the vectors are not of equal width.
        """
        if len(prepared_a) == 0 or len(prepared_b) == 0:
            return np.zeros((len(prepared_a), len(prepared_b)))
        width_a, width_b = prepared_a.shape[1], prepared_b.shape[1]
        if width_a != width_b:
            extra = int(self.metric == "cosine")
            raise ValueError(
                "y_a and y_b must be vectors of the same space, "
                f"got {width_a - extra} and {width_b - extra} features"
            )
        if self.metric == "cosine":
            return _cosine_similarity(prepared_a, prepared_b, self.floor, self.temperature)
        return _euclidean_similarity(prepared_a, prepared_b, self.temperature or 1.0)

    def _check_params(self) -> None:
        if self.metric not in ("cosine", "euclidean"):
            raise ValueError(f"metric must be 'cosine' or 'euclidean', got {self.metric!r}")
        check_calibration(self.floor, self.temperature)


def check_calibration(floor, temperature) -> None:
    """Refuse a floor or a temperature out of its range."""
    if not (isinstance(floor, Real) and -1 <= float(floor) < 1):
        raise ValueError(f"floor must be a number in [-1, 1), got {floor!r}")
    if temperature is None:
        return
    if not (isinstance(temperature, Real) and 0 < float(temperature) < np.inf):
        raise ValueError(f"temperature must be a positive number or None, got {temperature!r}")


def _check_vectors(y, name: str) -> np.ndarray:
    y = np.asarray(y) if isinstance(y, list) else y
    if getattr(y, "ndim", 2) == 1:
        raise ValueError(
            f"{name} must be vectors of shape (n_samples, n_features), got one dimension; pass one "
            "number per sample as a column of shape (n_samples, 1)"
        )
    # a float16 product would overflow and round too much
    dtype = np.float32 if getattr(y, "dtype", None) == np.float16 else [np.float64, np.float32]
    return check_array(y, dtype=dtype, input_name=name, ensure_min_samples=0)


def _unit_rows(y: np.ndarray) -> np.ndarray:
    """Rows scaled to length 1, and a column that is 1 for rows of zeros and 0 for the others.

    The product of two rows is then their cosine, which is 1 of two rows of zeros.
    """
    unit = np.zeros((len(y), y.shape[1] + 1), dtype=y.dtype)
    # scaling by the largest entry first keeps the squares of huge or tiny rows in range
    largest = np.maximum(y.max(axis=1, keepdims=True), -y.min(axis=1, keepdims=True))
    zero = largest[:, 0] == 0
    largest[zero] = 1
    np.divide(y, largest, out=unit[:, :-1])
    unit[zero, -1] = 1
    unit /= np.sqrt(np.einsum("ij,ij->i", unit, unit))[:, None]
    return unit


def _cosine_similarity(unit_a, unit_b, floor: float, temperature: float | None) -> np.ndarray:
    values = (unit_a @ unit_b.T).astype(np.float64, copy=False)
    np.clip(values, floor, 1, out=values)
    # from here on the share of the way down from a cosine of 1 to the floor
    values -= 1
    if temperature is None:
        values /= floor - 1
    else:
        values /= temperature
        np.expm1(values, out=values)
        values /= np.expm1((floor - 1) / temperature)
    np.subtract(1, values, out=values)
    if floor < 0:
        # rows of zeros are at right angles to the others, which is above the floor
        zero_a, zero_b = unit_a[:, -1] == 1, unit_b[:, -1] == 1
        values[zero_a[:, None] != zero_b] = 0
    return values


def _euclidean_similarity(y_a: np.ndarray, y_b: np.ndarray, temperature: float) -> np.ndarray:
    # distances do not depend on the origin, but their rounding does
    center = y_b.mean(axis=0)
    values = euclidean_distances(y_a - center, y_b - center).astype(np.float64, copy=False)
    values /= -temperature
    return np.exp(values, out=values)
