"""The objective of `RankConsistencyHasher`: order, classes, centres and corners."""

from __future__ import annotations

import torch
from torch import nn

from skhash._torch.losses import (
    attraction_loss,
    label_share_loss,
    pair_distances,
    quantization_loss,
    rank_consistency_loss,
)
from skhash._torch.networks import linear_layer
from skhash._torch.objectives._base import Objective


class RankConsistencyObjective(Objective):
    """The rank, classification, clustering and quantisation terms.

    Parameters
    ----------
    distances : callable
        From a batch of row numbers to the distances of their labels, shape (n, n), in [0, 1].
    target : Tensor of shape (n_samples,), int64, or (n_samples, n_classes), float
        Class indices or label indicators of all rows.
    n_bits, n_classes : int
    terms : collection of str
        The terms to compute, of "rank", "classification", "clustering" and "quantization".
    sharpness, n_shifts
        See `rank_consistency_loss`.
    generators : Generators
        Draws the head and the centres to begin with.
    """

    def __init__(
        self, distances, target, *, n_bits, n_classes, terms, sharpness, n_shifts, generators
    ):
        super().__init__()
        self._distances, self._target, self._names = distances, target, frozenset(terms)
        self._ranking = {"sharpness": sharpness, "n_shifts": n_shifts}
        if "classification" in self._names:
            self.head = linear_layer(n_bits, n_classes, generators.cpu)
        if "clustering" in self._names:
            self.centers = nn.Parameter(torch.randn(n_classes, n_bits, generator=generators.cpu))

    def terms(self, outputs, batch):
        probabilities, signed = torch.sigmoid(2 * outputs), torch.tanh(outputs)
        target = self._target[batch]
        terms = {}
        if "rank" in self._names:
            terms["rank"] = rank_consistency_loss(
                pair_distances(probabilities), self._distances(batch), **self._ranking
            )
        if "classification" in self._names:
            terms["classification"] = label_share_loss(self.head(signed), target)
        if "clustering" in self._names:
            centers = torch.tanh(self.centers)
            terms["clustering"] = attraction_loss(signed, centers, target) / signed.shape[1]
        if "quantization" in self._names:
            terms["quantization"] = quantization_loss(signed)
        return terms
