"""Where torch computes, and in which modes."""

from __future__ import annotations

from functools import wraps

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


def keeps_modes(function):
    """Decorate a function that computes with torch: its modes are afterwards as they were before.

    These are gradients and autocast. Torch puts them back itself, but in several steps, of which
    an interrupt can skip the last: what is computed next would then have no gradients, say.
    """

    @wraps(function)
    def kept(*args, **kwargs):
        gradients = torch.is_grad_enabled()
        autocast = {kind: torch.is_autocast_enabled(kind) for kind in ("cpu", "cuda")}
        try:
            return function(*args, **kwargs)
        finally:
            torch.set_grad_enabled(gradients)
            for kind, enabled in autocast.items():
                torch.set_autocast_enabled(kind, enabled)

    return kept
