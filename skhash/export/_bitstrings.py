"""Codes as strings of 0 and 1, which databases read as bit strings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Integral

import numpy as np
from sklearn.utils import gen_batches

from skhash.utils._packing import PackedCodes, check_codes, check_packed, unpack_codes

# numbers held at once where codes are taken in parts
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
        Number of bits of packed codes that do not tell it themselves.

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
    bitstrings_to_codes : The way back.

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
    strings = np.asarray(bitstrings, dtype=np.str_)
    lengths = np.unique(np.char.str_len(strings))
    if strings.ndim != 1 or len(lengths) != 1 or lengths[0] == 0:
        raise ValueError(
            "bitstrings must be a sequence of strings of one length, got shape "
            f"{strings.shape} and lengths {lengths.tolist()}."
        )
    points = np.ascontiguousarray(strings).view(np.uint32).reshape(len(strings), -1)
    # below "0" the difference wraps round to a large number
    bits = points - np.uint32(_ZERO)
    if (bits > 1).any():
        found = chr(points[bits > 1][0])
        raise ValueError(f"bitstrings must hold only the characters 0 and 1, got {found!r}.")
    return bits.astype(np.uint8)


@dataclass(frozen=True)
class CodeTable:
    """Codes that have been checked, left where they are: an array or a memory map.

    Made by `check_code_table`.
    """

    codes: np.ndarray
    n_bits: int
    packed: bool

    def __len__(self):
        return len(self.codes)

    def blocks(self) -> Iterator[slice]:
        """Slices that together are all rows, each of bounded size when written as strings."""
        return gen_batches(len(self.codes), max(1, _BLOCK_BITS // self.n_bits))

    def bitstrings(self, rows: slice) -> list[str]:
        """Some rows as strings."""
        n_bits = self.n_bits if self.packed else None
        return codes_to_bitstrings(self.codes[rows], n_bits=n_bits).tolist()


def check_code_table(codes, n_bits: int | None) -> CodeTable:
    """Check bits, or packed codes, as `codes_to_bitstrings` takes them.

    Raises
    ------
    TypeError
        If n_bits is no whole number.
    ValueError
        As `codes_to_bitstrings`; also if there is no code.
    """
    if n_bits is not None and not isinstance(n_bits, Integral):
        raise TypeError(f"n_bits must be a whole number or None, got {n_bits!r}.")
    if n_bits is not None or isinstance(codes, PackedCodes):
        table = CodeTable(*check_packed(codes, n_bits, "codes"), packed=True)
        if len(table) == 0:
            raise ValueError(f"codes must not be empty, got shape {table.codes.shape}.")
        return table
    codes = np.asarray(codes)
    if codes.ndim != 2 or 0 in codes.shape:
        raise ValueError(
            f"codes must have shape (n_samples, n_bits) and not be empty, got {codes.shape}."
        )
    table = CodeTable(codes, codes.shape[1], packed=False)
    for rows in table.blocks():
        check_codes(codes[rows])
    return table
