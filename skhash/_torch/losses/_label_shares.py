"""Softmax cross-entropy where a sample may have several labels."""

from __future__ import annotations

import torch.nn.functional as F


def label_share_loss(logits, target):
    """Softmax cross-entropy that gives each label of a sample the same share.

    Parameters
    ----------
    logits : Tensor of shape (n, n_classes), float
    target : Tensor of shape (n,), int64, or (n, n_classes), float
        Class indices; or an indicator of 0 and 1 for each label, divided by their number to
        give the distribution that the softmax should match. Samples without any label do not
        count.

    Returns
    -------
    loss : Tensor, scalar
        Mean over samples, in nats.

    Examples
    --------
    >>> import torch
    >>> from skhash._torch.losses import label_share_loss
    >>> round(label_share_loss(torch.zeros(1, 4), torch.tensor([[1.0, 1, 0, 0]])).item(), 4)
    1.3863
    """
    if target.ndim == 1:
        return F.cross_entropy(logits, target)
    n_labels = target.sum(dim=1)
    log_likelihood = (target * F.log_softmax(logits, dim=1)).sum(dim=1) / n_labels.clamp_min(1)
    return -log_likelihood.sum() / (n_labels > 0).sum().clamp_min(1)
