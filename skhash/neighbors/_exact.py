"""Exact search among packed codes: by faiss where it is installed, else by numpy.

Both give the same: rows by distance, and rows of the same distance by their number.
"""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
from joblib import effective_n_jobs
from sklearn.utils import gen_batches

from skhash.utils._packing import packed_words
from skhash.utils._threads import begin_threads, bounded_jobs

# pairs of a query and a code that numpy looks at in one step: distances and keys take 32 MiB
_BLOCK_PAIRS = 2**21
# a key of 64 bits orders by distance, then by row
_ROW_BITS = 40


def has_faiss() -> bool:
    """Whether faiss can be imported."""
    try:
        import faiss  # noqa: F401
    except ImportError:
        return False
    return True


@contextmanager
def faiss_threads(n_jobs: int | None):
    """Let faiss use this many threads, as joblib counts them; None leaves it as it is."""
    alone = begin_threads()
    if n_jobs is None or alone or not has_faiss():
        yield
        return
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(effective_n_jobs(bounded_jobs(n_jobs)))
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def nearest(queries: np.ndarray, codes: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest codes of each query, packed both: distances (int32) and rows (int64)."""
    search = _nearest_by_faiss if has_faiss() else _nearest_by_numpy
    return search(np.ascontiguousarray(queries), np.ascontiguousarray(codes), k)


def within(
    queries: np.ndarray, codes: np.ndarray, radius: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All codes up to a distance from each query, packed both.

    Returns
    -------
    limits : ndarray of shape (n_queries + 1,)
        What is found for query i lies at ``limits[i]:limits[i + 1]``.
    distances, rows : ndarrays
    """
    if len(codes) == 0:
        nothing = np.empty(0, dtype=np.int64)
        return np.zeros(len(queries) + 1, dtype=np.int64), nothing.astype(np.int32), nothing
    search = _within_by_faiss if has_faiss() else _within_by_numpy
    found = search(np.ascontiguousarray(queries), np.ascontiguousarray(codes), radius)
    return sort_ranges(*found)


def sort_ranges(limits, distances, rows):
    """Order what a search by radius found, for each query: by distance, then by row."""
    queries = np.repeat(np.arange(len(limits) - 1), np.diff(limits))
    order = np.lexsort((rows, distances, queries))
    return limits, distances[order], rows[order]


def _nearest_by_faiss(queries, codes, k):
    import faiss

    # what IndexBinaryFlat searches by, without a copy of the codes for the index
    return faiss.knn_hamming(queries, codes, k)


def _within_by_faiss(queries, codes, radius):
    import faiss

    result = faiss.RangeSearchResult(len(queries))
    # faiss finds what is nearer than the radius, not what is as near
    faiss.hamming_range_search(
        faiss.swig_ptr(queries),
        faiss.swig_ptr(codes),
        len(queries),
        len(codes),
        radius + 1,
        codes.shape[1],
        result,
    )
    limits = faiss.rev_swig_ptr(result.lims, len(queries) + 1).astype(np.int64)
    n_found = int(limits[-1])
    # these lie in memory of the result; the conversions copy them
    distances = faiss.rev_swig_ptr(result.distances, n_found).astype(np.int32)
    rows = faiss.rev_swig_ptr(result.labels, n_found).astype(np.int64)
    return limits, distances, rows


def _nearest_by_numpy(queries, codes, k):
    keys = np.empty((len(queries), k), dtype=np.int64)
    n_codes = min(len(codes), max(k, _BLOCK_PAIRS))
    for block in gen_batches(len(queries), max(1, _BLOCK_PAIRS // n_codes)):
        best = np.empty((block.stop - block.start, 0), dtype=np.int64)
        for rows, distances in _distance_blocks(queries[block], codes, n_codes):
            found = distances << _ROW_BITS
            found += np.arange(rows.start, rows.stop)
            best = np.concatenate([best, found], axis=1)
            if best.shape[1] > k:
                best = np.partition(best, k - 1, axis=1)[:, :k]
        keys[block] = np.sort(best, axis=1)
    return (keys >> _ROW_BITS).astype(np.int32), keys & (2**_ROW_BITS - 1)


def _within_by_numpy(queries, codes, radius):
    n_codes = min(len(codes), _BLOCK_PAIRS)
    n_found = np.zeros(len(queries), dtype=np.int64)
    parts = []
    for block in gen_batches(len(queries), max(1, _BLOCK_PAIRS // n_codes)):
        for rows, distances in _distance_blocks(queries[block], codes, n_codes):
            found = np.nonzero(distances <= radius)
            n_found[block] += np.bincount(found[0], minlength=len(distances))
            parts.append((found[0] + block.start, distances[found], found[1] + rows.start))
    of_query, distances, rows = (np.concatenate(part) for part in zip(*parts))
    # blocks of codes come one after the other, with some of every query in each
    order = np.argsort(of_query, kind="stable")
    limits = np.concatenate([[0], np.cumsum(n_found)])
    return limits, distances[order].astype(np.int32), rows[order]


def _distance_blocks(queries, codes, n_codes):
    """Slices of at most ``n_codes`` codes, and the distances (int64) of all queries to them."""
    query_words = packed_words(queries)
    for rows in gen_batches(len(codes), n_codes):
        words = packed_words(codes[rows])
        distances = np.zeros((len(queries), len(words)), dtype=np.int64)
        for query_word, word in zip(query_words.T, words.T):
            distances += np.bitwise_count(query_word[:, np.newaxis] ^ word)
        yield rows, distances
