"""Arrays of numpy as tensors of safetensors, which knows fewer dtypes and one order."""

from __future__ import annotations

import math
import os
import re
from typing import IO, Any

import numpy as np

from skhash._persist._errors import LoadError
from skhash._persist._manifest import parse_json

_DTYPE = re.compile(r"\|b1|\|[iu]1|[<>]([iu][248]|f[248]|U[1-9]\d{0,6})|\|S[1-9]\d{0,6}")


def is_storable(dtype: np.dtype) -> bool:
    """Whether arrays of this dtype can be stored: bools, whole and real numbers, strings."""
    return _DTYPE.fullmatch(dtype.str) is not None


def describe(array: np.ndarray) -> dict[str, Any]:
    """What the manifest says of an array; the order is kept, since products round by it."""
    is_fortran = array.flags.f_contiguous and not array.flags.c_contiguous
    return {
        "dtype": array.dtype.str,
        "shape": list(array.shape),
        "order": "F" if is_fortran else "C",
    }


def to_tensor(array: np.ndarray) -> np.ndarray:
    """The contiguous array, of a dtype that safetensors has, with the bytes of `array`.

    Strings become the numbers of their characters, on one more axis.
    """
    if array.flags.f_contiguous and not array.flags.c_contiguous:
        array = array.T
    array = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
    if array.dtype.kind not in "US":
        return array
    letter = np.dtype("<u4" if array.dtype.kind == "U" else "u1")
    shape = (*array.shape, array.dtype.itemsize // letter.itemsize)
    return array.reshape(-1).view(letter).reshape(shape)


def read_arrays(
    file: IO[bytes], specs: dict[str, Any], name: str, *, mmap: bool
) -> dict[str, np.ndarray]:
    """All arrays of a file of safetensors, once their places have been compared with the manifest.

    Parameters
    ----------
    file : binary file
        Open for reading.
    specs : dict of str to dict
        What the manifest says of each array.
    name : str
        What the file is called, for error messages.
    mmap : bool
        Whether the arrays lie in the file rather than in memory, and cannot be written to.

    Raises
    ------
    LoadError
        If it is no such file, or holds other arrays than the manifest lists. What is no header or
        no description of an array raises whatever it leads to.
    """
    for key, spec in specs.items():
        if not _DTYPE.fullmatch(spec["dtype"]):
            raise LoadError(f"the array {key!r} has the dtype {spec['dtype']!r}, wanted numbers")
    starts = _starts(file, specs, name)
    return {key: _read(file, spec, starts[key], key, mmap) for key, spec in specs.items()}


def _starts(file, specs, name):
    """Where in the file each array begins; they fill it without gaps."""
    file.seek(0)
    size, n_header = os.fstat(file.fileno()).st_size, int.from_bytes(file.read(8), "little")
    if not 0 < n_header <= size - 8:
        raise LoadError(f"{name} is not a file of arrays: its header is longer than itself")
    header = parse_json(file.read(n_header), f"the header of {name}")
    ranges = {key: entry["data_offsets"] for key, entry in header.items()}
    if set(ranges) != set(specs):
        lacking, unknown = sorted(set(specs) - set(ranges)), sorted(set(ranges) - set(specs))
        raise LoadError(
            f"{name} must hold the arrays that the manifest lists; it lacks {lacking}, and "
            f"unknown are {unknown}"
        )
    starts, place = {}, 0
    for first, last, key in sorted((first, last, key) for key, (first, last) in ranges.items()):
        n_bytes = math.prod(specs[key]["shape"]) * np.dtype(specs[key]["dtype"]).itemsize
        if type(first) is not int or first != place or last - first != n_bytes:
            raise LoadError(
                f"the array {key!r} lies from {first} to {last} in {name}, and {n_bytes} bytes "
                f"from {place} are what the manifest wants"
            )
        starts[key], place = 8 + n_header + first, last
    if 8 + n_header + place != size:
        raise LoadError(f"{name} is not a file of arrays: it has {size} bytes")
    return starts


def _read(file, spec, start, name, mmap):
    dtype, count = np.dtype(spec["dtype"]), math.prod(spec["shape"])
    stored = dtype.newbyteorder("<")
    if not count:
        flat = np.empty(0, stored)
    elif mmap:
        flat = np.asarray(np.memmap(file, stored, "r", start, (count,)))
    else:
        file.seek(start)
        flat = np.fromfile(file, stored, count)
    if dtype.kind == "b" and count and flat.view(np.uint8).max() > 1:
        raise LoadError(f"the array {name!r} of bools holds bytes other than 0 and 1")
    if dtype.kind == "U" and count and flat.view("<u4").max() > 0x10FFFF:
        raise LoadError(f"the array {name!r} of strings holds numbers that are not characters")
    return flat.reshape(spec["shape"], order=spec["order"]).astype(dtype, copy=False)
