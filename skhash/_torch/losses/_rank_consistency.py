"""Agreement of two orders: nearer by label, nearer by code."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def rank_consistency_loss(code_distances, target_distances, *, sharpness=10.0, n_shifts=None):
    r"""Ranking logistic on the items of each row: the nearer by label should be nearer by code.

    With :math:`d` the distances of codes and :math:`t` those of labels, every row i of the batch
    orders the others. Two of them, j and k, cost

    .. math:: |t_{ij} - t_{ik}| \, \log(1 + \exp(s\, (d_{ij} - d_{ik})))
        \quad\text{where } t_{ij} < t_{ik},

    and nothing where these tie. The loss is the sum of these costs by the sum of the weights
    :math:`|t_{ij} - t_{ik}|`.

    Parameters
    ----------
    code_distances : Tensor of shape (n, n), float
        Differentiable distances of codes; the diagonal is not read.
    target_distances : Tensor of shape (n, n), float
        Distances of labels; the diagonal is not read.
    sharpness : float, default=10.0
        The s above: how soon a difference of distances counts as an order.
    n_shifts : int or None, default=None
        Item j is compared with the items j + 1, ..., j + n_shifts of the batch, cyclically: a
        random sample of all pairs where batches are in random order, in
        O(n ** 2 * n_shifts) time and memory. None takes n // 2, which compares all.

    Returns
    -------
    loss : Tensor, scalar
        log 2 for distances that are all equal, in nats; 0 where no two labels differ.

    References
    ----------
    Rank consistency: Ma, Lu & Zhou (2021), "Rank-consistency deep hashing for scalable
    multi-label image search", arXiv:2102.01486. The logistic: Burges et al. (2005), "Learning to
    rank using gradient descent", equation 3. The weights and the sampling are ours.

    Examples
    --------
    >>> import torch
    >>> from skhash._torch.losses import rank_consistency_loss
    >>> target = torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    >>> round(rank_consistency_loss(torch.ones(3, 3), target).item(), 4)  # log 2
    0.6931
    >>> round(rank_consistency_loss(target, target, sharpness=10.0).item(), 6)
    4.5e-05
    """
    n = len(code_distances)
    columns = torch.arange(n, device=code_distances.device)
    largest = n // 2
    shifts = columns[1 : 1 + min(largest, n_shifts or largest)]
    other = (columns + shifts[:, None]) % n
    # (n, n_shifts, n): row i, by how much item j + shift is further than item j
    further = target_distances[:, other] - target_distances[:, None, :]
    itself = columns[:, None, None]
    weights = further.abs() * ((columns != itself) & (other != itself))
    if n % 2 == 0 and len(shifts) == largest:
        # half way round, each pair comes from both its ends
        weights[:, -1] /= 2
    gap = code_distances[:, other] - code_distances[:, None, :]
    costs = F.softplus(-sharpness * torch.sign(further) * gap)
    return (weights * costs).sum() / weights.sum().clamp_min(torch.finfo(weights.dtype).tiny)
