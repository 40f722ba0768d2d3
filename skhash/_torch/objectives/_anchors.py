"""The objective of `ClassAnchorHasher`: learned anchors that attract, and keep apart."""

from __future__ import annotations

import torch
from torch import nn

from skhash._torch.losses import attraction_loss, minimum_norm_loss, repulsion_loss
from skhash._torch.objectives._base import Objective


class AnchorObjective(Objective):
    """The terms of the class anchor margin loss, in the cube of the hyperbolic tangent.

    Parameters
    ----------
    target : Tensor of shape (n_samples,), int64, or (n_samples, n_classes), float
        Class indices or label indicators of all rows.
    n_bits, n_classes : int
    margin, minimum_norm : float
        See `repulsion_loss` and `minimum_norm_loss`.
    generators : Generators
        Draws the anchors to begin with.
    """

    def __init__(self, target, *, n_bits, n_classes, margin, minimum_norm, generators):
        super().__init__()
        self._target, self._margin, self._minimum_norm = target, margin, minimum_norm
        self.anchors = nn.Parameter(torch.randn(n_classes, n_bits, generator=generators.cpu))

    def terms(self, outputs, batch):
        anchors = torch.tanh(self.anchors)
        return {
            "attraction": attraction_loss(torch.tanh(outputs), anchors, self._target[batch]),
            "repulsion": repulsion_loss(anchors, self._margin),
            "minimum_norm": minimum_norm_loss(anchors, self._minimum_norm),
        }
