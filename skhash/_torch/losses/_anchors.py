"""Attraction of outputs to the anchors of their classes, and what keeps the anchors apart."""

from __future__ import annotations

import torch


def attraction_loss(outputs, anchors, target):
    r"""Half the squared distance from each output to the anchor of its class.

    Parameters
    ----------
    outputs : Tensor of shape (n, n_bits), float
    anchors : Tensor of shape (n_classes, n_bits), float
    target : Tensor of shape (n,), int64, or (n, n_classes), float
        Class indices; or an indicator of 0 and 1 for each label, for which the squared
        distances to the anchors of a sample's labels are averaged. Samples without any label do
        not count.

    Returns
    -------
    loss : Tensor, scalar
        :math:`\frac12 \|e - c_y\|^2`, mean over samples.

    References
    ----------
    Ghita & Ionescu (2023), "Class anchor margin loss for content-based image retrieval",
    arXiv:2306.00630. The mean over several labels is ours.

    Examples
    --------
    >>> import torch
    >>> from skhash._torch.losses import attraction_loss
    >>> anchors = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
    >>> attraction_loss(torch.zeros(1, 2), anchors, torch.tensor([1])).item()
    12.5
    """
    if target.ndim == 1:
        return (outputs - anchors[target]).square().sum(dim=1).mean() / 2
    n_labels = target.sum(dim=1)
    shares = target / n_labels.clamp_min(1)[:, None]
    # the mean of |e - c|^2 over the labels, without an array (n, n_classes, n_bits)
    squares = (
        (n_labels > 0) * outputs.square().sum(dim=1)
        + shares @ anchors.square().sum(dim=1)
        - 2 * (outputs * (shares @ anchors)).sum(dim=1)
    )
    return squares.sum() / (2 * (n_labels > 0).sum().clamp_min(1))


def repulsion_loss(anchors, margin):
    r"""Penalty on anchors nearer to each other than twice a margin.

    Parameters
    ----------
    anchors : Tensor of shape (n_classes, n_bits), float
    margin : float
        Radius around each anchor that belongs to its class.

    Returns
    -------
    loss : Tensor, scalar
        :math:`\frac12 \sum_{c \ne c'} \max(0, 2 m - \|c - c'\|)^2`, every pair in both orders.

    References
    ----------
    Ghita & Ionescu (2023), arXiv:2306.00630.

    Examples
    --------
    >>> import torch
    >>> from skhash._torch.losses import repulsion_loss
    >>> repulsion_loss(torch.tensor([[0.0, 0.0], [0.0, 3.0], [9.0, 0.0]]), margin=2.0).item()
    1.0
    """
    # each pair once, and so without the half
    return (2 * margin - torch.pdist(anchors)).clamp_min(0).square().sum()


def minimum_norm_loss(anchors, minimum):
    r"""Penalty on anchors shorter than a minimum, against collapse at the origin.

    Parameters
    ----------
    anchors : Tensor of shape (n_classes, n_bits), float
    minimum : float
        The least length.

    Returns
    -------
    loss : Tensor, scalar
        :math:`\frac12 \sum_c \max(0, p - \|c\|)^2`.

    References
    ----------
    Ghita & Ionescu (2023), arXiv:2306.00630.

    Examples
    --------
    >>> import torch
    >>> from skhash._torch.losses import minimum_norm_loss
    >>> minimum_norm_loss(torch.tensor([[3.0, 4.0], [0.0, 1.0]]), minimum=4.0).item()
    4.5
    """
    return (minimum - torch.linalg.vector_norm(anchors, dim=1)).clamp_min(0).square().sum() / 2
