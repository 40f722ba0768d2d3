"""The objective of `KLBinaryHasher`: neighbours of X, a binary distribution, classes."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

from skhash._torch.data import power_of_two
from skhash._torch.images import real_pixels
from skhash._torch.losses import (
    binary_with_gradient,
    classification_loss,
    neighbor_probabilities,
    neighborhood_loss,
)
from skhash._torch.networks import linear_layer
from skhash._torch.objectives._base import Objective

# where the sharpness of Hamming neighbours begins, over the fourth root of the number of bits: 20
# at 16 bits, 34 at 128. Twice as much at 64 favours asymmetric distances, at the cost of meaning
_SHARPNESS = 10.0
# the KL term takes no more of a batch: its cost grows with the square
_KL_ROWS = 256


class KLBinaryObjective(Objective):
    """The neighbourhood, empirical KL and classification terms of `KLBinaryHasher`.

    Parameters
    ----------
    target : Tensor or None
        Class indices (n_samples,) or label indicators (n_samples, n_classes) of all rows; None
        trains without a classification head.
    center : ndarray of shape (n_features,)
        Where angles between rows of X are measured from; images are rows of their pixels.
    n_bits, n_classes : int
    terms : collection of str
        The terms to compute, of "neighborhood", "kl" and "classification".
    metric : {"cosine", "euclidean"}
        What near means in X.
    perplexity : float
        See `neighbor_probabilities`.
    kl_term : KLTerm
        The divergence from the reference distribution.
    generators
        What to draw from.
    """

    center: torch.Tensor

    def __init__(
        self,
        target,
        center,
        *,
        n_bits,
        n_classes,
        terms,
        metric,
        perplexity,
        kl_term,
        generators,
    ):
        super().__init__()
        self._target, self._names = target, frozenset(terms)
        self._metric, self._perplexity = metric, perplexity
        self._kl_term = kl_term
        self.register_buffer("center", torch.as_tensor(center, dtype=torch.float32))
        sharpness = _SHARPNESS * n_bits**0.25
        self.log_sharpness = nn.Parameter(torch.tensor(math.log(sharpness)))
        if target is not None:
            self.head = linear_layer(n_bits, n_classes, generators.cpu)

    def terms_of_rows(self, rows, outputs, batch):
        probabilities = torch.sigmoid(outputs)
        terms = {}
        if "neighborhood" in self._names:
            neighbors = neighbor_probabilities(self._distances(rows), self._perplexity)
            bits, sharpness = binary_with_gradient(probabilities), self.log_sharpness.exp()
            # searched by Hamming distance, and by the real values of the query
            size = outputs.detach().abs().mean().clamp_min(torch.finfo(outputs.dtype).tiny)
            terms["neighborhood"] = (
                neighborhood_loss(bits, neighbors, sharpness)
                + neighborhood_loss(bits, neighbors, sharpness, outputs / size)
            ) / 2
        if "kl" in self._names:
            terms["kl"] = self._kl_term(probabilities[:_KL_ROWS], training=self.training)
        if "classification" in self._names:
            logits = self.head(2 * probabilities - 1)
            terms["classification"] = classification_loss(logits, self._target[batch])
        return terms

    def run_state(self):
        return self._kl_term.run_state()

    def load_run_state(self, state):
        self._kl_term.load_run_state(state)

    @torch.no_grad()
    def _distances(self, rows):
        rows = real_pixels(rows).flatten(1) - self.center
        rows = rows / power_of_two(rows)
        if self._metric == "cosine":
            rows = F.normalize(rows, dim=1)
        # half the squared distance, which for unit rows is one minus the cosine
        square = rows.square().sum(dim=1)
        return ((square[:, None] + square) / 2 - rows @ rows.T).clamp_min(0)
