"""How far apart the codes of classes are, against how far apart the classes are in meaning."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import groupby

import numpy as np
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform
from sklearn.utils._optional_dependencies import check_matplotlib_support

from skhash.metrics._codes import class_distances, distance_similarity_correlation
from skhash.metrics._inputs import check_option
from skhash.metrics._plot._style import COLORS, merge_style, paired_axes, single_axes, tidy
from skhash.similarity import class_similarity

# more names than this beside an axis cannot be read
_MAX_NAMES = 30
# above this the best order of a dendrogram's leaves takes long; any order of them will do
_MAX_OPTIMAL = 300
_MAX_STEPS = 12


class ClassDistanceDisplay:
    """Mean Hamming distances between classes beside the distances that the similarity asks for.

    Codes that follow a similarity show the same blocks as the similarity does. The title gives
    Spearman's correlation of the two over pairs of different classes.

    Create it with `from_estimator` or `from_predictions`.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        The classes, in the order in which they are drawn.
    distances : ndarray of shape (n_classes, n_classes)
        Mean Hamming distances, in bits; on the diagonal those within classes.
    dissimilarity : ndarray of shape (n_classes, n_classes)
        1 minus the similarities.
    correlation : float
        Spearman's correlation of the two.
    name : str, default=None
        What the codes are called in the title.

    Attributes
    ----------
    images_ : tuple of two matplotlib AxesImage or None
        Both matrices, where ``kind="matrices"``.
    colorbars_ : tuple of two matplotlib Colorbar or None
        Their scales.
    scatter_ : matplotlib PathCollection or None
        The pairs of classes, where ``kind="scatter"``.
    line_ : matplotlib Line2D or None
        Medians of the pairs that are about equally dissimilar.
    ax_ : ndarray of two matplotlib Axes, or one Axes for ``kind="scatter"``
        Where it is drawn.
    figure_ : matplotlib Figure
        The figure of the axes.

    See Also
    --------
    skhash.metrics.class_distances : The distances.
    skhash.metrics.distance_similarity_correlation : The correlation.

    Examples
    --------
    >>> from skhash.datasets import load_cifar100_features
    >>> from skhash import PCAHasher
    >>> from skhash.metrics import ClassDistanceDisplay
    >>> from skhash.similarity import TaxonomySimilarity
    >>> cifar = load_cifar100_features()
    >>> display = ClassDistanceDisplay.from_estimator(
    ...     PCAHasher(n_bits=32).fit(cifar.data),
    ...     cifar.data,
    ...     cifar.target_names[cifar.target],
    ...     similarity=TaxonomySimilarity("cifar100"),
    ... )
    >>> display.figure_.savefig("classes.png")  # doctest: +SKIP
    """

    def __init__(self, *, classes, distances, dissimilarity, correlation, name=None):
        self.classes = classes
        self.distances = distances
        self.dissimilarity = dissimilarity
        self.correlation = correlation
        self.name = name

    def plot(
        self,
        ax=None,
        *,
        kind="matrices",
        groups=None,
        name=None,
        image_kwargs=None,
        scatter_kwargs=None,
    ):
        """Draw the distances.

        Parameters
        ----------
        ax : sequence of two matplotlib Axes, or one Axes for ``kind="scatter"``, default=None
            Where to draw; None makes a new figure.
        kind : {"matrices", "scatter"}, default="matrices"
            Two matrices side by side, or one dot for every pair of different classes, with the
            medians of equally dissimilar ones as a line.
        groups : mapping of class to str, default=None
            Names to write beside the matrices instead of those of single classes, for each run
            of neighbouring classes that share one.
        name : str, default=None
            What the codes are called; None takes the name of the display.
        image_kwargs : dict, default=None
            Keyword arguments of matplotlib's ``imshow`` for both matrices.
        scatter_kwargs : dict, default=None
            Keyword arguments of matplotlib's ``scatter``.

        Returns
        -------
        display : ClassDistanceDisplay
            This object.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        check_option("kind", kind, ("matrices", "scatter"))
        name = self.name if name is None else name
        title = f"{name or 'Codes'}\nSpearman correlation {self.correlation:.2f}"
        self.images_ = self.colorbars_ = self.scatter_ = self.line_ = None
        if kind == "matrices":
            axes = self.ax_ = paired_axes(ax)
            self.figure_ = axes[0].figure
            self._plot_matrices(axes, title, groups, image_kwargs)
        else:
            self.ax_ = single_axes(ax)
            self.figure_ = self.ax_.figure
            self._plot_scatter(title, scatter_kwargs)
        return self

    def _plot_matrices(self, axes, title, groups, image_kwargs) -> None:
        from matplotlib.image import AxesImage

        panels = (
            (self.distances, title, "Mean Hamming distance (bits)"),
            (self.dissimilarity, "Similarity target\n", "1 - similarity"),
        )
        images, bars = [], []
        for ax, (values, heading, label) in zip(axes, panels, strict=True):
            defaults = {"cmap": "viridis", "vmin": 0, "interpolation": "nearest"}
            image = ax.imshow(values, **merge_style(defaults, image_kwargs, AxesImage))
            images.append(image)
            # as high as the square image
            bars.append(ax.figure.colorbar(image, ax=ax, label=label, fraction=0.046, pad=0.03))
            ax.set_title(heading)
            self._name_classes(ax, groups)
        # the rows are the same classes in both
        axes[1].set_yticklabels([])
        self.images_, self.colorbars_ = tuple(images), tuple(bars)

    def _name_classes(self, ax, groups) -> None:
        names = [str(label) for label in self.classes.tolist()]
        ax.tick_params(length=0)
        ax.set_xticks([])
        if groups is not None:
            middles, shown, ends = _runs([groups[label] for label in self.classes.tolist()])
            ax.set_yticks(middles, shown)
            for end in ends:
                ax.axhline(end, color="white", linewidth=1)
                ax.axvline(end, color="white", linewidth=1)
        elif len(names) <= _MAX_NAMES:
            ax.set_yticks(range(len(names)), names)
            ax.set_xticks(range(len(names)), names, rotation=90)
        else:
            ax.set_yticks([])
            ax.set_xlabel("Classes, similar ones together")

    def _plot_scatter(self, title, scatter_kwargs) -> None:
        from matplotlib.collections import PathCollection

        pairs = np.triu_indices(len(self.classes), k=1)
        dissimilarity, distances = self.dissimilarity[pairs], self.distances[pairs]
        defaults = {"s": 14, "alpha": 0.25, "linewidths": 0, "facecolors": COLORS[0]}
        self.scatter_ = self.ax_.scatter(
            dissimilarity, distances, **merge_style(defaults, scatter_kwargs, PathCollection)
        )
        (self.line_,) = self.ax_.plot(
            *_medians(dissimilarity, distances), color=COLORS[1], marker="o", linewidth=2
        )
        self.ax_.set(xlabel="1 - similarity", ylabel="Mean Hamming distance (bits)", title=title)
        tidy(self.ax_)

    @classmethod
    def from_estimator(cls, estimator, X, y, *, name=None, **options):
        """Encode samples and draw the distances between their classes.

        Parameters
        ----------
        estimator : estimator instance
            A fitted hasher, or a pipeline that ends in one; its ``transform`` gives codes.
        X : array-like of shape (n_samples, n_features)
            The samples.
        y : array-like of shape (n_samples,)
            Their classes.
        name : str, default=None
            What the codes are called; None takes the name of the estimator's class.
        **options
            Keyword arguments of `from_predictions`, of which ``similarity`` is required.

        Returns
        -------
        display : ClassDistanceDisplay
            The display, drawn.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        name = type(estimator).__name__ if name is None else name
        return cls.from_predictions(estimator.transform(X), y, name=name, **options)

    @classmethod
    def from_predictions(
        cls,
        codes,
        labels,
        *,
        similarity,
        order=None,
        kind="matrices",
        groups=None,
        name=None,
        ax=None,
        image_kwargs=None,
        scatter_kwargs=None,
    ):
        """Draw the distances between the classes of codes.

        Parameters
        ----------
        codes : array-like of shape (n_samples, n_bits)
            Bits, 0 or 1.
        labels : array-like of shape (n_samples,)
            Class labels, of three classes at least.
        similarity : callable
            A similarity target.
        order : array-like, default=None
            Classes in the order to draw them in, such as the leaves of a taxonomy; those that
            are not among the labels are passed over. None clusters them by their similarity.
        kind : {"matrices", "scatter"}, default="matrices"
            See `plot`.
        groups : mapping of class to str, default=None
            See `plot`.
        name : str, default=None
            What the codes are called.
        ax : sequence of two matplotlib Axes, or one Axes for ``kind="scatter"``, default=None
            Where to draw; None makes a new figure.
        image_kwargs, scatter_kwargs : dict, default=None
            See `plot`.

        Returns
        -------
        display : ClassDistanceDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If codes are not bits, labels are not as many classes, all pairs of classes are
            equally similar, or the order lacks a class or has one twice.
        """
        check_matplotlib_support(f"{cls.__name__}.from_predictions")
        classes, distances = class_distances(codes, labels)
        dissimilarity = 1 - class_similarity(similarity, classes)
        places = _clustered(dissimilarity) if order is None else _places(order, classes)
        block = np.ix_(places, places)
        display = cls(
            classes=classes[places],
            distances=distances[block],
            dissimilarity=dissimilarity[block],
            correlation=distance_similarity_correlation(codes, labels, similarity),
            name=name,
        )
        return display.plot(
            ax=ax,
            kind=kind,
            groups=groups,
            image_kwargs=image_kwargs,
            scatter_kwargs=scatter_kwargs,
        )


def _clustered(dissimilarity: np.ndarray) -> np.ndarray:
    """An order of classes that keeps similar ones together."""
    condensed = squareform(dissimilarity, checks=False)
    optimal = len(dissimilarity) <= _MAX_OPTIMAL
    return leaves_list(linkage(condensed, "average", optimal_ordering=optimal))


def _places(order: Sequence[Hashable], classes: np.ndarray) -> np.ndarray:
    """Positions of the classes in the order that the user gave."""
    position = {label: i for i, label in enumerate(classes.tolist())}
    wanted = order.tolist() if isinstance(order, np.ndarray) else list(order)
    places = [position[label] for label in wanted if label in position]
    if len(set(places)) < len(places):
        raise ValueError("order has classes more than once")
    if len(places) < len(position):
        missing = [label for label in position if label not in set(wanted)]
        raise ValueError(
            f"order lacks {len(missing)} of the {len(position)} classes, such as {missing[0]!r}"
        )
    return np.array(places)


def _runs(names: Sequence[str]) -> tuple[list[float], list[str], list[float]]:
    """Middle and name of each run of equal names, and where one run ends and another begins."""
    middles, shown, ends = [], [], []
    start = 0
    for name, run in groupby(names):
        stop = start + len(list(run))
        middles.append((start + stop - 1) / 2)
        shown.append(str(name))
        ends.append(stop - 0.5)
        start = stop
    return middles, shown, ends[:-1]


def _medians(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, ...]:
    """Medians of x and y among pairs of about equal x: each value of x, or as many in each part."""
    # distances from a taxonomy take few values, which differ by rounding
    steps, step = np.unique(x.round(12), return_inverse=True)
    if len(steps) > _MAX_STEPS:
        step = (np.argsort(np.argsort(x, kind="stable")) * _MAX_STEPS) // len(x)
    parts = [step == i for i in np.unique(step)]
    return tuple(np.array([np.median(values[part]) for part in parts]) for values in (x, y))
