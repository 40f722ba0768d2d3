"""The empirical KL divergence of the outputs of a batch from a reference distribution."""

from __future__ import annotations

import torch
from scipy import stats


def _nearest(points, others, *, same):
    """Row of the nearest other by Manhattan distance, for each point."""
    distances = torch.cdist(points, others, p=1)
    if same:
        distances.fill_diagonal_(torch.inf)
    return distances.argmin(dim=1)


def empirical_kl_loss(outputs, draws, eps=1e-6):
    r"""Nearest-neighbour estimate of KL(outputs || target), without its constants.

    .. math:: L = \frac1n \sum_b \log \nu_b - \log \rho_b

    where :math:`\nu_b` is the Manhattan distance from output b to the nearest reference draw and
    :math:`\rho_b` to the nearest other output. Times n_bits, plus ``log(m / (n - 1))``, this is the
    1-nearest-neighbour estimator of the divergence. The nearest rows are found without gradient;
    only the n pairs found are differentiated.

    Parameters
    ----------
    outputs : Tensor of shape (n, n_bits), float
        Outputs in [0, 1], at least two rows.
    draws : Tensor of shape (m, n_bits), float
        Draws of the reference distribution.
    eps : float, default=1e-6
        Added to both distances, so that identical outputs stay finite.

    Returns
    -------
    loss : Tensor, scalar
        About 0 for outputs drawn from the reference itself, larger if outputs clump together or are
        far from the reference.

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
    with torch.no_grad():
        to_output = _nearest(outputs, outputs, same=True)
        to_draw = _nearest(outputs, draws, same=False)
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
