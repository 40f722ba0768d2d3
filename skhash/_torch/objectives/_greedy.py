"""The objective of `GreedyHasher`: a classifier on rounded bits."""

from __future__ import annotations

from skhash._torch.losses import classification_loss, quantization_loss, sign_with_gradient
from skhash._torch.networks import linear_layer
from skhash._torch.objectives._base import Objective


class GreedyObjective(Objective):
    """The classification and quantisation terms of `GreedyHasher`.

    Parameters
    ----------
    target : Tensor of shape (n_samples,), int64, or (n_samples, n_classes), float
        Class indices or label indicators of all rows.
    n_bits, n_classes : int
    generators : Generators
        Draws the classifier to begin with.
    """

    def __init__(self, target, *, n_bits, n_classes, generators):
        super().__init__()
        self._target = target
        self.head = linear_layer(n_bits, n_classes, generators.cpu, bias=False)

    def terms(self, outputs, batch):
        logits = self.head(sign_with_gradient(outputs))
        return {
            "classification": classification_loss(logits, self._target[batch]),
            "quantization": quantization_loss(outputs, "cube"),
        }
