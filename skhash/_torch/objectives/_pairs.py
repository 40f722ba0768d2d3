"""Objectives over the pairs of a batch: which of them share a label."""

from __future__ import annotations

import torch

from skhash._torch.losses import pair_likelihood_loss, quantization_loss, share_label
from skhash._torch.objectives._base import Objective
from skhash._torch.objectives._progress import Progress, staged_sharpness


class HashNetObjective(Objective):
    """The one term of `HashNetHasher`, with outputs that come nearer to bits as training goes on.

    Parameters
    ----------
    target : Tensor of shape (n_samples,), int64, or (n_samples, n_classes), float
        Class indices or label indicators of all rows.
    alpha : float
        Factor of the inner products.
    final_beta, n_stages
        See `staged_sharpness`.
    n_steps : int
        Steps of training.
    """

    beta: torch.Tensor

    def __init__(self, target, *, alpha, final_beta, n_stages, n_steps):
        super().__init__()
        self._target, self._alpha = target, alpha
        self._final_beta, self._n_stages = final_beta, n_stages
        self._progress = Progress(n_steps)
        self.register_buffer("beta", torch.ones(()))

    def terms(self, outputs, batch):
        codes = torch.tanh(self._sharpness() * outputs)
        logits = self._alpha * (codes @ codes.T)
        similar = share_label(self._target[batch])
        return {"pairs": pair_likelihood_loss(logits, similar, balanced=True)}

    def run_state(self):
        return self._progress.run_state()

    def load_run_state(self, state):
        self._progress.load_run_state(state)

    def _sharpness(self):
        # epochs are compared by their validation loss: all at the last sharpness
        if not self.training:
            return self._final_beta
        beta = staged_sharpness(self._progress.step(), self._final_beta, self._n_stages)
        self.beta.fill_(beta)
        return beta


class DPSHObjective(Objective):
    """The pair and quantisation terms of `DPSHHasher`.

    Parameters
    ----------
    target : Tensor of shape (n_samples,), int64, or (n_samples, n_classes), float
        Class indices or label indicators of all rows.
    """

    def __init__(self, target):
        super().__init__()
        self._target = target

    def terms(self, outputs, batch):
        logits = outputs @ outputs.T / 2
        return {
            "pairs": pair_likelihood_loss(logits, share_label(self._target[batch])),
            "quantization": quantization_loss(outputs, "square"),
        }
