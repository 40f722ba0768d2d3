"""Hierarchical precision over the number of items returned."""

from __future__ import annotations

from sklearn.utils._optional_dependencies import check_matplotlib_support

from skhash.metrics._docs import shared_docs
from skhash.metrics._hierarchical import hierarchical_precision_score
from skhash.metrics._plot._cutoffs import check_scale, choose_cutoffs, draw_curve
from skhash.metrics._plot._style import single_axes


class HierarchicalPrecisionDisplay:
    """Curve of the hierarchical precision HP@k over k, with its tie bounds as a band.

    The line is the exact expectation over the random order of items at equal distance; the band
    reaches from the worst to the best order there is. What lies within the band is what the
    order of a database can feign.

    Create it with `from_estimator` or `from_predictions`. Displays drawn on the same axes take
    different colours and share a legend of their names.

    Parameters
    ----------
    k : ndarray of shape (n_cutoffs,)
        The cut-offs.
    precision : ndarray of shape (n_cutoffs,)
        HP@k, mean over the queries.
    pessimistic, optimistic : ndarray of shape (n_cutoffs,), default=None
        HP@k of the worst and of the best order of ties. None draws no band.
    name : str, default=None
        What the legend calls the curve.

    Attributes
    ----------
    line_ : matplotlib Line2D
        The curve.
    band_ : matplotlib PolyCollection or None
        The tie bounds.
    ax_ : matplotlib Axes
        Where it is drawn.
    figure_ : matplotlib Figure
        The figure of the axes.

    See Also
    --------
    skhash.metrics.hierarchical_precision_score : The values of the curve.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skhash import PCAHasher
    >>> from skhash.metrics import HierarchicalPrecisionDisplay
    >>> from skhash.similarity import LabelSimilarity
    >>> X, y = load_digits(return_X_y=True)
    >>> display = HierarchicalPrecisionDisplay.from_estimator(
    ...     PCAHasher(n_bits=16).fit(X), X, y, similarity=LabelSimilarity(), exclude_self=True
    ... )
    >>> display.figure_.savefig("curve.png")  # doctest: +SKIP
    """

    def __init__(self, *, k, precision, pessimistic=None, optimistic=None, name=None):
        self.k = k
        self.precision = precision
        self.pessimistic = pessimistic
        self.optimistic = optimistic
        self.name = name

    def plot(self, ax=None, *, name=None, xscale="log", line_kwargs=None, band_kwargs=None):
        """Draw the curve.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        name : str, default=None
            What the legend calls the curve; None takes the name of the display.
        xscale : {"log", "linear"}, default="log"
            Scale of the cut-offs.
        line_kwargs : dict, default=None
            Keyword arguments of matplotlib's ``plot`` for the curve.
        band_kwargs : dict, default=None
            Keyword arguments of matplotlib's ``fill_between`` for the band.

        Returns
        -------
        display : HierarchicalPrecisionDisplay
            This object.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        check_scale(xscale)
        ax = single_axes(ax)
        self.line_, self.band_ = draw_curve(
            ax,
            self.k,
            self.precision,
            (self.pessimistic, self.optimistic),
            name=self.name if name is None else name,
            ylabel="Hierarchical precision HP@k",
            xscale=xscale,
            line_kwargs=line_kwargs,
            band_kwargs=band_kwargs,
        )
        self.ax_, self.figure_ = ax, ax.figure
        return self

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
            The items to find. By default the queries are ranked among themselves, which needs
            ``exclude_self=True``.
        y_database : array-like of n_database labels, default=None
            Their labels.
        name : str, default=None
            What the legend calls the curve; None takes the name of the estimator's class.
        **options
            Keyword arguments of `from_predictions`, of which ``similarity`` is required.

        Returns
        -------
        display : HierarchicalPrecisionDisplay
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
        similarity,
        k=None,
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
        """Draw the curve of codes.

        Parameters
        ----------
        |rankings|
        similarity : callable or array-like of shape (n_queries, n_database)
            A similarity target, called as ``similarity(labels_a, labels_b)``, or its values.
        k : int or array-like of ints, default=None
            The cut-offs. An int stands for 64 of them up to it, closer together where they are
            small; None for those up to 1000 or to the size of the database.
        |exclude|
        bounds : bool, default=True
            Whether to compute and draw the tie bounds.
        |metric|
        |no_relevant|
        |machine|
        name : str, default=None
            What the legend calls the curve.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        xscale : {"log", "linear"}, default="log"
            Scale of the cut-offs.
        line_kwargs, band_kwargs : dict, default=None
            See `plot`.

        Returns
        -------
        display : HierarchicalPrecisionDisplay
            The display, drawn.

        Raises
        ------
        |raises|
        """
        check_matplotlib_support(f"{cls.__name__}.from_predictions")
        cutoffs = choose_cutoffs(k, query_codes, database_codes, exclude_self)

        def curve(ties, no_relevant):
            return hierarchical_precision_score(
                query_codes,
                query_labels,
                database_codes,
                database_labels,
                similarity=similarity,
                k=cutoffs,
                exclude_self=exclude_self,
                ties=ties,
                metric=metric,
                no_relevant=no_relevant,
                n_jobs=n_jobs,
                device=device,
            )

        precision = curve("expected", no_relevant)
        pessimistic = optimistic = None
        if bounds:
            # one warning is enough
            quiet = "skip" if no_relevant == "warn" else no_relevant
            pessimistic, optimistic = curve("pessimistic", quiet), curve("optimistic", quiet)
        display = cls(
            k=cutoffs,
            precision=precision,
            pessimistic=pessimistic,
            optimistic=optimistic,
            name=name,
        )
        return display.plot(ax=ax, xscale=xscale, line_kwargs=line_kwargs, band_kwargs=band_kwargs)
