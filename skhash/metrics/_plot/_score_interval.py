"""Scores of several reports with their intervals, or their differences to one of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support

from skhash.metrics._plot._style import COLORS, GREY, merge_style, single_axes, tidy


class ScoreIntervalDisplay:
    """Scores of several hashers with bootstrap intervals over the queries.

    Against a reference it shows the differences instead, paired query by query: what lies on
    one side of the line at 0, interval and all, is better or worse for these codes. Create it
    with `from_reports`.

    Parameters
    ----------
    names : list of str
        What was scored.
    values : ndarray of shape (n_names,)
        Scores, or differences to the reference.
    low, high : ndarray of shape (n_names,)
        Ends of their intervals.
    score : str
        What was measured.
    reference : str, default=None
        What the differences are to; None where values are the scores.

    Attributes
    ----------
    errorbar_ : matplotlib ErrorbarContainer
        The values and their intervals.
    line_ : matplotlib Line2D or None
        The line at no difference.
    ax_ : matplotlib Axes
        Where it is drawn.
    figure_ : matplotlib Figure
        The figure of the axes.

    See Also
    --------
    RetrievalReport.confidence_interval : The intervals of scores.
    RetrievalReport.compare : The differences.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skhash import PCAHasher
    >>> from skhash.metrics import ScoreIntervalDisplay, retrieval_report
    >>> X, y = load_digits(return_X_y=True)
    >>> reports = {
    ...     f"{n_bits} bits": retrieval_report(
    ...         PCAHasher(n_bits).fit_transform(X), y, k=100, exclude_self=True
    ...     )
    ...     for n_bits in (4, 8, 16)
    ... }
    >>> display = ScoreIntervalDisplay.from_reports(reports, score="map", reference="8 bits")
    >>> display.names
    ['4 bits', '16 bits']
    >>> display.figure_.savefig("intervals.png")  # doctest: +SKIP
    """

    def __init__(self, *, names, values, low, high, score, reference=None):
        self.names = names
        self.values = values
        self.low = low
        self.high = high
        self.score = score
        self.reference = reference

    def plot(self, ax=None, *, errorbar_kwargs=None):
        """Draw the values, the first on top.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        errorbar_kwargs : dict, default=None
            Keyword arguments of matplotlib's ``errorbar``.

        Returns
        -------
        display : ScoreIntervalDisplay
            This object.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        from matplotlib.lines import Line2D

        ax = single_axes(ax, figsize=(6.4, 1.2 + 0.4 * len(self.names)))
        places = np.arange(len(self.names))
        defaults = {"color": COLORS[0], "linestyle": "none", "marker": "o", "capsize": 3}
        self.errorbar_ = ax.errorbar(
            self.values,
            places,
            # the interval of a skewed score need not hold it
            xerr=np.maximum([self.values - self.low, self.high - self.values], 0),
            **merge_style(defaults, errorbar_kwargs, Line2D),
        )
        self.line_ = None
        label = self.score
        if self.reference is not None:
            self.line_ = ax.axvline(0, color=GREY, linewidth=1)
            label = f"{self.score}, difference to {self.reference}"
        ax.set(xlabel=label, ylim=(len(self.names) - 0.5, -0.5))
        ax.set_yticks(places, self.names)
        tidy(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    @classmethod
    def from_reports(
        cls,
        reports,
        *,
        score,
        reference=None,
        confidence_level=0.95,
        random_state=None,
        ax=None,
        errorbar_kwargs=None,
    ):
        """Draw one score of several reports.

        Parameters
        ----------
        reports : dict of str to RetrievalReport
            Reports by the name of what they are of.
        score : str
            The name of the score in the reports.
        reference : str, default=None
            The report to take the differences to; all must then be of the same queries.
        confidence_level : float, default=0.95
            See `RetrievalReport.confidence_interval`.
        random_state : int, RandomState instance or None, default=None
            Draws the resamples.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        errorbar_kwargs : dict, default=None
            See `plot`.

        Returns
        -------
        display : ScoreIntervalDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If there is nothing to draw, a report lacks the score, or `reference` is none of the
            reports or not of the same queries as the others.
        """
        check_matplotlib_support(f"{cls.__name__}.from_reports")
        if not isinstance(reports, Mapping) or not set(reports) - {reference}:
            raise ValueError(f"reports must be a dict of reports by name, got {reports!r}")
        if reference is not None and reference not in reports:
            raise ValueError(f"reference must be one of {list(reports)}, got {reference!r}")
        names = [name for name in reports if name != reference]
        options = confidence_level, random_state
        if reference is None:
            intervals = [reports[name].confidence_interval(score, *options) for name in names]
            rows = [
                (reports[name][score], *interval)
                for name, interval in zip(names, intervals, strict=True)
            ]
        else:
            tables = [
                reports[name].compare(reports[reference], *options, scores=[score])
                for name in names
            ]
            rows = [
                tuple(table[column][0] for column in ("difference", "low", "high"))
                for table in tables
            ]
        values, low, high = np.array(rows).T
        display = cls(
            names=names, values=values, low=low, high=high, score=score, reference=reference
        )
        return display.plot(ax=ax, errorbar_kwargs=errorbar_kwargs)
