"""Images as X: what hashers accept, and what they say of the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array, check_X_y

from skhash.utils._labels import label_array
from skhash.utils._ranges import check_unmasked


def holds_images(X) -> bool:
    """Whether X has more than two dimensions, as images have."""
    if issparse(X):
        return False
    if isinstance(X, list | tuple):
        try:
            return np.ndim(X) > 2
        except ValueError:  # rows of several lengths, which validation complains of
            return False
    return getattr(X, "ndim", 2) > 2


def validate_images(estimator, X, y, **options) -> Any:
    """Check images, and labels where they come with them.

    Parameters
    ----------
    estimator : hasher
        Named in errors.
    X : array-like of shape (n_samples, height, width, n_channels), uint8 or float
    y : array-like, None, or "no_validation"
    **options
        For `sklearn.utils.check_array`.

    Returns
    -------
    X : ndarray, or (X, y)
        uint8 stays uint8, float32 and float64 stay as they are.

    Raises
    ------
    ValueError
        If X holds anything else, or y is missing.
    """
    name = type(estimator).__name__
    # a list has no type of its own, and scikit-learn would take real numbers for it
    check_unmasked(X)
    X = np.asarray(X)
    kind, shape = X.dtype, X.shape
    if not (kind == np.uint8 or kind.kind == "f"):
        raise ValueError(f"X must hold images of uint8 or of real numbers, got {kind}")
    if len(shape) != 4:
        hint = ": write grey images as X[..., np.newaxis]" if len(shape) == 3 else ""
        raise ValueError(
            "X must hold rows of features, (n_samples, n_features), or images, (n_samples, "
            f"height, width, n_channels), got an array of shape {shape}{hint}"
        )
    if shape[1] in (1, 3) and shape[3] > 4:
        raise ValueError(
            f"X must hold images with their channels last, got shape {shape}, whose channels seem "
            "to come first: write X.transpose(0, 2, 3, 1)"
        )
    options = {
        "dtype": [np.float32, np.float64, np.uint8],
        "order": "C",
        "allow_nd": True,
        "estimator": estimator,
        **options,
    }
    if isinstance(y, str) and y == "no_validation":
        options.pop("multi_output", None)
        return check_array(X, input_name="X", **options)
    if y is None:
        raise ValueError(f"{name} requires y to be passed, but the target y is None")
    return check_X_y(X, label_array(y), **options)
