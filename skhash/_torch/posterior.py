"""An encoder that reads its bits off the posterior of a classifier, and off the features."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from skhash._torch.hidden import LastLinearInput

_CLASSIFIER = "classifier."


class PosteriorNetwork(nn.Module):
    """Bits that are affine in the posterior of a classifier and in the features.

    Parameters
    ----------
    classifier : torch.nn.Module
        From rows of X to the logits (n, n_classes).
    n_features, n_classes, n_bits : int
    temperature : float
        The logits are divided by it.
    n_hidden : int or None
        Where given, the features are not the rows of X, which hold `n_features` numbers, but the
        `n_hidden` numbers that the last linear layer of the classifier is given.
    """

    mean: torch.Tensor

    def __init__(self, classifier, n_features, n_classes, n_bits, temperature, n_hidden=None):
        super().__init__()
        # a float32, which an exported model keeps to the last digit
        self.classifier, self.temperature = classifier, float(np.float32(temperature))
        self._hidden = None if n_hidden is None else LastLinearInput(classifier)
        n_values = n_features if n_hidden is None else n_hidden
        self.register_buffer("mean", torch.zeros(n_values))
        self.class_bits = nn.Linear(n_classes, n_bits)
        self.feature_bits = nn.Linear(n_values, n_bits, bias=False)

    def forward(self, X):
        logits = self.classifier(X)
        if self._hidden is None:
            return self._bits(logits, X)
        # the map to bits is small, and has single precision where the network has less
        with torch.autocast(X.device.type, enabled=False):
            return self._bits(logits.to(self.mean.dtype), self._hidden.take())

    def _bits(self, logits, features):
        features = features.to(self.mean.dtype)
        posterior = F.softmax(logits / self.temperature, dim=1)
        return self.class_bits(posterior) + self.feature_bits(features - self.mean)


def classifier_state(state):
    """The part of a `PosteriorNetwork`'s numpy state that belongs to its classifier."""
    length = len(_CLASSIFIER)
    return {key[length:]: value for key, value in state.items() if key.startswith(_CLASSIFIER)}


def posterior_state(classifier, posterior_map):
    """Numpy state of a `PosteriorNetwork`.

    Parameters
    ----------
    classifier : dict of str to ndarray
        State of the classifier.
    posterior_map : PosteriorMap
        See `skhash._closed_form.posterior_map`.
    """
    rest = {
        "mean": posterior_map.mean,
        "class_bits.weight": posterior_map.classes.T,
        "class_bits.bias": posterior_map.offset,
        "feature_bits.weight": posterior_map.features.T,
    }
    state = {_CLASSIFIER + key: value for key, value in classifier.items()}
    return state | {key: np.ascontiguousarray(value, np.float32) for key, value in rest.items()}
