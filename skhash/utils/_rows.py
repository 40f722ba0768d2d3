"""Recognise rows of X later, without keeping X."""

from __future__ import annotations

import math

import numpy as np
from scipy.sparse import issparse
from scipy.spatial import cKDTree

N_KEYS = 4

# how many units in the last place two computations of one row may differ by: those of a
# projection over one batch or another do by a few, and rows that differ do by far more
_ROUNDING = 2**10

_BLOCK_NUMBERS = 2**22


def row_keys(X) -> np.ndarray:
    """Four numbers that identify each row: random projections.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_samples, ...)
        The rows; images count as rows of their numbers.

    Returns
    -------
    keys : ndarray of shape (n_samples, 4)
        In the precision of X: float32 where X has it, else float64.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash.utils._rows import row_keys
    >>> X = np.arange(6.0).reshape(3, 2)
    >>> bool(np.all(row_keys(X)[1:] == row_keys(X[1:])))
    True
    """
    n_features = math.prod(X.shape[1:])
    # the only generator of NumPy whose numbers never change
    directions = np.random.RandomState(0).standard_normal((n_features, N_KEYS))
    dtype = np.float32 if X.dtype == np.float32 else np.float64
    if issparse(X):
        return (X.astype(np.float64) @ directions).astype(dtype)
    keys = np.empty((len(X), N_KEYS), dtype=dtype)
    step = max(1, _BLOCK_NUMBERS // n_features)
    for start in range(0, len(keys), step):
        block = X[start : start + step]
        keys[start : start + step] = block.reshape(len(block), n_features) @ directions
    return keys


def find_rows(keys: np.ndarray, among: np.ndarray, groups=None, among_groups=None) -> np.ndarray:
    """Position of each row among others, -1 where it is not there.

    Rows are the same where they agree up to a thousand units in the last place of the coarser
    precision of the two. So rows of float32 that differ by less than a ten thousandth of their
    length, as on a large offset, count as the same.

    Parameters
    ----------
    keys, among : ndarray of shape (n_samples, 4) and (n_others, 4)
        What `row_keys` returns.
    groups, among_groups : ndarray of shape (n_samples,) and (n_others,), dtype int, default=None
        Only rows of one group are the same; None where there is only one.

    Returns
    -------
    places : ndarray of shape (n_samples,), dtype intp

    Examples
    --------
    >>> import numpy as np
    >>> from skhash.utils._rows import find_rows, row_keys
    >>> X = np.arange(6.0).reshape(3, 2)
    >>> find_rows(row_keys(X[[2, 0]]), row_keys(X[1:]))
    array([ 1, -1])
    """
    eps = max(np.finfo(keys.dtype).eps, np.finfo(among.dtype).eps)
    keys, among = keys.astype(np.float64), among.astype(np.float64)
    if groups is not None:
        # groups lie farther apart than any two rows of one group
        apart = 4 * max(np.linalg.norm(keys, axis=1).max(), np.linalg.norm(among, axis=1).max()) + 1
        keys, among = np.c_[keys, groups * apart], np.c_[among, among_groups * apart]
    distances, places = cKDTree(among).query(keys)
    tolerance = _ROUNDING * eps * np.linalg.norm(keys[:, :N_KEYS], axis=1)
    return np.where(distances <= tolerance, places, -1)
