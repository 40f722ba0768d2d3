"""Answers of a retriever: the rows that it finds, with what is known of them."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from sklearn.utils.validation import _num_samples, check_is_fitted

from skhash.hashers._filter import rows_passing
from skhash.utils._locks import reading
from skhash.utils._optional import import_optional


class Answers:
    """The search of `HashRetriever` that answers with a data frame."""

    @reading
    def search(self, X, k=None, *, filter=None):
        """The nearest rows of each query, with what is known of them, as a data frame.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features), or whatever the hasher takes
            The queries.
        k : int, default=None
            How many rows to find for each; None takes ``n_neighbors`` of `neighbors`. There are
            fewer where the index has fewer, or fewer pass the filter.
        filter : str, or array-like of shape (n_samples,), dtype bool, default=None
            Which rows may be found: a mask of the rows in the order of `payload_`, or a condition
            on columns of the payload, such as ``"price < 10 and city in ['Ulm', 'Bonn']"``: columns
            and values, compared by ``==``, ``!=``, ``<``, ``<=``, ``>``, ``>=``, ``in`` and ``not
            in``, joined by ``and``, ``or`` and ``not``, as in ``DataFrame.query``, with backticks
            around names that are none in Python. The search is then exact among the rows that pass,
            whatever the algorithm of `neighbors`.

        Returns
        -------
        answers : DataFrame
            A row for each row found, the queries in their order, with the columns ``query`` (number
            of the row of X), ``rank`` (1 for the nearest), ``id``, ``distance`` (as `kneighbors`
            has it) and those of the payload.

        Raises
        ------
        ValueError
            If k is not a positive integer, or the filter is neither a mask nor a condition.
        ImportError
            If pandas is missing.

        Notes
        -----
        A condition is not run as code: it may come from whoever asks.
        """
        pd = import_optional("pandas", "search", "pandas")
        check_is_fitted(self)
        k = self.neighbors_.n_neighbors if k is None else k
        if not isinstance(k, Integral) or k < 1:
            raise ValueError(f"k must be a positive integer, got {k!r}")
        payload, n_rows = getattr(self, "payload_", None), self.neighbors_.n_samples_fit_
        only = None if filter is None else rows_passing(filter, payload, n_rows)
        k = min(int(k), n_rows if only is None else len(only))
        if k:
            distances, rows = self._nearest_rows(X, k, only)
        else:
            distances = rows = np.empty((_num_samples(X), 0), dtype=np.intp)
        found = rows.ravel()
        answers = pd.DataFrame(
            {
                "query": np.repeat(np.arange(len(rows)), k),
                "rank": np.tile(np.arange(1, k + 1), len(rows)),
                "id": self.neighbors_.ids_[found],
                "distance": distances.ravel(),
            }
        )
        if payload is None:
            return answers
        return pd.concat([answers, payload.take(found).reset_index(drop=True)], axis=1)
