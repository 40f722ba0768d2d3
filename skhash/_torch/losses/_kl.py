"""The empirical KL divergence between the outputs of a batch and a binary target."""

from __future__ import annotations

import torch
from scipy import stats


def _nearest(points, others, n_neighbors, *, same):
    """Row of the n-th nearest other by Manhattan distance, for each point."""
    distances = torch.cdist(points, others, p=1)
    if same:
        distances.fill_diagonal_(torch.inf)
    if n_neighbors == 1:
        return distances.argmin(dim=1)
    return distances.kthvalue(n_neighbors, dim=1).indices


def empirical_kl_loss(outputs, draws, *, n_neighbors=1, eps=1e-6):
    r"""Nearest-neighbour estimate of KL(outputs || target), without its constants.

    .. math:: L = \frac1n \sum_b \log \nu_b - \log \rho_b

    where :math:`\nu_b` is the Manhattan distance from output b to the k-th nearest draw of the
    target and :math:`\rho_b` to the k-th nearest other output. Times n_bits, plus
    ``log(m / (n - 1))``, this is the k-nearest-neighbour estimator of the divergence.
    The neighbours are found without gradient; only the n pairs found are differentiated.

    Parameters
    ----------
    outputs : Tensor of shape (n, n_bits), float
        Outputs in [0, 1], at least two rows.
    draws : Tensor of shape (m, n_bits), float
        Draws of the reference distribution.
    n_neighbors : int, default=1
        The k above: larger values vary less from batch to batch and look less closely. No more
        than there are other outputs and draws are taken.
    eps : float, default=1e-6
        Added to both distances, so that identical outputs stay finite.

    Returns
    -------
    loss : Tensor, scalar
        About 0 for outputs drawn from the target itself, larger where outputs clump together or
        stand away from the target.

    References
    ----------
    Arponen & Bishop (2020), arXiv:2005.04917. Wang, Kulkarni & Verdu (2009), "Divergence
    estimation for multidimensional densities via k-nearest-neighbor distances", IEEE Trans.
    Inf. Theory 55(5), eq. 5. Perez-Cruz (2008), "Kullback-Leibler divergence estimation of
    continuous distributions", ISIT.

    Examples
    --------
    >>> import torch
    >>> from skhash._torch.losses import empirical_kl_loss
    >>> outputs = torch.tensor([[0.0, 0.0], [1.0, 0.0]])
    >>> draws = torch.tensor([[0.0, 0.5], [1.0, 0.5]])
    >>> round(empirical_kl_loss(outputs, draws).item(), 4)  # log 0.5 - log 1
    -0.6931
    """
    # a last, short batch has fewer
    n_neighbors = min(n_neighbors, len(outputs) - 1, len(draws))
    with torch.no_grad():
        to_output = _nearest(outputs, outputs, n_neighbors, same=True)
        to_draw = _nearest(outputs, draws, n_neighbors, same=False)
    rho = (outputs - outputs[to_output]).abs().sum(dim=1)
    nu = (outputs - draws[to_draw]).abs().sum(dim=1)
    return (torch.log(nu + eps) - torch.log(rho + eps)).mean()


def beta_quantiles(alpha, *, n_quantiles=4096, device=None, dtype=torch.float32):
    """Quantiles of Beta(alpha, alpha) in the middle of equal shares of probability.

    Picking one at random draws from the distribution to a resolution of ``1 / n_quantiles``. A
    table costs one gather a draw on any device and obeys a `torch.Generator`, which torch's own
    Beta sampler does not take.

    Parameters
    ----------
    alpha : float
        Shape of the distribution; below 1 it gathers at 0 and 1.
    n_quantiles : int, default=4096
    device, dtype
        Of the returned tensor.

    Returns
    -------
    quantiles : Tensor of shape (n_quantiles,)
    """
    share = (torch.arange(n_quantiles, dtype=torch.float64) + 0.5) / n_quantiles
    return torch.as_tensor(stats.beta.ppf(share.numpy(), alpha, alpha)).to(device, dtype)


def draw_from_quantiles(quantiles, shape, generator=None):
    """Independent draws, one for each element of `shape`, from a table of quantiles."""
    index = torch.randint(len(quantiles), shape, generator=generator, device=quantiles.device)
    return quantiles[index]
