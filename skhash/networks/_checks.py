"""Checks of the fields of networks and recipes, made when they are set."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any


def check_whole(name: str, value: Any, *, at_least: int) -> None:
    """Raise where a field is not a whole number of a least value."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if value < at_least:
        raise ValueError(f"{name} must be at least {at_least}, got {value!r}")


def check_real(name: str, value: Any) -> None:
    """Raise where a field is not a real number."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {value!r}")
