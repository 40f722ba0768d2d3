"""The neighbourhood loss: what is near in X is near by Hamming distance."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

# halvings of the interval of log precisions, which is 14 wide at first
_BISECTIONS = 12
# neighbours of a row that are looked at, times the perplexity: what is farther weighs nothing
_REACH = 10


def neighbor_probabilities(distances, perplexity):
    r"""Soft neighbours of each row: :math:`p_{j|i} \propto \exp(-\beta_i d_{ij})`.

    The precision :math:`\beta_i` of each row is such that its distribution has the perplexity
    asked for, as many neighbours as it counts, whatever the density there. Only the nearest, ten
    times as many, have a probability above 0.

    Parameters
    ----------
    distances : Tensor of shape (n, n), float
        Distances between the rows; the diagonal is not read.
    perplexity : float
        Effective number of neighbours, at least 1; at most half of the others are taken.

    Returns
    -------
    probabilities : Tensor of shape (n, n)
        Rows sum to 1; the diagonal is 0.

    References
    ----------
    Hinton & Roweis (2002), "Stochastic neighbor embedding", NIPS, eq. 1. van der Maaten & Hinton
    (2008), "Visualizing data using t-SNE", JMLR 9, for the perplexity.

    Examples
    --------
    >>> import torch
    >>> from skhash._torch.losses import neighbor_probabilities
    >>> neighbor_probabilities(1 - torch.eye(3), perplexity=2)
    tensor([[0.0000, 0.5000, 0.5000],
            [0.5000, 0.0000, 0.5000],
            [0.5000, 0.5000, 0.0000]])
    """
    n = len(distances)
    own = torch.eye(n, dtype=torch.bool, device=distances.device)
    reach = min(n - 1, math.ceil(_REACH * perplexity))
    near, columns = distances.masked_fill(own, torch.inf).topk(reach, dim=1, largest=False)
    # from the nearest on: entropies do not change, and sums of exponentials stay in range
    near = near - near[:, :1]
    near = near / near.mean().clamp_min(1e-12)
    entropy = math.log(max(1.0, min(perplexity, (n - 1) / 2)))
    low = torch.full_like(near[:, :1], -4.0)
    high = torch.full_like(near[:, :1], 10.0)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        flat = _entropy(near * middle.exp()) > entropy
        low, high = torch.where(flat, middle, low), torch.where(flat, high, middle)
    shares = torch.softmax(-near * ((low + high) / 2).exp(), dim=1)
    return torch.zeros_like(distances).scatter_(1, columns, shares)


def _entropy(energy):
    """Entropy in nats of the Boltzmann distribution of each row."""
    weight = torch.exp(-energy)
    total = weight.sum(dim=1)
    return (torch.log(total) + (weight * energy).sum(dim=1) / total)[:, None]


def neighborhood_loss(bits, probabilities, sharpness, queries=None):
    r"""Cross-entropy between the neighbours in X and the neighbours by Hamming distance.

    .. math:: L = -\frac1n \sum_i \sum_{j \ne i} p_{j|i} \log q_{j|i}, \quad
        q_{j|i} = \frac{\exp(-s\, h_{ij} / K)}{\sum_{k \ne i} \exp(-s\, h_{ik} / K)}

    with :math:`h` the Hamming distance of K bits; or, given the real values of queries, the
    asymmetric distance :math:`\sum_k (1 - v_{ik} b_{jk}) / 2`, which it is for values of -1 and 1.

    Parameters
    ----------
    bits : Tensor of shape (n, n_bits), float
        Bits of -1 and 1 (or real values between), at least two rows.
    probabilities : Tensor of shape (n, n)
        See :func:`neighbor_probabilities`.
    sharpness : float or Tensor
        :math:`s`: how fast a neighbour fades with its distance.
    queries : Tensor of shape (n, n_bits) or None
        Real values of the rows as queries, of mean absolute value 1; None takes their bits.

    Returns
    -------
    loss : Tensor, scalar
        In nats; log(n - 1) for codes that are all the same.

    Examples
    --------
    >>> import torch
    >>> from skhash._torch.losses import neighborhood_loss
    >>> neighborhood_loss(torch.ones(5, 3), torch.full((5, 5), 0.25), 8.0).item()  # log 4
    1.3862943649291992
    """
    n, n_bits = bits.shape
    own = torch.eye(n, dtype=torch.bool, device=bits.device)
    # h = (K - b.b') / 2, of which the constant cancels in the softmax
    queries = bits if queries is None else queries
    agreement = (queries @ bits.T) * (sharpness / (2 * n_bits))
    log_q = F.log_softmax(agreement.masked_fill(own, -torch.inf), dim=1).masked_fill(own, 0)
    return -(probabilities * log_q).sum(dim=1).mean()
