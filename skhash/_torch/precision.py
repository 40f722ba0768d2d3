"""Mixed precision: what the network computes in, and how its gradients are kept from vanishing."""

from __future__ import annotations

import torch


def low_precision(device, mixed_precision, *, images):
    """The type that a network computes in under autocast, or None for float32.

    Parameters
    ----------
    device : torch.device
    mixed_precision : "auto" or bool
        "auto" is for images on CUDA.
    images : bool
        Whether the network is one of images.

    Returns
    -------
    dtype : torch.dtype or None
    """
    if mixed_precision == "auto":
        mixed_precision = images and device.type == "cuda"
    if not mixed_precision:
        return None
    # bfloat16 has the range that float16 lacks, but older GPUs no arithmetic for it
    if device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.float16
    return torch.bfloat16


class Precision:
    """Runs a network in one type, and takes gradient steps that suit it.

    Parameters
    ----------
    device : torch.device
    dtype : torch.dtype or None
        See `low_precision`.
    """

    def __init__(self, device, dtype=None):
        self._device, self._dtype = torch.device(device), dtype
        # small gradients would be 0 in float16; for other types the scaler does nothing
        self.scaler = torch.amp.GradScaler(self._device.type, enabled=dtype is torch.float16)

    def run(self, module, inputs):
        """Outputs of a module, float32."""
        if self._dtype is None:
            return module(inputs)
        with torch.autocast(self._device.type, self._dtype):
            return module(inputs).float()

    def step(self, loss, optimizer):
        """Differentiate the loss and take a step."""
        self.scaler.scale(loss).backward()
        self.scaler.step(optimizer)
        self.scaler.update()
