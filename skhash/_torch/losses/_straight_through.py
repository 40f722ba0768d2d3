"""Bits in the forward pass, real values in the backward pass."""

from __future__ import annotations

import torch


def binary_with_gradient(probabilities):
    """Bits of -1 and 1, with the gradient of ``2 * probabilities - 1``: straight through.

    Parameters
    ----------
    probabilities : Tensor of float
        Probability of each bit to be 1; the bit is 1 above one half.

    Returns
    -------
    bits : Tensor of the same shape

    References
    ----------
    Bengio, Leonard & Courville (2013), arXiv:1308.3432.

    Examples
    --------
    >>> import torch
    >>> from skhash._torch.losses import binary_with_gradient
    >>> binary_with_gradient(torch.tensor([0.2, 0.5, 0.9]))
    tensor([-1., -1.,  1.])
    """
    soft = 2 * probabilities - 1
    hard = torch.where(soft > 0, 1.0, -1.0)
    return soft + (hard - soft).detach()
