"""From the objects of a manifest to the model.

All names of code are trusted or refused first, at once, before anything is imported. Then the
objects are made, one after the other. What is not as the encoder writes it raises whatever it leads
to, which `load` makes a LoadError of.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from skhash._persist._codecs import BY_TAG
from skhash._persist._errors import LoadError
from skhash._persist._names import Trust, check_name, is_own, resolve, top_package
from skhash._persist._objects import (
    is_estimator_class,
    is_own_value_class,
    is_plain_class,
    make,
    parameter_defaults,
    parameter_names,
    stays_behind,
)


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
        If code is not trusted, is not there, or is not a class of a model.
    """

    def __init__(self, records: Any, trust: Trust, saved_by: str):
        self._records = records
        self._trust = trust
        self._saved_by = saved_by
        self._objects: list[Any] = []
        self._arrays: Mapping[str, Any] = {}
        classes = {check_name(record["class"]) for record in records if "class" in record}
        callables = _callables(records)
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

    def make(self, arrays: Mapping[str, Any]) -> Any:
        """The model, of the arrays by name.

        Raises
        ------
        LoadError
            If a class or a codec refuses what it is given, or a class has other parameters.
        """
        self._arrays, self._objects = arrays, []
        for number, record in enumerate(self._records):
            try:
                self._objects.append(self._make_object(record))
            except LoadError:
                raise
            except Exception as error:
                raise LoadError(
                    f"object {number} of the model ({record.get('class', 'a value')}) cannot be "
                    f"made: {type(error).__name__}: {error}"
                ) from error
        return self._objects[-1]

    def _make_object(self, record):
        if "class" not in record:
            ((tag, _),) = record["value"].items()
            # others could be nested by reference, each holding the one before it twice
            if not BY_TAG[tag].shared:
                raise ValueError(f"a {tag} cannot be shared")
            return self._make(record["value"])
        kind = self._code[record["class"]]
        members = self._missing_params(record, kind)
        for name, value in {**record["params"], **record["state"]}.items():
            members[name] = self._make(value)
        self._check_fetched(kind, members)
        for name in stays_behind(kind):
            # a file must not choose a path here
            members[name] = parameter_defaults(kind)[name]
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
            return self._arrays[payload]
        if tag == "object":
            if type(payload) is not int or not 0 <= payload < len(self._objects):
                raise ValueError(f"it refers to object {payload!r}, wanted one before it")
            return self._objects[payload]
        if tag == "callable":
            return self._code[payload]
        if tag not in BY_TAG:
            raise ValueError(f"{tag!r} is not the tag of a value")
        return BY_TAG[tag].restore(self._make(payload))

    def _check_fetched(self, kind, members) -> None:
        """Refuse names of what the object would fetch from a network, unless they are trusted."""
        for member in getattr(kind, "_fetches", ()):
            name = members.get(member)
            if isinstance(name, str) and not self._trust.allows_fetching(name):
                raise LoadError(
                    f"the model would download {str(name)!r}, and run it; if you know whose it is, "
                    f"load it with trusted={[str(name)]}"
                )

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


def _callables(records: Any) -> set[str]:
    """Names of the callables in all values."""
    names: set[str] = set()
    nodes: list[Any] = []
    for record in records:
        members = [*record.get("params", {}).values(), *record.get("state", {}).values()]
        nodes += [members, record.get("value")]
    while nodes:
        node = nodes.pop()
        if isinstance(node, list):
            nodes += node
        elif isinstance(node, dict):
            for tag, payload in node.items():
                if tag == "callable":
                    names.add(check_name(payload))
                # its keys are no tags
                nodes.append(list(payload.values()) if tag == "dict" else payload)
    return names


def _check_trust(classes, callables, trust) -> None:
    untrusted = [name for name in classes if not (trust.allows(name) or is_own(name))]
    untrusted += [name for name in callables if not trust.allows(name)]
    if untrusted:
        raise LoadError(f"the model refers to {', '.join(sorted(untrusted))}; {_advice(untrusted)}")


def _advice(names) -> str:
    modules = sorted({name.partition(":")[0] for name in names})
    return (
        "that is code which the model is not trusted to run; if you know the code, and who made "
        f"the model, load it with trusted={modules}"
    )


def _check_class(name: str, kind: Any, trust: Trust) -> None:
    ours = is_estimator_class(kind) or is_own_value_class(kind)
    if not trust.allows(name) and not ours:
        raise LoadError(f"the model refers to {name}, which is not an estimator; {_advice([name])}")
    if not isinstance(kind, type) or not is_plain_class(kind):
        raise LoadError(f"{name} is not a class whose objects are made of attributes alone")
