"""Values that are neither JSON nor arrays: taken apart into plain ones, and put together again.

A codec runs none of the names that a file holds. To add one, append it to `CODECS`; its tag and
the form of its parts then belong to the format, and may only change with a migration.
"""

from __future__ import annotations

import base64
import math
import types
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from skhash._persist._codecs_numpy import (
    dtype_name,
    dtype_of,
    generator_of,
    generator_parts,
    object_array_of,
    object_array_parts,
    random_state_of,
    random_state_parts,
    scalar_of,
    scalar_parts,
    sparse_classes,
    sparse_of,
    sparse_parts,
    type_name,
    type_of,
)
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


def _float_of(name):
    if name not in ("nan", "inf", "-inf"):
        raise ValueError(f"a float must be nan, inf or -inf, got {name!r}")
    return float(name)


def _integer_of(text):
    value = int(text, 16)
    if -_TOO_LARGE <= value < _TOO_LARGE:
        raise ValueError(f"the number {text!r} is small enough to be written as one")
    return value


def is_plain_integer(value: int) -> bool:
    """Whether an int is written as a number; longer ones are not read back by every parser."""
    return -_TOO_LARGE <= value < _TOO_LARGE


def _sorted_items(value):
    # the order of a set of strings differs from run to run
    return sorted(value, key=repr)


def _method_parts(method):
    owner, name = method.__self__, method.__func__.__name__
    if name not in _METHODS or isinstance(owner, type):
        raise TypeError(f"the method {name} cannot be saved, only {', '.join(_METHODS)} can")
    return {"of": owner, "name": name}


def _method_of(parts):
    if parts["name"] not in _METHODS:
        raise ValueError(f"a method must be one of {_METHODS}, got {parts['name']!r}")
    return getattr(parts["of"], parts["name"])


def _partial_parts(value):
    return {"function": value.func, "args": list(value.args), "keywords": dict(value.keywords)}


def _partial_of(parts):
    return partial(parts["function"], *parts["args"], **parts["keywords"])


def _taxonomy_of(parts):
    taxonomy = object.__new__(Taxonomy)
    taxonomy.__setstate__(parts)
    return taxonomy


CODECS = (
    Codec("tuple", (tuple,), list, tuple),
    Codec("bunch", (Bunch,), dict, lambda parts: Bunch(**parts)),
    Codec("set", (set,), _sorted_items, set),
    Codec("frozenset", (frozenset,), _sorted_items, frozenset),
    Codec("float", (float,), str, _float_of),
    Codec("int", (int,), hex, _integer_of),
    Codec("complex", (complex,), lambda z: [z.real, z.imag], lambda parts: complex(*parts)),
    Codec(
        "bytes",
        (bytes,),
        lambda value: base64.b64encode(value).decode("ascii"),
        lambda text: base64.b64decode(text, validate=True),
    ),
    Codec(
        "slice",
        (slice,),
        lambda value: [value.start, value.stop, value.step],
        lambda parts: slice(*parts),
    ),
    Codec("range", (range,), lambda r: [r.start, r.stop, r.step], lambda parts: range(*parts)),
    Codec("method", (types.MethodType,), _method_parts, _method_of),
    Codec("partial", (partial,), _partial_parts, _partial_of, shared=True),
    Codec("taxonomy", (Taxonomy,), Taxonomy.__getstate__, _taxonomy_of, shared=True),
    Codec(
        "random_state",
        (np.random.RandomState,),
        random_state_parts,
        random_state_of,
        shared=True,
    ),
    Codec("generator", (np.random.Generator,), generator_parts, generator_of, shared=True),
    Codec("sparse", sparse_classes(), sparse_parts, sparse_of, shared=True),
    Codec("object_array", (np.ndarray,), object_array_parts, object_array_of, shared=True),
    # found by `codec_of` rather than by an exact type
    Codec("scalar", (), scalar_parts, scalar_of),
    Codec("dtype", (), dtype_name, dtype_of),
    Codec("type", (), type_name, type_of),
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
    if isinstance(value, type) and type_name(value) is not None:
        return BY_TAG["type"]
    return None


def is_plain_number(value: Any) -> bool:
    """Whether a bool, int or float is written as JSON has it."""
    if type(value) is float:
        return math.isfinite(value)
    return type(value) is bool or (type(value) is int and is_plain_integer(value))
