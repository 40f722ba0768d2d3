"""Rankings by Hamming distance, found by counting: nothing is sorted."""

from __future__ import annotations

import math

import numpy as np

from skhash.metrics._graded_precision import merge_cells
from skhash.metrics._relevance import ClassGainsBlock
from skhash.metrics._sorted import SortedBlock
from skhash.metrics._ties import Groups
from skhash.utils._packing import _as_words

# a sample at this stride gives a first radius; prime, because databases have periods
_SAMPLE_STEP = 17
# how many standard deviations the guess is on the safe side
_SAFETY = 4
# where more than this share of the database is wanted, all of it is counted
_MAX_NEAR_SHARE = 0.25
# counting by distance and class is better than sorting up to this many counters
_MAX_BINS_PER_PAIR = 4


class HammingRanking:
    """Rankings of the database by Hamming distance, a block of queries at a time."""

    # what is derived from this many distances still fits the cache of a processor
    pairs_per_block = 2**20

    def __init__(self, query_codes: np.ndarray, database_codes: np.ndarray):
        self.n_bits = query_codes.shape[1]
        self.n_queries, self.n_database = len(query_codes), len(database_codes)
        # word by word, each contiguous over the items
        self._query_words = np.ascontiguousarray(_as_words(query_codes).T)
        self._item_words = np.ascontiguousarray(_as_words(database_codes).T)

    @property
    def rows_per_block(self) -> int:
        """Number of queries of a block; long codes have more distances than a small database."""
        return max(1, self.pairs_per_block // max(self.n_database, self.n_bits + 2))

    def block(self, rows: np.ndarray, own: np.ndarray, depth: int, radius: int) -> HammingBlock:
        distances = self._distances(rows)
        inside = np.flatnonzero(own >= 0)
        # one more than the largest distance marks what is not ranked
        distances[inside, own[inside]] = self.n_bits + 1
        return HammingBlock(distances, self.n_bits, depth, radius)

    def _distances(self, rows: np.ndarray) -> np.ndarray:
        differing = np.empty((len(rows), self.n_database), dtype=np.uint64)
        np.bitwise_xor(self._query_words[0][rows, None], self._item_words[0], out=differing)
        distances = np.bitwise_count(differing)
        if self.n_bits + 1 > np.iinfo(distances.dtype).max:
            distances = distances.astype(np.uint16)
        for query_word, item_word in zip(self._query_words[1:], self._item_words[1:]):
            np.bitwise_xor(query_word[rows, None], item_word, out=differing)
            distances += np.bitwise_count(differing)
        return distances


class HammingBlock:
    """Rankings of a block of queries: one group of ties for each distance from 0 to n_bits.

    Parameters
    ----------
    distances : ndarray of shape (n_queries, n_database), unsigned integers
        Hamming distances; n_bits + 1 for items that are not ranked.
    n_bits : int
        The largest distance.
    depth : int
        Number of ranks that matter. Groups that begin after it may be incomplete.
    radius : int
        Groups up to this distance are complete at any rank.
    """

    def __init__(self, distances: np.ndarray, n_bits: int, depth: int, radius: int):
        self._distances = distances
        self._n_bits = n_bits
        self._depth = depth
        # the last bin holds what is not ranked
        self._shape = (len(distances), n_bits + 2)
        bin_starts = np.arange(len(distances), dtype=np.intp) * self._shape[1]
        self._near = self._find_near(bin_starts, radius)
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
        if isinstance(gains, ClassGainsBlock):
            places, gain_at = gains.ordered(best_first)
            n_bins = math.prod(self._shape) * gain_at.shape[1]
            if n_bins <= _MAX_BINS_PER_PAIR * self._distances.size:
                return self._groups_by_place(places, gain_at)
        distances = self._distances.astype(np.float64)
        distances[self._distances > self._n_bits] = np.inf
        return SortedBlock(distances, self._depth).refined_groups(gains, best_first)

    def merged_groups(self, gains, cells: Groups) -> Groups:
        """What `groups` returns, from the cells of `refined_groups`."""
        return merge_cells(self.size, cells)

    def _groups_by_place(self, places: ClassGainsBlock, gain_at: np.ndarray) -> Groups:
        """The rankings with each group divided by the place of the gain among all gains."""
        shape = (*self._shape, gain_at.shape[1])
        bins = self._bins * shape[2] + self._values(places)
        size = np.bincount(bins, minlength=math.prod(shape)).reshape(shape)[:, :-1]
        gain = size * gain_at[:, None]
        return Groups(size.reshape(len(size), -1), gain.reshape(len(size), -1))

    def _values(self, gains) -> np.ndarray:
        return gains.dense.ravel() if self._near is None else gains.of_pairs(*self._near)

    def _count(self, weights=None) -> np.ndarray:
        counts = np.bincount(self._bins, weights, minlength=math.prod(self._shape))
        return counts.reshape(self._shape)[:, :-1]

    def _find_near(self, bin_starts: np.ndarray, radius: int):
        """Pairs of a query and an item that are likely to hold its ``depth`` nearest items.

        Returns arrays of queries and items, or None where it is not worth while. The radius is
        guessed from a part of the database. A guess that proves too small costs time, nothing
        else.
        """
        n_queries, n_database = self._distances.shape
        if self._depth > _MAX_NEAR_SHARE * n_database:
            return None
        sample = self._distances[:, ::_SAMPLE_STEP] + bin_starts[:, None]
        within = np.bincount(sample.ravel(), minlength=math.prod(self._shape))
        within = within.reshape(self._shape)[:, :-1].cumsum(axis=1)
        wanted = self._depth / _SAMPLE_STEP
        wanted += _SAFETY * math.sqrt(wanted)
        reach = np.where(within[:, -1] < wanted, self._n_bits, np.argmax(within >= wanted, axis=1))
        reach = np.maximum(reach, radius).astype(self._distances.dtype)
        near = np.flatnonzero(self._distances <= reach[:, None])
        ends = np.searchsorted(near, np.arange(n_queries + 1) * n_database)
        queries = np.repeat(np.arange(n_queries), np.diff(ends))
        return queries, near - queries * n_database
