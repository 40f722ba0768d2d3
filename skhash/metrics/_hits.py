"""Average precision over the hits within a cut-off, where the number of hits is itself random."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from skhash.metrics._ties import (
    Groups,
    average_precision_sum,
    harmonic_numbers,
    mean_gain,
    ordered_groups,
    precision_sum,
    rank_ends,
)


def average_precision_of_hits(groups: Groups, n_ranks: int, ties: str) -> np.ndarray:
    """Mean precision at the relevant ranks up to n_ranks; 0 where there are none.

    Unlike the other metrics this is a quotient of two random numbers. Only the group that the
    cut-off goes through makes it so: of its n items, n+ of them relevant, q ranks are kept, and
    the number m of relevant ones among these is hypergeometric. Given m, the expectation (or
    the best, or the worst) is a sum like that of a whole group.

    Parameters
    ----------
    groups : Groups
        Rankings with binary relevance, tied items together.
    n_ranks : int
        The cut-off.
    ties : {"expected", "optimistic", "pessimistic"}
        Whether to average over the orders of tied items or to take the extremes.

    Returns
    -------
    values : ndarray of shape (n_queries,)
        The average precisions.
    """
    ends = rank_ends(groups, n_ranks + 1)
    whole = ends[:, 1:] <= n_ranks
    before = Groups(groups.size * whole, groups.gain * whole)
    cut = np.where(whole, 0, groups.size), np.where(whole, 0, groups.gain)
    # the first group that is not whole; the groups after it are beyond the cut-off
    at = (np.arange(len(whole)), np.argmin(whole, axis=1))
    size, relevant = cut[0][at].astype(np.intp), cut[1][at].astype(np.intp)
    first = np.where(size > 0, before.size.sum(axis=1), n_ranks)
    found = before.gain.sum(axis=1)
    kept = n_ranks - first

    n_hits = np.arange(np.minimum(relevant, kept).max(initial=0) + 1)
    in_cut = _precision_sum_of_cut(n_hits, found[:, None], first[:, None], n_ranks, ties)
    if ties != "expected":
        before = ordered_groups(before, ties == "optimistic")
    total = average_precision_sum(before, n_ranks)[:, None] + in_cut
    values = total / np.maximum(found[:, None] + n_hits, 1)

    possible = (n_hits <= np.minimum(relevant, kept)[:, None]) & (
        kept[:, None] - n_hits <= (size - relevant)[:, None]
    )
    possible |= (size == 0)[:, None] & (n_hits == 0)
    if ties == "optimistic":
        return np.where(possible, values, -np.inf).max(axis=1)
    if ties == "pessimistic":
        return np.where(possible, values, np.inf).min(axis=1)
    probability = _hypergeometric(n_hits, size[:, None], relevant[:, None], kept[:, None], possible)
    return (probability * values).sum(axis=1)


def _precision_sum_of_cut(n_hits, found, first, n_ranks: int, ties: str) -> np.ndarray:
    """Sum of the precisions at n_hits relevant ranks among first + 1 to n_ranks."""
    kept = n_ranks - first
    if ties == "expected":
        part = Groups(*np.broadcast_arrays(kept, np.minimum(n_hits, kept)))
        last = np.full_like(first, n_ranks)
        return mean_gain(part) * precision_sum(part, found, first, last)
    harmonic = harmonic_numbers(n_ranks)
    n_hits = np.minimum(n_hits, kept)
    start = first if ties == "optimistic" else n_ranks - n_hits
    # the j-th hit is at rank start + j, with found + j relevant items up to there
    return n_hits + (found - start) * (harmonic[start + n_hits] - harmonic[start])


def _hypergeometric(hits, size, relevant, kept, possible) -> np.ndarray:
    """Probability of each number of relevant items among ``kept`` of the items of a group."""
    log_factorial = gammaln(np.arange(size.max(initial=0) + 1) + 1.0)
    irrelevant, missed = size - relevant, kept - hits
    # binomial(relevant, hits) * binomial(irrelevant, missed), up to a constant of the row
    log_weight = -sum(
        log_factorial[np.where(possible, count, 0)]
        for count in (hits, relevant - hits, missed, irrelevant - missed)
    )
    log_weight[~possible] = -np.inf
    weight = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
    return weight / weight.sum(axis=1, keepdims=True)
