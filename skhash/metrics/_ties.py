"""Closed forms of ranking metrics where the order inside groups of equal distance is random.

A ranking is a sequence of groups. Items of one group are at the same distance from the query,
so that nothing but chance orders them, and each of their ranks holds the mean gain of the group
in expectation. All functions here are vectorised over queries and exact.

References
----------
McSherry, F., & Najork, M. (2008). Computing information retrieval performance measures
efficiently in the presence of tied scores. ECIR.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Groups(NamedTuple):
    """Rankings as groups of ties, nearest group first; empty groups are allowed.

    size : ndarray of shape (n_queries, n_groups), integers: the number of items of a group.
    gain : ndarray of shape (n_queries, n_groups): the sum of the gains of its items. For binary
        relevance this is the number of relevant items.
    """

    size: np.ndarray
    gain: np.ndarray


def rank_weighted_gain(groups: Groups, weight_sums: np.ndarray, profile=None) -> np.ndarray:
    """Expectation of ``sum_t weight_t * gain at rank t``.

    Precision, recall, DCG, hierarchical precision and its average over cut-offs all have this
    form, which is linear in the gains: the expectation needs only the mean gain of each group.

    Parameters
    ----------
    groups : Groups
        The rankings.
    weight_sums : ndarray of shape (n_ranks + 1,) or (n_profiles, n_ranks + 1)
        ``weight_sums[..., t]`` is the sum of the weights of ranks 1 to t. Ranks beyond the last
        weigh nothing.
    profile : ndarray of shape (n_queries,), optional
        The row of a two-dimensional ``weight_sums`` that each query uses.

    Returns
    -------
    values : ndarray of shape (n_queries,)
        The expectations.
    """
    ends = rank_ends(groups, weight_sums.shape[-1] - 1)
    at_ends = weight_sums[ends] if profile is None else weight_sums[profile[:, None], ends]
    return np.einsum("qg,qg->q", mean_gain(groups), np.diff(at_ends, axis=1))


def gain_at_ranks(groups: Groups, n_ranks: int) -> np.ndarray:
    """Expected gain at ranks 1 to n_ranks, shape (n_queries, n_ranks).

    Every ranking must hold at least n_ranks items.
    """
    filled = np.diff(rank_ends(groups, n_ranks), axis=1)
    return np.repeat(mean_gain(groups).ravel(), filled.ravel()).reshape(-1, n_ranks)


def average_precision_sum(groups: Groups, n_ranks: int) -> np.ndarray:
    """Expectation of the sum of the precisions at the relevant ranks up to n_ranks.

    Binary relevance only. Average precision is this over its normaliser.

    Inside a group after N items with P relevant ones, rank t is relevant with probability
    ``n+ / n``; given that, the ranks of the group before it hold ``(t - N - 1) (n+ - 1) / (n - 1)``
    relevant items in expectation. The sum over t splits into harmonic numbers.
    """
    ends = rank_ends(groups, n_ranks)
    first, last = ends[:, :-1], ends[:, 1:]
    found_before = np.cumsum(groups.gain, axis=1) - groups.gain
    return (mean_gain(groups) * precision_sum(groups, found_before, first, last)).sum(axis=1)


def precision_sum(groups: Groups, found_before, first, last) -> np.ndarray:
    """Sum over ranks first + 1 to last of a group of the precision at a rank that is relevant."""
    slope = np.maximum(groups.gain - 1, 0) / np.maximum(groups.size - 1, 1)
    harmonic = harmonic_numbers(int(last.max(initial=0)))
    offset = found_before + 1 - (first + 1) * slope
    return offset * (harmonic[last] - harmonic[first]) + slope * (last - first)


def ordered_groups(groups: Groups, best_first: bool) -> Groups:
    """Each group split in two, the relevant items first or last. Binary relevance only."""
    relevant = groups.gain.astype(groups.size.dtype)
    halves = [(relevant, groups.gain), (groups.size - relevant, np.zeros_like(groups.gain))]
    if not best_first:
        halves.reverse()
    sizes, gains = zip(*halves, strict=True)
    n_queries = len(groups.size)
    return Groups(
        np.stack(sizes, axis=2).reshape(n_queries, -1),
        np.stack(gains, axis=2).reshape(n_queries, -1),
    )


def mean_gain(groups: Groups) -> np.ndarray:
    """Mean gain of the items of each group, 0 for empty groups."""
    return groups.gain / np.maximum(groups.size, 1)


def rank_ends(groups: Groups, n_ranks: int) -> np.ndarray:
    """Last rank of each group, cut at n_ranks, after a leading 0."""
    ends = np.zeros((len(groups.size), groups.size.shape[1] + 1), dtype=np.intp)
    np.cumsum(groups.size, axis=1, out=ends[:, 1:])
    return np.minimum(ends, n_ranks, out=ends)


def harmonic_numbers(n: int) -> np.ndarray:
    """``1 + 1/2 + ... + 1/t`` for t = 0 to n."""
    return prefix_sums(1 / np.arange(1, n + 1))


def prefix_sums(weights: np.ndarray) -> np.ndarray:
    """Sums of the first 0, 1, ... values along the last axis."""
    sums = np.zeros((*weights.shape[:-1], weights.shape[-1] + 1))
    np.cumsum(weights, axis=-1, out=sums[..., 1:])
    return sums
