"""Precision and recall over the number of items returned."""

from __future__ import annotations

from sklearn.utils._optional_dependencies import check_matplotlib_support

from skhash.metrics import _statistics as statistics
from skhash.metrics._docs import shared_docs
from skhash.metrics._gains import binary_gains
from skhash.metrics._inputs import TIES, check_option, check_ranks, make_evaluation
from skhash.metrics._plot._cutoffs import check_scale, choose_cutoffs, draw_curve
from skhash.metrics._plot._style import paired_axes
from skhash.metrics._policy import POLICIES, mean_over_queries, settle
from skhash.similarity import takes_levels


class PrecisionRecallAtKDisplay:
    """Curves of precision@k and recall@k over k, with their tie bounds as bands.

    The lines are the exact expectation over the random order of items at equal distance; the
    bands reach from the worst to the best order there is.

    Create it with `from_estimator` or `from_predictions`. Displays drawn on the same axes take
    different colours and share a legend of their names.

    Parameters
    ----------
    k : ndarray of shape (n_cutoffs,)
        The cut-offs.
    precision, recall : dict of str to ndarray of shape (n_cutoffs,)
        The curves ``"expected"``, ``"pessimistic"`` and ``"optimistic"``, means over the
        queries; without the last two no bands are drawn.
    name : str, default=None
        What the legend calls the curves.

    Attributes
    ----------
    lines_ : list of two matplotlib Line2D
        The curves of precision and of recall.
    bands_ : list of two matplotlib PolyCollection or None
        Their tie bounds.
    ax_ : ndarray of two matplotlib Axes
        Where they are drawn.
    figure_ : matplotlib Figure
        The figure of the axes.

    See Also
    --------
    skhash.metrics.precision_at_k_score : The values of the left curve.
    skhash.metrics.recall_at_k_score : The values of the right curve.
    PrecisionRecallRadiusDisplay : Precision against recall, by Hamming radius.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skhash import PCAHasher
    >>> from skhash.metrics import PrecisionRecallAtKDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> display = PrecisionRecallAtKDisplay.from_estimator(
    ...     PCAHasher(n_bits=16).fit(X), X, y, exclude_self=True
    ... )
    >>> display.figure_.savefig("curves.png")  # doctest: +SKIP
    """

    def __init__(self, *, k, precision, recall, name=None):
        self.k = k
        self.precision = precision
        self.recall = recall
        self.name = name

    def plot(self, ax=None, *, name=None, xscale="log", line_kwargs=None, band_kwargs=None):
        """Draw the curves side by side.

        Parameters
        ----------
        ax : array-like of two matplotlib Axes, default=None
            Where to draw precision and recall; None makes a new figure.
        name : str, default=None
            What the legend calls the curves; None takes the name of the display.
        xscale : {"log", "linear"}, default="log"
            Scale of the cut-offs.
        line_kwargs : dict, default=None
            Keyword arguments of matplotlib's ``plot`` for the curves.
        band_kwargs : dict, default=None
            Keyword arguments of matplotlib's ``fill_between`` for the bands.

        Returns
        -------
        display : PrecisionRecallAtKDisplay
            This object.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        check_scale(xscale)
        self.ax_ = paired_axes(ax)
        drawn = [
            draw_curve(
                one,
                self.k,
                values["expected"],
                (values.get("pessimistic"), values.get("optimistic")),
                name=self.name if name is None else name,
                ylabel=ylabel,
                xscale=xscale,
                line_kwargs=line_kwargs,
                band_kwargs=band_kwargs,
            )
            for one, values, ylabel in zip(
                self.ax_,
                (self.precision, self.recall),
                ("Precision among the first k", "Recall among the first k"),
                strict=True,
            )
        ]
        self.lines_, self.bands_ = ([pair[i] for pair in drawn] for i in (0, 1))
        self.figure_ = self.ax_[0].figure
        return self

    @classmethod
    def from_estimator(
        cls, estimator, X, y, X_database=None, y_database=None, *, name=None, **options
    ):
        """Encode samples and draw the curves.

        Parameters
        ----------
        estimator : estimator instance
            A fitted hasher, or a pipeline that ends in one; its ``transform`` gives codes.
        X : array-like of shape (n_queries, n_features)
            The queries.
        y : array-like of n_queries labels
            Their labels.
        X_database : array-like of shape (n_database, n_features), default=None
            The items to find. By default the queries are ranked among themselves, which needs
            ``exclude_self=True``.
        y_database : array-like of n_database labels, default=None
            Their labels.
        name : str, default=None
            What the legend calls the curves; None takes the name of the estimator's class.
        **options
            Keyword arguments of `from_predictions`.

        Returns
        -------
        display : PrecisionRecallAtKDisplay
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
        k=None,
        relevance=None,
        similarity=None,
        threshold=None,
        exclude_self=False,
        bounds=True,
        metric="hamming",
        no_relevant="warn",
        n_jobs=None,
        device=None,
        name=None,
        ax=None,
        xscale="log",
        line_kwargs=None,
        band_kwargs=None,
    ):
        """Draw the curves of codes.

        Parameters
        ----------
        |rankings|
        k : int or array-like of ints, default=None
            The cut-offs. An int stands for 64 of them up to it, closer together where they are
            small; None for those up to 1000 or to the size of the database.
        |relevance|
        |exclude|
        bounds : bool, default=True
            Whether to compute and draw the tie bounds.
        |metric|
        |no_relevant|
        |machine|
        name : str, default=None
            What the legend calls the curves.
        ax : array-like of two matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        xscale : {"log", "linear"}, default="log"
            Scale of the cut-offs.
        line_kwargs, band_kwargs : dict, default=None
            See `plot`.

        Returns
        -------
        display : PrecisionRecallAtKDisplay
            The display, drawn.

        Raises
        ------
        |raises|
        """
        check_matplotlib_support(f"{cls.__name__}.from_predictions")
        check_option("no_relevant", no_relevant, POLICIES)
        check_scale(xscale)
        evaluation = make_evaluation(
            query_codes,
            query_labels,
            database_codes,
            database_labels,
            exclude_self=exclude_self,
            metric=metric,
            levels=takes_levels(similarity),
            device=device,
            binary=lambda labels: binary_gains(labels, relevance, similarity, threshold),
        )
        cutoffs = choose_cutoffs(k, query_codes, database_codes, exclude_self)
        cutoffs = check_ranks(cutoffs, evaluation)
        precision, recall = {}, {}
        for ties in TIES if bounds else TIES[:1]:
            made = [statistics.precision(cutoffs), statistics.recall(cutoffs)]
            values = evaluation.run(made, ties=ties, n_jobs=n_jobs)
            for curve, statistic in zip((precision, recall), made, strict=True):
                settled = settle(values[statistic.name], no_relevant)
                curve[ties] = mean_over_queries(settled)
                # one warning is enough
                no_relevant = "skip" if no_relevant == "warn" else no_relevant
        display = cls(k=cutoffs, precision=precision, recall=recall, name=name)
        return display.plot(ax=ax, xscale=xscale, line_kwargs=line_kwargs, band_kwargs=band_kwargs)
