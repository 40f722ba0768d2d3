"""Splits of every class into rows to train on, rows to search and rows to query with."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral
from typing import NamedTuple

import numpy as np
from sklearn.model_selection import BaseShuffleSplit
from sklearn.utils import check_random_state, indexable

from skhash.metrics._fold import ranks_within_class
from skhash.model_selection._classes import check_count, sorted_classes, warn_of_groups


class RetrievalRoles(NamedTuple):
    """Row indices of the three roles, each ascending."""

    train: np.ndarray
    database: np.ndarray
    query: np.ndarray


class RetrievalSplit(BaseShuffleSplit):
    """Random splits of every class into training, database and query rows.

    The protocol of most papers on hashing. No row has two roles: a query that is found because
    it is in the database, or was trained on, tells nothing.

    As a cross-validator it yields the training rows, and the queries followed by the database
    as test rows. A scorer makes use of it in one of three ways:

    - every test row a query against the others: a scorer's default, which has more queries to
      average over;
    - the queries against the database: ``queries=n_queries_per_class, database="rest"``;
    - the queries against the training codes: ``n_database_per_class=0`` here, and
      ``database="train"``.

    Parameters
    ----------
    n_splits : int, default=5
        Number of random splits.
    n_queries_per_class : int, default=10
        Rows of each class to query with.
    n_database_per_class : int or None, default=None
        Rows of each class to search, apart from the training rows. None for the rows that the
        other two roles leave, 0 where the training rows are what is searched.
    n_train_per_class : int or None, default=None
        Rows of each class to train on. None for the rows that the other two roles leave; where
        database rows are None too, the two share them, and an odd one is trained on.
    random_state : int, RandomState instance or None, default=None
        Draws the rows. Give an int for the same splits in every call.

    See Also
    --------
    UnseenClassSplit : Hold whole classes out.
    skhash.metrics.RetrievalScorer : Score what was held out.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash.model_selection import RetrievalSplit
    >>> y = np.repeat(["cat", "dog"], 10)
    >>> splitter = RetrievalSplit(
    ...     n_splits=1, n_queries_per_class=2, n_train_per_class=5, random_state=0
    ... )
    >>> train, database, query = next(splitter.split_roles(y, y))
    >>> len(train), len(database), len(query)
    (10, 6, 4)
    >>> train, test = next(splitter.split(y, y))
    >>> np.array_equal(test, np.concatenate([query, database]))
    True
    """

    def __init__(
        self,
        n_splits=5,
        *,
        n_queries_per_class=10,
        n_database_per_class=None,
        n_train_per_class=None,
        random_state=None,
    ):
        check_count("n_splits", n_splits, 1)
        check_count("n_queries_per_class", n_queries_per_class, 1)
        if n_database_per_class is not None:
            check_count("n_database_per_class", n_database_per_class, 0)
        if n_train_per_class is not None:
            check_count("n_train_per_class", n_train_per_class, 1)
        self.n_splits = n_splits
        self.n_queries_per_class = n_queries_per_class
        self.n_database_per_class = n_database_per_class
        self.n_train_per_class = n_train_per_class
        self.random_state = random_state

    def split_roles(self, X, y) -> Iterator[RetrievalRoles]:
        """Generate the rows of each role.

        Parameters
        ----------
        X : array-like of n_samples rows
            The data; only its length is looked at.
        y : array-like of shape (n_samples,)
            Class labels.

        Yields
        ------
        roles : RetrievalRoles
            Named tuple of the ``train``, ``database`` and ``query`` rows.

        Raises
        ------
        ValueError
            If y does not hold class labels, or a class has too few rows; it is named.
        """
        X, y = indexable(X, y)
        classes, positions = sorted_classes(y)
        counts = np.bincount(positions)
        n_database, n_train = self._sizes(classes, counts)
        query_end = self.n_queries_per_class
        database_end = (query_end + n_database)[positions]
        train_end = database_end + n_train[positions]
        random_state = check_random_state(self.random_state)
        for _ in range(self.n_splits):
            rank = ranks_within_class(positions, random_state.permutation(len(positions)))
            yield RetrievalRoles(
                train=np.flatnonzero((rank >= database_end) & (rank < train_end)),
                database=np.flatnonzero((rank >= query_end) & (rank < database_end)),
                query=np.flatnonzero(rank < query_end),
            )

    def _iter_indices(self, X, y=None, groups=None):
        warn_of_groups(self, groups)
        for train, database, query in self.split_roles(X, y):
            yield train, np.concatenate([query, database])

    def _sizes(self, classes, counts) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the database and for training, by class."""
        fixed_database, fixed_train = self.n_database_per_class, self.n_train_per_class
        # a role that takes what is left needs one row at least
        needed = {
            "n_queries_per_class": self.n_queries_per_class,
            "n_database_per_class": 1 if fixed_database is None else fixed_database,
            "n_train_per_class": 1 if fixed_train is None else fixed_train,
        }
        n_needed = sum(needed.values())
        short = np.flatnonzero(counts < n_needed)
        if len(short):
            parts = ", ".join(f"{name}={getattr(self, name)}" for name in needed)
            raise ValueError(
                f"class {classes.tolist()[short[0]]!r} has {counts[short[0]]} rows, but {n_needed} "
                f"or more are needed ({parts}); this holds for {len(short)} of {len(classes)} "
                "classes"
            )
        left = counts - self.n_queries_per_class
        if isinstance(fixed_database, Integral):
            n_database = np.full_like(counts, fixed_database)
        elif isinstance(fixed_train, Integral):
            n_database = left - fixed_train
        else:
            n_database = left // 2
        n_train = left - n_database if fixed_train is None else np.full_like(counts, fixed_train)
        return n_database, n_train
