"""Eight bits to the byte, so that Hamming distances are popcounts."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Literal, overload

import numpy as np
from scipy import sparse

from skhash.utils._arrays import as_array
from skhash.utils._ranges import check_unmasked

_WORD_BYTES = 8


@dataclass(frozen=True, eq=False, repr=False)
class PackedCodes:
    """Packed codes and their number of bits: a table of bits in an eighth of the memory.

    The bytes alone do not tell how many bits of the last one count. Everything that takes packed
    codes takes this too, and then needs no ``n_bits``. Its ``shape`` and ``len`` are those of the
    bits. Indexing takes rows, by a slice, row numbers or a mask, and gives the codes of these,
    packed; `numpy.asarray` unpacks. `skhash.save` writes it into a file.

    Parameters
    ----------
    data : ndarray of shape (n_samples, ceil(n_bits / 8)), dtype uint8
        What `pack_codes` returns. It is not copied, and may be a memory map.
    n_bits : int
        Number of bits of a code.

    Raises
    ------
    ValueError
        If data does not have the number of bytes that n_bits needs.

    See Also
    --------
    pack_codes : Makes it, under ``return_n_bits=True``.

    Examples
    --------
    >>> from skhash.neighbors import pack_codes, unpack_codes
    >>> packed = pack_codes([[1, 0, 1], [0, 1, 1]], return_n_bits=True)
    >>> packed
    PackedCodes(2 codes of 3 bits)
    >>> packed.shape, packed[1:].data
    ((2, 3), array([[96]], dtype=uint8))
    >>> unpack_codes(packed)
    array([[1, 0, 1],
           [0, 1, 1]], dtype=uint8)
    """

    data: np.ndarray
    n_bits: int

    def __post_init__(self):
        n_bits = int(self.n_bits)
        object.__setattr__(self, "data", _check_bytes(self.data, n_bits, "data"))
        object.__setattr__(self, "n_bits", n_bits)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of codes, and of bits."""
        return len(self.data), self.n_bits

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, rows) -> PackedCodes:
        # scikit-learn's splitters ask for [rows, ...]
        if isinstance(rows, tuple) and len(rows) == 2 and rows[1] is Ellipsis:
            rows = rows[0]
        if not isinstance(rows, slice):
            rows = np.asarray(rows)
            if rows.ndim != 1 or rows.dtype.kind not in "biu":
                raise IndexError(f"rows must be a slice, row numbers or a mask, got {rows!r}")
        return PackedCodes(self.data[rows], self.n_bits)

    # rows cannot be tested by value, so Python should not try
    __iter__ = None

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        if copy is False:
            raise ValueError("packed codes cannot be unpacked without a copy")
        bits = np.unpackbits(self.data, axis=1, count=self.n_bits)
        return bits if dtype is None else bits.astype(dtype, copy=False)

    def __repr__(self) -> str:
        return f"PackedCodes({len(self)} codes of {self.n_bits} bits)"

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.__post_init__()


# as users import it, and as files name it
PackedCodes.__module__ = "skhash.neighbors"


@overload
def pack_codes(codes, *, return_n_bits: Literal[False] = False) -> np.ndarray: ...
@overload
def pack_codes(codes, *, return_n_bits: Literal[True]) -> PackedCodes: ...
def pack_codes(codes, *, return_n_bits=False):
    """Pack binary codes into bytes.

    Parameters
    ----------
    codes : array-like of shape (n_samples, n_bits)
        Bits, 0 or 1, of boolean, integer or floating type.
    return_n_bits : bool, default=False
        Whether to return a `PackedCodes`, which knows the number of bits.

    Returns
    -------
    packed : ndarray of shape (n_samples, ceil(n_bits / 8)), dtype uint8
        The first bit is the highest of the first byte, as in `numpy.packbits`; the last byte is
        padded with zeros, which do not change Hamming distances. With ``return_n_bits=True`` a
        `PackedCodes`, which holds them and the number of bits.

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
    codes = check_codes(codes)
    # packbits keeps the order in memory, and packed codes are rows
    packed = np.ascontiguousarray(np.packbits(codes, axis=1))
    return PackedCodes(packed, codes.shape[1]) if return_n_bits else packed


def unpack_codes(packed, n_bits: int | None = None) -> np.ndarray:
    """Undo `pack_codes`.

    Parameters
    ----------
    packed : PackedCodes or array-like of shape (n_samples, ceil(n_bits / 8)), dtype uint8
        Packed codes.
    n_bits : int, default=None
        Number of bits of a code. Needed unless `packed` is a `PackedCodes`, which knows it.

    Returns
    -------
    codes : ndarray of shape (n_samples, n_bits), dtype uint8
        Bits, 0 or 1.

    Raises
    ------
    ValueError
        If packed does not have the bytes that n_bits takes, or n_bits is missing or contradicts
        `packed`.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash.neighbors import unpack_codes
    >>> unpack_codes(np.array([[129, 128]], dtype=np.uint8), n_bits=9)
    array([[1, 0, 0, 0, 0, 0, 0, 1, 1]], dtype=uint8)
    """
    data, n_bits = check_packed(packed, n_bits)
    return np.unpackbits(data, axis=1, count=n_bits)


def check_packed(packed, n_bits: int | None = None, name: str = "packed") -> tuple[np.ndarray, int]:
    """Bytes of the right shape, and their number of bits. Nothing is copied."""
    if isinstance(packed, PackedCodes):
        if n_bits is not None and n_bits != packed.n_bits:
            raise ValueError(f"{name} holds codes of {packed.n_bits} bits, but n_bits is {n_bits}")
        return packed.data, packed.n_bits
    packed = as_array(packed, name)
    if n_bits is None:
        raise ValueError(
            f"{name} has {packed.dtype} of shape {packed.shape}, which does not tell the number "
            "of bits: pass n_bits, or the result of pack_codes(codes, return_n_bits=True)"
        )
    return _check_bytes(packed, n_bits, name), n_bits


def _check_bytes(packed, n_bits, name):
    if isinstance(n_bits, bool) or not isinstance(n_bits, Integral):
        raise TypeError(f"n_bits must be a whole number, got {n_bits!r}")
    if n_bits < 1:
        raise ValueError(f"n_bits must be at least 1, got {n_bits}")
    # a memory map stays one
    packed = np.asanyarray(packed)
    n_bytes = -(-n_bits // 8)
    if packed.ndim != 2 or packed.dtype != np.uint8 or packed.shape[1] != n_bytes:
        raise ValueError(
            f"{name} must be uint8 of shape (n_samples, {n_bytes}) for codes of {n_bits} bits, "
            f"got {packed.dtype} of shape {packed.shape}"
        )
    return packed


def check_codes(codes, name: str = "codes") -> np.ndarray:
    """Codes as an array of bytes (uint8 or bool) of 0 and 1, shape (n_samples, n_bits).

    Codes that are bytes already are not copied.
    """
    check_unmasked(codes, name)
    codes = codes.toarray() if sparse.issparse(codes) else as_array(codes, name)
    if codes.ndim != 2:
        raise ValueError(f"{name} must have shape (n_samples, n_bits), got {codes.shape}")
    if 0 in codes.shape:
        raise ValueError(f"{name} is empty: shape {codes.shape}")
    if codes.dtype == bool:
        return codes
    if codes.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold the numbers 0 and 1, got dtype {codes.dtype}")
    is_bit = (codes == 0) | (codes == 1)
    if not is_bit.all():
        found = codes[~is_bit][0]
        hint = "real values are binarised by a threshold, and codes of -1 and 1 by codes > 0"
        if codes.dtype == np.uint8:
            hint = "pass bytes of packed codes as PackedCodes(data, n_bits), which knows their bits"
        raise ValueError(f"{name} must hold only 0 and 1, got {found}; {hint}")
    return codes.astype(np.uint8, copy=False)


def _as_words(codes: np.ndarray) -> np.ndarray:
    """Checked codes as 64-bit words, shape (n_samples, n_words), filled up with zeros."""
    return packed_words(np.packbits(codes, axis=1))


def packed_words(packed: np.ndarray) -> np.ndarray:
    """Packed codes as 64-bit words, shape (n_samples, n_words), filled up with zeros."""
    spare = -packed.shape[1] % _WORD_BYTES
    return np.ascontiguousarray(np.pad(packed, ((0, 0), (0, spare)))).view(np.uint64)
