"""What rounding to bits of -1 and 1 would lose."""

from __future__ import annotations

import math

import torch.nn.functional as F


def _log_cosh(gap):
    # as it is written, cosh overflows
    size = gap.abs()
    return size + F.softplus(-2 * size) - math.log(2)


_PENALTIES = {
    "square": lambda gap: gap.square(),
    "cube": lambda gap: gap.abs().pow(3),
    "log_cosh": _log_cosh,
}


def quantization_loss(values, penalty="square"):
    r"""Mean penalty on the distance of values to the nearest of -1 and 1.

    With the gap :math:`g = |v| - 1`, the penalty is :math:`g^2` ("square"), :math:`|g|^3`
    ("cube") or :math:`\log\cosh g` ("log_cosh").

    Parameters
    ----------
    values : Tensor of shape (n, n_bits), float
    penalty : {"square", "cube", "log_cosh"}

    Returns
    -------
    loss : Tensor, scalar
        Mean over samples and bits.

    References
    ----------
    Li, Wang & Kang (2016), arXiv:1511.03855 ("square"); Su, Zhang, Han & Tian (2018), "Greedy
    hash", NeurIPS ("cube"); Yuan et al. (2020), arXiv:1908.00347 ("log_cosh").

    Examples
    --------
    >>> import torch
    >>> from skhash._torch.losses import quantization_loss
    >>> quantization_loss(torch.tensor([[1.0, -3.0]]), "cube")
    tensor(4.)
    """
    return _PENALTIES[penalty](values.abs() - 1).mean()
