"""The second stage of a search: candidates re-ranked by what is finer than their codes."""

from __future__ import annotations

import numpy as np
from sklearn.utils import gen_batches

from skhash.utils._arrays import check_table

# numbers of candidates' vectors that are held at a time: 16 MiB in single precision
_BLOCK_NUMBERS = 2**22


def check_vectors(vectors, n_samples: int, n_features: int | None = None) -> np.ndarray:
    """Real vectors, one for each row of X; a memory map stays one."""
    dtypes = [np.float32, np.float64, np.float16]
    vectors = check_table(vectors, "vectors", dtype=dtypes, ensure_min_samples=0)
    if len(vectors) != n_samples:
        raise ValueError(f"vectors has {len(vectors)} rows, but X has {n_samples}")
    if n_features is not None and vectors.shape[1] != n_features:
        raise ValueError(
            f"vectors has {vectors.shape[1]} columns, but those of fit had {n_features}"
        )
    return vectors


def rerank_by_vectors(
    queries: np.ndarray, candidates: np.ndarray, vectors: np.ndarray, k: int, metric: str
) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest candidates of each query by the distance of vectors: distances and rows.

    Equal distances keep the order of the candidates.
    """
    dtype = np.result_type(queries, vectors, np.float32)
    distances = np.empty(candidates.shape, dtype=dtype)
    n_numbers = max(1, candidates.shape[1] * vectors.shape[1])
    for block in gen_batches(len(queries), max(1, _BLOCK_NUMBERS // n_numbers)):
        near = vectors[candidates[block]].astype(dtype, copy=False)
        query = queries[block, np.newaxis].astype(dtype, copy=False)
        if metric == "cosine":
            distances[block] = _cosine(query, near)
        else:
            distances[block] = np.linalg.norm(near - query, axis=2)
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(distances, order, 1), np.take_along_axis(candidates, order, 1)


def _cosine(query, near):
    lengths = np.linalg.norm(near, axis=2) * np.linalg.norm(query, axis=2)
    products = np.matmul(near, query.transpose(0, 2, 1))[:, :, 0]
    # a vector of length 0 has no direction, and is at a right angle to everything
    cosines = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
    # rounding may leave less than nothing
    return np.maximum(1 - cosines, 0)
