"""How far two samples, or the outputs of a network and bits, are from one distribution."""

from __future__ import annotations

import sys
from numbers import Integral, Real

import numpy as np
from scipy.spatial import KDTree
from sklearn.utils import check_random_state

from skhash.metrics._inputs import check_option
from skhash.utils._arrays import check_table
from skhash.utils._ranges import check_unmasked

# the order of the norm; the estimator needs a norm, whose balls grow as a power of the radius
_ORDERS = {"euclidean": 2.0, "manhattan": 1.0, "chebyshev": np.inf}


def empirical_kl_divergence(P, Q, k=1, *, metric="euclidean", eps=0.0):
    r"""Estimate the Kullback-Leibler divergence between two distributions from samples.

    .. math:: \widehat{KL}(P \| Q) = \frac dn \sum_{i=1}^n \log \frac{\nu_i}{\rho_i}
              + \log \frac{m}{n - 1}

    where :math:`\nu_i` is the distance from sample i of P to its k-th nearest sample of Q, and
    :math:`\rho_i` to its k-th nearest other sample of P, in d dimensions. No density is
    estimated on the way. The estimate tends to the divergence as the samples grow, if both
    distributions have a density. From few samples it is mostly too low where the divergence is
    large, the more so in many dimensions; it may be negative.

    Parameters
    ----------
    P : {array-like, Tensor} of shape (n, n_features)
        Sample of the first distribution, two rows at least.
    Q : {array-like, Tensor} of shape (m, n_features)
        Sample of the second distribution; a tensor if P is one, of its dtype and on its device.
    k : int, default=1
        Which neighbour, at most ``min(n - 1, m)``. A larger k lowers the variance and raises
        the bias.
    metric : {"euclidean", "manhattan", "chebyshev"}, default="euclidean"
        The norm by which samples are near.
    eps : float, default=0.0
        Added to all distances, in the unit of the samples. Duplicates are at distance 0, where
        the estimate is infinite: they have no density. With 0 that is an error; a positive eps
        keeps the estimate finite, and then it says how much P is clumped at the scale of eps,
        not how large the divergence is.

    Returns
    -------
    divergence : float or Tensor
        The estimate in nats. For tensors a scalar tensor, which can be differentiated by P and
        Q with the neighbours held.

    Raises
    ------
    TypeError
        If one of P and Q is a tensor and the other is not.
    ValueError
        If P or Q has missing values or too few samples, if they differ in their number of
        features, or if a distance is 0 and eps as well.

    See Also
    --------
    binary_kl : How far outputs are from bits.

    Notes
    -----
    For arrays, k-d trees find the neighbours: fast in few dimensions, and in many no slower
    than a few times all ``n * (n + m)`` distances. Either way memory does not grow with the
    number of pairs.

    References
    ----------
    Q. Wang, S. R. Kulkarni and S. Verdú, "Divergence estimation for multidimensional densities
    via k-nearest-neighbor distances", IEEE Trans. Inf. Theory 55(5), 2009.

    F. Pérez-Cruz, "Kullback-Leibler divergence estimation of continuous distributions", ISIT
    2008.

    Examples
    --------
    The divergence between two normal distributions of variance 1 is half their squared
    distance.

    >>> import numpy as np
    >>> from skhash.metrics import empirical_kl_divergence
    >>> random = np.random.RandomState(0)
    >>> P, Q = random.normal(0, 1, size=(5000, 1)), random.normal(1, 1, size=(5000, 1))
    >>> abs(empirical_kl_divergence(P, Q, k=5) - 0.5) < 0.05
    True
    """
    check_option("metric", metric, tuple(_ORDERS))
    if not isinstance(eps, Real) or not 0 <= eps < np.inf:
        raise ValueError(f"eps must be a finite number of at least 0, got {eps!r}")
    estimate = _choose_estimate(P, Q)
    if estimate is _estimate:
        check_unmasked(P, "P")
        check_unmasked(Q, "Q")
        P = check_table(P, "P", dtype=np.float64, ensure_min_samples=2)
        Q = check_table(Q, "Q", dtype=np.float64)
    else:
        _check_tensors(P, Q)
    _check_sizes(P, Q, k)
    divergence, zeros = estimate(P, Q, int(k), _ORDERS[metric], float(eps))
    if eps == 0 and any(zeros):
        raise ValueError(
            f"of the {len(P)} samples of P, {zeros[0]} have {k} or more duplicates in P and "
            f"{zeros[1]} in Q, at distance 0: the divergence is between densities, and would "
            "be infinite; a positive eps keeps it finite"
        )
    return divergence


def binary_kl(outputs, *, alpha=0.1, batch_size=128, n_repeats=10, eps=1e-6, random_state=None):
    """How far outputs are from balanced, independent bits: a divergence in nats per bit.

    The estimate of `empirical_kl_divergence`, by Manhattan distance, between outputs and as
    many draws of a nearly binary distribution in which every bit is Beta(alpha, alpha),
    independently; over the number of bits. It is large where outputs clump together, as when
    they collapse to a code for each class, or stand away from 0 and 1.

    It depends on the number of samples, so it is measured on batches of one size and averaged.
    As a yardstick, for 64 bits and the default values:

    ================================================  ========
    Beta(0.1, 0.1), the reference                     0.00
    balanced, independent bits of 0 and 1             0.04
    uniform between 0 and 1                           0.34
    independent bits that are 1 with probability 0.9  1.4
    normal around 0.5 with standard deviation 0.1     1.49
    ten codes, moved inwards by normal noise of 1e-3  6.4
    ten codes as they are                             16.9
    ================================================  ========

    Parameters
    ----------
    outputs : array-like of shape (n_samples, n_bits)
        Codes, or outputs between 0 and 1 which are rounded to codes; 2 samples at least. Put
        decision values of any size through a sigmoid first.
    alpha : float, default=0.1
        Shape of the reference distribution; the smaller, the nearer to 0 and 1.
    batch_size : int, default=128
        Number of samples a batch, drawn without replacement; all samples if there are fewer.
        Only values of one batch size can be compared.
    n_repeats : int, default=10
        Number of batches.
    eps : float, default=1e-6
        Added to all distances, which keeps duplicates finite.
    random_state : int, RandomState instance or None, default=None
        Draws the batches and the reference.

    Returns
    -------
    divergence : float
        In nats per bit. About 0 for the reference itself.

    Raises
    ------
    ValueError
        If outputs are not a finite table of values between 0 and 1.

    See Also
    --------
    quantization_error : Distance of outputs from the nearest corner, one by one.
    code_entropy : How many codes are used.

    Notes
    -----
    It tells collapse far better than a lack of rounding: see how little uniform outputs
    cost. Look at `quantization_error` beside it.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash.metrics import binary_kl
    >>> random = np.random.RandomState(0)
    >>> bits, uniform = random.randint(2, size=(500, 64)), random.uniform(size=(500, 64))
    >>> round(binary_kl(bits, random_state=0), 1), round(binary_kl(uniform, random_state=0), 1)
    (0.0, 0.3)
    """
    for name, value, least in (("batch_size", batch_size, 2), ("n_repeats", n_repeats, 1)):
        _check_integer(name, value, least)
    if not isinstance(alpha, Real) or not 0 < alpha < np.inf:
        raise ValueError(f"alpha must be a finite number above 0, got {alpha!r}")
    check_unmasked(outputs, "outputs")
    outputs = check_table(outputs, "outputs", dtype=np.float64, ensure_min_samples=2)
    if outputs.min() < 0 or outputs.max() > 1:
        raise ValueError(
            f"outputs must be between 0 and 1, got {outputs.min():g} to {outputs.max():g}"
        )
    random_state = check_random_state(random_state)
    n_samples, n_bits = outputs.shape
    shape = min(batch_size, n_samples), n_bits
    total = 0.0
    for _ in range(n_repeats):
        batch = outputs[random_state.choice(n_samples, shape[0], replace=False)]
        draws = random_state.beta(alpha, alpha, size=shape)
        total += empirical_kl_divergence(batch, draws, metric="manhattan", eps=eps)
    return total / n_repeats / n_bits


def _choose_estimate(P, Q):
    # no tensor can come before torch has been imported
    torch = sys.modules.get("torch")
    are_tensors = [torch is not None and isinstance(sample, torch.Tensor) for sample in (P, Q)]
    if not any(are_tensors):
        return _estimate
    if not all(are_tensors):
        raise TypeError(
            "P and Q must be two arrays or two tensors, got "
            f"{type(P).__name__} and {type(Q).__name__}"
        )
    from skhash.metrics._divergence_torch import divergence_of_tensors

    return divergence_of_tensors


def _estimate(P, Q, k, order, eps):
    """The divergence, and how many distances inside P and from P to Q are zero."""
    # each sample is the nearest to itself in P
    inside = KDTree(P).query(P, [k + 1], p=order)[0]
    across = KDTree(Q).query(P, [k], p=order)[0]
    zeros = np.count_nonzero(inside == 0), np.count_nonzero(across == 0)
    with np.errstate(divide="ignore", invalid="ignore"):  # zeros are reported by number
        log_ratio = np.log(across + eps) - np.log(inside + eps)
    n_samples, n_features = P.shape
    return float(n_features * log_ratio.mean() + np.log(len(Q) / (n_samples - 1))), zeros


def _check_tensors(P, Q) -> None:
    for name, sample in (("P", P), ("Q", Q)):
        if sample.ndim != 2 or 0 in sample.shape:
            raise ValueError(
                f"{name} must have the shape (n_samples, n_features), got {tuple(sample.shape)}"
            )
        if not sample.dtype.is_floating_point:
            raise ValueError(f"{name} must be a tensor of floats, got {sample.dtype}")
        if not sample.isfinite().all():
            raise ValueError(f"{name} contains NaN or infinity")
    if P.dtype != Q.dtype or P.device != Q.device:
        raise ValueError(
            "P and Q must have the same dtype and device, got "
            f"{P.dtype} on {P.device} and {Q.dtype} on {Q.device}"
        )


def _check_sizes(P, Q, k) -> None:
    if P.shape[1] != Q.shape[1]:
        raise ValueError(
            f"P and Q must have the same number of features, got {P.shape[1]} and {Q.shape[1]}"
        )
    _check_integer("k", k, 1)
    if k > min(len(P) - 1, len(Q)):
        raise ValueError(
            f"k={k} needs {k + 1} samples of P and {k} of Q, got {len(P)} and {len(Q)}"
        )


def _check_integer(name: str, value, least: int) -> None:
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be an integer of at least {least}, got {value!r}")
