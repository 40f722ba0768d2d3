"""Arrays of numpy as tensors of safetensors, which knows fewer dtypes and one order."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from skhash._persist._errors import LoadError

_DTYPE = re.compile(r"\|b1|\|[iu]1|[<>]([iu][248]|f[248]|c8|c16|U\d+|[mM]8(\[\d*\w+\])?)|\|S\d+")

#: What safetensors calls the dtypes that tensors are stored in.
TENSOR_DTYPES = {
    "BOOL": "|b1",
    "U8": "|u1",
    "I8": "|i1",
    "U16": "<u2",
    "I16": "<i2",
    "U32": "<u4",
    "I32": "<i4",
    "U64": "<u8",
    "I64": "<i8",
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
}


def is_storable(dtype: np.dtype) -> bool:
    """Whether arrays of this dtype can be stored: no objects, records or long doubles."""
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
    """The contiguous array, of a dtype that safetensors has, with the bytes of `array`."""
    spec = describe(array)
    dtype, shape = _stored_as(spec)
    if spec["order"] == "F":
        array = array.T
    array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    if array.size == 0 or array.dtype.itemsize == 0:
        return np.empty(shape, dtype=dtype)
    return array.reshape(-1).view(dtype).reshape(shape)


def check_spec(name: str, spec: Any, tensor_dtype: str, tensor_shape: list[int]) -> None:
    """Refuse an entry of the manifest that is none, or that its tensor does not agree with.

    Raises
    ------
    LoadError
        Naming the array, what the tensor is and what the manifest says.
    """
    if not _is_spec(spec):
        raise LoadError(
            f"the manifest describes the array {name!r} by {spec!r}, wanted a dtype of numbers "
            "or strings, a shape and the order 'C' or 'F'"
        )
    try:
        dtype, shape = _stored_as(spec)
    except (TypeError, ValueError, OverflowError) as error:
        raise LoadError(f"the array {name!r} has no valid dtype: {error}") from None
    found = TENSOR_DTYPES.get(tensor_dtype, tensor_dtype), tuple(tensor_shape)
    if found != (dtype.str, shape):
        raise LoadError(
            f"the array {name!r} is stored as {found[0]} of shape {found[1]}, and the manifest "
            f"wants {dtype.str} of shape {shape}"
        )


def from_tensor(spec: dict[str, Any], tensor: np.ndarray, name: str) -> np.ndarray:
    """The array that `to_tensor` stored; a view of the tensor where the byte order allows it."""
    dtype, shape = np.dtype(spec["dtype"]), tuple(spec["shape"])
    if tensor.dtype.kind == "b" and tensor.size and tensor.view(np.uint8).max() > 1:
        raise LoadError(f"the array {name!r} of bools holds bytes other than 0 and 1")
    if dtype.kind == "U" and tensor.size and tensor.max() > 0x10FFFF:
        raise LoadError(f"the array {name!r} of strings holds numbers that are no characters")
    if tensor.size == 0:
        return np.zeros(shape, dtype=dtype, order=spec["order"])
    flat = tensor.reshape(-1).view(dtype.newbyteorder("<"))
    if spec["order"] == "F":
        return flat.reshape(shape[::-1]).T.astype(dtype, copy=False)
    return flat.reshape(shape).astype(dtype, copy=False)


def _is_spec(spec: Any) -> bool:
    return (
        isinstance(spec, dict)
        and set(spec) == {"dtype", "shape", "order"}
        and isinstance(spec["dtype"], str)
        and _DTYPE.fullmatch(spec["dtype"]) is not None
        and isinstance(spec["shape"], list)
        and all(type(size) is int and size >= 0 for size in spec["shape"])
        and spec["order"] in ("C", "F")
    )


def _stored_as(spec: dict[str, Any]) -> tuple[np.dtype, tuple[int, ...]]:
    """Dtype and shape of the tensor: a number, the parts of one, or the characters of a string."""
    dtype, shape = np.dtype(spec["dtype"]), tuple(spec["shape"])
    if spec["order"] == "F":
        shape = shape[::-1]
    if dtype.kind == "c":
        return np.dtype(f"<f{dtype.itemsize // 2}"), (*shape, 2)
    if dtype.kind == "U":
        return np.dtype("<u4"), (*shape, dtype.itemsize // 4)
    if dtype.kind == "S":
        return np.dtype("u1"), (*shape, dtype.itemsize)
    if dtype.kind in "mM":
        return np.dtype("<i8"), shape
    return dtype.newbyteorder("<"), shape
