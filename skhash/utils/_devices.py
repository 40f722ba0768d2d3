"""Where torch computes."""

from __future__ import annotations

import torch


def resolve_device(device):
    """`torch.device` of the parameter `device`: "auto" is CUDA, else Apple's MPS, else the CPU.

    Raises
    ------
    ValueError
        If the name is not a device, or this machine does not have it.
    """
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        resolved = torch.device(device)
        # the "meta" device has shapes and no numbers
        torch.ones(1, device=resolved).item()
    except (RuntimeError, AssertionError, NotImplementedError, TypeError) as error:
        raise ValueError(
            f"device must be 'auto' or a device that torch can use here, got {device!r}: {error}"
        ) from None
    return resolved
