"""Bits in the forward pass, real values in the backward pass."""

from __future__ import annotations

import torch


def sign_with_gradient(values):
    """Bits of -1 and 1 with the gradient of the values themselves: straight through.

    Parameters
    ----------
    values : Tensor of float
        A bit is 1 above 0, and -1 at it.

    Returns
    -------
    bits : Tensor of the same shape

    References
    ----------
    Bengio, Leonard & Courville (2013), arXiv:1308.3432.

    Examples
    --------
    >>> import torch
    >>> from skhash._torch.losses import sign_with_gradient
    >>> values = torch.tensor([-3.0, 0.0, 0.1], requires_grad=True)
    >>> bits = sign_with_gradient(values)
    >>> bits.sum().backward()
    >>> bits.tolist(), values.grad.tolist()
    ([-1.0, -1.0, 1.0], [1.0, 1.0, 1.0])
    """
    hard = torch.where(values > 0, 1.0, -1.0).to(values.dtype)
    # the difference is exactly 0, so that bits stay bits
    return hard + (values - values.detach())


def binary_with_gradient(probabilities):
    """Bits of -1 and 1, with the gradient of ``2 * probabilities - 1``.

    Parameters
    ----------
    probabilities : Tensor of float
        Probability of each bit to be 1; the bit is 1 above one half.

    Returns
    -------
    bits : Tensor of the same shape

    Examples
    --------
    >>> import torch
    >>> from skhash._torch.losses import binary_with_gradient
    >>> binary_with_gradient(torch.tensor([0.2, 0.5, 0.9]))
    tensor([-1., -1.,  1.])
    """
    return sign_with_gradient(2 * probabilities - 1)
