"""Rankings by Hamming distance, found by counting: nothing is sorted."""

from __future__ import annotations

import numpy as np

from skhash.metrics._relevance import ClassGainsBlock
from skhash.metrics._sorted import SortedBlock
from skhash.metrics._ties import Groups
from skhash.neighbors._packing import _as_words

# below this many items per rank that is asked for, looking for the radius costs more than it saves
_MIN_ITEMS_PER_RANK = 4
# every so manieth item is looked at to guess the radius; a prime, because databases have periods
_SAMPLE_STEP = 17
# standard deviations between the guess and what is wanted
_SAFETY = 4


class HammingRanking:
    """Rankings of the database by Hamming distance, a block of queries at a time."""

    def __init__(self, query_codes: np.ndarray, database_codes: np.ndarray):
        self.n_bits = query_codes.shape[1]
        self.n_queries, self.n_database = len(query_codes), len(database_codes)
        # word by word, each contiguous over the items
        self._query_words = np.ascontiguousarray(_as_words(query_codes).T)
        self._item_words = np.ascontiguousarray(_as_words(database_codes).T)

    def block(self, rows: np.ndarray, own: np.ndarray, depth: int) -> HammingBlock:
        distances = self._distances(rows)
        inside = np.flatnonzero(own >= 0)
        # one more than the largest distance marks what is not ranked
        distances[inside, own[inside]] = self.n_bits + 1
        return HammingBlock(distances, self.n_bits, depth)

    def _distances(self, rows: np.ndarray) -> np.ndarray:
        total: np.ndarray | None = None
        differing = np.empty((len(rows), self.n_database), dtype=np.uint64)
        for query_word, item_word in zip(self._query_words, self._item_words, strict=True):
            np.bitwise_xor(query_word[rows, None], item_word, out=differing)
            count = np.bitwise_count(differing)
            if total is None:
                total = count if self.n_bits + 1 < 256 else count.astype(np.uint16)
            else:
                total += count
        return total


class HammingBlock:
    """Rankings of a block of queries: one group of ties for each distance.

    Parameters
    ----------
    distances : ndarray of shape (n_queries, n_database), unsigned integers
        Hamming distances; n_bits + 1 for items that are not ranked.
    n_bits : int
        The largest distance.
    depth : int
        Number of ranks that matter. Groups that begin after it may be incomplete.
    """

    def __init__(self, distances: np.ndarray, n_bits: int, depth: int):
        self._distances = distances
        self._n_bits = n_bits
        self._depth = depth
        # the last bin holds what is not ranked
        self._shape = (len(distances), n_bits + 2)
        bin_starts = np.arange(len(distances), dtype=np.intp) * self._shape[1]
        self._near = self._find_near(bin_starts)
        if self._near is not None:
            queries, items = self._near
            self._bins = bin_starts[queries]
            self._bins += distances[queries, items]
            self.size = self._count()
            if self.size.sum(axis=1).min() >= depth:
                return
        self._near = None
        self._bins = (distances + bin_starts[:, None]).ravel()
        self.size = self._count()

    def groups(self, gains) -> Groups:
        """The rankings with the sum of the gains at each distance."""
        return Groups(self.size, self._count(self._values(gains)))

    def refined_groups(self, gains, best_first: bool) -> Groups:
        """The rankings with each group ordered by gain, for better or for worse."""
        if not isinstance(gains, ClassGainsBlock):
            distances = self._distances.astype(np.float64)
            distances[self._distances > self._n_bits] = np.inf
            return SortedBlock(distances, self._depth).refined_groups(gains, best_first)
        places, ordered_gains = gains.ordered(best_first)
        n_places = ordered_gains.shape[1]
        bins = self._bins * n_places + self._values(places)
        size = np.bincount(bins, minlength=np.prod(self._shape) * n_places)
        size = size.reshape(*self._shape, n_places)[:, :-1]
        refined = Groups(size, size * ordered_gains[:, None])
        return Groups(*(part.reshape(len(part), -1) for part in refined))

    def _values(self, gains) -> np.ndarray:
        return gains.dense.ravel() if self._near is None else gains.of_pairs(*self._near)

    def _count(self, weights=None) -> np.ndarray:
        counts = np.bincount(self._bins, weights, minlength=np.prod(self._shape))
        return counts.reshape(self._shape)[:, :-1]

    def _find_near(self, bin_starts: np.ndarray):
        """Pairs of a query and an item that are likely to hold its ``depth`` nearest items.

        The radius is estimated on a part of the database. An estimate that proves too small
        costs time and nothing else.
        """
        n_database = self._distances.shape[1]
        if n_database < _MIN_ITEMS_PER_RANK * self._depth:
            return None
        sample = self._distances[:, ::_SAMPLE_STEP] + bin_starts[:, None]
        within = np.bincount(sample.ravel(), minlength=np.prod(self._shape))
        within = within.reshape(self._shape)[:, :-1].cumsum(axis=1)
        wanted = self._depth / _SAMPLE_STEP
        wanted += _SAFETY * np.sqrt(wanted) + 1
        radius = np.where(within[:, -1] < wanted, self._n_bits, (within >= wanted).argmax(axis=1))
        near = np.flatnonzero(self._distances <= radius[:, None].astype(self._distances.dtype))
        ends = np.searchsorted(near, np.arange(len(radius) + 1) * n_database)
        queries = np.repeat(np.arange(len(radius)), np.diff(ends))
        return queries, near - queries * n_database
