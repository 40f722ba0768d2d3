"""Checks that every codebook shares."""

from __future__ import annotations

from numbers import Integral

import numpy as np

from skhash.similarity._precomputed import check_matrix
from skhash.utils._arrays import as_array
from skhash.utils._ranges import MAX_BITS


def check_size(n_classes, n_bits) -> tuple[int, int]:
    """The numbers of classes and bits as ints, where as many distinct codes exist."""
    for name, value in (("n_classes", n_classes), ("n_bits", n_bits)):
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise TypeError(f"{name} must be an int, got {value!r}")
        if value < 1:
            raise ValueError(f"{name} must be 1 or more, got {value}")
    n_classes, n_bits = int(n_classes), int(n_bits)
    if n_bits > MAX_BITS:
        raise ValueError(f"n_bits must be at most {MAX_BITS}, got {n_bits}")
    if 2**n_bits < n_classes:
        raise ValueError(
            f"n_bits={n_bits} gives {2**n_bits} codes, too few for {n_classes} classes; "
            f"{(n_classes - 1).bit_length()} bits or more are needed"
        )
    return n_classes, n_bits


def check_codebook(codebook, n_classes: int | None = None, n_bits: int | None = None) -> np.ndarray:
    """A codebook as bits of uint8; without the sizes, of any shape."""
    values = as_array(codebook, "codebook")
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(
            f"codebook must be an array of shape (n_classes, n_bits), got shape {values.shape}"
        )
    if values.dtype.kind not in "biuf":
        raise ValueError(f"codebook must hold bits, got an array of dtype {values.dtype}")
    wanted = tuple(
        given if given is not None else size
        for given, size in zip((n_classes, n_bits), values.shape)
    )
    if values.shape != wanted:
        raise ValueError(
            f"codebook must have shape {wanted} (n_classes, n_bits), got {values.shape}"
        )
    if not (_holds_only(values, 0, 1) or _holds_only(values, -1, 1)):
        offence = values[~np.isin(values, (-1, 0, 1))]
        raise ValueError(
            "codebook must hold bits, either 0 and 1 or -1 and 1, "
            + (f"got {offence[0]}" if len(offence) else "got -1, 0 and 1 mixed")
        )
    bits = (values > 0).astype(np.uint8)
    _, first, inverse = np.unique(bits, axis=0, return_index=True, return_inverse=True)
    repeats = np.flatnonzero(first[inverse.ravel()] != np.arange(len(bits)))
    if len(repeats):
        row = repeats[0]
        raise ValueError(
            "codebook must have a different code for each class, "
            f"got the same in rows {first[inverse.ravel()[row]]} and {row}"
        )
    return bits


def check_similarity_matrix(similarity, n_classes: int | None = None) -> np.ndarray:
    """A symmetric matrix of similarities in [0, 1] as float64, of n_classes rows if given."""
    if callable(similarity):
        raise ValueError(
            "similarity must be a matrix of numbers, such as class_similarity returns, got the "
            f"target {similarity!r}"
        )
    values = check_matrix(similarity, "similarity", ones=False)
    if n_classes not in (None, len(values)):
        raise ValueError(
            f"similarity must have shape ({n_classes}, {n_classes}), got {values.shape}"
        )
    return (values + values.T) / 2


def _holds_only(values: np.ndarray, low: int, high: int) -> bool:
    return bool(((values == low) | (values == high)).all())
