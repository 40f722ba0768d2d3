"""Rankings of real vectors, the uncompressed features that codes are measured against."""

from __future__ import annotations

import numpy as np
from sklearn.preprocessing import normalize

from skhash.metrics._sorted import SortedBlock

# Rounding moves a distance by so much: of the length of the query, whose coordinates and the
# differences from them are rounded, and of the distance itself. Within it distances are equal.
_ABSOLUTE, _RELATIVE = 64 * np.finfo(np.float64).eps, 1e-11
# Squared distances that are smaller than this share of the squared lengths lose too many digits
# as a difference of products, and are summed from differences of coordinates.
_NEAR = 1e-3
# coordinates of pairs that are differenced at once
_MAX_DIFFERENCES = 2**22


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
        return SortedBlock(distances, depth, **self._tolerance(rows))

    def _distances(self, rows: np.ndarray) -> np.ndarray:
        """A new array of distances, float64 of shape (len(rows), n_database)."""
        raise NotImplementedError

    def _tolerance(self, rows: np.ndarray) -> dict:
        """Keyword arguments of `SortedBlock`: how far equal distances may be apart."""
        return {}


class VectorRanking(_Ranking):
    """Rankings by the cosine or Euclidean distance of vectors.

    The cosine distance is ranked as the Euclidean distance of vectors of length 1, which orders
    alike and keeps apart what is near.
    """

    def __init__(self, queries: np.ndarray, database: np.ndarray, metric: str):
        super().__init__(len(queries), len(database))
        if metric == "cosine":
            queries, database = normalize(queries), normalize(database)
            self._extent = np.ones(len(queries))
            # a vector of zeros, which has no direction, is at a right angle to all
            self._squares = np.ones(len(queries)), np.ones(len(database))
        else:
            self._extent = np.linalg.norm(queries, axis=1)
            # Products of long vectors have long errors. The median, because one far item moves
            # the mean from among the others.
            centre = np.median(database, axis=0)
            queries, database = queries - centre, database - centre
            self._squares = _squares(queries), _squares(database)
        self._queries, self._database = queries, database

    def _distances(self, rows: np.ndarray) -> np.ndarray:
        queries = self._queries[rows]
        of_queries, of_items = self._squares[0][rows, None], self._squares[1]
        squared = queries @ self._database.T
        squared *= -2
        squared += of_queries
        squared += of_items
        near = np.nonzero(squared < _NEAR * np.minimum(of_queries, of_items))
        step = max(1, _MAX_DIFFERENCES // queries.shape[1])
        for start in range(0, len(near[0]), step):
            i, j = (part[start : start + step] for part in near)
            squared[i, j] = _squares(queries[i] - self._database[j])
        return np.sqrt(squared, out=squared)

    def _tolerance(self, rows: np.ndarray) -> dict:
        return {"absolute": _ABSOLUTE * self._extent[rows, None], "relative": _RELATIVE}


def _squares(vectors: np.ndarray) -> np.ndarray:
    """Squared lengths."""
    return np.einsum("ij,ij->i", vectors, vectors)


class DistanceRanking(_Ranking):
    """Rankings by distances that are given."""

    def __init__(self, distances: np.ndarray):
        super().__init__(*distances.shape)
        self._given = distances

    def _distances(self, rows: np.ndarray) -> np.ndarray:
        return self._given[rows].astype(np.float64)
