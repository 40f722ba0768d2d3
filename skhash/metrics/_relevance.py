"""What a database item is worth to a query: its gain, by class or pair by pair."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np

from skhash.metrics._ties import Groups


class ClassGains:
    """Gains that depend only on the class of the query and the class of the item.

    Parameters
    ----------
    table : ndarray of shape (n_query_classes, n_item_classes), dtype float64
        Gains, not negative.
    query_classes, item_classes : ndarray of shape (n_queries,) and (n_database,), dtype intp
        Rows and columns of the table.
    binary : bool
        Whether the gains are 0 and 1 only.
    """

    def __init__(self, table, query_classes, item_classes, *, binary: bool):
        self.table = table
        self.query_classes = query_classes
        self.item_classes = item_classes
        self.class_sizes = np.bincount(item_classes, minlength=table.shape[1])
        self.binary = binary

    def block(self, rows: np.ndarray, own: np.ndarray) -> ClassGainsBlock:
        # only the table rows that the block uses, so that gathering from them stays in the cache
        classes, query_classes = np.unique(self.query_classes[rows], return_inverse=True)
        return ClassGainsBlock(self, self.table[classes], query_classes, own)


class ClassGainsBlock:
    """`ClassGains` of a block of queries, each without the item ``own`` that it is itself.

    ``own`` is -1 for queries that are not in the database.
    """

    def __init__(self, gains: ClassGains, table: np.ndarray, query_classes, own: np.ndarray):
        self.table = table
        self.query_classes = query_classes
        self.item_classes = gains.item_classes
        self.binary = gains.binary
        self._gains = gains
        self._own = own

    @property
    def dense(self) -> np.ndarray:
        """Gains of all items, shape (n_queries, n_database)."""
        return self.table[:, self.item_classes][self.query_classes]

    @property
    def total(self) -> np.ndarray:
        """Sum of the gains of all items but the query itself, shape (n_queries,)."""
        total = (self.table @ self._gains.class_sizes)[self.query_classes]
        inside = np.flatnonzero(self._own >= 0)
        total[inside] -= self.of_pairs(inside, self._own[inside])
        return total

    @property
    def positive(self) -> ClassGainsBlock:
        """1 where the gain is positive, else 0."""
        table = (self.table > 0).astype(np.float64)
        return ClassGainsBlock(self._gains, table, self.query_classes, self._own)

    def of_pairs(self, queries: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Gains of single pairs of a query of the block and an item."""
        cells = self.item_classes[items]
        cells += (self.query_classes * self.table.shape[1])[queries]
        return self.table.ravel()[cells]

    def ordered(self, best_first: bool) -> tuple[ClassGainsBlock, np.ndarray]:
        """Places of the classes in each query's order by gain, and the gain at each place.

        Classes of equal gain share a place. The places come as a block of gains, so that they
        are looked up as gains are.
        """
        order = np.argsort(-self.table if best_first else self.table, axis=1)
        gains = np.take_along_axis(self.table, order, axis=1)
        place = np.zeros(gains.shape, dtype=np.intp)
        np.cumsum(np.diff(gains, axis=1) != 0, axis=1, out=place[:, 1:])
        gain_at = np.zeros((len(gains), int(place.max()) + 1))
        np.put_along_axis(gain_at, place, gains, axis=1)
        table = np.empty_like(place)
        np.put_along_axis(table, order, place, axis=1)
        places = ClassGainsBlock(self._gains, table, self.query_classes, self._own)
        return places, gain_at[self.query_classes]

    def ideal(self, n_ranks: int) -> tuple[Groups, np.ndarray]:
        """The best rankings there are, and which of them is that of each query.

        Queries of one class share it, for only the class sizes matter; what a query takes away
        from the database by being in it is one item of its own item's class.
        """
        own_classes = np.where(self._own >= 0, self.item_classes[self._own], -1)
        kinds, profile = np.unique(
            np.column_stack([self.query_classes, own_classes]), axis=0, return_inverse=True
        )
        gains = self.table[kinds[:, 0]]
        sizes = np.tile(self._gains.class_sizes, (len(kinds), 1))
        inside = np.flatnonzero(kinds[:, 1] >= 0)
        sizes[inside, kinds[inside, 1]] -= 1
        best_first = np.argsort(-gains, axis=1)
        sizes = np.take_along_axis(sizes, best_first, axis=1)
        gains = np.take_along_axis(gains, best_first, axis=1)
        return Groups(sizes, sizes * gains), profile.ravel()


class PairGains:
    """Gains known pair by pair, evaluated for a block of queries at a time.

    Parameters
    ----------
    evaluate : callable
        ``evaluate(rows)`` returns a new array of gains, shape (len(rows), n_database), dtype
        float64, not negative.
    binary : bool
        Whether the gains are 0 and 1 only.
    """

    query_classes = None

    def __init__(self, evaluate: Callable[[np.ndarray], np.ndarray], *, binary: bool):
        self._evaluate = evaluate
        self.binary = binary

    def block(self, rows: np.ndarray, own: np.ndarray) -> PairGainsBlock:
        values = self._evaluate(rows)
        inside = np.flatnonzero(own >= 0)
        values[inside, own[inside]] = 0
        return PairGainsBlock(values, self.binary)


class PairGainsBlock:
    """`PairGains` of a block of queries; the interface of `ClassGainsBlock`.

    The gain of a query to itself is 0: it is not ranked, and adds nothing to an ideal.
    """

    def __init__(self, dense: np.ndarray, binary: bool):
        self.dense = dense
        self.binary = binary

    @cached_property
    def total(self) -> np.ndarray:
        return self.dense.sum(axis=1)

    @property
    def positive(self) -> PairGainsBlock:
        return PairGainsBlock((self.dense > 0).astype(np.float64), binary=True)

    def of_pairs(self, queries: np.ndarray, items: np.ndarray) -> np.ndarray:
        return self.dense[queries, items]

    def ideal(self, n_ranks: int) -> tuple[Groups, np.ndarray]:
        losses = -self.dense
        if n_ranks < losses.shape[1]:
            losses = np.partition(losses, n_ranks, axis=1)[:, :n_ranks]
        best = -np.sort(losses, axis=1)
        return Groups(np.ones(best.shape, dtype=np.intp), best), np.arange(len(best))
