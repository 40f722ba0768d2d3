"""What curves over the number of items returned have in common."""

from __future__ import annotations

import numpy as np
from sklearn.utils.validation import _num_samples

from skhash.metrics._inputs import check_option
from skhash.metrics._plot._style import GREY, add_legend, merge_style, next_line_style, tidy

_N_CUTOFFS = 64
_LARGEST_DEFAULT = 1000
_BAND_LABEL = "best and worst order of ties"


def choose_cutoffs(k, query_codes, database_codes, exclude_self) -> np.ndarray:
    """The cut-offs of a curve: those given, or up to the one given or the default."""
    if k is None:
        n_database = _num_samples(query_codes if database_codes is None else database_codes)
        # one item is the query itself, where queries are in the database
        k = min(n_database - (exclude_self is not False), _LARGEST_DEFAULT)
    return _spread(k) if np.ndim(k) == 0 else np.asarray(k)


def check_scale(xscale) -> None:
    """Refuse what is not a scale of cut-offs."""
    check_option("xscale", xscale, ("log", "linear"))


def draw_curve(ax, k, values, bounds, *, name, ylabel, xscale, line_kwargs, band_kwargs):
    """Draw values over cut-offs, and their bounds, if any, as a band.

    Returns the line, and the band or None.
    """
    from matplotlib.collections import PolyCollection
    from matplotlib.lines import Line2D
    from matplotlib.ticker import NullFormatter, StrMethodFormatter

    defaults = {**next_line_style(ax), "linewidth": 2, "label": name}
    (line,) = ax.plot(k, values, **merge_style(defaults, line_kwargs, Line2D))
    band = None
    if not any(bound is None for bound in bounds):
        defaults = {"facecolor": line.get_color(), "alpha": 0.2, "linewidth": 0}
        band = ax.fill_between(k, *bounds, **merge_style(defaults, band_kwargs, PolyCollection))
        _explain_band(ax)
    ax.set_xscale(xscale)
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set(xlabel="Items returned, k", ylabel=ylabel)
    tidy(ax)
    add_legend(ax, last=_BAND_LABEL)
    return line, band


def _spread(largest) -> np.ndarray:
    """Cut-offs from 1 to the largest, evenly spaced by their logarithm."""
    if isinstance(largest, (bool, np.bool_)) or not isinstance(largest, (int, np.integer)):
        raise ValueError(f"k must be an integer or a list of integers, got {largest!r}")
    if largest < 1:
        raise ValueError(f"k must be at least 1, got {largest}")
    return np.unique(np.geomspace(1, largest, _N_CUTOFFS).round().astype(int))


def _explain_band(ax) -> None:
    """One entry in the legend for the bands of all curves."""
    if _BAND_LABEL not in ax.get_legend_handles_labels()[1]:
        ax.fill_between([], [], [], facecolor=GREY, alpha=0.3, linewidth=0, label=_BAND_LABEL)
