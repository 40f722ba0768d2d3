"""The metrics as functions of the rankings of a block of queries.

Every factory here returns a `Statistic`; its values are NaN for queries that nothing in the
database is relevant to, which the caller's policy then decides about.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from skhash.metrics._hits import average_precision_of_hits
from skhash.metrics._ties import (
    Groups,
    average_precision_sum,
    gain_at_ranks,
    prefix_sums,
    rank_weighted_gain,
)

NORMALIZERS = ("total", "min", "hits")


@dataclass(frozen=True)
class Ranked:
    """What a statistic sees of a block of queries.

    groups : the rankings, tied items in the order that ``ties`` asks for.
    tied : the rankings with tied items together; only where relevance is binary.
    ideal : the best rankings there are, at least as many ranks as the statistic looks at.
    profile : for each query the row of ``ideal`` that is its own.
    total : the sum of the gains of all items for each query.
    ties : {"expected", "optimistic", "pessimistic"}.
    """

    groups: Groups
    tied: Groups | None
    ideal: Groups
    profile: np.ndarray
    total: np.ndarray
    ties: str


@dataclass(frozen=True)
class Statistic:
    """A metric of single queries.

    name : what it is called as a score and in reports, with its cut-off.
    gains : "binary" or "graded", the gains it is about.
    compute : takes a `Ranked`, returns an array whose first axis runs over the queries.
    depth : number of ranks it looks at, None for all.
    radius : Hamming distance up to which it looks at all items.
    """

    name: str
    gains: str
    compute: Callable[[Ranked], np.ndarray]
    depth: int | None = 0
    radius: int = 0


def precision(k: int) -> Statistic:
    """Share of relevant items among the first k."""

    def compute(ranked: Ranked) -> np.ndarray:
        return _where_defined(ranked, rank_weighted_gain(ranked.groups, _first_ranks(k)) / k)

    return Statistic(f"precision@{k}", "binary", compute, depth=k)


def recall(k: int) -> Statistic:
    """Share of the relevant items that are among the first k."""

    def compute(ranked: Ranked) -> np.ndarray:
        return _ratio(rank_weighted_gain(ranked.groups, _first_ranks(k)), ranked.total)

    return Statistic(f"recall@{k}", "binary", compute, depth=k)


def average_precision(k: int | None, normalizer: str) -> Statistic:
    """Mean precision at the ranks of the relevant items."""

    def compute(ranked: Ranked) -> np.ndarray:
        assert ranked.tied is not None
        n_ranks = int(ranked.tied.size.sum(axis=1).max()) if k is None else k
        if normalizer == "hits":
            values = average_precision_of_hits(ranked.tied, n_ranks, ranked.ties)
            return _where_defined(ranked, values)
        whole = ranked.total if normalizer == "total" else np.minimum(ranked.total, n_ranks)
        return _ratio(average_precision_sum(ranked.groups, n_ranks), whole)

    variant = "" if k is None or normalizer == "total" else f":{normalizer}"
    return Statistic(("map" if k is None else f"map@{k}") + variant, "binary", compute, depth=k)


def ndcg(k: int | None, gains: str) -> Statistic:
    """Discounted cumulative gain over that of the best ranking."""

    def compute(ranked: Ranked) -> np.ndarray:
        n_ranks = int(ranked.groups.size.sum(axis=1).max()) if k is None else k
        discounts = prefix_sums(1 / np.log2(np.arange(2, n_ranks + 2)))
        best = rank_weighted_gain(ranked.ideal, discounts)[ranked.profile]
        return _ratio(rank_weighted_gain(ranked.groups, discounts), best)

    return Statistic("ndcg" if k is None else f"ndcg@{k}", gains, compute, depth=k)


def hierarchical_precision(k: int | np.ndarray) -> Statistic:
    """Sum of the similarities of the first k items over the largest possible.

    For an array of cut-offs the values have the shape (n_queries, n_cutoffs).
    """
    depth = int(np.max(k))

    def compute(ranked: Ranked) -> np.ndarray:
        if np.ndim(k) == 0:
            got = rank_weighted_gain(ranked.groups, _first_ranks(depth))
            best = rank_weighted_gain(ranked.ideal, _first_ranks(depth))
        else:
            got = gain_at_ranks(ranked.groups, depth).cumsum(axis=1)[:, k - 1]
            best = gain_at_ranks(ranked.ideal, depth).cumsum(axis=1)[:, k - 1]
        return _ratio(got, best[ranked.profile])

    return Statistic(f"hp@{k}", "graded", compute, depth=depth)


def average_hierarchical_precision(k: int, average: str) -> Statistic:
    """HP@1 to HP@k, averaged."""
    share = np.full(k, 1 / k)
    if average == "trapezoid":
        # both end points belong to one trapezium only, and for k = 1 to none
        share[0] -= 0.5 / k
        share[-1] -= 0.5 / k

    def compute(ranked: Ranked) -> np.ndarray:
        # the gain at rank t is part of HP@t, ..., HP@k, so its weight is a sum from the end
        best = gain_at_ranks(ranked.ideal, k).cumsum(axis=1)
        weights = _ratio(share, best)[:, ::-1].cumsum(axis=1)[:, ::-1]
        return rank_weighted_gain(ranked.groups, prefix_sums(weights), ranked.profile)

    variant = "" if average == "mean" else f":{average}"
    return Statistic(f"mahp@{k}{variant}", "graded", compute, depth=k)


def found_within(radius: int) -> Statistic:
    """Items and relevant items within each Hamming distance up to radius, and all relevant.

    Values of shape (n_queries, 2 * (radius + 1) + 1): the two counts by distance, one after the
    other, then the total.
    """

    def compute(ranked: Ranked) -> np.ndarray:
        assert ranked.tied is not None
        size, relevant = (part[:, : radius + 1].cumsum(axis=1) for part in ranked.tied)
        return np.column_stack([size, relevant, ranked.total])

    return Statistic(f"within {radius}", "binary", compute, radius=radius)


def _first_ranks(k: int) -> np.ndarray:
    return np.arange(k + 1, dtype=np.float64)


def _ratio(part, whole) -> np.ndarray:
    return part / np.where(whole > 0, whole, np.nan)


def _where_defined(ranked: Ranked, values: np.ndarray) -> np.ndarray:
    return np.where(ranked.total > 0, values, np.nan)
