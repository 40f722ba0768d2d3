"""How a network is trained, beyond what the parameters of every hasher say."""

from __future__ import annotations

import os
from numbers import Real
from typing import ClassVar

from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions


class Training(BaseEstimator):
    """How a network is trained, beyond what the parameters of every hasher say.

    Give it as the parameter `training` of a hasher that is trained by gradient. Its own
    parameters can be set and searched through the hasher, as ``training__ema_decay``.

    Parameters
    ----------
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
        images on CUDA. True does so everywhere: a CPU is faster with it if it has instructions
        for bfloat16 (avx512_bf16, amx_bf16), and slower if not.
    checkpoint : str, path or None, default=None
        A file to which the whole state of training is written after each epoch, and from which
        ``fit`` goes on where it finds one. A fit that was interrupted and resumed, with the same
        data, parameters and a whole number as `random_state`, gives the result of one that was
        not: bit for bit on the same CPU. The file is removed when training is done. It belongs
        to one fit at a time: fits in a search or in cross-validation would find each other's.

    Notes
    -----
    What is kept of a fitted hasher is the network and its weights; all this matters for ``fit``,
    and `mixed_precision` for encoding on CUDA too.

    References
    ----------
    Averages of weights: Polyak & Juditsky (1992), SIAM J. Control Optim. 30(4).

    Examples
    --------
    >>> from skhash import OrthoHasher
    >>> from skhash.networks import Augmentation, Training, resnet
    >>> training = Training(augmentation=Augmentation(), ema_decay=0.99)
    >>> hasher = OrthoHasher(n_bits=32, network=resnet(14), training=training)
    >>> hasher.set_params(training__ema_decay=0.9).training
    Training(augmentation=Augmentation(crop=4, flip=True, cutout=0), ema_decay=0.9)
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        "augmentation": [callable, None],
        "ema_decay": [Interval(Real, 0, 1, closed="neither"), None],
        "mixed_precision": [StrOptions({"auto"}), "boolean"],
        "checkpoint": [str, os.PathLike, None],
    }

    def __init__(
        self, *, augmentation=None, ema_decay=None, mixed_precision="auto", checkpoint=None
    ):
        self.augmentation = augmentation
        self.ema_decay = ema_decay
        self.mixed_precision = mixed_precision
        self.checkpoint = checkpoint
