"""Scores of rankings, several from one pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from skhash.metrics._gains import binary_gains, graded_gains, shared_gains
from skhash.metrics._inputs import make_evaluation
from skhash.metrics._policy import mean_over_queries, settle
from skhash.metrics._statistics import Statistic


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


def check_depth(statistics: Sequence[Statistic], n_ranked: int, where: str) -> None:
    """Refuse cut-offs beyond the items that a query has to rank."""
    for statistic in statistics:
        if statistic.depth is not None and statistic.depth > n_ranked:
            raise ValueError(
                f"{statistic.name!r} needs k={statistic.depth} items to rank, but a query has "
                f"{n_ranked} ({where})."
            )


def mean_scores(
    statistics: Sequence[Statistic],
    query_codes,
    query_labels,
    database_codes,
    database_labels,
    own,
    options: ScoringOptions,
) -> dict[str, float]:
    """Mean of each statistic over the queries, by name.

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
    values = evaluation.run(statistics, ties=options.ties, n_jobs=options.n_jobs)
    return {
        name: mean_over_queries(settle(of_queries, options.no_relevant))
        for name, of_queries in values.items()
    }
