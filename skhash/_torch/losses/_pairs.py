"""The likelihood of which pairs are similar."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def share_label(target):
    """Which pairs of samples have a label in common.

    Parameters
    ----------
    target : Tensor of shape (n,), int64, or (n, n_classes), float
        Class indices, or an indicator of 0 and 1 for each label.

    Returns
    -------
    similar : Tensor of shape (n, n), bool

    Examples
    --------
    >>> import torch
    >>> from skhash._torch.losses import share_label
    >>> share_label(torch.tensor([3, 5, 3])).int().tolist()
    [[1, 0, 1], [0, 1, 0], [1, 0, 1]]
    """
    if target.ndim == 1:
        return target[:, None] == target
    return target @ target.T > 0


def pair_likelihood_loss(logits, similar, *, balanced=False):
    r"""Negative log-likelihood of the pairs, where a pair is similar with the odds of its logit.

    For a pair of logit :math:`\theta` this is :math:`\log(1 + e^\theta) - s\,\theta`, with s
    1 for similar pairs and 0 for others. A sample and itself are no pair.

    Parameters
    ----------
    logits : Tensor of shape (n, n), float
    similar : Tensor of shape (n, n), bool
    balanced : bool
        Whether similar pairs together weigh as much as all others: each kind is weighted by
        the inverse of its share (Cao et al.), so that the result is the sum of the two means.

    Returns
    -------
    loss : Tensor, scalar
        Mean over pairs, in nats.

    References
    ----------
    Li, Wang & Kang (2016), "Feature learning based deep supervised hashing with pairwise
    labels", arXiv:1511.03855; Cao, Long, Wang & Yu (2017), "HashNet: deep learning to hash by
    continuation", arXiv:1702.00758.

    Examples
    --------
    >>> import torch
    >>> from skhash._torch.losses import pair_likelihood_loss
    >>> similar = torch.tensor([[True, False], [False, True]])
    >>> round(pair_likelihood_loss(torch.zeros(2, 2), similar).item(), 4)  # log 2
    0.6931
    """
    losses = F.softplus(logits) - similar * logits
    pairs = ~torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    if not balanced:
        return _mean_where(losses, pairs)
    return _mean_where(losses, pairs & similar) + _mean_where(losses, pairs & ~similar)


def _mean_where(losses, chosen):
    return (losses * chosen).sum() / chosen.sum().clamp_min(1)
