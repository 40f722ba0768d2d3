"""A network, and how it is trained."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from skhash.networks._checks import check_real


@dataclass(frozen=True)
class Recipe:
    """A network, and how it is trained beyond what the parameters of every hasher say.

    Give it as the parameter `network` of a hasher that is trained by gradient.

    Parameters
    ----------
    network : {"mlp", "linear"} or callable, default="mlp"
        The network itself, as the hasher would take it: for images a callable such as
        `resnet`.
    augmentation : callable or None, default=None
        For images: `Augmentation`, or ``augmentation(images, generator)`` that returns images of
        the same shape. `images` is a float tensor of shape (n, n_channels, height, width), with
        mean 0 and variance 1 in each channel over the training images, on the device of
        training; `generator` is a `torch.Generator` there. Torch's global generator is seeded
        too. Validation and encoding see images as they are.
    ema_decay : float in (0, 1) or None, default=None
        Where given, the weights that are kept, validated and encoded with are an exponential
        moving average over the steps of training, with this decay: the average of about the
        last ``1 / (1 - ema_decay)`` steps. It is ``(1 + t) / (10 + t)`` at step t where that is
        less, so that the initial weights are soon forgotten.
    mixed_precision : "auto" or bool, default="auto"
        Whether the network computes in bfloat16, or in float16 with scaled gradients where the
        device has no bfloat16; weights and losses are float32 either way. "auto" does so for
        images on CUDA. True does so everywhere: on a CPU it is mostly slower.
    checkpoint : str, path or None, default=None
        A file to which the whole state of training is written after each epoch, and from which
        ``fit`` goes on where it finds one. A fit that was interrupted and resumed, with the same
        data, parameters and a whole number as `random_state`, gives the result of one that was
        not: bit for bit on the same CPU. The file is removed when training is done. It belongs
        to one fit at a time: fits in a search or in cross-validation would find each other's.

    Raises
    ------
    TypeError, ValueError
        If a field is not as described.

    Notes
    -----
    What is kept of a fitted hasher is the network and its weights; a recipe matters for ``fit``,
    and `mixed_precision` for encoding on CUDA.

    References
    ----------
    Averages of weights: Polyak & Juditsky (1992), SIAM J. Control Optim. 30(4).

    Examples
    --------
    >>> from skhash import OrthoHasher
    >>> from skhash.networks import Augmentation, Recipe, resnet
    >>> recipe = Recipe(resnet(14), augmentation=Augmentation(), ema_decay=0.99)
    >>> OrthoHasher(n_bits=32, network=recipe).network
    Recipe(network=ResNet(depth=14, width=1.0), augmentation=Augmentation(crop=4, flip=True,
    cutout=0), ema_decay=0.99, mixed_precision='auto', checkpoint=None)
    """

    network: Any = "mlp"
    augmentation: Callable | None = None
    ema_decay: float | None = None
    mixed_precision: str | bool = "auto"
    checkpoint: str | os.PathLike | None = None

    def __post_init__(self):
        if not (callable(self.network) or self.network in ("mlp", "linear")):
            raise ValueError(f"network must be 'mlp', 'linear' or a callable, got {self.network!r}")
        if self.augmentation is not None and not callable(self.augmentation):
            raise TypeError(f"augmentation must be a callable or None, got {self.augmentation!r}")
        if self.ema_decay is not None:
            check_real("ema_decay", self.ema_decay)
            if not 0 < self.ema_decay < 1:
                raise ValueError(f"ema_decay must be above 0 and below 1, got {self.ema_decay!r}")
        if not (isinstance(self.mixed_precision, bool) or self.mixed_precision == "auto"):
            raise ValueError(
                f"mixed_precision must be 'auto', True or False, got {self.mixed_precision!r}"
            )
        if self.checkpoint is not None and not isinstance(self.checkpoint, str | os.PathLike):
            raise TypeError(f"checkpoint must be a path or None, got {self.checkpoint!r}")


def as_recipe(network) -> Recipe:
    """The recipe that the parameter `network` of a hasher is, or stands for."""
    return network if isinstance(network, Recipe) else Recipe(network)
