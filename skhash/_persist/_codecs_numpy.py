"""Taking apart and putting together what numpy and scipy have beside arrays of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from skhash._persist._arrays import is_storable

_FORMATS = ("csr", "csc", "bsr", "coo", "dia")
# the others keep positions in buffers, which numpy does not check when a state is set
_BIT_GENERATORS = ("MT19937", "PCG64", "PCG64DXSM", "SFC64")
_MT19937_WORDS = 624
_PYTHON_TYPES = {kind.__name__: kind for kind in (bool, int, float, complex, str, bytes, object)}


def sparse_classes() -> tuple[type, ...]:
    """The sparse arrays and matrices that are made of arrays."""
    return tuple(
        getattr(sparse, f"{form}_{kind}") for form in _FORMATS for kind in ("array", "matrix")
    )


def sparse_parts(matrix) -> dict[str, Any]:
    """Class, shape and arrays of a sparse matrix."""
    if matrix.format == "coo":
        arrays = [matrix.data, *matrix.coords]
    elif matrix.format == "dia":
        arrays = [matrix.data, matrix.offsets]
    else:
        arrays = [matrix.data, matrix.indices, matrix.indptr]
    return {"class": type(matrix).__name__, "shape": list(matrix.shape), "arrays": arrays}


def sparse_of(parts):
    """The sparse matrix, with its indices checked: scipy's products do not look at them."""
    by_name = {kind.__name__: kind for kind in sparse_classes()}
    make, arrays = by_name[parts["class"]], parts["arrays"]
    if not all(type(array) is np.ndarray for array in arrays):
        raise ValueError("a sparse matrix must be made of arrays")
    shape = tuple(parts["shape"])
    if parts["class"].startswith("coo"):
        return make((arrays[0], tuple(arrays[1:])), shape=shape)
    matrix = make(tuple(arrays), shape=shape)
    if matrix.format != "dia":
        matrix.check_format(full_check=True)
    return matrix


def random_state_parts(random_state) -> dict[str, Any]:
    """The state of a RandomState."""
    state = random_state.get_state(legacy=False)
    _check_bit_generator(state)
    return state


def random_state_of(state):
    """A RandomState that goes on from a state."""
    _check_bit_generator(state)
    random_state = np.random.RandomState(getattr(np.random, state["bit_generator"])(0))
    random_state.set_state(state)
    return random_state


def generator_parts(generator) -> dict[str, Any]:
    """The state of a Generator; the seed sequence that others are spawned from is left out."""
    state = generator.bit_generator.state
    _check_bit_generator(state)
    return state


def generator_of(state):
    """A Generator that goes on from a state."""
    _check_bit_generator(state)
    bit_generator = getattr(np.random, state["bit_generator"])(0)
    bit_generator.state = state
    return np.random.Generator(bit_generator)


def _check_bit_generator(state):
    if state["bit_generator"] not in _BIT_GENERATORS:
        raise ValueError(
            f"the bit generator must be one of {_BIT_GENERATORS}, got {state['bit_generator']!r}"
        )
    position = state["state"].get("pos", 0)
    if not 0 <= position <= _MT19937_WORDS:
        raise ValueError(f"the position in a random state is out of its range: {position!r}")


def scalar_parts(value: np.generic) -> dict[str, Any]:
    """Dtype and value of a numpy scalar."""
    if not is_storable(value.dtype):
        raise TypeError(f"numpy scalars of dtype {value.dtype} cannot be saved")
    if value.dtype.kind in "mM":
        return {"dtype": value.dtype.str, "value": int(value.view(np.int64))}
    return {"dtype": value.dtype.str, "value": value.item()}


def scalar_of(parts):
    """The numpy scalar."""
    dtype, value = _check_dtype(parts["dtype"]), parts["value"]
    if dtype.kind in "US":
        return dtype.type(value)
    stored = np.dtype(np.int64) if dtype.kind in "mM" else dtype
    array = np.array(value, dtype=stored)
    if array.ndim:
        raise ValueError(f"a scalar must be one number, got {value!r}")
    return array.view(dtype)[()]


def dtype_name(dtype: np.dtype) -> str:
    """The string that numpy makes the dtype from."""
    return _check_dtype(dtype, objects=True).str


def dtype_of(name: str) -> np.dtype:
    """The dtype of numbers, strings or objects that a string stands for."""
    return _check_dtype(name, objects=True)


def object_array_parts(array: np.ndarray) -> dict[str, Any]:
    """Shape and items of an array of objects, or of strings of any length."""
    if array.dtype.kind == "T":
        if array.dtype != np.dtypes.StringDType():
            raise TypeError(f"arrays of {array.dtype!r} cannot be saved")
    elif array.dtype.kind != "O":
        raise TypeError(f"arrays of dtype {array.dtype} cannot be saved")
    return {
        "dtype": "strings" if array.dtype.kind == "T" else "objects",
        "shape": list(array.shape),
        "items": array.ravel().tolist(),
    }


def object_array_of(parts):
    """The array of objects or strings."""
    dtype = {"strings": np.dtypes.StringDType(), "objects": np.dtype(object)}[parts["dtype"]]
    flat = np.empty(len(parts["items"]), dtype=dtype)
    # one by one: numpy would take a list of lists for rows
    for i, item in enumerate(parts["items"]):
        flat[i] = item
    return flat.reshape(parts["shape"])


def type_name(kind: type) -> str | None:
    """Name of a type that stands for a dtype, such as ``float`` or ``np.float32``."""
    if _PYTHON_TYPES.get(kind.__name__) is kind:
        return kind.__name__
    if issubclass(kind, np.generic) and getattr(np, kind.__name__, None) is kind:
        return f"numpy.{kind.__name__}"
    return None


def type_of(name):
    """The type of a name that `type_name` gave."""
    if name in _PYTHON_TYPES:
        return _PYTHON_TYPES[name]
    kind = getattr(np, name.removeprefix("numpy."), None)
    if not (isinstance(kind, type) and issubclass(kind, np.generic)):
        raise ValueError(f"{name!r} is no type of numbers or strings")
    return kind


def _check_dtype(name, *, objects=False):
    dtype = np.dtype(name)
    if not (is_storable(dtype) or (objects and dtype.kind == "O")):
        raise ValueError(f"{name!r} is no dtype of numbers or strings")
    return dtype
