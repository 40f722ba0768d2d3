"""From queries to rows of the index: checks, threads, re-ranking, and leaving a row out itself."""

from __future__ import annotations

import math
from numbers import Integral, Real

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skhash.neighbors._asymmetric import asymmetric_rerank
from skhash.neighbors._exact import faiss_threads, nearest
from skhash.neighbors._index import SEARCH_OPTIONS
from skhash.neighbors._inputs import packed_codes, real_values
from skhash.neighbors._rerank import check_vectors, rerank_by_vectors
from skhash.utils._locks import reading
from skhash.utils._packing import PackedCodes, pack_codes


class RowSearch:
    """The searches of `HammingNeighbors`, which turns rows into ids or graphs."""

    @reading
    def _nearest_rows(self, X, n_neighbors, rerank=None, vectors=None, only=None):
        """Distances and rows of neighbours: `kneighbors` without ids.

        With queries and without vectors, `only` holds the rows to search among, ascending; their
        codes are compared one by one.
        """
        check_is_fitted(self)
        n_rows = self.n_samples_fit_ if only is None else len(only)
        k = self._check_n_neighbors(n_neighbors, among=n_rows - (X is None))
        if rerank is None:
            if vectors is not None:
                raise ValueError("vectors are used only with rerank: pass rerank, a number")
            queries = X if X is None else packed_codes(self, X, self.n_bits_, reset=False)[0]
            return self._search(queries, k, only)
        n_candidates = min(_check_rerank(rerank, k), n_rows - (X is None))
        if vectors is not None or X is None:
            return self._rerank_by_vectors(X, vectors, n_candidates, k)
        values = real_values(self, X)
        _, candidates = self._search(pack_codes(values > 0), n_candidates, only)
        codes = PackedCodes(self._searcher.codes, self.n_bits_)
        rows, distances = asymmetric_rerank(values, candidates, codes, k=k)
        return distances, rows

    def _rerank_by_vectors(self, X, vectors, n_candidates, k):
        if self._vectors is None:
            raise ValueError(
                "rerank without the values of queries needs vectors, and fit was given none: "
                "fit(X, vectors=...)"
            )
        queries = X if X is None else packed_codes(self, X, self.n_bits_, reset=False)[0]
        if X is not None:
            vectors = check_vectors(vectors, len(queries), self._vectors.shape[1])
        elif vectors is not None:
            raise ValueError("vectors must be None if X is None, since those of fit are used")
        else:
            vectors = self._vectors
        _, candidates = self._search(queries, n_candidates)
        return rerank_by_vectors(vectors, candidates, self._vectors, k, self.vector_metric)

    def _search(self, queries, k, only=None):
        with faiss_threads(self.n_jobs):
            if only is not None:
                distances, places = nearest(queries, self._searcher.codes[only], k)
                return distances, only[places]
            if queries is not None:
                return self._searcher.nearest(queries, k, self._search_options())
            distances, rows = self._searcher.nearest(
                self._searcher.codes, k + 1, self._search_options()
            )
        own = rows == np.arange(len(rows))[:, np.newaxis]
        # a row may have more than k others before it at distance 0
        own[~own.any(axis=1), -1] = True
        return distances[~own].reshape(-1, k), rows[~own].reshape(-1, k)

    def _search_options(self):
        return {name: getattr(self, name) for name in SEARCH_OPTIONS}

    @reading
    def _rows_within(self, X, radius):
        """Limits, distances and rows of neighbours: `radius_neighbors` without ids."""
        check_is_fitted(self)
        radius = self.radius if radius is None else radius
        if not isinstance(radius, Real) or not radius >= 0:
            raise ValueError(f"radius must be a number of bits, at least 0, got {radius!r}")
        if 0 < radius < 1:
            raise ValueError(
                f"radius is a number of bits, not a share of them, got {radius!r}: of "
                f"{self.n_bits_} bits that would be {math.floor(radius * self.n_bits_)}"
            )
        radius = int(min(radius, self.n_bits_))
        if X is None:
            queries = self._searcher.codes
        else:
            queries = packed_codes(self, X, self.n_bits_, reset=False)[0]
        with faiss_threads(self.n_jobs):
            found = self._searcher.within(queries, radius, self._search_options())
        return found if X is not None else _without_own(*found)

    def _check_n_neighbors(self, n_neighbors, among):
        k = self.n_neighbors if n_neighbors is None else n_neighbors
        if not isinstance(k, Integral) or k < 1:
            raise ValueError(f"n_neighbors must be an integer, at least 1, got {k!r}")
        if k > among:
            raise ValueError(
                f"expected n_neighbors <= {among}, the rows that a query may have as neighbors, "
                f"got {k}; n_samples_fit_ is {self.n_samples_fit_}"
            )
        return int(k)


def _check_rerank(rerank, k):
    if not isinstance(rerank, Integral) or rerank < k:
        raise ValueError(f"rerank must be an integer, at least n_neighbors={k}, got {rerank!r}")
    return int(rerank)


def _without_own(limits, distances, rows):
    queries = np.repeat(np.arange(len(limits) - 1), np.diff(limits))
    others = rows != queries
    limits = np.concatenate([[0], np.cumsum(others)])[limits]
    return limits, distances[others], rows[others]
