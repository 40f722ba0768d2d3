"""Real values whose signs do not depend on how a processor rounds, or on how many rows it takes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

# up to this many rows are computed in float64 at once: that costs little
FEW_ROWS = 64
# nearer to 0 than this many times the largest error found, a value's sign may be that of an error
_MARGIN = 16
#: beside the largest value of its row, what float64 may leave of a sum that is 0
NOTHING = 1e-10
_BLOCK_ROWS = 1024
_LARGEST = np.finfo(np.float32).max


def settled_values(compute: Callable, n_samples: int, dtype) -> np.ndarray:
    """Real values of bits, with signs as exact arithmetic has them.

    Matrix products of other heights, and on other processors, sum in another order, so that a value
    near 0 may come out on either side. Here the sign is that of the value in float64: all values
    are computed in `dtype`, and the rows nearest to 0 once more in float64; the errors found there
    decide how near to 0 a row must be for that. What float64 cannot tell from 0 is 0.

    Parameters
    ----------
    compute : callable
        Called with rows (None for all, or an integer array) and a dtype, float32 or float64;
        returns values of shape (n_rows, n_bits), computed in that type.
    n_samples : int
    dtype : dtype
        In which most rows are computed.

    Returns
    -------
    values : ndarray of shape (n_samples, n_bits), dtype float32

    Examples
    --------
    >>> import numpy as np
    >>> from skhash.utils._rounding import settled_values
    >>> def compute(rows, dtype):
    ...     return np.array([[0.1 + 0.2 - 0.3, 1.0], [-0.5, 2.0]], dtype)
    >>> settled_values(compute, 2, np.float32)
    array([[ 0. ,  1. ],
           [-0.5,  2. ]], dtype=float32)
    """
    if n_samples <= FEW_ROWS or np.dtype(dtype) == np.float64:
        return _without_rounding(compute(None, np.float64))
    values = np.array(compute(None, dtype), dtype=np.float32, copy=None)
    if values.shape[1] == 0:
        return values
    nearness = _nearness(values)
    rows = np.argpartition(nearness, FEW_ROWS)[:FEW_ROWS]
    bound = 0.0
    while len(rows):
        exact = compute(rows, np.float64)
        largest = np.abs(exact).max(axis=1)
        # a row of zeros has no scale, and nothing to compare its errors with; one that overflows
        # in `dtype` does not say how those that do not are rounded
        scaled = (largest > 0) & np.isfinite(values[rows]).all(axis=1) & np.isfinite(largest)
        error = np.abs(values[rows][scaled] - exact[scaled]).max(axis=1, initial=0)
        bound = max(bound, _MARGIN * (error / largest[scaled]).max(initial=0))
        values[rows] = _without_rounding(exact)
        nearness[rows] = np.inf
        rows = np.flatnonzero(nearness <= bound)
    return values


def _nearness(values):
    """Least absolute value of each row, as a share of the largest."""
    # a bit that is 0 for all rows has nothing to decide
    live = values.any(axis=0)
    values = values if live.all() or not live.any() else values[:, live]
    nearness = np.empty(len(values), np.float32)
    for start in range(0, len(values), _BLOCK_ROWS):
        # one column after the other: a row is too short for a loop of its own
        block = np.abs(values[start : start + _BLOCK_ROWS].T, order="C")
        least, largest = block.min(axis=0), block.max(axis=0)
        share = least / np.where(largest > 0, largest, 1)
        # what overflows may have any sign
        nearness[start : start + _BLOCK_ROWS] = np.where(np.isfinite(largest), share, 0)
    return nearness


def _without_rounding(values):
    """Values of float64 as finite float32, and 0 where they cannot be told from it."""
    values = np.asarray(values)
    size = np.abs(values)
    nothing = size <= NOTHING * size.max(axis=1, initial=0, keepdims=True)
    held = np.where(np.isfinite(values), values.clip(-_LARGEST, _LARGEST), values)
    return np.where(nothing, 0, held).astype(np.float32)
