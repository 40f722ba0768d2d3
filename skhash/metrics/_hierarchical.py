"""Hierarchical precision: how similar in meaning the nearest items are."""

from __future__ import annotations

import numpy as np

from skhash.metrics._gains import similarity_gains
from skhash.metrics._inputs import TIES, check_option, check_ranks, make_evaluation
from skhash.metrics._policy import apply_policy
from skhash.metrics._ties import gain_at_ranks, rank_weighted_gain


def hierarchical_precision_score(
    query_codes,
    query_labels,
    database_codes=None,
    database_labels=None,
    *,
    similarity,
    k,
    exclude_self=False,
    ties="expected",
    metric="hamming",
    no_relevant="warn",
    per_query=False,
    n_jobs=None,
):
    evaluation = _evaluation(
        query_codes,
        query_labels,
        database_codes,
        database_labels,
        similarity=similarity,
        exclude_self=exclude_self,
        metric=metric,
        ties=ties,
    )
    ranks = check_ranks(k, evaluation)
    if ranks.ndim:
        raise ValueError("k must be one integer; hierarchical_precision takes several.")
    k = int(ranks)
    values = evaluation.run(
        lambda ranked: {"value": hp_at_k(ranked["graded"], k)}, depth=k, ties=ties, n_jobs=n_jobs
    )
    return apply_policy(values["value"], no_relevant, per_query)


def average_hierarchical_precision_score(
    query_codes,
    query_labels,
    database_codes=None,
    database_labels=None,
    *,
    similarity,
    k,
    average="mean",
    exclude_self=False,
    ties="expected",
    metric="hamming",
    no_relevant="warn",
    per_query=False,
    n_jobs=None,
):
    check_option("average", average, ("mean", "trapezoid"))
    evaluation = _evaluation(
        query_codes,
        query_labels,
        database_codes,
        database_labels,
        similarity=similarity,
        exclude_self=exclude_self,
        metric=metric,
        ties=ties,
    )
    ranks = check_ranks(k, evaluation)
    if ranks.ndim:
        raise ValueError("k must be one integer.")
    k = int(ranks)
    values = evaluation.run(
        lambda ranked: {"value": average_hp(ranked["graded"], k, average)},
        depth=k,
        ties=ties,
        n_jobs=n_jobs,
    )
    return apply_policy(values["value"], no_relevant, per_query)


def hp_curve(ranked, ranks) -> np.ndarray:
    n_ranks = int(ranks.max())
    got = gain_at_ranks(ranked.groups, n_ranks).cumsum(axis=1)[:, ranks - 1]
    ideal = gain_at_ranks(ranked.ideal, n_ranks).cumsum(axis=1)[:, ranks - 1]
    return _ratio(got, ideal[ranked.profile])


def hp_at_k(ranked, k: int) -> np.ndarray:
    weight_sums = np.arange(k + 1, dtype=np.float64)
    got = rank_weighted_gain(ranked.groups, weight_sums)
    return _ratio(got, rank_weighted_gain(ranked.ideal, weight_sums)[ranked.profile])


def average_hp(ranked, k: int, average: str) -> np.ndarray:
    """Mean of HP@1 to HP@k.

    The gain at rank t is part of HP@t, ..., HP@k, so that its weight is the sum of 1 / ideal
    over them.
    """
    ideal = gain_at_ranks(ranked.ideal, k).cumsum(axis=1)
    weights = _ratio(np.full(k, 1 / k), ideal)
    if average == "trapezoid":
        weights[:, [0, -1]] /= 2
        if k == 1:
            weights[:] = 0
    weights = weights[:, ::-1].cumsum(axis=1)[:, ::-1]
    weight_sums = np.zeros((len(weights), k + 1))
    np.cumsum(weights, axis=1, out=weight_sums[:, 1:])
    return rank_weighted_gain(ranked.groups, weight_sums, ranked.profile)


def _ratio(part, whole):
    """The quotient, NaN where nothing is to be gained at all."""
    whole = np.where(whole > 0, whole, np.nan)
    return part / whole


def _evaluation(
    query_codes,
    query_labels,
    database_codes,
    database_labels,
    *,
    similarity,
    exclude_self,
    metric,
    ties,
):
    check_option("ties", ties, TIES)
    return make_evaluation(
        query_codes,
        query_labels,
        database_codes,
        database_labels,
        exclude_self=exclude_self,
        metric=metric,
        gains={"graded": lambda labels: similarity_gains(similarity, labels)},
    )
