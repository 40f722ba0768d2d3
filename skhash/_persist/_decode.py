"""From the objects of a manifest to the model.

All values are looked at first, and all names of code in them are trusted or refused at once, before
anything is imported. Then the objects are made, one after the other.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from skhash._persist._codecs import BY_TAG
from skhash._persist._encode import MAX_DEPTH
from skhash._persist._errors import LoadError
from skhash._persist._names import Trust, check_name, is_own, resolve, top_package
from skhash._persist._objects import (
    is_estimator_class,
    is_own_value_class,
    is_plain_class,
    make,
    parameter_defaults,
    parameter_names,
)

_SHARED = {tag for tag, codec in BY_TAG.items() if codec.shared}
_KEYS = ("tuple", "scalar", "float")


class Decoder:
    """Makes a model of the objects of a manifest.

    Parameters
    ----------
    records : list of dict
        The objects, as `Encoder` lists them.
    trust : Trust
        Whose code may be imported.
    saved_by : str
        The versions that wrote the manifest, for error messages.

    Raises
    ------
    LoadError
        If the objects are not as the encoder writes them, or their code is not trusted, is not
        there, or has other parameters.
    """

    def __init__(self, records: Any, trust: Trust, saved_by: str):
        if not isinstance(records, list) or not records:
            raise LoadError("the manifest must list the objects of the model, and lists none")
        self._records = records
        self._saved_by = saved_by
        self._objects: list[Any] = []
        self._arrays: Mapping[str, Any] = {}
        classes, callables = self._names()
        _check_trust(classes, callables, trust)
        self._code = {name: resolve(name) for name in sorted(classes | callables)}
        for name in classes:
            _check_class(name, self._code[name], trust)
        for name in callables:
            if not callable(self._code[name]):
                raise LoadError(f"{name} cannot be called")
        root = self._code.get(records[-1].get("class"))
        if not is_estimator_class(root) and not is_own_value_class(root):
            raise LoadError("the last object must be the model, an estimator or packed codes")
        for record in records:
            if "class" in record:
                _check_fetched(record, self._code[record["class"]], trust)

    def make(self, arrays: Mapping[str, Any]) -> Any:
        """The model, of the arrays by name.

        Raises
        ------
        LoadError
            If a class or a codec refuses what it is given.
        """
        self._arrays, self._objects = arrays, []
        for number, record in enumerate(self._records):
            try:
                self._objects.append(self._make_object(record))
            except Exception as error:
                raise LoadError(
                    f"object {number} of the model ({record.get('class', 'a value')}) cannot be "
                    f"made: {type(error).__name__}: {error}"
                ) from error
        return self._objects[-1]

    def _names(self) -> tuple[set[str], set[str]]:
        """Names of the classes and callables, once the form of all objects has been checked."""
        classes: set[str] = set()
        callables: set[str] = set()
        for record in self._records:
            if isinstance(record, dict) and set(record) == {"value"}:
                values = [record["value"]]
                # others could be nested by reference, where depth is not counted
                if not isinstance(values[0], dict) or not set(values[0]) <= _SHARED:
                    raise LoadError(f"no value of this kind is shared: {_short(record)}")
            elif not isinstance(record, dict) or set(record) != {"class", "params", "state"}:
                raise LoadError(f"an object must have a class, params and state: {_short(record)}")
            else:
                classes.add(check_name(record["class"]))
                values = []
                for members in (record["params"], record["state"]):
                    if not isinstance(members, dict):
                        raise LoadError(f"attributes must be listed by name, got {_short(members)}")
                    values += members.values()
            callables.update(name for value in values for name in _callables(value))
        return classes, callables

    def _make_object(self, record):
        if "value" in record:
            return self._make(record["value"])
        kind = self._code[record["class"]]
        members = self._missing_params(record, kind)
        for name, value in {**record["params"], **record["state"]}.items():
            members[name] = self._make(value)
        return make(kind, members)

    def _make(self, node: Any) -> Any:
        if isinstance(node, list):
            return [self._make(item) for item in node]
        if not isinstance(node, dict):
            return node
        ((tag, payload),) = node.items()
        if tag == "dict":
            return {key: self._make(item) for key, item in payload.items()}
        if tag == "pairs":
            made = {self._make(key): self._make(item) for key, item in payload}
            if len(made) != len(payload):
                raise ValueError("a dict has a key twice")
            return made
        if tag == "array":
            if not isinstance(payload, str) or payload not in self._arrays:
                raise LoadError(f"it refers to an array {_short(payload)} that is not there")
            return self._arrays[payload]
        if tag == "object":
            if type(payload) is not int or not 0 <= payload < len(self._objects):
                raise LoadError(f"it refers to object {_short(payload)}, wanted one before it")
            return self._objects[payload]
        if tag == "callable":
            return self._code[payload]
        return BY_TAG[tag].restore(self._make(payload))

    def _missing_params(self, record, kind) -> dict[str, Any]:
        """Defaults of the parameters that the class did not have when the model was saved."""
        if not is_estimator_class(kind):
            return {}
        name, given, known = record["class"], set(record["params"]), set(parameter_names(kind))
        if given - known:
            message = (
                f"{name} has no parameters {sorted(given - known)} in the version that is "
                f"installed; the model was saved by {self._saved_by}"
            )
            if top_package(name) != "sklearn":
                raise LoadError(message)
            # its classes lose parameters from time to time; its own pickles go on as well
            warnings.warn(message, UserWarning, stacklevel=5)
        defaults, missing = parameter_defaults(kind), known - given
        lacking = sorted(missing - set(defaults))
        if lacking:
            raise LoadError(f"the model lacks the parameters {lacking} of {name}")
        return {parameter: defaults[parameter] for parameter in missing}


def _callables(node: Any, depth: int = 0) -> Iterator[str]:
    """Names of the callables in a value, whose form is checked on the way."""
    if depth > MAX_DEPTH:
        raise LoadError(f"the manifest is nested more than {MAX_DEPTH} deep")
    parts: Any = ()
    if isinstance(node, list):
        parts = node
    elif isinstance(node, float) and not math.isfinite(node):
        raise LoadError("the manifest has a number that is too large for a float")
    elif isinstance(node, dict):
        if len(node) != 1:
            raise LoadError(f"a value must have one tag, got {_short(node)}")
        ((tag, payload),) = node.items()
        if tag == "callable":
            yield check_name(payload)
        elif tag == "dict":
            if not isinstance(payload, dict):
                raise LoadError(f"a dict must be an object of JSON, got {_short(payload)}")
            parts = payload.values()
        elif tag == "pairs":
            if not isinstance(payload, list) or not all(map(_is_pair, payload)):
                raise LoadError(f"pairs must be lists of a key and a value, got {_short(payload)}")
            parts = [part for pair in payload for part in pair]
        elif tag in BY_TAG:
            parts = [payload]
        elif tag not in ("array", "object"):
            raise LoadError(f"{_short(tag)} is no tag of a value: {_short(node)}")
    for part in parts:
        yield from _callables(part, depth + 1)


def _is_pair(pair):
    return isinstance(pair, list) and len(pair) == 2 and _is_key(pair[0])


def _is_key(node):
    if isinstance(node, dict):
        return len(node) == 1 and next(iter(node)) in _KEYS
    return not isinstance(node, list)


def _check_trust(classes, callables, trust) -> None:
    untrusted = [name for name in classes if not (trust.allows(name) or is_own(name))]
    untrusted += [name for name in callables if not trust.allows(name)]
    if untrusted:
        raise LoadError(f"the model refers to {', '.join(sorted(untrusted))}. {_advice(untrusted)}")


def _advice(names) -> str:
    modules = sorted({name.partition(":")[0] for name in names})
    return (
        "That is code which the model is not trusted to run. If you know the code, and who made "
        f"the model, load it with trusted={modules}"
    )


def _check_class(name: str, kind: Any, trust: Trust) -> None:
    ours = is_estimator_class(kind) or is_own_value_class(kind)
    if not trust.allows(name) and not ours:
        raise LoadError(f"the model refers to {name}, which is no estimator. {_advice([name])}")
    if not isinstance(kind, type) or not is_plain_class(kind):
        raise LoadError(f"{name} is no class whose objects are made of attributes alone")


def _check_fetched(record, kind, trust: Trust) -> None:
    """Refuse names of what the object would fetch from a network, unless they are trusted."""
    for member in getattr(kind, "_fetches", ()):
        name = record["params"].get(member)
        if isinstance(name, str) and not trust.allows_fetching(name):
            raise LoadError(
                f"the model would download {name!r}, and run it. If you know whose it is, load "
                f"it with trusted={[name]}"
            )


def _short(node):
    text = repr(node)
    return text if len(text) <= 100 else text[:100] + "..."
