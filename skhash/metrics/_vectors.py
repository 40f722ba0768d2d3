"""Rankings of real vectors, the uncompressed features that codes are measured against."""

from __future__ import annotations

import numpy as np
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.preprocessing import normalize

from skhash.metrics._sorted import SortedBlock

# Rounding of dot products depends on where in a block an item lies. Equal vectors would tie or
# not by chance, so squared distances are put on a grid far below what features resolve.
_DECIMALS = 12
PAIRS_PER_BLOCK = 2**20


class VectorRanking:
    """Rankings by the cosine or Euclidean distance of vectors; no radius has a meaning here."""

    pairs_per_block = PAIRS_PER_BLOCK

    def __init__(self, queries: np.ndarray, database: np.ndarray, metric: str):
        self.n_queries, self.n_database = len(queries), len(database)
        if metric == "cosine":
            queries, database = normalize(queries), normalize(database)
        self._queries, self._database = queries, database
        self._metric = metric
        self._squared_norms = np.einsum("ij,ij->i", database, database)

    def block(self, rows: np.ndarray, own: np.ndarray, depth: int, radius: int) -> SortedBlock:
        return _ranked(self._distances(self._queries[rows]), own, depth)

    def _distances(self, queries: np.ndarray) -> np.ndarray:
        if self._metric == "cosine":
            return np.round(1 - queries @ self._database.T, _DECIMALS)
        squared = euclidean_distances(
            queries, self._database, Y_norm_squared=self._squared_norms, squared=True
        )
        return np.round(squared / self._squared_norms.max(), _DECIMALS)


class DistanceRanking:
    """Rankings by distances that are given; no radius has a meaning here."""

    pairs_per_block = PAIRS_PER_BLOCK

    def __init__(self, distances: np.ndarray):
        self.n_queries, self.n_database = distances.shape
        self._distances = distances

    def block(self, rows: np.ndarray, own: np.ndarray, depth: int, radius: int) -> SortedBlock:
        return _ranked(self._distances[rows].astype(np.float64), own, depth)


def _ranked(distances: np.ndarray, own: np.ndarray, depth: int) -> SortedBlock:
    inside = np.flatnonzero(own >= 0)
    distances[inside, own[inside]] = np.inf
    return SortedBlock(distances, depth)
