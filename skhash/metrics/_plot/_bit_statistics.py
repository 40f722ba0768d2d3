"""How evenly bits are used, and how much they repeat each other."""

from __future__ import annotations

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support

from skhash.metrics._codes import bit_balance, bit_correlation
from skhash.metrics._plot._style import COLORS, GREY, merge_style, paired_axes, tidy


class BitStatisticsDisplay:
    """Balance of each bit beside the correlation of every two bits.

    A bit says most where it is 1 for half of the samples, and nothing new where another bit
    tells it. Create it with `from_estimator` or `from_predictions`.

    Parameters
    ----------
    balance : ndarray of shape (n_bits,)
        Share of ones of each bit.
    correlation : ndarray of shape (n_bits, n_bits)
        Correlation of every two bits.
    name : str, default=None
        What the codes are called above the axes.

    Attributes
    ----------
    bars_ : matplotlib BarContainer
        The balances.
    image_ : matplotlib AxesImage
        The correlations.
    colorbar_ : matplotlib Colorbar
        The scale of the correlations.
    ax_ : ndarray of two matplotlib Axes
        Where balance and correlation are drawn.
    figure_ : matplotlib Figure
        The figure of the axes.

    See Also
    --------
    skhash.metrics.bit_balance : The balances.
    skhash.metrics.bit_correlation : The correlations.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skhash import PCAHasher
    >>> from skhash.metrics import BitStatisticsDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> display = BitStatisticsDisplay.from_estimator(PCAHasher(n_bits=16).fit(X), X)
    >>> display.figure_.savefig("bits.png")  # doctest: +SKIP
    """

    def __init__(self, *, balance, correlation, name=None):
        self.balance = balance
        self.correlation = correlation
        self.name = name

    def plot(self, ax=None, *, name=None, bar_kwargs=None, image_kwargs=None):
        """Draw balance and correlation.

        Parameters
        ----------
        ax : sequence of two matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        name : str, default=None
            What the codes are called; None takes the name of the display.
        bar_kwargs : dict, default=None
            Keyword arguments of matplotlib's ``bar`` for the balances.
        image_kwargs : dict, default=None
            Keyword arguments of matplotlib's ``imshow`` for the correlations.

        Returns
        -------
        display : BitStatisticsDisplay
            This object.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        from matplotlib.image import AxesImage
        from matplotlib.patches import Rectangle

        name = self.name if name is None else name
        prefix = f"{name}: " if name else ""
        axes = paired_axes(ax)
        self._plot_balance(
            axes[0], merge_style({"facecolor": COLORS[0], "width": 1}, bar_kwargs, Rectangle)
        )
        axes[0].set_title(f"{prefix}mean imbalance {np.abs(self.balance - 0.5).mean():.3f}")
        # purple and orange are told apart by all; white is no correlation
        defaults = {"cmap": "PuOr", "vmin": -1, "vmax": 1, "interpolation": "nearest"}
        self.image_ = axes[1].imshow(
            self.correlation, **merge_style(defaults, image_kwargs, AxesImage)
        )
        self.colorbar_ = axes[1].figure.colorbar(self.image_, ax=axes[1], label="Correlation")
        axes[1].set(xlabel="Bit", ylabel="Bit")
        axes[1].set_title(f"{prefix}{self._correlation_summary()}")
        self.ax_, self.figure_ = axes, axes[0].figure
        return self

    def _plot_balance(self, ax, style) -> None:
        n_bits = len(self.balance)
        # bars start from the even split, so that what is seen is the imbalance
        self.bars_ = ax.bar(np.arange(n_bits), self.balance - 0.5, bottom=0.5, **style)
        ax.axhline(0.5, color=GREY, linewidth=1)
        ax.set(xlabel="Bit", ylabel="Share of ones", xlim=(-0.6, n_bits - 0.4), ylim=(0, 1))
        tidy(ax)

    def _correlation_summary(self) -> str:
        pairs = np.abs(self.correlation[np.triu_indices(len(self.correlation), k=1)])
        return f"mean |correlation| {pairs.mean():.3f}" if len(pairs) else "one bit"

    @classmethod
    def from_estimator(cls, estimator, X, y=None, *, name=None, **options):
        """Encode samples and draw the statistics of their codes.

        Parameters
        ----------
        estimator : estimator instance
            A fitted hasher, or a pipeline that ends in one; its ``transform`` gives codes.
        X : array-like of shape (n_samples, n_features)
            The samples.
        y : None
            Ignored.
        name : str, default=None
            What the codes are called; None takes the name of the estimator's class.
        **options
            Keyword arguments of `from_predictions`.

        Returns
        -------
        display : BitStatisticsDisplay
            The display, drawn.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        name = type(estimator).__name__ if name is None else name
        return cls.from_predictions(estimator.transform(X), name=name, **options)

    @classmethod
    def from_predictions(cls, codes, *, name=None, ax=None, bar_kwargs=None, image_kwargs=None):
        """Draw the statistics of codes.

        Parameters
        ----------
        codes : array-like of shape (n_samples, n_bits)
            Bits, 0 or 1.
        name : str, default=None
            What the codes are called.
        ax : sequence of two matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        bar_kwargs, image_kwargs : dict, default=None
            See `plot`.

        Returns
        -------
        display : BitStatisticsDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If codes are not bits.
        """
        check_matplotlib_support(f"{cls.__name__}.from_predictions")
        display = cls(balance=bit_balance(codes), correlation=bit_correlation(codes), name=name)
        return display.plot(ax=ax, bar_kwargs=bar_kwargs, image_kwargs=image_kwargs)
