"""Precision against recall of lookup, radius by radius."""

from __future__ import annotations

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support

from skhash.metrics._docs import shared_docs
from skhash.metrics._lookup import precision_recall_curve
from skhash.metrics._plot._style import (
    add_legend,
    merge_style,
    next_line_style,
    single_axes,
    tidy,
)

# recalls near which a radius is written beside the curve
_LABELLED_RECALLS = (0.1, 0.3, 0.5, 0.7, 0.9)


class PrecisionRecallRadiusDisplay:
    """Precision against recall of lookup within every Hamming radius.

    Each dot is a radius; some are written beside it, in bits.

    Create it with `from_estimator` or `from_predictions`. Displays drawn on the same axes take
    different colours and share a legend of their names.

    Parameters
    ----------
    precision, recall : ndarray of shape (n_radii,)
        Precision and recall within each radius.
    radius : ndarray of shape (n_radii,)
        The radii, in bits.
    name : str, default=None
        What the legend calls the curve.

    Attributes
    ----------
    line_ : matplotlib Line2D
        The curve.
    texts_ : list of matplotlib Text
        Radii beside the curve.
    ax_ : matplotlib Axes
        Where it is drawn.
    figure_ : matplotlib Figure
        The figure of the axes.

    See Also
    --------
    skhash.metrics.precision_recall_curve : The values of the curve.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skhash import PCAHasher
    >>> from skhash.metrics import PrecisionRecallRadiusDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> display = PrecisionRecallRadiusDisplay.from_estimator(
    ...     PCAHasher(n_bits=16).fit(X), X, y, exclude_self=True
    ... )
    >>> display.figure_.savefig("curve.png")  # doctest: +SKIP
    """

    def __init__(self, *, precision, recall, radius, name=None):
        self.precision = precision
        self.recall = recall
        self.radius = radius
        self.name = name

    def plot(self, ax=None, *, name=None, label_radii=True, line_kwargs=None):
        """Draw the curve.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        name : str, default=None
            What the legend calls the curve; None takes the name of the display.
        label_radii : bool or array-like of ints, default=True
            Radii to write beside the curve; True takes up to five that are well apart.
        line_kwargs : dict, default=None
            Keyword arguments of matplotlib's ``plot``.

        Returns
        -------
        display : PrecisionRecallRadiusDisplay
            This object.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        from matplotlib.lines import Line2D

        name = self.name if name is None else name
        ax = single_axes(ax)
        # every other curve has its radii below, so that those of two do not overlap
        offset = -13 if len(ax.get_lines()) % 2 else 5
        defaults = {
            **next_line_style(ax),
            "linewidth": 1.5,
            "marker": "o",
            "markersize": 4,
            "label": name,
        }
        (self.line_,) = ax.plot(
            self.recall, self.precision, **merge_style(defaults, line_kwargs, Line2D)
        )
        self.texts_ = [
            ax.annotate(
                f"r = {self.radius[i]}",
                (self.recall[i], self.precision[i]),
                xytext=(3, offset),
                textcoords="offset points",
                color=self.line_.get_color(),
                fontsize="small",
            )
            for i in self._labelled(label_radii)
        ]
        ax.set(xlabel="Recall", ylabel="Precision within the Hamming radius", xlim=(-0.02, 1.02))
        # the top goes on following the data, also that of curves drawn later
        ax.set_ylim(bottom=0, auto=True)
        tidy(ax)
        add_legend(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _labelled(self, label_radii) -> np.ndarray:
        """Positions of the radii to write out."""
        if label_radii is False:
            return np.array([], dtype=int)
        if label_radii is not True:
            return np.flatnonzero(np.isin(self.radius, label_radii))
        nearest = np.abs(np.subtract.outer(_LABELLED_RECALLS, self.recall)).argmin(axis=1)
        return np.unique(nearest)

    @classmethod
    def from_estimator(
        cls, estimator, X, y, X_database=None, y_database=None, *, name=None, **options
    ):
        """Encode samples and draw the curve.

        Parameters
        ----------
        estimator : estimator instance
            A fitted hasher, or a pipeline that ends in one; its ``transform`` gives codes.
        X : array-like of shape (n_queries, n_features)
            The queries.
        y : array-like of n_queries labels
            Their labels.
        X_database : array-like of shape (n_database, n_features), default=None
            The items to find. By default they are looked up among the queries, which needs
            ``exclude_self=True``.
        y_database : array-like of n_database labels, default=None
            Their labels.
        name : str, default=None
            What the legend calls the curve; None takes the name of the estimator's class.
        **options
            Keyword arguments of `from_predictions`.

        Returns
        -------
        display : PrecisionRecallRadiusDisplay
            The display, drawn.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        database = None if X_database is None else estimator.transform(X_database)
        name = type(estimator).__name__ if name is None else name
        return cls.from_predictions(
            estimator.transform(X), y, database, y_database, name=name, **options
        )

    @classmethod
    @shared_docs
    def from_predictions(
        cls,
        query_codes,
        query_labels,
        database_codes=None,
        database_labels=None,
        *,
        average="macro",
        empty="zero",
        relevance=None,
        similarity=None,
        threshold=None,
        exclude_self=False,
        no_relevant="warn",
        n_jobs=None,
        device=None,
        name=None,
        ax=None,
        label_radii=True,
        line_kwargs=None,
    ):
        """Draw the curve of codes.

        Parameters
        ----------
        query_codes : array-like of shape (n_queries, n_bits)
            Codes of the queries, bits of 0 and 1.
        query_labels : array-like of n_queries labels
            Their labels. None where a matrix says what is relevant.
        database_codes : array-like of shape (n_database, n_bits), default=None
            Codes of the items to find. By default they are looked up among the queries, which
            needs ``exclude_self=True``.
        database_labels : array-like of n_database labels, default=None
            Labels of the items.
        average : {"macro", "micro"}, default="macro"
            The mean over the queries, or all pairs of a query and an item counted together.
        empty : {"zero", "skip"}, default="zero"
            Whether queries that find nothing have a precision of 0, or are left out.
        |relevance|
        |exclude|
        |no_relevant|
        |machine|
        name : str, default=None
            What the legend calls the curve.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        label_radii : bool or array-like of ints, default=True
            See `plot`.
        line_kwargs : dict, default=None
            Keyword arguments of matplotlib's ``plot``.

        Returns
        -------
        display : PrecisionRecallRadiusDisplay
            The display, drawn.

        Raises
        ------
        |raises|
        """
        check_matplotlib_support(f"{cls.__name__}.from_predictions")
        precision, recall, radius = precision_recall_curve(
            query_codes,
            query_labels,
            database_codes,
            database_labels,
            average=average,
            empty=empty,
            relevance=relevance,
            similarity=similarity,
            threshold=threshold,
            exclude_self=exclude_self,
            no_relevant=no_relevant,
            n_jobs=n_jobs,
            device=device,
        )
        display = cls(precision=precision, recall=recall, radius=radius, name=name)
        return display.plot(ax=ax, label_radii=label_radii, line_kwargs=line_kwargs)
