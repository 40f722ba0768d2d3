"""All metrics of one evaluation, from one pass over the database."""

from __future__ import annotations

import numpy as np

from skhash.metrics import _statistics as statistics
from skhash.metrics._docs import shared_docs
from skhash.metrics._evaluation import Evaluation
from skhash.metrics._gains import Labels, binary_gains, graded_gains, shared_gains
from skhash.metrics._inputs import TIES, check_option, check_ranks, make_evaluation
from skhash.metrics._lookup import (
    EMPTY,
    average_curve,
    check_radius,
    has_relevant,
    lookup_of_counts,
)
from skhash.metrics._policy import POLICIES, settle
from skhash.metrics._retrieval_report import RetrievalReport
from skhash.similarity import takes_levels
from skhash.utils._arrays import as_array
from skhash.utils._labels import check_target


@shared_docs
def retrieval_report(
    query_codes,
    query_labels,
    database_codes=None,
    database_labels=None,
    *,
    k,
    radius=2,
    relevance=None,
    similarity=None,
    threshold=None,
    normalizer="total",
    average="mean",
    empty="zero",
    exclude_self=False,
    ties="expected",
    metric="hamming",
    no_relevant="warn",
    n_jobs=None,
    device=None,
):
    """All ranking metrics of one evaluation, from one pass over the database.

    Parameters
    ----------
    |rankings|
    k : int or array-like of ints
        The cut-offs, each of which every metric is given at.
    radius : int, default=2
        The radius of lookup, in bits; for Hamming distances only.
    relevance : array-like of shape (n_queries, n_database), default=None
        1 where an item is relevant to a query, else 0. By default items of the same class are
        relevant, or items with a label in common.
    similarity : callable or array-like of shape (n_queries, n_database), default=None
        A similarity target, or its values: the gains of hierarchical precision and NDCG. Without
        it the gains of NDCG are those of binary relevance, and for label sets the numbers of
        labels in common, which ACG and WAP have in any case.
    threshold : float, default=None
        Where given, items at least so similar to the query are the relevant ones.
    normalizer : {"total", "min", "hits"}, default="total"
        See `mean_average_precision_score`.
    average : {"mean", "trapezoid"}, default="mean"
        See `mean_average_hierarchical_precision_score`.
    empty : {"zero", "skip"}, default="zero"
        See `precision_within_radius`; under ``"skip"`` its row is missing where no query finds
        anything.
    |exclude|
    |ties|
    |metric|
    |no_relevant|
    |machine|

    Returns
    -------
    report : RetrievalReport
        A mapping of names such as ``"map"``, ``"precision@10"`` or ``"mahp@250"``, which are
        those of scorers, to scores; prints as a table.

    Raises
    ------
    |raises|

    Examples
    --------
    >>> from skhash.metrics import retrieval_report
    >>> codes = [[0, 0, 0], [0, 0, 1], [1, 1, 0], [1, 1, 1]]
    >>> report = retrieval_report(codes, ["a", "a", "b", "b"], k=2, radius=1, exclude_self=True)
    >>> report["map"]
    1.0
    >>> print(report)
                          score  std. error  queries
    map                  1.0000      0.0000        4
    map@2                1.0000      0.0000        4
    map@r                1.0000      0.0000        4
    r_precision          1.0000      0.0000        4
    mrr                  1.0000      0.0000        4
    precision@2          0.5000      0.0000        4
    recall@2             1.0000      0.0000        4
    hit_rate@2           1.0000      0.0000        4
    ndcg@2               1.0000      0.0000        4
    precision@radius<=1  1.0000      0.0000        4
    empty@radius<=1      0.0000      0.0000        4
    <BLANKLINE>
    queries: 4, nothing relevant: 0, no_relevant: warn, database: 4, self excluded: 4, ...
    """
    check_option("ties", ties, TIES)
    check_option("no_relevant", no_relevant, POLICIES)
    check_option("normalizer", normalizer, statistics.NORMALIZERS)
    check_option("average", average, ("mean", "trapezoid"))
    check_option("empty", empty, EMPTY)

    def binary(labels: Labels):
        nameless = labels.kind in (None, "vector")
        if nameless and relevance is None and threshold is None and similarity is not None:
            return None
        return binary_gains(labels, relevance, None if threshold is None else similarity, threshold)

    evaluation = make_evaluation(
        query_codes,
        query_labels,
        database_codes,
        database_labels,
        exclude_self=exclude_self,
        metric=metric,
        levels=takes_levels(similarity),
        device=device,
        binary=binary,
        graded=lambda labels: None if similarity is None else graded_gains(labels, similarity),
        shared=lambda labels: shared_gains(labels) if labels.kind == "multilabel" else None,
    )
    ranks = check_ranks(np.atleast_1d(as_array(k, "k")), evaluation).tolist()
    wanted = _statistics(evaluation, ranks, normalizer, average)
    lookup = None
    if metric == "hamming" and "binary" in evaluation.gains:
        lookup = statistics.found_within(evaluation.ranking.n_bits)
        radius = min(check_radius(radius), evaluation.ranking.n_bits)
    values = evaluation.run([*wanted, lookup] if lookup else wanted, ties=ties, n_jobs=n_jobs)

    per_query, policy = {}, dict.fromkeys(evaluation.gains, no_relevant)
    for statistic in wanted:
        per_query[statistic.name] = settle(values[statistic.name], policy[statistic.gains])
        if no_relevant == "warn":
            # once is enough
            policy[statistic.gains] = "skip"
    curve = None
    if lookup:
        counts = values[lookup.name]
        counted = has_relevant(counts, policy["binary"])
        precision, is_empty = lookup_of_counts(counts, counted, radius, empty)
        if not np.isnan(precision).all():
            per_query[f"precision@radius<={radius}"] = precision
        per_query[f"empty@radius<={radius}"] = np.where(counted, is_empty, np.nan)
        curve = average_curve(counts, counted, "macro", empty)
    unmatched = sum(np.isnan(values[statistic.name]) for statistic in wanted) > 0
    conditions = {
        "queries": evaluation.ranking.n_queries,
        "nothing relevant": int(np.count_nonzero(unmatched)),
        "no_relevant": no_relevant,
        "database": evaluation.ranking.n_database,
        "self excluded": int(np.count_nonzero(evaluation.own >= 0)),
        "distance": metric,
        "ties": ties,
    }
    if "binary" in evaluation.gains:
        conditions["normalizer"] = normalizer
    if "graded" in evaluation.gains:
        conditions["average"] = average
    if lookup:
        conditions["empty"] = empty
    classes = None
    if query_labels is not None:
        kind, classes = check_target(query_labels, levels=takes_levels(similarity))
        classes = classes if kind == "class" else None
    return RetrievalReport(per_query, conditions, curve, classes)


def _statistics(evaluation: Evaluation, ranks: list[int], normalizer: str, average: str):
    binary, graded, shared = (name in evaluation.gains for name in ("binary", "graded", "shared"))
    chosen = []
    if binary:
        chosen += [statistics.average_precision(k, normalizer) for k in (None, *ranks)]
        chosen += [statistics.average_precision_at_r(), statistics.r_precision()]
        chosen.append(statistics.mean_reciprocal_rank(None))
        for make in (statistics.precision, statistics.recall, statistics.hit_rate):
            chosen += [make(k) for k in ranks]
    if graded or not shared:
        chosen += [statistics.ndcg(k, "graded" if graded else "binary") for k in ranks]
    if shared:
        chosen += [statistics.ndcg(k, "shared") for k in ranks]
        chosen += [statistics.average_cumulative_gain(k, "shared") for k in ranks]
        chosen.append(statistics.weighted_average_precision(None, "total", "shared"))
    if graded:
        chosen += [statistics.hierarchical_precision(k) for k in ranks]
        chosen += [statistics.average_hierarchical_precision(k, average) for k in ranks]
        chosen.append(statistics.hierarchical_average_precision())
    return chosen
