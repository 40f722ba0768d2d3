"""Optional dependencies."""

from __future__ import annotations

from importlib import import_module
from shlex import join
from typing import Any


def import_optional(module: str, purpose: str, *packages: str) -> Any:
    """A module, or an error that says what it is for and how to get it.

    Parameters
    ----------
    module : str
        Its name, such as ``"PIL.Image"``.
    purpose : str
        What needs it.
    *packages : str
        What to install, by the names on the package index, such as ``"pillow"``.

    Raises
    ------
    ImportError
        If the module cannot be imported.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{purpose} needs {module.partition('.')[0]}: pip install {join(packages)} ({error})"
        ) from error
