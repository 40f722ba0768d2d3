"""The state of an object whose class is Python's: what it keeps, and the object made from it.

Nothing of a class is called but ``__new__`` of `object`, ``__getstate__`` and ``__setstate__``.
"""

from __future__ import annotations

import copyreg
import dataclasses
import inspect
from typing import Any

from sklearn.base import BaseEstimator

# callbacks watch a fit; they are no part of what was learned
_LEFT_OUT = frozenset({"_skl_callbacks"})


def is_plain_class(kind: type) -> bool:
    """Whether ``object.__new__`` and a dictionary of attributes make an object of the class."""
    return (
        kind.__new__ is object.__new__
        and kind.__reduce__ is object.__reduce__
        and kind.__reduce_ex__ is object.__reduce_ex__
        and kind not in copyreg.dispatch_table
        and kind.__dictoffset__ != 0
        and not inspect.isabstract(kind)
    )


def is_estimator_class(kind: Any) -> bool:
    """Whether it is a class of estimators in the sense of scikit-learn."""
    return isinstance(kind, type) and issubclass(kind, BaseEstimator)


def is_own_value_class(kind: Any) -> bool:
    """Whether it is one of skhash's frozen dataclasses, such as `~skhash.neighbors.PackedCodes`."""
    return (
        dataclasses.is_dataclass(kind)
        and isinstance(kind, type)
        and kind.__module__.split(".")[0] == "skhash"
        and kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    )


def state_of(thing: Any) -> dict[str, Any]:
    """The attributes of an object, as it hands them to a pickle.

    Raises
    ------
    TypeError
        If its class keeps its state in another way.
    """
    kind = type(thing)
    if kind.__module__.startswith("pandas."):
        raise TypeError("use a dict or a NumPy array instead")
    if not is_plain_class(kind):
        raise TypeError(f"{kind.__module__}.{kind.__qualname__} is not made of attributes alone")
    state = thing.__getstate__()
    if state is None:
        return {}
    if not isinstance(state, dict) or not all(type(name) is str for name in state):
        raise TypeError(f"__getstate__ of {kind.__qualname__} must return a dict by name")
    left_out = {*_LEFT_OUT, *stays_behind(kind)}
    return {name: value for name, value in state.items() if name not in left_out}


def stays_behind(kind: type) -> tuple[str, ...]:
    """Parameters that are of this machine: not saved, and their defaults when loaded."""
    return getattr(kind, "_stays_behind", ())


def make(kind: type, state: dict[str, Any]) -> Any:
    """The object of a plain class with a state."""
    thing: Any = object.__new__(kind)
    if hasattr(thing, "__setstate__"):
        thing.__setstate__(state)
    else:
        vars(thing).update(state)
    return thing


def parameter_names(kind: type) -> list[str]:
    """Names of the parameters of a class of estimators, as ``get_params`` has them."""
    return list(kind._get_param_names())  # type: ignore[attr-defined]


def parameter_defaults(kind: type) -> dict[str, Any]:
    """Default values of the parameters that have one."""
    parameters = inspect.signature(kind.__init__).parameters  # type: ignore[misc]
    return {
        name: parameters[name].default
        for name in parameter_names(kind)
        if parameters[name].default is not inspect.Parameter.empty
    }
