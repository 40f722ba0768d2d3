"""Codes as strings of 0 and 1, which databases read as bit strings."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from sklearn.utils import gen_batches

from skhash.utils._arrays import as_array
from skhash.utils._packing import PackedCodes, check_codes, unpack_codes

# numbers held at once when codes are processed in parts
_BLOCK_BITS = 2**22
_ZERO = ord("0")


def codes_to_bitstrings(codes, *, n_bits: int | None = None) -> np.ndarray:
    """Write each code as a string of 0 and 1, the first bit first.

    PostgreSQL reads them as ``bit(n_bits)`` and DuckDB as ``BIT``.

    Parameters
    ----------
    codes : array-like of shape (n_samples, n_bits), or packed codes
        Bits, 0 or 1. Packed codes are a `~skhash.neighbors.PackedCodes`, or bytes beside
        `n_bits`.
    n_bits : int or None, default=None
        Number of bits of packed codes that do not know it themselves.

    Returns
    -------
    bitstrings : ndarray of shape (n_samples,), dtype str
        All of length n_bits.

    Raises
    ------
    ValueError
        If codes is neither a table of zeros and ones nor packed codes of n_bits bits.

    See Also
    --------
    bitstrings_to_codes : The inverse.

    Examples
    --------
    >>> from skhash.export import codes_to_bitstrings
    >>> from skhash.neighbors import pack_codes
    >>> codes = [[1, 0, 0, 0, 0, 0, 0, 1, 1], [0, 1, 0, 0, 0, 0, 0, 0, 0]]
    >>> codes_to_bitstrings(codes)
    array(['100000011', '010000000'], dtype='<U9')
    >>> codes_to_bitstrings(pack_codes(codes), n_bits=9)
    array(['100000011', '010000000'], dtype='<U9')
    """
    if n_bits is None and not isinstance(codes, PackedCodes):
        bits = check_codes(codes)
    else:
        bits = unpack_codes(codes, n_bits)
    characters = np.ascontiguousarray(bits.view(np.uint8) + np.uint8(_ZERO))
    return characters.view(f"S{bits.shape[1]}")[:, 0].astype(np.str_)


def bitstrings_to_codes(bitstrings) -> np.ndarray:
    """Read codes from strings of 0 and 1; undo `codes_to_bitstrings`.

    Parameters
    ----------
    bitstrings : array-like of shape (n_samples,), of str
        Strings of one length, as a database returns them.

    Returns
    -------
    codes : ndarray of shape (n_samples, n_bits), dtype uint8
        Bits, 0 or 1.

    Raises
    ------
    ValueError
        If there is no string, they differ in length, or hold another character.

    Examples
    --------
    >>> from skhash.export import bitstrings_to_codes
    >>> bitstrings_to_codes(["1001", "0110"])
    array([[1, 0, 0, 1],
           [0, 1, 1, 0]], dtype=uint8)
    """
    strings = as_array(bitstrings, "bitstrings", dtype=np.str_)
    lengths = np.unique(np.char.str_len(strings))
    if strings.ndim != 1 or len(lengths) != 1 or lengths[0] == 0:
        raise ValueError(
            "bitstrings must be a sequence of strings of one length, got shape "
            f"{strings.shape} and lengths {lengths.tolist()}"
        )
    points = np.ascontiguousarray(strings).view(np.uint32).reshape(len(strings), -1)
    # below "0" the difference wraps round to a large number
    bits = points - np.uint32(_ZERO)
    if (bits > 1).any():
        found = chr(points[bits > 1][0])
        raise ValueError(f"bitstrings must hold only the characters 0 and 1, got {found!r}")
    return bits.astype(np.uint8)


def check_shape(codes) -> tuple[int, int]:
    """Number of codes and of their bits, for bits and packed codes; there must be some."""
    shape = np.shape(codes)
    if len(shape) != 2 or 0 in shape:
        raise ValueError(f"codes must have shape (n_samples, n_bits) and not be empty, got {shape}")
    return shape[0], shape[1]


def bitstring_blocks(codes) -> Iterator[tuple[slice, list[str]]]:
    """Rows, and their codes as strings, in blocks of bounded size."""
    n_rows, n_bits = check_shape(codes)
    packed = isinstance(codes, PackedCodes)
    array = np.asarray(codes.data if packed else codes)
    for rows in gen_batches(n_rows, max(1, _BLOCK_BITS // n_bits)):
        block = PackedCodes(array[rows], n_bits) if packed else array[rows]
        yield rows, codes_to_bitstrings(block).tolist()
