"""The pass over blocks of queries that all metrics of one evaluation share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from skhash.metrics._statistics import Ranked, Statistic
from skhash.metrics._ties import ordered_groups
from skhash.utils._threads import bounded_jobs


@dataclass(frozen=True)
class Evaluation:
    """Queries, a ranked database, and what is relevant.

    ranking : HammingRanking, TorchHammingRanking, VectorRanking or DistanceRanking.
    gains : ClassGains or PairGains by the names that statistics have for them.
    own : for each query its row in the database, -1 where it is in none.
    """

    ranking: Any
    gains: dict[str, Any]
    own: np.ndarray

    @property
    def n_ranked(self) -> int:
        """Number of items that every query has in its ranking."""
        return self.ranking.n_database - bool(np.any(self.own >= 0))

    def run(
        self, statistics: Sequence[Statistic], *, ties: str, n_jobs: int | None
    ) -> dict[str, np.ndarray]:
        """Values of the statistics by name, each with the queries along the first axis."""
        n_queries = self.ranking.n_queries
        rows_per_block = self.ranking.rows_per_block
        # queries of one class share gains and ideals, so they had best come together
        order = self._queries_by_class()
        blocks = np.split(order, np.arange(rows_per_block, n_queries, rows_per_block))
        parts = Parallel(n_jobs=bounded_jobs(n_jobs), prefer="threads")(
            delayed(self._run_block)(rows, statistics, ties) for rows in blocks
        )
        place = np.argsort(order)
        return {
            statistic.name: np.concatenate([part[i] for part in parts])[place]
            for i, statistic in enumerate(statistics)
        }

    def _run_block(self, rows: np.ndarray, statistics: Sequence[Statistic], ties: str):
        depths = [statistic.depth for statistic in statistics]
        depth = max(self.ranking.n_database if d is None else d for d in depths)
        radius = max(statistic.radius for statistic in statistics)
        own = self.own[rows]
        ranking = self.ranking.block(rows, own, depth, radius)
        ranked = {
            name: _ranked(
                ranking,
                self.gains[name].block(rows, own),
                depth,
                ties,
                [s for s in statistics if s.gains == name],
            )
            for name in {statistic.gains for statistic in statistics}
        }
        return [statistic.compute(ranked[statistic.gains]) for statistic in statistics]

    def _queries_by_class(self) -> np.ndarray:
        for gains in self.gains.values():
            if gains.query_classes is not None:
                return np.argsort(gains.query_classes, kind="stable")
        return np.arange(self.ranking.n_queries)


def _ranked(ranking, gains, depth: int, ties: str, statistics: Sequence[Statistic]) -> Ranked:
    """What statistics see of rankings and gains, and no more than they ask for."""
    with_cells = any(statistic.cells for statistic in statistics)
    tied = cells = None
    best_first = ties == "optimistic"
    if gains.binary:
        groups = tied = ranking.groups(gains)
        if ties != "expected":
            groups = ordered_groups(tied, best_first)
        cells = ordered_groups(tied, best_first) if with_cells else None
    elif ties != "expected":
        groups = cells = ranking.refined_groups(gains, best_first)
    elif with_cells:
        cells = ranking.refined_groups(gains, best_first=False)
        groups = ranking.merged_groups(gains, cells)
    else:
        groups = ranking.groups(gains)
    positive = n_positive = None
    if any(statistic.positive for statistic in statistics):
        n_positive = gains.positive.total
        if ties == "expected":
            positive = ranking.groups(gains.positive).gain
        else:
            positive = groups.size * (groups.gain > 0)
    ideal, profile = gains.ideal(depth)
    return Ranked(groups, tied, ideal, profile, gains.total, ties, cells, positive, n_positive)
