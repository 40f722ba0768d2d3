"""From an estimator to what the manifest and the file of arrays hold.

A value is JSON where JSON has it: null, true, numbers that are finite, strings, lists. All else
is an object with one key, which says what its value stands for:

- ``{"dict": {name: value}}``, or ``{"pairs": [[key, value]]}`` where not all keys are strings;
- ``{"array": name}``, in the file of arrays;
- ``{"callable": "module:name"}``, a function or class;
- ``{"object": number}``, in the list of objects, each of which comes after those that it holds;
- ``{tag: parts}`` for a codec of `skhash._persist._codecs`.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from skhash._persist._arrays import describe, is_storable, to_tensor
from skhash._persist._codecs import codec_of, is_plain_number
from skhash._persist._names import import_name
from skhash._persist._objects import (
    is_estimator_class,
    is_plain_class,
    parameter_names,
    state_of,
)

#: Lists in lists, and objects in objects, beyond which neither saving nor loading goes.
MAX_DEPTH = 100


class Encoder:
    """Encodes values; what they refer to gathers in its attributes.

    Attributes
    ----------
    objects : list of dict
        The objects, every one after those that it refers to.
    arrays : dict of str to dict
        Dtype, shape and order of each array.
    tensors : dict of str to ndarray
        Their bytes, for safetensors.
    """

    def __init__(self) -> None:
        self.objects: list[dict[str, Any]] = []
        self.arrays: dict[str, dict[str, Any]] = {}
        self.tensors: dict[str, np.ndarray] = {}
        self._seen: dict[int, dict[str, Any] | None] = {}
        # an id is only one's own as long as one lives
        self._alive: list[Any] = []

    def encode(self, value: Any, place: str, depth: int = 0) -> Any:
        """What the manifest says of a value.

        Parameters
        ----------
        value : object
            The value.
        place : str
            Where it stands, for error messages and the names of arrays.
        depth : int, default=0
            How many values it stands in.

        Raises
        ------
        TypeError
            If it cannot be saved, naming the place.
        ValueError
            If it contains itself, or is nested too deeply.
        """
        if depth > MAX_DEPTH:
            raise ValueError(f"{place} is nested more than {MAX_DEPTH} deep")
        if value is None or is_plain_number(value):
            return value
        if type(value) is str:
            return _check_text(value, place)
        if type(value) is list:
            return [self.encode(item, f"{place}[{i}]", depth + 1) for i, item in enumerate(value)]
        if type(value) is dict:
            return self._encode_dict(value, place, depth)
        if type(value) in (np.ndarray, np.memmap) and is_storable(value.dtype):
            return self._once(value, self._encode_array, place, depth)
        return self._encode_rest(value, place, depth)

    def _encode_dict(self, value, place, depth):
        if all(type(key) is str for key in value):
            return {
                "dict": {
                    _check_text(key, place): self.encode(item, f"{place}.{key}", depth + 1)
                    for key, item in value.items()
                }
            }
        return {
            "pairs": [
                [
                    self.encode(key, f"a key of {place}", depth + 1),
                    self.encode(item, f"{place}[{i}]", depth + 1),
                ]
                for i, (key, item) in enumerate(value.items())
            ]
        }

    def _encode_rest(self, value, place, depth):
        codec = codec_of(value)
        if codec is not None:
            encode = self._encode_shared if codec.shared else self._encode_parts
            return encode(value, place, depth)
        # an object that can be called is an object; a function or class is known by its name
        if callable(value) and (isinstance(value, type) or not is_plain_class(type(value))):
            return {"callable": _call(place, import_name, value)}
        return self._once(value, self._encode_object, place, depth)

    def _encode_parts(self, value, place, depth):
        codec = codec_of(value)
        return {codec.tag: self.encode(_call(place, codec.parts, value), place, depth + 1)}

    def _encode_shared(self, value, place, depth):
        def encode(value, place, depth):
            return self._add({"value": self._encode_parts(value, place, depth)})

        return self._once(value, encode, place, depth)

    def _encode_object(self, thing, place, depth):
        kind = type(thing)
        state = _call(place, state_of, thing)
        class_name = _call(place, import_name, kind)
        names = set(parameter_names(kind)) if is_estimator_class(kind) else set()
        members = {
            name: self.encode(value, f"{place}.{name}", depth + 1) for name, value in state.items()
        }
        return self._add(
            {
                "class": class_name,
                "params": {name: value for name, value in members.items() if name in names},
                "state": {name: value for name, value in members.items() if name not in names},
            }
        )

    def _encode_array(self, array, place, depth):
        name = self._free_name(place)
        self.arrays[name] = describe(array)
        self.tensors[name] = to_tensor(array)
        return {"array": name}

    def _free_name(self, place):
        """A name that says where an array belongs, in letters that every tool can read."""
        wanted = re.sub(r"[^A-Za-z0-9_.\-\[\]]", "_", place)[:200]
        name, number = wanted, 1
        while name in self.arrays:
            number += 1
            name = f"{wanted}~{number}"
        return name

    def _add(self, record):
        self.objects.append(record)
        return {"object": len(self.objects) - 1}

    def _once(self, value, encode, place, depth):
        """Encode what may be met several times: the second time it is the same again."""
        if id(value) not in self._seen:
            self._alive.append(value)
            self._seen[id(value)] = None
            self._seen[id(value)] = encode(value, place, depth)
        found = self._seen[id(value)]
        if found is None:
            raise ValueError(f"{place} cannot be saved: it refers to an object that it is part of")
        return found


def _check_text(text, place):
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"{place} cannot be saved: {text!r} is not valid text ({error})") from None
    return text


def _call(place, function, value):
    """Call what knows the value but not its place, and say the place if it raises."""
    try:
        return function(value)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"{place} cannot be saved: it holds {type(value).__module__}."
            f"{type(value).__qualname__} ({error})"
        ) from error
