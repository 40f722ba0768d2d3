"""The objective of a classifier whose posterior the bits are read off."""

from __future__ import annotations

import numpy as np
import torch

from skhash._torch.losses import label_share_loss
from skhash._torch.objectives._base import Objective


class MixupObjective(Objective):
    """Cross-entropy of a classifier on mixed samples.

    Each row of a batch is mixed with another of it, in the same ratio, and so is the
    distribution of classes that the softmax should match. What lies between classes then gets a
    posterior between them: unseen classes do.

    Parameters
    ----------
    labels : Tensor of shape (n_samples,), int64
        Class of each row.
    targets : Tensor of shape (n_classes, n_classes), float
        The distribution that the softmax should match for each class.
    alpha : float
        The ratio is drawn from Beta(alpha, alpha) for each batch; 0 mixes nothing.
    seed : int
        Of the ratios.
    generator : torch.Generator
        Of the pairs.

    References
    ----------
    Zhang, Cisse, Dauphin & Lopez-Paz (2018), "mixup: beyond empirical risk minimization", ICLR.
    """

    def __init__(self, labels, targets, *, alpha, seed, generator):
        super().__init__()
        self._labels, self._targets = labels, targets
        self._alpha, self._generator = alpha, generator
        self._ratios = np.random.default_rng(seed)
        self._mixed = None

    def inputs(self, rows, batch):
        self._mixed = None
        if not (self.training and self._alpha):
            return rows
        ratio = float(self._ratios.beta(self._alpha, self._alpha))
        order = torch.randperm(len(batch), generator=self._generator, device=batch.device)
        self._mixed = ratio, batch[order]
        return ratio * rows + (1 - ratio) * rows[order]

    def run_state(self):
        return {"ratios": self._ratios.bit_generator.state}

    def load_run_state(self, state):
        self._ratios.bit_generator.state = state["ratios"]

    def terms(self, outputs, batch):
        target = self._targets[self._labels[batch]]
        if self._mixed is not None:
            ratio, other = self._mixed
            target = ratio * target + (1 - ratio) * self._targets[self._labels[other]]
        return {"classification": label_share_loss(outputs, target)}
