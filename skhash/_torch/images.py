"""Images as X: pixels of any kind become standardised maps, channels first."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from skhash._torch.data import in_double

# relative variance that the mean of equal numbers may seem to leave
_ROUNDING = 1e-12


class Pixels(nn.Module):
    """Rows of X as images that a network takes: channels first, centred, of unit variance.

    Bytes count as 255ths; real numbers are taken as they are. Mean and scale of each channel are
    those of the training images, and travel with the state of the network.

    Parameters
    ----------
    n_channels : int
    """

    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, n_channels):
        super().__init__()
        self.register_buffer("mean", torch.zeros(n_channels))
        self.register_buffer("scale", torch.ones(n_channels))

    def fit(self, rows):
        """Set the statistics from the training rows.

        Parameters
        ----------
        rows : Rows
        """
        mean = _channel_means(rows, lambda block: block)
        variance = _channel_means(rows, lambda block: (block - mean).square())
        # a channel without any variance, but for rounding, is only centred
        varies = variance > _ROUNDING * mean.square()
        self.mean.copy_(mean.float())
        self.scale.copy_(torch.where(varies, variance.sqrt(), 1).float())

    def forward(self, rows):
        """From (n, height, width, n_channels) to (n, n_channels, height, width)."""
        # a view: in memory the channels stay last, which convolutions are fastest with
        real = real_pixels(rows).to(self.mean.dtype)
        return ((real - self.mean) / self.scale).permute(0, 3, 1, 2)


def image_encoder(network, n_channels):
    """A network of images behind the `Pixels` that it needs: takes rows of X.

    Parameters
    ----------
    network : torch.nn.Module
        From float images, channels first.
    n_channels : int

    Returns
    -------
    encoder : torch.nn.Sequential
    """
    return nn.Sequential(OrderedDict(pixels=Pixels(n_channels), network=network))


def takes_images(encoder):
    """Whether an encoder is one of `image_encoder`."""
    return isinstance(encoder, nn.Sequential) and isinstance(encoder[0], Pixels)


def in_fast_layout(module, device):
    """The module on a device, its convolutions in the layout of the images."""
    module = module.to(device)
    # Apple's convolutions want channels first
    return module if device.type == "mps" else module.to(memory_format=torch.channels_last)


def real_pixels(rows):
    """Rows of X as real numbers: bytes, which images alone have, as 255ths."""
    return rows.float() / 255 if rows.dtype == torch.uint8 else rows


def _channel_means(rows, values):
    """Mean of each channel of the values that a function makes of the images, block by block."""
    total = torch.stack(
        [
            len(block) * values(in_double(real_pixels(block))).mean(dim=(0, 1, 2))
            for block in rows.blocks()
        ]
    )
    return total.sum(dim=0) / len(rows)
