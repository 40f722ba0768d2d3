"""The pass over blocks of queries that all metrics of one evaluation share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed

from skhash.metrics._ties import Groups

# a block of distances and what is derived from it stays in the cache of a processor
PAIRS_PER_BLOCK = 2**19


@dataclass
class Ranked:
    """What a metric sees of a block of queries.

    groups : the rankings.
    ideal : the best rankings there are.
    profile : for each query the row of ``ideal`` that is its own.
    """

    groups: Groups
    ideal: Groups
    profile: np.ndarray

    @property
    def total_gain(self) -> np.ndarray:
        """Sum of the gains of all items for each query."""
        return self.ideal.gain.sum(axis=1)[self.profile]


@dataclass
class Evaluation:
    """Queries, a ranked database, and what is relevant.

    ranking : HammingRanking, VectorRanking or DistanceRanking
    gains : dict of name to ClassGains or PairGains
    own : for each query its row in the database, -1 where it is in none.
    """

    ranking: object
    gains: dict
    own: np.ndarray

    @property
    def n_ranked(self) -> int:
        """Number of items that every query has in its ranking."""
        return self.ranking.n_database - bool(np.any(self.own >= 0))

    def run(
        self,
        statistic: Callable[[dict[str, Ranked]], dict[str, np.ndarray]],
        *,
        depth: int | None = None,
        ties: str = "expected",
        n_jobs: int | None = None,
    ) -> dict[str, np.ndarray]:
        """Per-query values of a statistic of the rankings.

        Parameters
        ----------
        statistic : callable
            Takes the `Ranked` of each of the gains and returns arrays whose first axis runs over
            the queries of the block.
        depth : int, optional
            Number of ranks that the statistic looks at; all by default.
        ties : {"expected", "optimistic", "pessimistic"}
            How the items of one group are ordered.
        n_jobs : int, optional
            Number of threads.
        """
        depth = self.n_ranked if depth is None else depth
        n_queries = self.ranking.n_queries
        rows_per_block = max(1, PAIRS_PER_BLOCK // self.ranking.n_database)
        # queries of one class share their ideals and gains
        order = _class_order(self.gains.values(), n_queries)
        blocks = np.split(order, np.arange(rows_per_block, n_queries, rows_per_block))
        parts = Parallel(n_jobs=n_jobs, prefer="threads")(
            delayed(self._run_block)(rows, statistic, depth, ties) for rows in blocks
        )
        back = np.empty(n_queries, dtype=np.intp)
        back[order] = np.arange(n_queries)
        return {name: np.concatenate([part[name] for part in parts])[back] for name in parts[0]}

    def _run_block(self, rows, statistic, depth: int, ties: str):
        own = self.own[rows]
        ranking = self.ranking.block(rows, own, depth)
        ranked = {}
        for name, gains in self.gains.items():
            gains_block = gains.block(rows, own)
            if ties == "expected":
                groups = ranking.groups(gains_block)
            else:
                groups = ranking.refined_groups(gains_block, best_first=ties == "optimistic")
            ranked[name] = Ranked(groups, *gains_block.ideal(depth))
        return statistic(ranked)


def _class_order(all_gains, n_queries: int) -> np.ndarray:
    for gains in all_gains:
        if hasattr(gains, "query_classes"):
            return np.argsort(gains.query_classes, kind="stable")
    return np.arange(n_queries)
