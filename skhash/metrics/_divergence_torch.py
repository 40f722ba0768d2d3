"""The divergence between two samples of tensors, with gradients."""

from __future__ import annotations

import math

import torch

# distances held at once
_PAIRS_PER_BLOCK = 2**24


def divergence_of_tensors(P, Q, k, order, eps):
    """Estimate KL(P || Q) from the k-th nearest neighbours by the norm of an order.

    The neighbours are found without gradients, in blocks of bounded size; only the pairs found
    are differentiated. The arguments have been checked.

    Parameters
    ----------
    P : Tensor of shape (n, n_features), float
    Q : Tensor of shape (m, n_features), float
        Of the dtype and on the device of P.
    k : int
        From 1 to ``min(n - 1, m)``.
    order : float
        1 for Manhattan, 2 for Euclidean, inf for Chebyshev.
    eps : float
        Added to every distance.

    Returns
    -------
    divergence : Tensor, scalar
    zeros : tuple of two ints
        How many distances inside P, and from P to Q, are zero.
    """
    inside = _distance_to_kth(P, P, k, order, same=True)
    across = _distance_to_kth(P, Q, k, order, same=False)
    zeros = int((inside == 0).sum()), int((across == 0).sum())
    log_ratio = torch.log(across + eps) - torch.log(inside + eps)
    n_samples, n_features = P.shape
    return n_features * log_ratio.mean() + math.log(len(Q) / (n_samples - 1)), zeros


def _distance_to_kth(points, others, k, order, *, same):
    kth = others[_kth_nearest(points.detach(), others.detach(), k, order, same=same)]
    return torch.linalg.vector_norm(points - kth, ord=order, dim=1)


@torch.no_grad()
def _kth_nearest(points, others, k, order, *, same):
    """Row of the k-th nearest other for each point; a point is not its own neighbour."""
    found = []
    start = 0
    for block in points.split(max(1, _PAIRS_PER_BLOCK // len(others))):
        # the product form of Euclidean distances rounds the small ones, which count most here
        distances = torch.cdist(block, others, p=order, compute_mode="donot_use_mm_for_euclid_dist")
        if same:
            distances[:, start:].fill_diagonal_(torch.inf)
        found.append(distances.kthvalue(k, dim=1).indices)
        start += len(block)
    return torch.cat(found)
