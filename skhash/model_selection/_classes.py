"""What the splitters share: checks of their parameters, and classes numbered."""

from __future__ import annotations

import warnings
from numbers import Integral

import numpy as np

from skhash.utils._labels import check_classes, encode_classes


def sorted_classes(y) -> tuple[np.ndarray, np.ndarray]:
    """Return the sorted classes and the position of each label among them."""
    if y is None:
        raise ValueError("y is needed: the splits are made class by class")
    # sorted, so that the same seed treats the same classes alike whatever the order of the rows
    return encode_classes("class", check_classes(y))


def warn_of_groups(splitter, groups) -> None:
    """Say that groups are not used, as scikit-learn's splitters do."""
    if groups is not None:
        warnings.warn(
            f"The groups parameter is ignored by {type(splitter).__name__}",
            UserWarning,
            stacklevel=3,
        )


def check_count(name: str, value, least: int) -> None:
    """Refuse anything but an integer of at least ``least``."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")


def check_share(name: str, value, *, zero: bool, one: bool) -> None:
    """Refuse anything but a share between 0 and 1, each of which may be allowed too."""
    if not isinstance(value, (int, float, np.number)) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number, got {value!r}")
    inside = 0 < value < 1 or (zero and value == 0) or (one and value == 1)
    if not inside:
        interval = f"{'[' if zero else '('}0, 1{']' if one else ')'}"
        raise ValueError(f"{name} must be a share in {interval}, got {value!r}")
