"""Values of any unit: what a type of numbers holds, and units that rounding does not notice."""

from __future__ import annotations

import warnings

import numpy as np
from scipy.sparse import issparse

# X between these is computed with whatever comes of it, such as sums of squares in a type twice
# as wide; float32 holds 1e-38 to 1e38, float64 1e-308 to 1e308
_SIZES = {4: (1e-30, 1e30), 8: (1e-140, 1e140)}

#: The longest codes: longer ones than the rows of features that they stand for help no search.
MAX_BITS = 2**16


def power_of_two_unit(values):
    """The power of two next above all absolute values; 1 where all are 0.

    Dividing by it rounds nothing, and lets squares of the values neither overflow nor vanish.

    Parameters
    ----------
    values : ndarray or sparse matrix of float

    Returns
    -------
    unit : float

    Examples
    --------
    >>> import numpy as np
    >>> from skhash.utils._ranges import power_of_two_unit
    >>> power_of_two_unit(np.array([-5.0, 3.0]))
    8.0
    """
    lowest, highest = values.min(), values.max()
    return float(np.ldexp(1.0, np.frexp(float(max(abs(lowest), abs(highest))))[1]))


def check_unmasked(values, name: str = "X"):
    """Raise where numbers are masked, for numpy and scikit-learn drop the mask without a word.

    Parameters
    ----------
    values : array-like
    name : str, default="X"
        How the error message calls the argument.

    Raises
    ------
    ValueError
        If one is.
    """
    if isinstance(values, np.ma.MaskedArray) and np.ma.getmaskarray(values).any():
        raise ValueError(f"{name} must have a number in each place, got {values.mask.sum()} masked")


def check_holds(X, dtype):
    """Raise where X, which is finite, has values that are infinite in another type of numbers.

    Parameters
    ----------
    X : ndarray or sparse matrix
    dtype : dtype

    Raises
    ------
    ValueError
        It names the largest value.
    """
    dtype = np.dtype(dtype)
    if X.dtype.kind != "f" or X.dtype.itemsize <= dtype.itemsize or 0 in X.shape:
        return
    largest, size = float(np.finfo(dtype).max), max(abs(float(X.min())), abs(float(X.max())))
    if size > largest:
        raise ValueError(
            f"X must be within {largest:.3g}, the largest number of {dtype}, in which it is "
            f"computed, got values up to {size:.3g}"
        )


def check_training_range(X, dtype):
    """Check that training rows vary, and neither too much nor too little to compute with.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_samples, ...)
    dtype : dtype
        In which it is computed, float32 or float64.

    Raises
    ------
    ValueError
        If values are so large, or differ by so little, that sums of them overflow or vanish, or
        differ by nothing once they are rounded to `dtype`.

    Warns
    -----
    UserWarning
        If all rows are the same.
    """
    dtype = np.dtype(dtype)
    check_holds(X, dtype)
    if 0 in X.shape or X.shape[0] == 1:
        return
    lowest, highest = _of_columns(X, "min"), _of_columns(X, "max")
    if (lowest == highest).all():
        warnings.warn(
            "X is the same for all samples: so are their codes", UserWarning, stacklevel=5
        )
        return
    # in another type values keep their order
    lowest, highest = lowest.astype(dtype), highest.astype(dtype)
    least, most = _SIZES[dtype.itemsize]
    size = float(max(np.abs(lowest).max(), np.abs(highest).max()))
    if size > most:
        raise ValueError(
            f"X must be within {most:g}, for sums in {dtype} to be finite, got values up to "
            f"{size:.3g}: write X in a larger unit"
        )
    spread = float((highest - lowest).max())
    if spread < least:
        raise ValueError(
            f"X must vary by {least:g} or more in {dtype}, in which it is computed, got values up "
            f"to {size:.3g} that vary by {spread:.3g}: subtract the mean of each feature, and "
            "write X in a smaller unit"
        )


def _of_columns(X, name):
    found = getattr(X, name)(axis=0)
    return found.toarray() if issparse(found) else np.asarray(found)
