"""Two bytes an item beside its code, that correct asymmetric distances."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.utils import check_array

_LEVELS = 255


class AsymmetricFactors(NamedTuple):
    """What `asymmetric_factors` keeps of each item, for `asymmetric_distances`.

    Parameters
    ----------
    data : ndarray of shape (n_samples, 2), dtype uint8
        The scale of the code of each item, and its squared distance to the mean, as steps above
        the lowest of all items.
    low, step : ndarray of shape (2,)
        The lowest of each, and the size of a step.

    See Also
    --------
    asymmetric_factors : Makes them.
    """

    data: np.ndarray
    low: np.ndarray
    step: np.ndarray

    def decode(self, rows=slice(None)) -> tuple[np.ndarray, np.ndarray]:
        """Scales and squared distances to the mean of the items in `rows`."""
        data = self.data[rows]
        return tuple(low + step * data[..., i] for i, (low, step) in enumerate(zip(*self[1:])))


def asymmetric_factors(values, squared_distances=None) -> AsymmetricFactors:
    r"""Two bytes an item, with which asymmetric distances estimate those of the vectors.

    A code says in which directions of the mean an item lies, and nothing of how far it is or of
    how well its signs describe it. With :math:`v` the values of an item, :math:`b = \pm 1` its bits
    and :math:`r` its distance to the mean, these are kept, each as one of 256 steps:

    .. math:: a = \frac{\|v\|^2}{\|v\|_1}, \qquad r^2

    The squared Euclidean distance to a query with values q is then estimated by
    :math:`r^2 - 2 a\, q \cdot b + \|q\|^2`: the estimate of RaBitQ, which is unbiased over random
    rotations [1]_. It is exact for items that are multiples of their signs.

    Parameters
    ----------
    values : array-like of shape (n_samples, n_bits)
        Real values of the bits of the items, their projections on orthonormal directions: the
        ``decision_function`` of `~skhash.ITQHasher` or `~skhash.PCAHasher`.
    squared_distances : array-like of shape (n_samples,), default=None
        Squared Euclidean distances of the items to the mean, ``hasher.mean_``. None takes those of
        the values, which they are where there are as many bits as features; with fewer bits they
        are too small, and rank worse.

    Returns
    -------
    factors : AsymmetricFactors
        For the items in this order; pass it to `asymmetric_distances` or `asymmetric_rerank`.

    Raises
    ------
    ValueError
        If the values are not finite, or `squared_distances` does not go with them.

    See Also
    --------
    asymmetric_distances : Takes them.

    Notes
    -----
    Whether two bytes are better spent on these factors or on 16 more bits depends on the length:
    on sentence embeddings bits are better up to 16 bytes an item, and factors from 32 bytes on.
    Where all items are as far from the mean, as vectors of length 1 around a mean of 0 are, factors
    bring next to nothing: measure. :doc:`/guide/embeddings` has the table.

    References
    ----------
    .. [1] J. Gao and C. Long, "RaBitQ: quantizing high-dimensional vectors with a theoretical error
       bound for approximate nearest neighbor search", SIGMOD 2024, equations 2 and 20.

    Examples
    --------
    >>> from skhash.neighbors import asymmetric_distances, asymmetric_factors
    >>> items = [[2.0, -2.0], [1.0, 1.0]]
    >>> factors = asymmetric_factors(items)
    >>> factors.data.nbytes
    4
    >>> asymmetric_distances([[2.0, 0.0]], [[1, 0], [1, 1]], factors=factors)
    array([[4., 2.]])
    """
    values = check_array(values, dtype=[np.float64, np.float32], input_name="values")
    squares = np.square(values, dtype=np.float64).sum(axis=1)
    sizes = np.abs(values).sum(axis=1, dtype=np.float64)
    scales = np.divide(squares, sizes, out=np.zeros_like(squares), where=sizes > 0)
    if squared_distances is not None:
        squares = check_array(
            squared_distances, dtype=np.float64, ensure_2d=False, input_name="squared_distances"
        )
        if squares.shape != scales.shape or squares.min() < 0:
            raise ValueError(
                f"squared_distances must hold {len(scales)} numbers of 0 or more, one for each row "
                f"of values, got shape {squares.shape} with least {squares.min()}"
            )
    found = np.column_stack([scales, squares])
    low = found.min(axis=0)
    step = (found.max(axis=0) - low) / _LEVELS
    steps = np.divide(found - low, step, out=np.zeros_like(found), where=step > 0)
    return AsymmetricFactors(steps.round().astype(np.uint8), low, step)


def check_factors(factors, n_rows):
    """Raise unless these are factors of so many rows."""
    if not isinstance(factors, AsymmetricFactors):
        raise TypeError(
            f"factors must be what asymmetric_factors returns, got {type(factors).__name__}"
        )
    if len(factors.data) != n_rows:
        raise ValueError(f"factors are of {len(factors.data)} items, but codes has {n_rows}")


def corrected(products, values, scales, squares):
    """Estimated squared distances, from the inner products of values with bits of 0 and 1.

    Scales and squares go with the columns of the products, or with each of them.
    """
    # with bits of -1 and 1
    products = 2 * products - values.sum(axis=1, keepdims=True)
    squares = squares + np.square(values).sum(axis=1, keepdims=True)
    return (squares - 2 * scales * products).astype(values.dtype)
