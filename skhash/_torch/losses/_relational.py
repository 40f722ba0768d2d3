"""The relational loss: relative code distances match relative target distances."""

from __future__ import annotations

import torch

PAIR_FORMS = ("manhattan", "product")


def pair_distances(outputs, form="product"):
    """Differentiable Hamming distances between all outputs of a batch, in units of n_bits.

    Parameters
    ----------
    outputs : Tensor of shape (n, n_bits), float
        Outputs in [0, 1]; a bit is 1 above 1/2.
    form : {"manhattan", "product"}, default="product"
        ``"manhattan"`` is the L1 distance of the paper divided by n_bits. ``"product"`` is
        ``(1 - b.b' / n_bits) / 2`` with ``b = 2 * outputs - 1``: the expected Hamming distance of
        independent bits drawn with the outputs as their probabilities. Both equal the Hamming
        distance on {0, 1}; the product costs one matrix product forward and one backward.

    Returns
    -------
    distances : Tensor of shape (n, n)
        The diagonal of the product form is above 0 where outputs are not binary: a draw differs
        from another draw of the same item. No caller may read it as a distance to oneself.

    Examples
    --------
    >>> import torch
    >>> from skhash._torch.losses import pair_distances
    >>> pair_distances(torch.tensor([[0.0, 1.0], [1.0, 1.0]]), "product")
    tensor([[0.0000, 0.5000],
            [0.5000, 0.0000]])
    """
    n_bits = outputs.shape[1]
    if form == "manhattan":
        return torch.cdist(outputs, outputs, p=1) / n_bits
    if form == "product":
        signed = 2 * outputs - 1
        return (1 - signed @ signed.T / n_bits) / 2
    raise ValueError(f"form must be one of {PAIR_FORMS}, got {form!r}")


def pair_weights(target_distances, gamma=0.1, rho=2.0):
    """Weight of each pair, ``(gamma / (gamma + d)) ** rho``: 1 for the same, less for the far.

    Parameters
    ----------
    target_distances : Tensor, float
        Distances in [0, 1] between targets.
    gamma : float, default=0.1
        The distance at which the weight has fallen to ``2 ** -rho``.
    rho : float, default=2.0
        How steeply the weight falls; 0 weighs all pairs alike.

    Returns
    -------
    weights : Tensor of the same shape
    """
    return (gamma / (gamma + target_distances)) ** rho


def relational_loss(
    outputs,
    target_distances,
    *,
    form="product",
    gamma=0.1,
    rho=2.0,
    normalizer="weights",
    eps=1e-6,
):
    r"""Match the relative distances of the outputs to the relative distances of the labels.

    .. math:: L = \frac{\sum_{b \ne b'} \omega_{bb'}
        \left| \frac{d(z_b, z_{b'})}{\tau_z} - \frac{d(y_b, y_{b'})}{\tau_y} \right|}
        {\sum_{b \ne b'} \omega_{bb'}}

    with :math:`\tau_z, \tau_y` the means of the distances over the pairs of the batch, so that
    neither scale matters, and :math:`\omega = (\gamma / (\gamma + d(y_b, y_{b'})))^\rho`.
    Arponen & Bishop divide by the number of pairs instead of the sum of weights, as
    ``normalizer="pairs"`` does; dividing by the weights keeps the size of the loss, and with it
    the balance with the other terms, the same whether a batch holds many similar pairs or few
    (our choice).

    Parameters
    ----------
    outputs : Tensor of shape (n, n_bits), float
        Outputs in [0, 1], at least two rows.
    target_distances : Tensor of shape (n, n), float
        Symmetric distances in [0, 1]; the diagonal is not read.
    form : {"manhattan", "product"}, default="product"
        See :func:`pair_distances`.
    gamma, rho : float
        See :func:`pair_weights`.
    normalizer : {"weights", "pairs"}, default="weights"
        What the sum is divided by.
    eps : float, default=1e-6
        Least value of both means: a batch of one class, or of one code, stays finite.

    Returns
    -------
    loss : Tensor, scalar

    References
    ----------
    Arponen & Bishop (2020), "Learning to hash with semantic similarity metrics and empirical KL
    divergence", arXiv:2005.04917.

    Examples
    --------
    >>> import torch
    >>> from skhash._torch.losses import relational_loss
    >>> outputs = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> relational_loss(outputs, 3 * torch.cdist(outputs, outputs, p=1)).item()
    0.0
    """
    n = outputs.shape[0]
    pairs = ~torch.eye(n, dtype=torch.bool, device=outputs.device)
    code = pair_distances(outputs, form)
    # a mask times the matrix keeps its shape; selecting the pairs would copy it
    n_pairs = n * (n - 1)
    code_mean = (code * pairs).sum() / n_pairs
    target_mean = (target_distances * pairs).sum() / n_pairs
    error = (code / code_mean.clamp_min(eps) - target_distances / target_mean.clamp_min(eps)).abs()
    weights = pair_weights(target_distances, gamma, rho) * pairs
    total = weights.sum() if normalizer == "weights" else n_pairs
    return (weights * error).sum() / total
