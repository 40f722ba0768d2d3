"""What an object holds, however deeply."""

from __future__ import annotations

import io
import pickle
from typing import Any

import numpy as np


class _Visitor(pickle.Pickler):
    """A pickler that notes every object it comes by; pickle knows how to look into all of them."""

    def __init__(self):
        super().__init__(io.BytesIO(), protocol=5)
        self.visited: list[Any] = []

    def persistent_id(self, obj):
        self.visited.append(obj)


def objects_within(obj) -> list[Any]:
    """Return obj and all objects that it holds, which must be picklable.

    Examples
    --------
    >>> from skhash.utils._held import objects_within
    >>> objects_within({"a": [1, {2}]})
    [{'a': [1, {2}]}, 'a', [1, {2}], 1, {2}, 2]
    """
    visitor = _Visitor()
    visitor.dump(obj)
    return visitor.visited


def fitted_state(estimator) -> dict[str, Any]:
    """Return the attributes of an estimator that are not its parameters."""
    parameters = estimator.get_params(deep=False)
    return {name: value for name, value in vars(estimator).items() if name not in parameters}


def is_of_package(obj, package: str) -> bool:
    """Tell whether an object, or the class or function that it is, belongs to a package."""
    lineage = obj.__mro__ if isinstance(obj, type) else [obj, *type(obj).__mro__]
    modules = [getattr(part, "__module__", None) or "" for part in lineage]
    return any(str(module).split(".")[0] == package for module in modules)


def arrays_within(obj) -> list[np.ndarray]:
    """Return the arrays that obj holds, with tables of other libraries as arrays."""
    return [np.asarray(part) for part in objects_within(obj) if hasattr(part, "__array__")]
