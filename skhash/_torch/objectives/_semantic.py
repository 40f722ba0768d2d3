"""The objective of `SemanticHasher`: relative distances, a binary distribution, classes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from skhash._torch.losses import (
    beta_quantiles,
    classification_loss,
    draw_from_quantiles,
    empirical_kl_loss,
    relational_loss,
)
from skhash._torch.networks import linear_layer
from skhash._torch.objectives._base import Objective


class ClassDistances:
    """Target distances of a batch, gathered from the distances between classes."""

    def __init__(self, class_distances: np.ndarray, labels: np.ndarray, device):
        self.table = torch.from_numpy(class_distances.astype(np.float32)).to(device)
        self.labels = torch.from_numpy(labels).to(device)

    def __call__(self, batch: torch.Tensor) -> torch.Tensor:
        labels = self.labels[batch]
        return self.table[labels[:, None], labels]


class EvaluatedDistances:
    """Target distances of a batch, asked of the similarity target batch by batch."""

    def __init__(self, similarity: Callable[[np.ndarray], np.ndarray], device):
        self.similarity, self.device = similarity, device

    def __call__(self, batch: torch.Tensor) -> torch.Tensor:
        similarity = self.similarity(batch.cpu().numpy())
        return torch.from_numpy((1 - similarity).astype(np.float32)).to(self.device)


class SemanticObjective(Objective):
    """The relational, empirical KL and classification terms of Arponen & Bishop (2020).

    Parameters
    ----------
    distances : callable
        From a batch of row numbers to the distances of their labels, shape (n, n), in [0, 1].
    target : Tensor or None
        Class indices (n_samples,) or label indicators (n_samples, n_classes) of all rows; None
        trains without a classification head.
    n_bits, n_classes : int
    terms : collection of str
        The terms to compute, of "similarity", "kl" and "classification".
    form, gamma, rho
        Shape of the relational loss, see `relational_loss`.
    alpha : float
        Shape of the reference distribution Beta(alpha, alpha).
    n_draws : int or None
        Reference draws per batch; None takes as many as the batch has rows.
    device, generators
        Where to compute and what to draw from.
    """

    def __init__(
        self,
        distances,
        target,
        *,
        n_bits,
        n_classes,
        terms,
        form,
        gamma,
        rho,
        alpha,
        n_draws,
        device,
        generators,
    ):
        super().__init__()
        self._distances, self._target, self._names = distances, target, frozenset(terms)
        self._relation = {"form": form, "gamma": gamma, "rho": rho}
        self._n_draws, self._generator = n_draws, generators.device
        self._quantiles = beta_quantiles(alpha, device=device)
        if target is not None:
            self.head = linear_layer(n_bits, n_classes, generators.cpu)

    def terms(self, outputs, batch):
        probabilities = torch.sigmoid(outputs)
        terms = {}
        if "similarity" in self._names:
            terms["similarity"] = relational_loss(
                probabilities, self._distances(batch), **self._relation
            )
        if "kl" in self._names:
            shape = (self._n_draws or len(batch), outputs.shape[1])
            draws = draw_from_quantiles(self._quantiles, shape, self._generator)
            terms["kl"] = empirical_kl_loss(probabilities, draws)
        if "classification" in self._names:
            logits = self.head(2 * probabilities - 1)
            terms["classification"] = classification_loss(logits, self._target[batch])
        return terms
