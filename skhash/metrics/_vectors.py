"""Rankings of real vectors, the uncompressed features that codes are measured against."""

from __future__ import annotations

import numpy as np
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.preprocessing import normalize

from skhash.metrics._sorted import SortedBlock

# The last digits of a dot product depend on where in a block an item lies. Equal vectors would
# tie or not by chance, so distances are put on a grid far below what features resolve.
_DECIMALS = 12


class _Ranking:
    """What the rankings here have in common."""

    pairs_per_block = 2**20

    def __init__(self, n_queries: int, n_database: int):
        self.n_queries, self.n_database = n_queries, n_database

    @property
    def rows_per_block(self) -> int:
        """Number of queries of a block."""
        return max(1, self.pairs_per_block // self.n_database)

    def block(self, rows: np.ndarray, own: np.ndarray, depth: int, radius: int) -> SortedBlock:
        """Rankings of the queries ``rows``; a radius in bits has no meaning here."""
        distances = self._distances(rows)
        inside = np.flatnonzero(own >= 0)
        distances[inside, own[inside]] = np.inf
        return SortedBlock(distances, depth)

    def _distances(self, rows: np.ndarray) -> np.ndarray:
        """A new array of distances, float64 of shape (len(rows), n_database)."""
        raise NotImplementedError


class VectorRanking(_Ranking):
    """Rankings by the cosine or Euclidean distance of vectors."""

    def __init__(self, queries: np.ndarray, database: np.ndarray, metric: str):
        super().__init__(len(queries), len(database))
        if metric == "cosine":
            queries, database = normalize(queries), normalize(database)
        self._queries, self._database = queries, database
        self._metric = metric
        self._squared_norms = np.einsum("ij,ij->i", database, database)
        largest = max(np.abs(queries).max(), np.abs(database).max())
        self._squared_scale = (largest**2 * queries.shape[1]) or 1.0

    def _distances(self, rows: np.ndarray) -> np.ndarray:
        queries = self._queries[rows]
        if self._metric == "cosine":
            return np.round(1 - queries @ self._database.T, _DECIMALS)
        squared = euclidean_distances(
            queries, self._database, Y_norm_squared=self._squared_norms, squared=True
        )
        return np.round(squared / self._squared_scale, _DECIMALS)


class DistanceRanking(_Ranking):
    """Rankings by distances that are given."""

    def __init__(self, distances: np.ndarray):
        super().__init__(*distances.shape)
        self._given = distances

    def _distances(self, rows: np.ndarray) -> np.ndarray:
        return self._given[rows].astype(np.float64)
