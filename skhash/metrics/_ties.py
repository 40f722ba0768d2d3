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


def gain_up_to(groups: Groups, k) -> np.ndarray:
    """Expected sum of the gains of the first k items.

    Shape (n_queries,) for a number and for an array of shape (n_queries, 1), one for each query;
    (n_queries, n_cutoffs) for an array of cut-offs.
    """
    if np.ndim(k) == 1:
        return gain_at_ranks(groups, int(k.max())).cumsum(axis=1)[:, k - 1]
    return (mean_gain(groups) * np.diff(rank_ends(groups, k), axis=1)).sum(axis=1)


def gain_at_ranks(groups: Groups, n_ranks: int) -> np.ndarray:
    """Expected gain at ranks 1 to n_ranks, shape (n_queries, n_ranks).

    Every ranking must hold at least n_ranks items.
    """
    filled = np.diff(rank_ends(groups, n_ranks), axis=1)
    return np.repeat(mean_gain(groups).ravel(), filled.ravel()).reshape(-1, n_ranks)


def average_precision_sum(groups: Groups, n_ranks, positive=None) -> np.ndarray:
    """Expectation of the sum over ranks t with a positive gain, up to n_ranks, of the mean gain
    of the first t items.

    Average precision is this over its normaliser, where gains are 0 and 1. `n_ranks` is one
    number or one for each query; `positive` counts the items of each group whose gain is
    positive, where gains are other than 0 and 1.
    """
    ends = rank_ends(groups, n_ranks)
    harmonic = harmonic_numbers(int(ends.max(initial=0)))
    offset, slope = _precision_terms(groups, positive)
    return (offset * np.diff(harmonic[ends], axis=1) + slope * np.diff(ends, axis=1)).sum(axis=1)


def average_precision_sums(groups: Groups, n_ranks: int, positive=None) -> np.ndarray:
    """`average_precision_sum` up to each of the ranks 1 to n_ranks, (n_queries, n_ranks).

    Every ranking must hold at least n_ranks items.
    """
    filled = np.diff(rank_ends(groups, n_ranks), axis=1).ravel()
    offset, slope = (
        np.repeat(terms.ravel(), filled).reshape(-1, n_ranks)
        for terms in _precision_terms(groups, positive)
    )
    return np.cumsum(offset / np.arange(1, n_ranks + 1) + slope, axis=1)


def _precision_terms(groups: Groups, positive):
    """What rank t of each group adds to `average_precision_sum`: offset / t + slope.

    After N items with gains that sum to S, rank t of a group of n items is one of its n+
    positive ones with probability ``n+ / n``. Given that, the mean of its own gain is ``G / n+``,
    and each of the ``t - N - 1`` ranks of the group before it has the mean gain of the other
    items, ``G (n+ - 1) / (n+ (n - 1))``.
    """
    size, gain = groups
    positive = gain if positive is None else positive
    before = np.cumsum(size, axis=1) - size
    gain_before = np.cumsum(gain, axis=1) - gain
    whole = np.maximum(size, 1)
    slope = gain * np.maximum(positive - 1, 0) / (whole * np.maximum(size - 1, 1))
    return (positive * gain_before + gain) / whole - (before + 1) * slope, slope


def precision_sum(groups: Groups, found_before, first, last) -> np.ndarray:
    """Sum over ranks first + 1 to last of a group of the precision at a rank that is relevant.

    Binary relevance only.
    """
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


def rank_ends(groups: Groups, n_ranks) -> np.ndarray:
    """Last rank of each group, cut at n_ranks (one, or (n_queries, 1)), after a leading 0."""
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
