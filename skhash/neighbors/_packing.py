"""Eight bits to the byte, so that Hamming distances are popcounts."""

from __future__ import annotations

import numpy as np

_WORD_BYTES = 8


def pack_codes(codes) -> np.ndarray:
    """Pack binary codes into bytes.

    Parameters
    ----------
    codes : array-like of shape (n_samples, n_bits)
        Bits, 0 or 1, of boolean, integer or floating type.

    Returns
    -------
    packed : ndarray of shape (n_samples, ceil(n_bits / 8)), dtype uint8
        The first bit is the highest of the first byte, as in `numpy.packbits`; the last byte is
        filled up with zeros, which no Hamming distance notices.

    Raises
    ------
    ValueError
        If codes is not a table of zeros and ones.

    Examples
    --------
    >>> from skhash.neighbors import pack_codes
    >>> pack_codes([[1, 0, 0, 0, 0, 0, 0, 1, 1]])
    array([[129, 128]], dtype=uint8)
    """
    return np.packbits(check_codes(codes), axis=1)


def unpack_codes(packed, n_bits: int) -> np.ndarray:
    """Undo `pack_codes`.

    Parameters
    ----------
    packed : array-like of shape (n_samples, ceil(n_bits / 8)), dtype uint8
        Packed codes.
    n_bits : int
        Number of bits of a code; the bytes alone do not tell how many bits of the last one count.

    Returns
    -------
    codes : ndarray of shape (n_samples, n_bits), dtype uint8
        Bits, 0 or 1.

    Raises
    ------
    ValueError
        If packed does not have the bytes that n_bits takes.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash.neighbors import unpack_codes
    >>> unpack_codes(np.array([[129, 128]], dtype=np.uint8), n_bits=9)
    array([[1, 0, 0, 0, 0, 0, 0, 1, 1]], dtype=uint8)
    """
    packed = np.asarray(packed)
    n_bytes = -(-n_bits // 8)
    if packed.ndim != 2 or packed.dtype != np.uint8 or packed.shape[1] != n_bytes:
        raise ValueError(
            f"packed must be uint8 of shape (n_samples, {n_bytes}) for codes of {n_bits} bits, "
            f"got {packed.dtype} of shape {packed.shape}."
        )
    return np.unpackbits(packed, axis=1, count=n_bits)


def check_codes(codes, name: str = "codes") -> np.ndarray:
    """Codes as an array of bytes (uint8 or bool) of 0 and 1, shape (n_samples, n_bits).

    Codes that are bytes already are not copied.
    """
    codes = np.asarray(codes)
    if codes.ndim != 2:
        raise ValueError(f"{name} must have shape (n_samples, n_bits), got {codes.shape}.")
    if 0 in codes.shape:
        raise ValueError(f"{name} is empty: shape {codes.shape}.")
    if codes.dtype == bool:
        return codes
    if codes.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold the numbers 0 and 1, got dtype {codes.dtype}.")
    is_bit = (codes == 0) | (codes == 1)
    if not is_bit.all():
        found = codes[~is_bit][0]
        raise ValueError(
            f"{name} must hold only 0 and 1, got {found}. Real values are binarised by "
            "a threshold, and codes of -1 and 1 by codes > 0."
        )
    return codes.astype(np.uint8, copy=False)


def _as_words(codes: np.ndarray) -> np.ndarray:
    """Checked codes as 64-bit words, shape (n_samples, n_words), filled up with zeros."""
    packed = np.packbits(codes, axis=1)
    spare = -packed.shape[1] % _WORD_BYTES
    return np.ascontiguousarray(np.pad(packed, ((0, 0), (0, spare)))).view(np.uint64)
