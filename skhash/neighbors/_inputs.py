"""What `HammingNeighbors` is given, as packed codes."""

from __future__ import annotations

import numpy as np
from sklearn.utils.validation import validate_data

from skhash.utils._packing import PackedCodes, check_codes, check_packed


def packed_codes(estimator, X, n_bits: int | None, *, reset: bool) -> tuple[np.ndarray, int]:
    """Codes, real values to binarise, or packed codes, as bytes and their number of bits.

    Packed codes are not copied.

    Sets `n_features_in_` of the estimator, the number of bits, under ``reset=True``.
    """
    if _is_packed(X, n_bits):
        packed, n_bits = check_packed(X, n_bits, "X")
        _check_spare_bits(packed, n_bits)
        if len(packed) == 0:
            raise ValueError(f"X must have at least one sample, got shape {packed.shape}")
        if reset:
            vars(estimator).pop("feature_names_in_", None)
            estimator.n_features_in_ = n_bits
        return np.ascontiguousarray(packed), n_bits
    X = validate_data(estimator, X, reset=reset)
    if n_bits is not None and X.shape[1] != n_bits:
        raise ValueError(
            f"X must have {n_bits} columns of bits, or {-(-n_bits // 8)} of bytes (uint8), got "
            f"{X.dtype} of shape {X.shape}"
        )
    bits = check_codes(X, "X") if estimator.binarize is None else estimator.binarize < X
    return np.packbits(bits, axis=1), X.shape[1]


def real_values(estimator, X) -> np.ndarray:
    """Values of queries whose bits are 1 above zero.

    Raises
    ------
    ValueError
        If X holds codes, which say nothing more than their Hamming distances.
    """
    X = validate_data(estimator, X, reset=False) if not isinstance(X, PackedCodes) else X.data
    if X.dtype.kind != "f":
        raise ValueError(
            "rerank sorts by the real values of the queries, or by vectors=...; X holds "
            f"{X.dtype}; values are what decision_function of a hasher returns"
        )
    values = X if X.dtype == np.float32 else X.astype(np.float64, copy=False)
    return values - estimator.binarize if estimator.binarize else values


def _is_packed(X, n_bits):
    if isinstance(X, PackedCodes):
        return True
    if n_bits is None or not isinstance(X, np.ndarray) or X.dtype != np.uint8 or X.ndim != 2:
        return False
    if n_bits == 1 and X.shape[1] == 1:
        # a bit of 1 is 128 in a byte, and either is 0 where the other is
        return bool((X == 128).any())
    return X.shape[1] == -(-n_bits // 8) != n_bits


def _check_spare_bits(packed, n_bits):
    spare = -n_bits % 8
    if spare and (packed[:, -1] & (2**spare - 1)).any():
        raise ValueError(
            f"X must be padded with zeros: codes of {n_bits} bits leave {spare} bits of the last "
            "byte, which count as differing where they differ"
        )
