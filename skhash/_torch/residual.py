"""A residual network for small images."""

from __future__ import annotations

import torch.nn.functional as F
from torch import nn

_CHANNELS = (16, 32, 64)


class ResidualNetwork(nn.Module):
    """The network that `skhash.networks.resnet` describes.

    Parameters
    ----------
    n_channels, n_outputs : int
    depth : int
        6 n + 2.
    width : float
    """

    def __init__(self, n_channels, n_outputs, *, depth, width):
        super().__init__()
        channels = [round(width * base) for base in _CHANNELS]
        n_blocks = (depth - 2) // 6
        self.stem = _convolution(n_channels, channels[0])
        blocks, n_in = [], channels[0]
        for stage, n_out in enumerate(channels):
            for block in range(n_blocks):
                stride = 2 if stage and not block else 1
                blocks.append(_Block(n_in, n_out, stride))
                n_in = n_out
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.BatchNorm2d(n_in)
        self.head = nn.Linear(n_in, n_outputs)
        nn.init.normal_(self.head.weight, std=n_in**-0.5)
        nn.init.zeros_(self.head.bias)

    def forward(self, images):
        maps = F.relu(self.norm(self.blocks(self.stem(images))), inplace=True)
        return self.head(maps.mean(dim=(2, 3)))


class _Block(nn.Module):
    """Two convolutions, each after its normalisation, added to their input."""

    def __init__(self, n_in, n_out, stride):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(n_in)
        self.convolution1 = _convolution(n_in, n_out, stride=stride)
        self.norm2 = nn.BatchNorm2d(n_out)
        self.convolution2 = _convolution(n_out, n_out)
        same = n_in == n_out and stride == 1
        self.shortcut = None if same else _convolution(n_in, n_out, side=1, stride=stride)

    def forward(self, maps):
        active = F.relu(self.norm1(maps), inplace=True)
        # a change of shape starts from the normalised maps, as the convolutions do
        kept = maps if self.shortcut is None else self.shortcut(active)
        active = F.relu(self.norm2(self.convolution1(active)), inplace=True)
        return kept + self.convolution2(active)


def _convolution(n_in, n_out, *, side=3, stride=1):
    layer = nn.Conv2d(n_in, n_out, side, stride=stride, padding=side // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return layer
