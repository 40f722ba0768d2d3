"""Rankings by real-valued distance, sorted; equal distances are ties here too."""

from __future__ import annotations

import math

import numpy as np

from skhash.metrics._graded_precision import merge_cells
from skhash.metrics._ties import Groups


class SortedBlock:
    """Rankings of a block of queries by any distance; the interface of `HammingBlock`.

    Parameters
    ----------
    distances : ndarray of shape (n_queries, n_database), dtype floating
        Distances; inf for items that are not ranked.
    depth : int
        Number of ranks that matter. Groups that begin after it may be incomplete.
    absolute : float or ndarray of shape (n_queries, 1)
        Neighbouring distances tie that differ by no more than this, ...
    relative : float
        ... and this share of the smaller one.
    """

    def __init__(self, distances: np.ndarray, depth: int, absolute=0.0, relative=0.0):
        items = _nearest(distances, depth, absolute, relative)
        distances = np.take_along_axis(distances, items, axis=1)
        order = np.argsort(distances, axis=1)
        self._items = np.take_along_axis(items, order, axis=1)
        distances = np.take_along_axis(distances, order, axis=1)
        self._ranked = np.isfinite(distances)
        self._group = np.zeros(items.shape, dtype=np.intp)
        apart = np.diff(distances, axis=1) > absolute + relative * distances[:, :-1]
        np.cumsum(apart, axis=1, out=self._group[:, 1:])
        self._shape = (len(items), int(self._group.max()) + 1)
        bins = self._group + np.arange(len(items))[:, None] * self._shape[1]
        self._bins = bins[self._ranked]
        self.size = self._count()

    def groups(self, gains) -> Groups:
        """The rankings with the sum of the gains at each distance."""
        return Groups(self.size, self._count(self._values(gains)[self._ranked]))

    def refined_groups(self, gains, best_first: bool) -> Groups:
        """The rankings with each group ordered by gain, for better or for worse."""
        values = self._values(gains)
        order = np.lexsort((-values if best_first else values, self._group), axis=1)
        ranked = np.take_along_axis(self._ranked, order, axis=1)
        return Groups(ranked.astype(np.intp), np.take_along_axis(values, order, axis=1) * ranked)

    def merged_groups(self, gains, cells: Groups) -> Groups:
        """What `groups` returns, from the cells of `refined_groups`."""
        return merge_cells(self.size, cells)

    def _values(self, gains) -> np.ndarray:
        queries = np.arange(len(self._items))[:, None]
        return gains.of_pairs(np.broadcast_to(queries, self._items.shape), self._items)

    def _count(self, weights=None) -> np.ndarray:
        counts = np.bincount(self._bins, weights, minlength=math.prod(self._shape))
        return counts.reshape(self._shape)


def _nearest(distances: np.ndarray, depth: int, absolute, relative: float) -> np.ndarray:
    """Items within the distance of rank ``depth``, as many for each query, in no order."""
    n_database = distances.shape[1]
    width = n_database
    if depth < n_database:
        reach = np.partition(distances, depth - 1, axis=1)[:, depth - 1, None]
        # what ties with that rank may lie on both sides of it
        reach = reach + 2 * (absolute + relative * reach)
        width = int(np.count_nonzero(distances <= reach, axis=1).max())
    if width == n_database:
        return np.tile(np.arange(n_database), (len(distances), 1))
    return np.argpartition(distances, width, axis=1)[:, :width]
