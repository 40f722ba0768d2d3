"""The neighbours of each code: of its own class and of others."""

from __future__ import annotations

import numpy as np

from skhash.metrics._gains import binary_gains
from skhash.metrics._inputs import TIES, check_option, check_rank, make_evaluation
from skhash.metrics._statistics import Ranked, Statistic
from skhash.metrics._ties import Groups, mean_gain, rank_ends


def icnn_score(codes, labels, *, k=10, ties="expected", n_jobs=None) -> float:
    r"""Inter- and intra-class nearest-neighbour score, ICNN: whether classes keep together.

    The mean over the samples of half the sum of two numbers. One is the share of their k nearest
    neighbours that are of their class. The other looks at distances: with :math:`u_j` the
    distance of the j-th neighbour, scaled from 0 at the nearest to 1 at the farthest of the k, it
    is

    .. math:: \frac 1k \Big( \sum_{j \text{ of the class}} (1 - u_j)
              + \sum_{j \text{ of another}} u_j \Big)

    which rewards neighbours of the class for being near and others for being far. Where all k are
    at one distance, u is 0.

    Only the neighbours at the distance of the k-th depend on the order of ties. The score is
    linear in how many of them are of the class, so its expectation has their mean number, and its
    bounds the most and the fewest that there can be.

    Parameters
    ----------
    codes : array-like of shape (n_samples, n_bits)
        Bits, 0 or 1.
    labels : array-like of n_samples labels
        Classes; of label sets those count as of one class that share a label.
    k : int, default=10
        Number of neighbours, the sample itself not among them.
    ties : {"expected", "optimistic", "pessimistic"}, default="expected"
        What to make of items at the same distance: the exact expectation over their random
        order, or the score of the best or the worst order there is.
    n_jobs : int, default=None
        Number of threads; None means 1 unless in a `joblib.parallel_config`, -1 all processors.

    Returns
    -------
    score : float
        Between 0 and 1, which all samples have where the k nearest of each have its code and are
        of its class.

    Raises
    ------
    ValueError
        If codes are not bits, labels are not as many, or there are not more than k samples.

    See Also
    --------
    precision_at_k_score : The share of neighbours of the class alone.
    class_distances : Mean distances between classes.

    Notes
    -----
    The published code divides the part about distances by the largest that a sample has; here the
    number of neighbours takes its place, so that the score of a sample is its own.

    References
    ----------
    Mendez-Ruiz, M., et al. (2023). SuSana Distancia is all you need: Enforcing class
    separability in metric learning via two novel distance-based loss functions for few-shot image
    classification. arXiv:2305.09062.

    Examples
    --------
    >>> from skhash.metrics import icnn_score
    >>> codes = [[0, 0, 0], [0, 0, 0], [0, 0, 1], [1, 1, 1], [1, 1, 1]]
    >>> icnn_score(codes, ["cat", "cat", "cat", "dog", "dog"], k=2)
    0.8
    """
    check_option("ties", ties, TIES)
    evaluation = make_evaluation(
        codes,
        labels,
        None,
        None,
        exclude_self=True,
        metric="hamming",
        device=None,
        binary=binary_gains,
    )
    k = check_rank(k, evaluation)

    def compute(ranked: Ranked) -> np.ndarray:
        assert ranked.tied is not None
        return _of_neighbors(ranked.tied, k, ties)

    statistic = Statistic(f"icnn@{k}", "binary", compute, depth=k)
    return float(evaluation.run([statistic], ties=ties, n_jobs=n_jobs)[statistic.name].mean())


def _of_neighbors(groups: Groups, k: int, ties: str) -> np.ndarray:
    """The score of each sample; the groups are those at the distances 0, 1, ..."""
    taken = np.diff(rank_ends(groups, k), axis=1)
    if ties == "expected":
        same = taken * mean_gain(groups)
    elif ties == "optimistic":
        same = np.minimum(groups.gain, taken)
    else:
        same = np.maximum(taken - (groups.size - groups.gain), 0)
    distances = np.arange(taken.shape[1])
    nearest = np.argmax(taken > 0, axis=1)[:, None]
    farthest = distances[-1] - np.argmax(taken[:, ::-1] > 0, axis=1)[:, None]
    u = (distances - nearest) / np.maximum(farthest - nearest, 1)
    of_distance = same * (1 - u) + (taken - same) * u
    return (of_distance + same).sum(axis=1) / (2 * k)
