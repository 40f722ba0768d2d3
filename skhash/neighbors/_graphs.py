"""Neighbours as sparse graphs."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skhash.utils._locks import reading


class NeighborGraphs(ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """What an estimator with ``_nearest_rows`` and ``_rows_within`` makes of them."""

    @reading
    def kneighbors_graph(self, X=None, n_neighbors=None, mode="connectivity"):
        """Graph of the nearest rows of each query.

        Columns stand for rows in the order in which they were added (that of `ids_`), not for ids.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_bits), PackedCodes, or uint8 of bytes, default=None
            Codes of the queries; None asks for every fitted row, itself left out.
        n_neighbors : int, default=None
            How many; None takes the parameter.
        mode : {"connectivity", "distance"}, default="connectivity"
            Whether entries are 1 or distances in bits.

        Returns
        -------
        graph : csr_matrix of shape (n_queries, n_rows), dtype float64
            Entries of a row lie nearest first. A distance of 0 is an entry.
        """
        distances, rows = self._nearest_rows(X, n_neighbors)
        limits = np.arange(len(rows) + 1) * rows.shape[1]
        return self._graph(limits, distances.ravel(), rows.ravel(), mode)

    @reading
    def radius_neighbors_graph(self, X=None, radius=None, mode="connectivity"):
        """Graph of all rows up to a distance from each query.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_bits), PackedCodes, or uint8 of bytes, default=None
            Codes of the queries; None asks for every fitted row, itself left out.
        radius : int, default=None
            The greatest distance, in bits; None takes the parameter.
        mode : {"connectivity", "distance"}, default="connectivity"
            Whether entries are 1 or distances in bits.

        Returns
        -------
        graph : csr_matrix of shape (n_queries, n_rows), dtype float64
            As that of `kneighbors_graph`.
        """
        return self._graph(*self._rows_within(X, radius), mode)

    def transform(self, X):
        """Graph of distances, for estimators with ``metric="precomputed"``.

        It has an entry more than ``n_neighbors`` for each row of X, as
        `~sklearn.neighbors.KNeighborsTransformer` gives it: rows of X that were fitted find
        themselves, and `~sklearn.neighbors.KNeighborsClassifier` and UMAP count on that.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_bits), PackedCodes, or uint8 of bytes
            Codes of the queries.

        Returns
        -------
        graph : csr_matrix of shape (n_queries, n_rows), dtype float64
            Hamming distances in bits to the ``n_neighbors + 1`` nearest rows.
        """
        check_is_fitted(self)
        return self.kneighbors_graph(X, self.n_neighbors + 1, mode="distance")

    def _graph(self, limits, distances, rows, mode):
        if mode not in ("connectivity", "distance"):
            raise ValueError(f"mode must be 'connectivity' or 'distance', got {mode!r}")
        data = np.ones(len(rows)) if mode == "connectivity" else distances.astype(np.float64)
        return csr_matrix((data, rows, limits), shape=(len(limits) - 1, self.n_samples_fit_))

    @property
    def _n_features_out(self):
        return self.n_samples_fit_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags
