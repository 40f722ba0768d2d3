"""How far relaxed bits are from bits."""

from __future__ import annotations


def quantization_loss(signed):
    """Mean squared distance of relaxed bits to the nearer of -1 and 1.

    Parameters
    ----------
    signed : Tensor of shape (n, n_bits), float
        Relaxed bits, -1 and 1 where they are exact.

    Returns
    -------
    loss : Tensor, scalar
        Mean over samples and bits of ``(|z| - 1) ** 2``.

    Examples
    --------
    >>> import torch
    >>> from skhash._torch.losses import quantization_loss
    >>> quantization_loss(torch.tensor([[-1.0, 0.5], [0.0, 1.0]])).item()
    0.3125
    """
    return (signed.abs() - 1).square().mean()
