"""The forms of X: images in one array, or one by one."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import numpy as np
from scipy.sparse import issparse

_CHANNELS = (1, 3, 4)


def check_images(X, *, must_exist: bool) -> np.ndarray | list:
    """Images as an array or as a list, checked as far as possible without decoding.

    Parameters
    ----------
    X : array-like of images
        See `ImageFeatures`.
    must_exist : bool
        Whether a path without a file is an error: better now than after an hour of work.

    Returns
    -------
    images : ndarray of shape (n, height, width) or (n, height, width, channels), or list
        Can be sliced; an array is not copied.

    Raises
    ------
    TypeError, ValueError
        If X is not a collection of images, or a member is not an image, naming it.
    """
    if isinstance(X, (str, bytes, os.PathLike, dict)) or is_pil(X) or issparse(X):
        raise TypeError(
            "X must hold images, one per row: an array, or a list of arrays, paths and PIL images; "
            f"got a single {type(X).__name__}"
        )
    if not isinstance(X, (list, tuple)):
        if not hasattr(X, "__len__") and not hasattr(X, "__array__"):
            raise TypeError(f"X must be an array or a list of images, got {type(X).__name__}")
        X = np.asarray(X)
        if X.dtype.kind not in "OUT":
            _check_stack(X)
            return X
        if X.ndim != 1:
            raise ValueError(
                f"X must have one path or image per row, in one dimension, got shape {X.shape}"
            )
    images = list(X)
    if not images:
        raise ValueError("X must hold at least one image, got 0")
    for row, image in enumerate(images):
        _check_item(row, image, must_exist)
    return images


def is_pil(value) -> bool:
    """Whether a value is a PIL image; there is none while Pillow has not been imported."""
    pillow = sys.modules.get("PIL.Image")
    return pillow is not None and isinstance(value, pillow.Image)


def describe(row: int, image) -> str:
    """How messages call an image: by its row, and by its path where it has one."""
    path = image if isinstance(image, (str, os.PathLike)) else getattr(image, "filename", None)
    return f"X[{row}] ({os.fspath(path)!r})" if path else f"X[{row}]"


def _check_stack(images: np.ndarray) -> None:
    shape = images.shape
    wanted = "X must have shape (n, height, width, channels) or, where grey, (n, height, width)"
    if images.ndim not in (3, 4):
        raise ValueError(f"{wanted}; got shape {shape}")
    if images.ndim == 3 and shape[-1] in _CHANNELS[1:]:
        raise ValueError(f"{wanted}; shape {shape} looks like one image: pass X[None]")
    if 0 in shape:
        raise ValueError(f"X must hold at least one image, and no empty ones; got shape {shape}")
    _check_pixels("X", images, shape[1:])


def _check_item(row: int, image, must_exist: bool) -> None:
    if isinstance(image, np.ndarray):
        name = f"X[{row}]"
        if image.ndim not in (2, 3) or 0 in image.shape:
            raise ValueError(
                f"{name} must have shape (height, width) or (height, width, channels), got "
                f"{image.shape}"
            )
        _check_pixels(name, image, image.shape)
    elif isinstance(image, (str, os.PathLike)):
        if must_exist and not os.path.isfile(image):
            raise ValueError(f"{describe(row, image)} is not a file")
    elif not is_pil(image):
        raise TypeError(
            "X must hold arrays, paths (str or pathlib.Path) or PIL images, got "
            f"{type(image).__name__} in X[{row}]"
        )


def _check_pixels(name: str, images: np.ndarray, shape: Sequence[int]) -> None:
    """Check channels and dtype; `shape` is that of one image."""
    if len(shape) == 3 and shape[-1] not in _CHANNELS:
        hint = "; move the channels last: np.moveaxis(X, 1, -1)" if shape[0] in _CHANNELS else ""
        raise ValueError(
            f"{name} must have 1, 3 or 4 channels in its last axis, got shape {images.shape}{hint}"
        )
    if images.dtype != np.uint8 and images.dtype.kind != "f":
        raise ValueError(
            f"{name} must be of dtype uint8, or floats in [0, 1], got {images.dtype}; convert "
            "values from 0 to 255 by astype('uint8'); divide those of 16 bits by 65535"
        )
