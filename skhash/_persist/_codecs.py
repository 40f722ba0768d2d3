"""Values that are neither JSON nor arrays: taken apart into plain ones, and put together again.

These are the types that fitted estimators of skhash and scikit-learn hold, and no others. A codec
runs none of the names that a file holds, and makes nothing that is larger than its parts. To add
one, append it to `CODECS`; its tag and the form of its parts then belong to the format, and may
only change with a migration.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator

from skhash._persist._arrays import is_storable
from skhash.similarity import Taxonomy

# what a model may call of another one: they are what other estimators are made to take
_METHODS = (
    "transform",
    "inverse_transform",
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "score_samples",
    "kneighbors",
    "encode",
)
# types that stand for a dtype, such as ``float`` or ``np.float32``
_TYPES: dict[str, type] = {kind.__name__: kind for kind in (bool, int, float, str, object)}
_TYPES |= {f"numpy.{kind.__name__}": kind for kind in set(np.sctypeDict.values())}
_TYPE_NAMES = {kind: name for name, kind in _TYPES.items()}
_SPARSE = {
    kind.__name__: kind
    for kind in (sparse.csr_array, sparse.csr_matrix, sparse.csc_array, sparse.csc_matrix)
}
_MT19937_WORDS = 624
_TOO_LARGE = 2**63


@dataclass(frozen=True)
class Codec:
    """How values of some types are taken apart (`parts`) and put together (`restore`).

    The parts may hold anything that can be saved. Where a value is `shared`, one that is met
    several times is saved once, and is one object again.
    """

    tag: str
    types: tuple[type, ...]
    parts: Callable[[Any], Any]
    restore: Callable[[Any], Any]
    shared: bool = False


def is_plain_number(value: Any) -> bool:
    """Whether a bool, int or float is written as JSON has it."""
    if type(value) is float:
        return math.isfinite(value)
    # longer ones are not read back by every parser
    return type(value) is bool or (type(value) is int and -_TOO_LARGE <= value < _TOO_LARGE)


def _tuple_of(parts):
    return tuple(_of_kind(parts, list))


def _float_of(name):
    if name not in ("nan", "inf", "-inf"):
        raise ValueError(f"a float must be nan, inf or -inf, got {name!r}")
    return float(name)


def _slice_of(parts):
    if not all(part is None or type(part) is int for part in parts):
        raise ValueError(f"a slice must have whole numbers, got {parts!r}")
    return slice(*parts)


def _method_parts(method):
    owner, name = method.__self__, method.__func__.__name__
    if name not in _METHODS or isinstance(owner, type):
        raise TypeError(f"the method {name} cannot be saved, only {', '.join(_METHODS)} can")
    return {"of": owner, "name": name}


def _method_of(parts):
    if parts["name"] not in _METHODS:
        raise ValueError(f"a method must be one of {_METHODS}, got {parts['name']!r}")
    return getattr(_of_kind(parts["of"], BaseEstimator), parts["name"])


def _partial_parts(value):
    return {"function": value.func, "args": list(value.args), "keywords": dict(value.keywords)}


def _partial_of(parts):
    return partial(parts["function"], *parts["args"], **parts["keywords"])


def _taxonomy_of(parts):
    nodes = list(parts["nodes"])
    while nodes:
        node = nodes.pop()
        if isinstance(node, Taxonomy):
            # its hash is that of its nodes, however often they hold the same one
            raise ValueError("a taxonomy cannot have taxonomies as nodes")
        nodes += node if isinstance(node, tuple) else ()
    taxonomy = object.__new__(Taxonomy)
    taxonomy.__setstate__(parts)
    return taxonomy


def _random_state_parts(random_state):
    state = random_state.get_state(legacy=False)
    if state["bit_generator"] != "MT19937":
        raise TypeError(f"its bit generator is {state['bit_generator']}, only MT19937 can be saved")
    return state


def _random_state_of(state):
    position = state["state"]["pos"]
    if state["bit_generator"] != "MT19937" or not 0 <= position <= _MT19937_WORDS:
        # numpy does not look, and reads there
        raise ValueError(f"the position in a random state is out of its range: {position!r}")
    random_state = np.random.RandomState(0)
    random_state.set_state(state)
    return random_state


def _sparse_parts(matrix):
    arrays = [matrix.data, matrix.indices, matrix.indptr]
    return {"class": type(matrix).__name__, "shape": list(matrix.shape), "arrays": arrays}


def _sparse_of(parts):
    arrays = tuple(_of_kind(array, np.ndarray) for array in parts["arrays"])
    matrix = _SPARSE[parts["class"]](arrays, shape=tuple(parts["shape"]))
    # scipy's products read and write where the indices say
    matrix.check_format(full_check=True)
    return matrix


def _object_array_parts(array):
    if array.dtype.kind != "O":
        raise TypeError(f"arrays of dtype {array.dtype!r} cannot be saved")
    return {"shape": list(array.shape), "items": array.ravel().tolist()}


def _object_array_of(parts):
    items = _of_kind(parts["items"], list)
    flat = np.empty(len(items), dtype=object)
    # one by one: numpy would take a list of lists for rows
    for i, item in enumerate(items):
        flat[i] = item
    return flat.reshape(parts["shape"])


def _scalar_parts(value):
    # that of the empty string has no length
    if not (is_storable(value.dtype) or type(value) is np.str_):
        raise TypeError(f"numpy scalars of dtype {value.dtype} cannot be saved")
    return {"dtype": value.dtype.str, "value": value.item()}


def _scalar_of(parts):
    dtype, value = _dtype_of(parts["dtype"]), parts["value"]
    if type(value) not in (bool, int, float, str):
        raise ValueError(f"a scalar must be one number or string, got {value!r}")
    return dtype.type(value)


def _dtype_of(name):
    dtype = np.dtype(_of_kind(name, str))
    if not (is_storable(dtype) or dtype.kind in "OU"):
        raise ValueError(f"{name!r} is not a dtype of numbers or strings")
    return dtype


def _of_kind(value, kind):
    if not isinstance(value, kind):
        raise ValueError(f"wanted a {kind.__name__}, got {value!r:.100}")
    return value


CODECS = (
    Codec("tuple", (tuple,), list, _tuple_of),
    Codec("float", (float,), str, _float_of),
    Codec("slice", (slice,), lambda value: [value.start, value.stop, value.step], _slice_of),
    Codec("method", (types.MethodType,), _method_parts, _method_of),
    Codec("partial", (partial,), _partial_parts, _partial_of, shared=True),
    Codec("taxonomy", (Taxonomy,), Taxonomy.__getstate__, _taxonomy_of, shared=True),
    Codec(
        "random_state",
        (np.random.RandomState,),
        _random_state_parts,
        _random_state_of,
        shared=True,
    ),
    Codec("sparse", tuple(_SPARSE.values()), _sparse_parts, _sparse_of, shared=True),
    Codec("object_array", (np.ndarray,), _object_array_parts, _object_array_of, shared=True),
    # found by `codec_of` rather than by an exact type
    Codec("scalar", (), _scalar_parts, _scalar_of),
    Codec("dtype", (), lambda dtype: _dtype_of(dtype.str).str, _dtype_of),
    Codec("type", (), _TYPE_NAMES.__getitem__, _TYPES.__getitem__),
)

BY_TAG = {codec.tag: codec for codec in CODECS}
_BY_TYPE = {kind: codec for codec in CODECS for kind in codec.types}


def codec_of(value: Any) -> Codec | None:
    """The codec for a value that JSON and tensors have no form for; None where there is none."""
    codec = _BY_TYPE.get(type(value))
    if codec is not None:
        return codec
    if isinstance(value, np.generic):
        return BY_TAG["scalar"]
    if isinstance(value, np.dtype):
        return BY_TAG["dtype"]
    if isinstance(value, type) and value in _TYPE_NAMES:
        return BY_TAG["type"]
    return None
