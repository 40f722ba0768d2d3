"""How far the distances of codes are from the wanted ones."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval

# Chosen on the CIFAR-100 tree, for the hierarchical precision of the codes themselves. Without
# weights the rank correlation over all pairs is up to .02 higher, and the order of the nearest
# classes worse.
GAMMA = 0.1
RHO = 1.0
WEIGHTING: dict[str, list[Any]] = {
    "gamma": [Interval(Real, 0, None, closed="neither")],
    "rho": [Interval(Real, 0, None, closed="left")],
}


class Stress:
    """Weighted stress of codes against wanted distances, at the scale that suits them best.

    With bits of -1 and 1, the distance of two codes is ``h / K = (1 - b_i . b_j / K) / 2``, so
    that the stress ``sum w (h / K - c d) ** 2`` is ``sum w R ** 2 / (2 K) ** 2`` with the
    residual ``R = Y - B B'`` and the wanted products ``Y = K (1 - 2 c d)``.

    Parameters
    ----------
    similarity : ndarray of shape (n_classes, n_classes)
        Checked similarities; the distances are 1 minus them. If all pairs are equally similar, all
        should be equally far apart.
    gamma, rho : float
        The weights are ``(gamma / (gamma + d)) ** rho``.
    """

    def __init__(self, similarity: np.ndarray, gamma: float = GAMMA, rho: float = RHO):
        distances = 1 - similarity
        np.fill_diagonal(distances, 0)
        if not distances.any():
            distances = 1 - np.eye(len(distances))
        self.distances = distances
        self.weights = (gamma / (gamma + distances)) ** rho
        np.fill_diagonal(self.weights, 0)
        self.row_weights = self.weights.sum(axis=1)
        self._weighted = self.weights * distances
        self._norm = float(np.vdot(self._weighted, distances))
        if not self._norm > 0:
            raise ValueError(
                f"rho must leave pairs of classes some weight, got rho={rho} with gamma={gamma}"
            )

    def __call__(self, codes: np.ndarray) -> float:
        """The weighted mean of ``(h / K - c d) ** 2`` over pairs, of codes of -1 and 1."""
        n_bits = codes.shape[1]
        products = codes @ codes.T
        residual = self.wanted(products, n_bits) - products
        total = float(np.vdot(self.weights, residual**2)) / (2 * n_bits) ** 2
        return total / float(self.row_weights.sum())

    def wanted(self, products: np.ndarray, n_bits: int) -> np.ndarray:
        """The wanted products ``K (1 - 2 c d)`` at the scale that suits these products best."""
        # regression of h / K on d through the origin
        scale = (self._weighted.sum() - np.vdot(self._weighted, products) / n_bits) / 2
        return n_bits * (1 - 2 * scale / self._norm * self.distances)
