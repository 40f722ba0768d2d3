"""The classification term: a head on the outputs tells the classes apart."""

from __future__ import annotations

import torch.nn.functional as F


def classification_loss(logits, target):
    """Softmax cross-entropy of single labels, sigmoid cross-entropy of label indicators.

    Parameters
    ----------
    logits : Tensor of shape (n, n_classes), float
    target : Tensor of shape (n,), int64, or (n, n_classes), float
        Class indices, or an indicator of 0 and 1 for each label.

    Returns
    -------
    loss : Tensor, scalar
        Mean over samples (and over labels, for indicators), in nats.

    Examples
    --------
    >>> import torch
    >>> from skhash._torch.losses import classification_loss
    >>> round(classification_loss(torch.zeros(1, 4), torch.tensor([2])).item(), 4)  # log 4
    1.3863
    """
    if target.ndim == 1:
        return F.cross_entropy(logits, target)
    return F.binary_cross_entropy_with_logits(logits, target)
