"""Packed codes that can be searched, added to and removed from, by rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from skhash.neighbors import _index
from skhash.neighbors._exact import nearest, sort_ranges, within

# an index with a larger share of removed codes is refilled
_MAX_REMOVED_SHARE = 0.25
# a key of 64 bits orders by distance, then by row
_ROW_BITS = 40
_NO_KEY = np.iinfo(np.int64).max


class Searcher:
    """Codes and, unless the search is exact, an index of them.

    Rows are numbered as codes lie in `codes`. An index keeps the labels under which it was given
    codes, and most kinds let none go. So a removed code stays in the index until enough are gone to
    refill it; `labels` says which label a row has, and labels that no row has are passed over.

    Parameters
    ----------
    codes : ndarray of shape (n_samples, n_bytes), dtype uint8
        Packed codes.
    index : faiss.IndexBinary or None
        An index of the same codes; None searches exactly.
    labels : ndarray of shape (n_samples,), dtype int64, or None
        Label of each row in the index, increasing; None if they are the rows.
    buffer : ndarray or None
        What the index lies in, which is kept for it; nothing can then be added to it.
    """

    def __init__(self, codes, index=None, labels=None, *, buffer=None):
        self.codes = codes
        self.index = index
        self.labels = labels
        self._buffer = buffer

    def nearest(self, queries: np.ndarray, k: int, options: dict[str, Any]):
        """Distances (int32) and rows (int64) of k codes for each query, by distance and row.

        Queries for which the index finds fewer than k are searched exactly.
        """
        if self.index is None:
            return nearest(queries, self.codes, k)
        distances, labels = _index.search(self.index, queries, self._n_wanted(k), options)
        rows = self._rows(labels)
        keys = np.where(rows >= 0, (distances.astype(np.int64) << _ROW_BITS) | rows, _NO_KEY)
        keys = np.sort(keys, axis=1)[:, :k]
        distances = (keys >> _ROW_BITS).astype(np.int32)
        rows = keys & (2**_ROW_BITS - 1)
        short = np.flatnonzero(keys[:, -1] == _NO_KEY)
        if short.size:
            distances[short], rows[short] = nearest(queries[short], self.codes, k)
        return distances, rows

    def within(self, queries: np.ndarray, radius: int, options: dict[str, Any]):
        """What lies up to a distance from each query: limits, distances and rows."""
        # a graph has no search by radius
        if self.index is None or type(self.index).__name__ == "IndexBinaryHNSW":
            return within(queries, self.codes, radius)
        limits, distances, labels = _index.range_search(self.index, queries, radius, options)
        rows = self._rows(labels)
        there = rows >= 0
        limits = np.concatenate([[0], np.cumsum(there)])[limits]
        return sort_ranges(limits, distances[there], rows[there])

    def add(self, codes: np.ndarray) -> None:
        """Append codes."""
        if self.index is not None:
            self._own_index()
            if self.labels is not None:
                first = self.index.ntotal
                self.labels = np.concatenate([self.labels, np.arange(first, first + len(codes))])
            self.index.add(codes)
        self.codes = np.concatenate([self.codes, codes])

    def remove(self, rows: np.ndarray) -> None:
        """Take rows away; those that follow move up."""
        if self.index is not None:
            labels = np.arange(len(self.codes)) if self.labels is None else self.labels
            self.labels = np.delete(labels, rows)
        self.codes = np.delete(self.codes, rows, axis=0)
        if self._n_removed() > _MAX_REMOVED_SHARE * max(1, len(self.codes)):
            self._own_index()
            self.index = _index.emptied(self.index)
            # some versions of faiss end the process where a graph is given no codes
            if len(self.codes):
                self.index.add(self.codes)
            self.labels = None

    def _own_index(self):
        if self._buffer is not None:
            self.index = _index.in_memory(self.index)
            self._buffer = None

    def _n_removed(self):
        return 0 if self.index is None else self.index.ntotal - len(self.codes)

    def _n_wanted(self, k):
        """How many to ask the index for, so that k are left when the removed are passed over."""
        share = self._n_removed() / self.index.ntotal
        return min(self.index.ntotal, k + math.ceil(4 * share * k + (8 if share else 0)))

    def _rows(self, labels):
        """The row of each label, -1 where there is none."""
        if self.labels is None:
            return labels
        rows = np.searchsorted(self.labels, labels)
        rows[rows == len(self.labels)] = 0
        return np.where(self.labels[rows] == labels, rows, -1)
