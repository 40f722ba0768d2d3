"""The files that ship inside the package."""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable

DATA_MODULE = "skhash.datasets.data"


def data_file(name: str) -> Traversable:
    """The shipped data file called `name`."""
    return resources.files(DATA_MODULE) / name


def read_description(name: str) -> str:
    """Text of the reStructuredText description called `name`."""
    return (resources.files("skhash.datasets.descr") / name).read_text(encoding="utf-8")
