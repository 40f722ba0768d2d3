"""The look that all displays share; matplotlib is imported when something is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

# Okabe & Ito (2008), "Color universal design", in an order that also differs in lightness
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
GREY = "#666666"
_LINE_STYLES = ("-", "--", ":", "-.")


def new_axes(n_axes: int, figsize: tuple[float, float]):
    """Axes of a new figure that leaves room for its labels."""
    import matplotlib.pyplot as plt

    return plt.subplots(1, n_axes, figsize=figsize, layout="constrained")[1]


def single_axes(ax, figsize=(6.4, 4.4)):
    """The axes to draw on: those given, or those of a new figure."""
    from matplotlib.axes import Axes

    if ax is None:
        return new_axes(1, figsize)
    if not isinstance(ax, Axes):
        raise ValueError(f"ax must be one matplotlib Axes, got {type(ax).__name__}")
    return ax


def paired_axes(ax, figsize=(9.6, 4.4)) -> np.ndarray:
    """Two axes to draw on, side by side where they are new."""
    from matplotlib.axes import Axes

    if ax is None:
        return new_axes(2, figsize)
    axes = np.asarray(ax, dtype=object).ravel()
    if len(axes) != 2 or not all(isinstance(one, Axes) for one in axes):
        kinds = ", ".join(type(one).__name__ for one in axes)
        raise ValueError(f"ax must hold two matplotlib Axes, got {len(axes)} of type {kinds}")
    return axes


def next_line_style(ax) -> dict[str, Any]:
    """Colour, and when the colours are used up dashes, that tell a new line from those there."""
    n_lines = len(ax.get_lines())
    turn, color = divmod(n_lines, len(COLORS))
    return {"color": COLORS[color], "linestyle": _LINE_STYLES[turn % len(_LINE_STYLES)]}


def merge_style(defaults: Mapping[str, Any], given: Mapping[str, Any] | None, artist) -> dict:
    """Defaults overridden by what the user gave, under whichever alias ("c" for "color")."""
    from matplotlib.cbook import normalize_kwargs

    return {**defaults, **normalize_kwargs(dict(given or {}), artist)}


def tidy(ax) -> None:
    """Light grid behind the data, no frame where no axis is."""
    ax.grid(True, color="#dddddd", linewidth=0.8)
    ax.set_axisbelow(True)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)


def add_legend(ax, last: str | None = None) -> None:
    """Legend of what has a name, in order of drawing but for one that is to come last."""
    entries = list(zip(*ax.get_legend_handles_labels(), strict=True))
    if entries:
        entries.sort(key=lambda entry: entry[1] == last)
        ax.legend(*zip(*entries, strict=True), frameon=False)
