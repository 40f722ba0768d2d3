"""From the arguments of a metric to a checked evaluation; bad input is refused here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skhash.metrics._evaluation import Evaluation
from skhash.metrics._gains import Labels, binary_gains, graded_gains, shared_gains
from skhash.metrics._hamming import HammingRanking
from skhash.metrics._policy import POLICIES, mean_over_queries, settle
from skhash.metrics._statistics import Statistic
from skhash.metrics._vectors import DistanceRanking, VectorRanking
from skhash.similarity import takes_levels
from skhash.utils._arrays import as_array, check_table
from skhash.utils._packing import check_codes
from skhash.utils._ranges import check_unmasked

METRICS = ("hamming", "cosine", "euclidean", "precomputed")
TIES = ("expected", "optimistic", "pessimistic")


@dataclass(frozen=True)
class ScoringOptions:
    """How rankings are made and scored, apart from who searches what.

    similarity, threshold : the target, None where no statistic needs one; see `RetrievalScorer`
        for them and the others.
    """

    similarity: Callable | None = None
    threshold: float | None = None
    ties: str = "expected"
    metric: str = "hamming"
    no_relevant: str = "warn"
    n_jobs: int | None = None
    device: str | None = None


def make_evaluation(
    query_codes,
    query_labels,
    database_codes,
    database_labels,
    *,
    exclude_self,
    metric: str,
    device: str | None,
    levels: bool = False,
    **make_gains: Callable[[Labels], Any],
) -> Evaluation:
    """Check the arguments that all ranking metrics have in common.

    ``make_gains`` are functions by the name of the gains that they make of the labels; one that
    returns None makes none. ``levels`` says that labels have a class in each of several columns.
    """
    check_option("metric", metric, METRICS)
    among_themselves = database_codes is None
    if metric == "precomputed":
        among_themselves = database_labels is None and exclude_self is not False
    elif among_themselves and database_labels is not None:
        raise ValueError("database_labels came without database_codes")
    elif among_themselves and exclude_self is False:
        raise ValueError(
            "without a database the queries are ranked among themselves, and each would find "
            "itself first: say exclude_self=True; to count a query as its own neighbour, pass "
            "the queries as the database too"
        )
    ranking = _make_ranking(query_codes, database_codes, metric, device)
    if among_themselves:
        database_labels = query_labels
    shape = ranking.n_queries, ranking.n_database
    labels = Labels(query_labels, database_labels, *shape, levels=levels)
    own = _check_exclude_self(exclude_self, ranking)
    labels.check_own(own)
    gains = {name: make(labels) for name, make in make_gains.items()}
    return Evaluation(ranking, {name: g for name, g in gains.items() if g is not None}, own)


def ranking_score(
    make_statistic: Callable[[Evaluation], Statistic],
    *data,
    gains: dict[str, Callable[[Labels], Any]],
    similarity,
    exclude_self,
    ties: str,
    metric: str,
    no_relevant: str,
    per_query: bool,
    n_jobs: int | None,
    device: str | None,
):
    """A statistic of the rankings of codes, from the arguments that all such functions take.

    ``data`` are codes and labels of queries and database, ``gains`` functions of the labels by
    the name of the gains.
    """
    check_option("ties", ties, TIES)
    check_option("no_relevant", no_relevant, POLICIES)
    evaluation = make_evaluation(
        *data,
        exclude_self=exclude_self,
        metric=metric,
        levels=takes_levels(similarity),
        device=device,
        **gains,
    )
    statistic = make_statistic(evaluation)
    values = evaluation.run([statistic], ties=ties, n_jobs=n_jobs)[statistic.name]
    values = settle(values, no_relevant)
    return values if per_query else mean_over_queries(values)


def query_values(
    statistics: Sequence[Statistic],
    query_codes,
    query_labels,
    database_codes,
    database_labels,
    own,
    options: ScoringOptions,
) -> dict[str, np.ndarray]:
    """Values of each statistic for the queries, by name; NaN where nothing is relevant.

    ``own`` is the place in the database of each query, -1 for those that are not in it.
    """
    by_similarity: dict[str, Any] = {}
    if options.threshold is not None:
        by_similarity = {"similarity": options.similarity, "threshold": options.threshold}
    makers: dict[str, Any] = {
        "graded": lambda labels: graded_gains(labels, options.similarity),
        "binary": lambda labels: binary_gains(labels, **by_similarity),
        "shared": shared_gains,
    }
    evaluation = make_evaluation(
        query_codes,
        query_labels,
        database_codes,
        database_labels,
        exclude_self=own,
        metric=options.metric,
        device=options.device,
        **{statistic.gains: makers[statistic.gains] for statistic in statistics},
    )
    return evaluation.run(statistics, ties=options.ties, n_jobs=options.n_jobs)


def check_option(name: str, value, options) -> None:
    """Refuse a value that is not among the options."""
    if not isinstance(value, str | None) or value not in options:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, options))}, got {value!r}")


def check_rank(k, evaluation: Evaluation, name: str = "k") -> int:
    """One cut-off."""
    if as_array(k, name).ndim != 0:
        raise ValueError(f"{name} must be one integer, got {k!r}")
    return int(check_ranks([k], evaluation, name)[0])


def check_cutoffs(k, evaluation: Evaluation, *, whole: bool = False):
    """One cut-off, or an array of them; or None where the whole ranking will do."""
    if k is None and whole:
        return None
    return check_rank(k, evaluation) if as_array(k, "k").ndim == 0 else check_ranks(k, evaluation)


def check_ranks(k, evaluation: Evaluation, name: str = "k") -> np.ndarray:
    """Cut-offs as an array of integers, none of them beyond the ranking."""
    ranks = np.asarray(k)
    if ranks.dtype.kind not in "iu" or ranks.ndim != 1 or ranks.size == 0:
        raise ValueError(f"{name} must hold integers, got {k!r}")
    if ranks.min() < 1:
        raise ValueError(f"{name} must be at least 1, got {ranks.min()}")
    if ranks.max() > evaluation.n_ranked:
        without = "" if evaluation.n_ranked == evaluation.ranking.n_database else " but the query"
        raise ValueError(
            f"{name}={ranks.max()} is more than the database holds: {evaluation.n_ranked} "
            f"items{without}"
        )
    return ranks.astype(np.intp)


def _make_ranking(query_codes, database_codes, metric: str, device: str | None):
    if device is not None and metric != "hamming":
        raise ValueError(f"device={device!r} is for metric='hamming', got metric={metric!r}")
    if metric == "precomputed":
        if database_codes is not None:
            raise ValueError(
                "metric='precomputed' takes the distances of shape (n_queries, n_database) in "
                "place of query_codes, and database_codes=None"
            )
        check_unmasked(query_codes, "query_codes")
        return DistanceRanking(check_table(query_codes, "query_codes"))
    if database_codes is None:
        database_codes = query_codes
    if metric == "hamming":
        queries = check_codes(query_codes, "query_codes")
        items = check_codes(database_codes, "database_codes")
        _check_widths(queries, items)
        if device is None:
            return HammingRanking(queries, items)
        # torch takes seconds to import, and nothing else here needs it
        from skhash.metrics._hamming_torch import TorchHammingRanking

        return TorchHammingRanking(queries, items, device)
    check_unmasked(query_codes, "query_codes")
    check_unmasked(database_codes, "database_codes")
    queries = check_table(query_codes, "query_codes", dtype=np.float64)
    items = check_table(database_codes, "database_codes", dtype=np.float64)
    _check_widths(queries, items)
    return VectorRanking(queries, items, metric)


def _check_widths(queries: np.ndarray, items: np.ndarray) -> None:
    if queries.shape[1] != items.shape[1]:
        raise ValueError(
            "query_codes and database_codes must have the same number of columns, "
            f"got {queries.shape[1]} and {items.shape[1]}"
        )


def _check_exclude_self(exclude_self, ranking) -> np.ndarray:
    n_queries, n_database = ranking.n_queries, ranking.n_database
    if isinstance(exclude_self, (bool, np.bool_)):
        if not exclude_self:
            return np.full(n_queries, -1)
        if n_queries != n_database:
            raise ValueError(
                "exclude_self=True says that query i is row i of the database, but there are "
                f"{n_queries} queries and {n_database} items; pass the database row of each "
                "query instead, -1 for none"
            )
        return np.arange(n_queries)
    own = as_array(exclude_self, "exclude_self")
    if own.dtype.kind not in "iu" or own.shape != (n_queries,):
        raise ValueError(
            "exclude_self must be True, False or the database row of each query, integers of "
            f"shape ({n_queries},); got {own.dtype} of shape {own.shape}"
        )
    if own.min() < -1 or own.max() >= n_database:
        raise ValueError(
            f"exclude_self must hold rows of the database, -1 to {n_database - 1}; "
            f"got {own.min()} to {own.max()}"
        )
    return own.astype(np.intp)
