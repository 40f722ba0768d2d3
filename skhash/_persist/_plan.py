"""The manifest's values, looked at one by one before any of them is made.

A value becomes a function that makes it of a `Workshop`, which has the arrays, the objects made so
far and the code that the names stand for. Planning imports nothing: it notes the names.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from skhash._persist._codecs import BY_TAG
from skhash._persist._encode import MAX_DEPTH
from skhash._persist._errors import LoadError
from skhash._persist._names import check_name


class Workshop(NamedTuple):
    """What values are made of."""

    arrays: Mapping[str, Any]
    code: Mapping[str, Any]
    objects: list[Any]


Make = Callable[[Workshop], Any]


class ObjectPlan(NamedTuple):
    """An object to be made: of a class with members by name, or a lone value without a class."""

    name: str | None
    params: dict[str, Make]
    state: dict[str, Make]
    value: Make | None = None


class Planner:
    """Plans the objects of a manifest.

    Parameters
    ----------
    array_names : container of str
        The arrays that there are.

    Attributes
    ----------
    classes, callables : set of str
        The names of code that the plans need.
    """

    def __init__(self, array_names):
        self.classes: set[str] = set()
        self.callables: set[str] = set()
        self._array_names = array_names
        self._n_before = 0

    def plan_all(self, records: Any) -> list[ObjectPlan]:
        """Plan objects, each of which may hold those before it.

        Raises
        ------
        LoadError
            If anything in them is not as the encoder writes it.
        """
        if not isinstance(records, list) or not records:
            raise LoadError("the manifest must list the objects of the model, and lists none")
        plans: list[ObjectPlan] = []
        for record in records:
            self._n_before = len(plans)
            plans.append(self._plan_object(record))
        if plans[-1].name is None:
            raise LoadError("the last object of the manifest must be the model, an estimator")
        return plans

    def _plan_object(self, record):
        if isinstance(record, dict) and set(record) == {"value"}:
            return ObjectPlan(None, {}, {}, self._plan(record["value"], 0))
        if not isinstance(record, dict) or set(record) != {"class", "params", "state"}:
            raise LoadError(f"an object must have a class, params and state: {_short(record)}")
        name = check_name(record["class"])
        self.classes.add(name)
        return ObjectPlan(
            name, self._plan_members(record["params"]), self._plan_members(record["state"])
        )

    def _plan_members(self, members):
        if not isinstance(members, dict):
            raise LoadError(f"attributes must be listed by name, got {_short(members)}")
        return {name: self._plan(value, 0) for name, value in members.items()}

    def _plan(self, node: Any, depth: int) -> Make:
        if depth > MAX_DEPTH:
            raise LoadError(f"the manifest is nested more than {MAX_DEPTH} deep")
        if isinstance(node, list):
            items = [self._plan(item, depth + 1) for item in node]
            return lambda workshop: [item(workshop) for item in items]
        if isinstance(node, dict):
            return self._plan_tagged(node, depth)
        if isinstance(node, float) and not math.isfinite(node):
            raise LoadError("the manifest has a number that is too large for a float")
        return lambda workshop: node

    def _plan_tagged(self, node, depth):
        if len(node) != 1:
            raise LoadError(f"a value must have one tag, got {_short(node)}")
        ((tag, payload),) = node.items()
        special = {
            "dict": self._plan_dict,
            "pairs": self._plan_pairs,
            "array": self._plan_array,
            "object": self._plan_reference,
            "callable": self._plan_callable,
        }
        if tag in special:
            return special[tag](payload, depth)
        if tag not in BY_TAG:
            raise LoadError(f"{tag!r} is no tag of a value: {_short(node)}")
        parts, restore = self._plan(payload, depth + 1), BY_TAG[tag].restore
        return lambda workshop: restore(parts(workshop))

    def _plan_dict(self, payload, depth):
        if not isinstance(payload, dict):
            raise LoadError(f"a dict must be an object of JSON, got {_short(payload)}")
        items = {key: self._plan(item, depth + 1) for key, item in payload.items()}
        return lambda workshop: {key: item(workshop) for key, item in items.items()}

    def _plan_pairs(self, payload, depth):
        is_pairs = isinstance(payload, list) and all(
            isinstance(pair, list) and len(pair) == 2 for pair in payload
        )
        if not is_pairs:
            raise LoadError(f"pairs must be lists of two, got {_short(payload)}")
        pairs = [[self._plan(part, depth + 1) for part in pair] for pair in payload]

        def make_dict(workshop):
            made = {key(workshop): item(workshop) for key, item in pairs}
            if len(made) != len(pairs):
                raise ValueError("a dict has a key twice")
            return made

        return make_dict

    def _plan_array(self, name, depth):
        if not isinstance(name, str) or name not in self._array_names:
            raise LoadError(f"the model refers to an array {_short(name)} that is not there")
        return lambda workshop: workshop.arrays[name]

    def _plan_reference(self, number, depth):
        if type(number) is not int or not 0 <= number < self._n_before:
            raise LoadError(
                f"object {self._n_before} of the model refers to object {_short(number)}, wanted "
                "one that comes before it"
            )
        return lambda workshop: workshop.objects[number]

    def _plan_callable(self, name, depth):
        self.callables.add(check_name(name))
        return lambda workshop: workshop.code[name]


def _short(node):
    text = repr(node)
    return text if len(text) <= 100 else text[:100] + "..."
