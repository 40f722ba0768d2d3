"""Labels of a retriever's answers: neighbours vote."""

from __future__ import annotations

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from skhash.neighbors._vote import neighbor_weights, vote_shares
from skhash.utils._locks import reading

_MAJORITY = 0.5


class Voting(ClassifierMixin):
    """The predictions of `HashRetriever`."""

    @reading
    def predict(self, X):
        """Labels that the neighbours of each row vote for.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            The queries.

        Returns
        -------
        y : ndarray of shape (n_queries,) or (n_queries, n_labels)
            The class with most votes, the first of `classes_` where several have; or indicators
            of the labels that more than half of the votes are for.
        """
        shares = self._vote(X)
        if self._labels.ndim == 1:
            best = np.concatenate([share.argmax(axis=1) for _, share in shares])
            return self.classes_[best]
        return np.concatenate([(share > _MAJORITY).astype(np.int64) for _, share in shares])

    @reading
    def predict_proba(self, X):
        """Share of the votes for each label.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            The queries.

        Returns
        -------
        shares : ndarray of shape (n_queries, n_classes), or list of ndarrays
            In the order of `classes_`. Where no neighbour has a label, the shares of all rows.
            For indicators a list with an array of shape (n_queries, 2) for each label, the
            shares of 0 and of 1, as `~sklearn.neighbors.KNeighborsClassifier` has it.
        """
        shares = np.concatenate([share for _, share in self._vote(X)])
        if self._labels.ndim == 1:
            return shares
        return [np.stack([1 - share, share], axis=1) for share in shares.T]

    def score(self, X, y, sample_weight=None):
        """Share of the rows that `predict` gets right, for indicators in all labels.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            The queries.
        y : array-like of shape (n_queries,) or (n_queries, n_labels)
            Their true labels.
        sample_weight : array-like of shape (n_queries,), default=None
            Weights of the queries.

        Returns
        -------
        accuracy : float
        """
        return super().score(X, y, sample_weight)

    def _vote(self, X):
        check_is_fitted(self)
        if self._labels is None:
            raise ValueError("predict needs labels: fit(X, y) with classes or indicators")
        distances, rows = self._nearest_rows(X)
        weights = neighbor_weights(distances, self.weights)
        return vote_shares(self._labels, rows, weights, len(self.classes_))
