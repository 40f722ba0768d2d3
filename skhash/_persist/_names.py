"""Classes and functions by the name they are imported under, and who may be imported."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Any

import numpy as np

from skhash._persist._errors import LoadError

# their estimators, and nothing else in them, may be loaded without being named
_OWN_PACKAGES = ("skhash", "sklearn")
# no estimator lives there, and some of these modules do things when they are imported
_NEVER_OWN = {"tests", "conftest", "externals"}

_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
_ENTRY = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*\.?")


def import_name(thing: Any) -> str:
    """The name ``module:qualname`` of a class or function.

    Classes of skhash and scikit-learn go by their public module, which stays where it is when
    private modules move.

    Raises
    ------
    TypeError
        If it cannot be found under that name: a lambda, a local function, one of ``__main__``.
    """
    module, qualname = _home(thing)
    if module == "__main__":
        raise TypeError(
            f"{qualname} is defined in __main__, where no other program finds it: move it into a "
            "module that can be imported"
        )
    if not isinstance(module, str) or not _NAME.fullmatch(f"{module}:{qualname}"):
        raise TypeError(f"{thing!r} has no name to import it by: define it in a module")
    if module.split(".")[0] in _OWN_PACKAGES:
        # a class may say that it is of a package that has not been imported yet
        import_module(module)
    for prefix in _public_modules(module):
        if _look_up(prefix, str(qualname)) is thing:
            return f"{prefix}:{qualname}"
    raise TypeError(f"{module}:{qualname} is another object than {thing!r}")


def _home(thing):
    """Module and name that a class or function says it has."""
    name = getattr(thing, "__qualname__", None) or getattr(thing, "__name__", None)
    # functions of numpy did not say before version 2.2
    numpy = "numpy" if isinstance(thing, np.ufunc) else None
    return getattr(thing, "__module__", None) or numpy, name


def _public_modules(module: str):
    """The packages above a module of ours, shortest first, and the module itself."""
    parts = module.split(".")
    if parts[0] in _OWN_PACKAGES:
        for n_parts in range(1, len(parts)):
            if parts[n_parts - 1].startswith("_"):
                break
            yield ".".join(parts[:n_parts])
    yield module


def _look_up(module: str, qualname: str) -> Any:
    """Object of an imported module by its qualified name, through classes only; or None."""
    found: Any = sys.modules.get(module)
    for depth, part in enumerate(qualname.split(".")):
        if depth and not isinstance(found, type):
            return None
        found = getattr(found, part, None)
    return found


class Trust:
    """The modules that a model may name, beside the estimators of skhash and scikit-learn.

    Parameters
    ----------
    trusted : iterable of str
        Names of modules; one that ends in a dot stands for a package and all that is below it. Or
        names of models that are downloaded, which have a slash.
    """

    def __init__(self, trusted: Iterable[str]):
        if not isinstance(trusted, Iterable):
            raise TypeError(f"trusted must hold names of modules, got {trusted!r}")
        entries = [trusted] if isinstance(trusted, str) else list(trusted)
        for entry in entries:
            if not isinstance(entry, str):
                raise TypeError(f"trusted must hold names of modules, got {entry!r}")
            if not _ENTRY.fullmatch(entry) and "/" not in entry:
                raise ValueError(
                    "trusted must hold names of modules such as 'project.targets', or 'project.' "
                    f"for a package and all below it, got {entry!r}"
                )
        self._entries = frozenset(entries)

    def allows(self, name: str) -> bool:
        """Whether the module of a name was named by the caller."""
        module = name.partition(":")[0]
        parts = module.split(".")
        packages = {".".join(parts[:end]) + "." for end in range(1, len(parts) + 1)}
        return module in self._entries or not packages.isdisjoint(self._entries)

    def allows_fetching(self, name: str) -> bool:
        """Whether a model that would be downloaded was named by the caller."""
        return name in self._entries


def top_package(name: str) -> str:
    """The first part of the module of a name."""
    return name.partition(":")[0].partition(".")[0]


def is_own(name: str) -> bool:
    """Whether a name lies in skhash or scikit-learn, whose estimators need no trust."""
    parts = name.partition(":")[0].split(".")
    return parts[0] in _OWN_PACKAGES and _NEVER_OWN.isdisjoint(parts)


def check_name(name: Any) -> str:
    """Refuse what is not a name of the form ``module:qualname``."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise LoadError(f"the manifest names {name!r}, wanted 'module:name'")
    return name


def resolve(name: str) -> Any:
    """Import what a checked and trusted name stands for.

    Raises
    ------
    LoadError
        If it is not there, or is only imported there and defined elsewhere.
    """
    module, _, qualname = name.partition(":")
    try:
        import_module(module)
    except ImportError as error:
        raise LoadError(f"the model needs {name}, which cannot be imported: {error}") from error
    found = _look_up(module, qualname)
    home, own_name = _home(found)
    is_home = home == module or (isinstance(home, str) and home.startswith(module + "."))
    if found is None or not is_home or own_name != qualname:
        raise LoadError(
            f"the model needs {name}, but {module} defines no such class or function"
            + ("" if found is None else f" (what it has there is {home}:{own_name})")
        )
    return found
