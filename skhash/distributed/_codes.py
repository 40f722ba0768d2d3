"""Read what `transform` has written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from skhash._persist._errors import LoadError
from skhash.distributed._manifest import Manifest
from skhash.distributed._parts import count_rows, read_part
from skhash.distributed._require import require
from skhash.utils._packing import PackedCodes


class CodeParts:
    """Packed codes in a directory, one part in memory at a time.

    `open_codes` makes it. Iterating yields the packed codes and the ids of each part, as
    `~skhash.neighbors.HammingNeighbors` takes them.

    Attributes
    ----------
    path : Path
        The directory.
    n_bits : int
        Bits of a code.
    n_bytes : int
        Bytes of a packed code.
    ids : str or None
        Name of the column of ids; None where rows are numbered instead.
    part_rows : ndarray of shape (n_parts,), dtype int64
        Rows of each part.
    estimator : dict of str to str
        Class and fingerprint of the estimator that made the codes.
    """

    def __init__(self, path: Path, manifest: Manifest):
        self.path = path
        self.n_bits = manifest.n_bits
        self.n_bytes = manifest.n_bytes
        self.ids = manifest.ids
        self.estimator = manifest.estimator
        self.part_rows = np.array(manifest.part_rows, dtype=np.int64)
        self._parts, self._sha256 = manifest.parts, manifest.part_sha256

    @property
    def n_parts(self) -> int:
        """How many parts there are."""
        return len(self._parts)

    def __len__(self) -> int:
        return int(self.part_rows.sum())

    def __iter__(self) -> Iterator[tuple[PackedCodes, np.ndarray]]:
        return map(self.part, range(self.n_parts))

    def __repr__(self) -> str:
        return (
            f"CodeParts('{self.path}', {len(self)} rows of {self.n_bits} bits in "
            f"{self.n_parts} parts)"
        )

    def part(self, index: int) -> tuple[PackedCodes, np.ndarray]:
        """Read one part and compare its checksums.

        Parameters
        ----------
        index : int
            From 0 to ``n_parts - 1``.

        Returns
        -------
        packed : PackedCodes
            Codes of shape (n_rows, n_bytes), dtype uint8 and read-only, and their number of bits.
        ids : ndarray of shape (n_rows,)
            Their ids; row numbers in the whole, dtype int64, where no ids were kept.

        Raises
        ------
        IndexError
            If there is no such part.
        LoadError
            If its file is missing or damaged.
        """
        if not 0 <= index < self.n_parts:
            raise IndexError(f"index must be from 0 to {self.n_parts - 1}, got {index}")
        packed, ids = read_part(self._parts[index], self.path, self._sha256[index])
        if ids is None:
            start = int(self.part_rows[:index].sum())
            ids = np.arange(start, start + len(packed))
        return PackedCodes(packed, self.n_bits), ids

    def read(self, out: np.ndarray | None = None) -> tuple[PackedCodes, np.ndarray]:
        """Read all parts.

        Parameters
        ----------
        out : ndarray of shape (len(self), n_bytes), dtype uint8, default=None
            Where to put the codes, such as a memory map of
            `numpy.lib.format.open_memmap`; None makes an array.

        Returns
        -------
        packed : PackedCodes
            All codes, in `out` where it was given, and their number of bits.
        ids : ndarray of shape (len(self),)
            All ids.

        Raises
        ------
        ValueError
            If `out` has another shape or type.
        LoadError
            If a part is missing or damaged.
        """
        shape = (len(self), self.n_bytes)
        out = np.empty(shape, np.uint8) if out is None else out
        if out.shape != shape or out.dtype != np.uint8:
            raise ValueError(
                f"out must be uint8 of shape {shape}, got {out.dtype} of shape {out.shape}"
            )
        ids = []
        start = 0
        for codes, of_part in self:
            out[start : start + len(codes)] = codes.data
            ids.append(of_part)
            start += len(codes)
        return PackedCodes(out, self.n_bits), np.concatenate(ids)


def open_codes(path) -> CodeParts:
    """Open the packed codes that `transform` has written.

    Parameters
    ----------
    path : str or Path
        The directory given to `transform` as `output`.

    Returns
    -------
    codes : CodeParts
        Iterate over it for the codes and ids of each part.

    Raises
    ------
    LoadError
        A ValueError. If the directory holds no such codes, not all of them yet, or damaged ones.

    Examples
    --------
    >>> import tempfile
    >>> import dask.array as da
    >>> from sklearn.datasets import load_digits
    >>> from skhash import ITQHasher
    >>> from skhash.distributed import open_codes, transform
    >>> X, _ = load_digits(return_X_y=True)
    >>> hasher = ITQHasher(n_bits=20, random_state=0).fit(X)
    >>> with tempfile.TemporaryDirectory() as output:
    ...     _ = transform(hasher, da.from_array(X, chunks=(1000, -1)), output)
    ...     for packed, ids in open_codes(output):
    ...         print(packed.data.shape, packed.n_bits, ids[0], ids[-1])
    (1000, 3) 20 0 999
    (797, 3) 20 1000 1796
    """
    require("pyarrow")
    folder = Path(path)
    manifest = Manifest.read(folder)
    found = [count_rows(part, folder) for part in manifest.parts]
    wrong = [part.name for part, n, m in zip(manifest.parts, found, manifest.part_rows) if n != m]
    if not manifest.complete or wrong:
        missing = wrong or [p.name for p, n in zip(manifest.parts, found) if n is None]
        # an interrupt may come between the last part and the note of its checksum
        missing = missing or [part.name for part in manifest.parts]
        raise LoadError(
            f"{folder} is not complete: {len(missing)} of {len(found)} parts are missing or "
            f"damaged, the first is {missing[0]}; the same call of transform writes them"
        )
    return CodeParts(folder, manifest)
