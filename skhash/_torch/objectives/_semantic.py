"""The objective of `SemanticHasher`: relative distances, a binary distribution, classes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from skhash._torch.losses import classification_loss, relational_loss
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
        From a batch of row numbers to their target distances, shape (n, n), in [0, 1].
    target : Tensor or None
        Class indices (n_samples,) or label indicators (n_samples, n_classes) of all rows; None
        trains without a classification head.
    n_bits, n_classes : int
    terms : collection of str
        The terms to compute, of "similarity", "kl" and "classification".
    relation : dict
        Keyword arguments of `relational_loss`.
    kl_term : KLTerm
        The divergence from the reference distribution.
    generators
        What to draw from.
    """

    def __init__(
        self, distances, target, *, n_bits, n_classes, terms, relation, kl_term, generators
    ):
        super().__init__()
        self._distances, self._target, self._names = distances, target, frozenset(terms)
        self._relation, self._kl_term = relation, kl_term
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
            terms["kl"] = self._kl_term(probabilities, training=self.training)
        if "classification" in self._names:
            logits = self.head(2 * probabilities - 1)
            terms["classification"] = classification_loss(logits, self._target[batch])
        return terms

    def run_state(self):
        return self._kl_term.run_state()

    def load_run_state(self, state):
        self._kl_term.load_run_state(state)


class LossObjective(Objective):
    """One term: a function of the outputs of a batch and the similarities of its labels.

    Parameters
    ----------
    loss : callable
        ``loss(outputs, similarity)`` returns a scalar tensor.
    distances : callable
        From a batch of row numbers to their target distances, shape (n, n), in [0, 1].
    """

    def __init__(self, loss, distances):
        super().__init__()
        self._loss, self._distances = loss, distances

    def terms(self, outputs, batch):
        loss = self._loss(outputs, 1 - self._distances(batch))
        if not isinstance(loss, torch.Tensor) or loss.ndim:
            found = tuple(loss.shape) if isinstance(loss, torch.Tensor) else type(loss).__name__
            raise ValueError(f"loss must return a tensor without dimensions, got {found}")
        return {"loss": loss}
