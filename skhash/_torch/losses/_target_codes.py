"""Losses between outputs and the code that each sample should have."""

from __future__ import annotations

import torch.nn.functional as F


def central_similarity_loss(outputs, codes):
    r"""Binary cross-entropy between the bits of outputs and those of hash centres.

    An output v stands for bits that are 1 with probability :math:`(1 + \tanh v) / 2`. For the
    bit t of the centre, -1 or 1, this is :math:`\log(1 + \exp(-2 v t))`.

    Parameters
    ----------
    outputs : Tensor of shape (n, n_bits), float
    codes : Tensor of shape (n, n_bits), float
        -1 and 1; bits of 0 do not count.

    Returns
    -------
    loss : Tensor, scalar
        Mean over samples and bits, in nats.

    References
    ----------
    Yuan et al. (2020), "Central similarity quantization for efficient image and video
    retrieval", arXiv:1908.00347.

    Examples
    --------
    >>> import torch
    >>> from skhash._torch.losses import central_similarity_loss
    >>> round(central_similarity_loss(torch.zeros(1, 2), torch.tensor([[1.0, -1]])).item(), 4)
    0.6931
    """
    return _mean_of_bits(F.softplus(-2 * outputs * codes), codes)


def polarization_loss(outputs, codes, *, margin=1.0):
    r"""Hinge of each bit: :math:`\max(0, m - v t)`.

    Parameters
    ----------
    outputs : Tensor of shape (n, n_bits), float
        The values v.
    codes : Tensor of shape (n, n_bits), float
        The bits t, -1 and 1; bits of 0 do not count.
    margin : float
        The m above.

    Returns
    -------
    loss : Tensor, scalar
        Mean over samples and bits.

    References
    ----------
    Fan, Ng, Ju, Zhang & Chan (2020), "Deep polarized network for supervised learning of
    accurate binary hashing codes", IJCAI.

    Examples
    --------
    >>> import torch
    >>> from skhash._torch.losses import polarization_loss
    >>> polarization_loss(torch.tensor([[0.5, 3.0]]), torch.tensor([[1.0, -1.0]]))
    tensor(2.2500)
    """
    return _mean_of_bits(F.relu(margin - outputs * codes), codes)


def _mean_of_bits(losses, codes):
    counted = codes.abs()
    return (losses * counted).sum() / counted.sum().clamp_min(1)
