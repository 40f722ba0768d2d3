"""Objectives that draw each output to the fixed code of its class."""

from __future__ import annotations

import numpy as np
import torch

from skhash._torch.losses import (
    central_similarity_loss,
    cosine_margin_loss,
    polarization_loss,
    quantization_loss,
)
from skhash._torch.objectives._base import Objective


def signs(codebook: np.ndarray, device) -> torch.Tensor:
    """A codebook of 0 and 1 as a tensor of -1 and 1."""
    return torch.from_numpy(codebook.astype(np.float32)).to(device).mul_(2).sub_(1)


class CosineCodesObjective(Objective):
    """The one term of OrthoHash, see `cosine_margin_loss`.

    Parameters
    ----------
    codebook : ndarray of shape (n_classes, n_bits), dtype uint8
    target : Tensor of shape (n_samples,), int64, or (n_samples, n_classes), float
        Class indices or label indicators of all rows.
    scale, margin, margin_type
        See `cosine_margin_loss`.
    """

    def __init__(self, codebook, target, *, scale, margin, margin_type):
        super().__init__()
        self._codes, self._target = signs(codebook, target.device), target
        self._options = {"scale": scale, "margin": margin, "margin_type": margin_type}

    def terms(self, outputs, batch):
        target = self._target[batch]
        return {"cosine": cosine_margin_loss(outputs, self._codes, target, **self._options)}


class _TargetCodesObjective(Objective):
    """Base class of the objectives that give each row a code of its own to meet.

    Parameters
    ----------
    codes : ndarray of shape (n_samples, n_bits), dtype int8
        -1 and 1; a row of 0 does not count.
    device : torch.device
    """

    def __init__(self, codes, device):
        super().__init__()
        self._codes = torch.from_numpy(codes).to(device)


class CentralSimilarityObjective(_TargetCodesObjective):
    """The terms of `CSQHasher`: central similarity, and quantisation."""

    def terms(self, outputs, batch):
        codes = self._codes[batch].to(outputs.dtype)
        return {
            "center": central_similarity_loss(outputs, codes),
            "quantization": quantization_loss(torch.tanh(outputs), "log_cosh"),
        }


class PolarizationObjective(_TargetCodesObjective):
    """The one term of `DPNHasher`, see `polarization_loss`."""

    def __init__(self, codes, device, *, margin):
        super().__init__(codes, device)
        self._margin = margin

    def terms(self, outputs, batch):
        codes = self._codes[batch].to(outputs.dtype)
        return {"polarization": polarization_loss(outputs, codes, margin=self._margin)}
