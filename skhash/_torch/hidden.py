"""What a network knows before its last layer."""

from __future__ import annotations

import torch
from torch import nn


class LastLinearInput:
    """The input of the last `nn.Linear` that a network runs, as features of its samples.

    Parameters
    ----------
    network : torch.nn.Module
        Any that runs an `nn.Linear`; it gets hooks.

    Raises
    ------
    ValueError
        If it holds none.
    """

    def __init__(self, network):
        self._input = None
        layers = [part for part in network.modules() if isinstance(part, nn.Linear)]
        if not layers:
            raise ValueError(
                "PosteriorEncoder reads features of images before the last torch.nn.Linear "
                "of the network, and the network has none: set encoder=RelationalEncoder()"
            )
        self._hooks = [layer.register_forward_pre_hook(self._notice) for layer in layers]

    def _notice(self, layer, inputs):
        self._input = inputs[0]

    def take(self):
        """The features of the last batch, (n, n_hidden), in the type that the layer has them in."""
        hidden, self._input = self._input, None
        if hidden is None or hidden.ndim != 2:
            found = "no input" if hidden is None else f"an input of shape {tuple(hidden.shape)}"
            raise ValueError(
                "PosteriorEncoder reads a row of features of each image before the last "
                f"torch.nn.Linear of the network, which had {found}: "
                "set encoder=RelationalEncoder()"
            )
        return hidden

    def remove(self):
        """Leave the network as it was."""
        for hook in self._hooks:
            hook.remove()


def check_hidden(encoder, input_shape):
    """Raise where an encoder of images, made by `image_encoder`, has no features to read.

    Parameters
    ----------
    encoder : torch.nn.Module
    input_shape : tuple of int
        (height, width, n_channels).
    """
    hidden, was_training = LastLinearInput(encoder), encoder.training
    encoder.eval()
    try:
        with torch.no_grad():
            encoder(torch.zeros(2, *input_shape, device=encoder.pixels.mean.device))
        hidden.take()
    finally:
        hidden.remove()
        encoder.train(was_training)


class JoinedFeatures(nn.Module):
    """The outputs of a network and its `LastLinearInput` side by side, to be encoded at once.

    Parameters
    ----------
    network : torch.nn.Module
    """

    def __init__(self, network):
        super().__init__()
        self.network, self._hidden = network, LastLinearInput(network)

    def forward(self, X):
        """Shape (n, n_outputs + n_hidden)."""
        outputs = self.network(X)
        return torch.cat([outputs, self._hidden.take()], dim=1)
