"""The metrics as functions of the rankings of a block of queries.

Every factory here returns a `Statistic`; its values are NaN for queries that nothing in the
database is relevant to, which the caller's policy then decides about. A cut-off ``k`` is a number,
or an array for values of shape (n_queries, n_cutoffs), or, for some, None: the whole ranking.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from skhash.metrics._first_hit import hit_probability, reciprocal_rank
from skhash.metrics._graded_precision import hierarchical_average_precision_sum
from skhash.metrics._hits import average_precision_of_hits
from skhash.metrics._ties import (
    Groups,
    average_precision_sum,
    average_precision_sums,
    gain_at_ranks,
    gain_up_to,
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
    cells : the rankings with each group divided into items of equal gain, the least first, or
        all in the order that ``ties`` asks for; only for statistics that ask for them.
    positive : for each group the number of its items with a positive gain, and
    n_positive : that of all items; only for statistics that ask for them.
    """

    groups: Groups
    tied: Groups | None
    ideal: Groups
    profile: np.ndarray
    total: np.ndarray
    ties: str
    cells: Groups | None = None
    positive: np.ndarray | None = None
    n_positive: np.ndarray | None = None


@dataclass(frozen=True)
class Statistic:
    """A metric of single queries.

    name : what it is called as a score and in reports, with its cut-off.
    gains : "binary", "graded" or "shared", the gains it is about: relevant or not, similarities,
        numbers of shared labels.
    compute : takes a `Ranked`, returns an array whose first axis runs over the queries.
    depth : number of ranks it looks at, None for all.
    radius : Hamming distance up to which it looks at all items.
    cells : whether it needs the gains of single items.
    positive : whether it needs the numbers of items with a positive gain.
    """

    name: str
    gains: str
    compute: Callable[[Ranked], np.ndarray]
    depth: int | None = 0
    radius: int = 0
    cells: bool = False
    positive: bool = False


def precision(k) -> Statistic:
    """Share of relevant items among the first k."""

    def compute(ranked: Ranked) -> np.ndarray:
        return _where_defined(ranked, gain_up_to(ranked.groups, k) / k)

    return Statistic(f"precision@{k}", "binary", compute, depth=_depth(k))


def recall(k) -> Statistic:
    """Share of the relevant items that are among the first k."""

    def compute(ranked: Ranked) -> np.ndarray:
        return _ratio(gain_up_to(ranked.groups, k), ranked.total)

    return Statistic(f"recall@{k}", "binary", compute, depth=_depth(k))


def hit_rate(k) -> Statistic:
    """Whether one of the first k items is relevant."""

    def compute(ranked: Ranked) -> np.ndarray:
        return _where_defined(ranked, hit_probability(ranked.groups, k))

    return Statistic(f"hit_rate@{k}", "binary", compute, depth=_depth(k))


def mean_reciprocal_rank(k: int | None) -> Statistic:
    """1 over the rank of the first relevant item, 0 where it is beyond k."""

    def compute(ranked: Ranked) -> np.ndarray:
        return _where_defined(ranked, reciprocal_rank(ranked.groups, _n_ranks(ranked, k)))

    return Statistic("mrr" if k is None else f"mrr@{k}", "binary", compute, depth=k)


def r_precision() -> Statistic:
    """Precision at as many items as are relevant."""

    def compute(ranked: Ranked) -> np.ndarray:
        return _ratio(gain_up_to(ranked.groups, _n_relevant(ranked)), ranked.total)

    return Statistic("r_precision", "binary", compute, depth=None)


def average_precision(k, normalizer: str) -> Statistic:
    """Mean precision at the ranks of the relevant items."""

    def compute(ranked: Ranked) -> np.ndarray:
        assert ranked.tied is not None
        n_ranks = _n_ranks(ranked, k)
        if normalizer == "hits":
            values = [
                average_precision_of_hits(ranked.tied, int(cutoff), ranked.ties)
                for cutoff in np.atleast_1d(n_ranks)
            ]
            return _where_defined(ranked, np.stack(values, axis=1) if np.ndim(k) else values[0])
        return _normalized(_precision_sums(ranked.groups, n_ranks), ranked.total, k, normalizer)

    variant = "" if k is None or normalizer == "total" else f":{normalizer}"
    return Statistic(
        ("map" if k is None else f"map@{k}") + variant, "binary", compute, depth=_depth(k)
    )


def average_precision_at_r() -> Statistic:
    """Average precision up to as many items as are relevant."""

    def compute(ranked: Ranked) -> np.ndarray:
        return _ratio(
            average_precision_sum(ranked.groups, _n_relevant(ranked)),
            ranked.total,
        )

    return Statistic("map@r", "binary", compute, depth=None)


def ndcg(k, gains: str) -> Statistic:
    """Discounted cumulative gain over that of the best ranking."""

    def compute(ranked: Ranked) -> np.ndarray:
        n_ranks = _n_ranks(ranked, k)
        discounts = 1 / np.log2(np.arange(2, np.max(n_ranks) + 2))
        if np.ndim(k):
            got, best = (
                (gain_at_ranks(groups, len(discounts)) * discounts).cumsum(axis=1)[:, k - 1]
                for groups in (ranked.groups, ranked.ideal)
            )
        else:
            sums = prefix_sums(discounts)
            got, best = (rank_weighted_gain(part, sums) for part in (ranked.groups, ranked.ideal))
        return _ratio(got, best[ranked.profile])

    variant = ":shared" if gains == "shared" else ""
    return Statistic(
        ("ndcg" if k is None else f"ndcg@{k}") + variant, gains, compute, depth=_depth(k)
    )


def average_cumulative_gain(k, gains: str) -> Statistic:
    """Mean gain of the first k items."""

    def compute(ranked: Ranked) -> np.ndarray:
        return _where_defined(ranked, gain_up_to(ranked.groups, k) / k)

    return Statistic(f"acg@{k}", gains, compute, depth=_depth(k))


def weighted_average_precision(k, normalizer: str, gains: str) -> Statistic:
    """Mean of the mean gains up to the ranks of the relevant items."""

    def compute(ranked: Ranked) -> np.ndarray:
        assert ranked.n_positive is not None
        sums = _precision_sums(ranked.groups, _n_ranks(ranked, k), ranked.positive)
        return _normalized(sums, ranked.n_positive, k, normalizer)

    variant = "" if k is None or normalizer == "total" else f":{normalizer}"
    name = ("wap" if k is None else f"wap@{k}") + variant
    return Statistic(name, gains, compute, depth=_depth(k), positive=True)


def hierarchical_precision(k) -> Statistic:
    """Sum of the similarities of the first k items over the largest possible."""

    def compute(ranked: Ranked) -> np.ndarray:
        best = gain_up_to(ranked.ideal, k)[ranked.profile]
        return _ratio(gain_up_to(ranked.groups, k), best)

    return Statistic(f"hp@{k}", "graded", compute, depth=_depth(k))


def hierarchical_average_precision() -> Statistic:
    """Average precision with the lesser of two similarities for each pair of items."""

    def compute(ranked: Ranked) -> np.ndarray:
        assert ranked.cells is not None
        return _ratio(hierarchical_average_precision_sum(ranked.groups, ranked.cells), ranked.total)

    return Statistic("hap", "graded", compute, depth=None, cells=True)


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


def _depth(k) -> int | None:
    """The last rank that cut-offs look at."""
    return None if k is None else int(np.max(k))


def _n_ranks(ranked: Ranked, k):
    """The cut-offs, all ranks for None."""
    return int(ranked.groups.size.sum(axis=1).max()) if k is None else k


def _n_relevant(ranked: Ranked) -> np.ndarray:
    """The number of relevant items as a cut-off for each query."""
    return ranked.total.astype(np.intp)[:, None]


def _precision_sums(groups: Groups, k, positive=None) -> np.ndarray:
    if np.ndim(k) == 0:
        return average_precision_sum(groups, k, positive)
    return average_precision_sums(groups, int(np.max(k)), positive)[:, k - 1]


def _normalized(sums: np.ndarray, n_relevant: np.ndarray, k, normalizer: str) -> np.ndarray:
    """Average precisions from their sums, for "total" and "min"."""
    if normalizer == "min" and k is not None:
        n_relevant = np.minimum(n_relevant[:, None] if np.ndim(k) else n_relevant, k)
    return _ratio(sums, n_relevant)


def _ratio(part, whole) -> np.ndarray:
    if np.ndim(part) > np.ndim(whole):
        whole = whole[:, None]
    return part / np.where(whole > 0, whole, np.nan)


def _where_defined(ranked: Ranked, values: np.ndarray) -> np.ndarray:
    defined = ranked.total > 0
    return np.where(defined[:, None] if values.ndim > 1 else defined, values, np.nan)
