"""The rank of the first relevant item, where ties make it random."""

from __future__ import annotations

import numpy as np

from skhash.metrics._ties import Groups


def hit_probability(groups: Groups, k) -> np.ndarray:
    """Probability that one of the first k items is relevant.

    Parameters
    ----------
    groups : Groups
        Rankings with binary relevance.
    k : int or ndarray of shape (n_cutoffs,)
        The cut-off, or several.

    Returns
    -------
    probability : ndarray of shape (n_queries,) or (n_queries, n_cutoffs)
    """
    before, survival = _first_hit(groups, int(np.max(k)))
    at = np.clip(np.atleast_1d(k) - before[:, None], 0, survival.shape[1] - 1)
    probability = 1 - np.take_along_axis(survival, at, axis=1)
    return probability if np.ndim(k) else probability[:, 0]


def reciprocal_rank(groups: Groups, n_ranks: int) -> np.ndarray:
    """Expectation of 1 over the rank of the first relevant item; 0 if that is beyond n_ranks."""
    before, survival = _first_hit(groups, n_ranks)
    probability = -np.diff(survival, axis=1)
    ranks = before[:, None] + 1 + np.arange(probability.shape[1])
    return np.where(ranks <= n_ranks, probability / ranks, 0).sum(axis=1)


def _first_hit(groups: Groups, n_ranks: int):
    """Number of items before the first group with a hit, and where in the group the hit is.

    ``survival[q, x]`` is the probability that none of the first x items of that group is
    relevant: of n items n+ are, so it is the product of ``(n - n+ - i) / (n - i)`` over i < x.
    """
    rows = np.arange(len(groups.size))
    at = np.argmax(groups.gain > 0, axis=1)
    size, relevant = (part[rows, at].astype(np.intp) for part in groups)
    before = groups.size.cumsum(axis=1)[rows, at] - size
    irrelevant = size - relevant
    # the hit comes after all the others at the latest
    width = min(int(irrelevant.max(initial=0)) + 1, n_ranks)
    i = np.arange(width)
    factors = np.maximum(irrelevant[:, None] - i, 0) / np.maximum(size[:, None] - i, 1)
    survival = np.ones((len(rows), width + 1))
    np.cumprod(factors, axis=1, out=survival[:, 1:])
    survival[relevant == 0] = 1
    return before, survival
