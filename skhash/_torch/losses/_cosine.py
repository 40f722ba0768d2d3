"""Cosine softmax to class codes, with a margin."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from skhash._torch.losses._label_shares import label_share_loss


def cosine_margin_loss(outputs, codes, target, *, scale, margin, margin_type="cosine"):
    r"""Cross-entropy of the cosines between outputs and class codes.

    With :math:`c_k = \cos(v, o_k)` for the output v and the code :math:`o_k` of class k, the
    logits are :math:`s (c_k - m)` ("cosine") or :math:`s \cos(\arccos c_k + m)` ("angular")
    for the classes of the sample, :math:`s c_k` for the others.

    Parameters
    ----------
    outputs : Tensor of shape (n, n_bits), float
    codes : Tensor of shape (n_classes, n_bits), float
        -1 and 1.
    target : Tensor of shape (n,), int64, or (n, n_classes), float
        Class indices; or an indicator of 0 and 1 for each label, divided by their number to
        give the distribution that the softmax should match. Samples without any label do not
        count.
    scale : float
        The factor s.
    margin : float
        The margin m; an angle in radians for "angular".
    margin_type : {"cosine", "angular"}

    Returns
    -------
    loss : Tensor, scalar
        Mean over samples, in nats.

    References
    ----------
    Hoe et al. (2021), "One loss for all: deep hashing with a single cosine similarity based
    learning objective", arXiv:2109.14449.

    Examples
    --------
    >>> import torch
    >>> from skhash._torch.losses import cosine_margin_loss
    >>> codes = torch.tensor([[1.0, 1.0], [-1.0, -1.0]])
    >>> loss = cosine_margin_loss(codes, codes, torch.tensor([0, 1]), scale=1.0, margin=0.0)
    >>> round(loss.item(), 4)  # log(1 + exp(-2))
    0.1269
    """
    cosines = F.normalize(outputs, dim=1) @ codes.T / math.sqrt(codes.shape[1])
    single = target.ndim == 1
    # integers would bring the margin down to single precision
    positive = F.one_hot(target, codes.shape[0]).to(cosines.dtype) if single else target
    logits = scale * _with_margin(cosines, positive, margin, margin_type)
    return label_share_loss(logits, target)


def _with_margin(cosines, positive, margin, margin_type):
    if margin == 0:
        return cosines
    if margin_type == "cosine":
        return cosines - margin * positive
    # the derivative of arccos is infinite at -1 and 1
    bound = 1 - 1e-6
    angles = torch.arccos(cosines.clamp(-bound, bound))
    return torch.where(positive > 0, torch.cos(angles + margin), cosines)
