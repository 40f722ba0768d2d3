"""Distances from real-valued queries to binary codes."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from sklearn.utils import check_scalar, gen_batches

from skhash.neighbors._factors import AsymmetricFactors, check_factors, corrected
from skhash.utils._arrays import as_array, check_table
from skhash.utils._packing import PackedCodes, check_codes, check_packed, unpack_codes

# bits that are held as floats at a time: 16 MiB in single precision
_BLOCK_BITS = 2**22


def asymmetric_distances(
    query_values, codes, *, factors: AsymmetricFactors | None = None
) -> np.ndarray:
    r"""Distances from the real bit values of queries to binary codes.

    Each bit in which query and code differ counts by how sure the query is of it,

    .. math:: d(v, b) = \sum_k |v_k| \; [\, b_k \ne (v_k > 0) \,]

    so that a code is not far for a bit that was nearly the other. The database stays binary: the
    queries alone are real. Where all values are -1 and 1, this is the Hamming distance; ranks are
    those by the inner product of v with codes of -1 and 1.

    Parameters
    ----------
    query_values : array-like of shape (n_queries, n_bits)
        Real value of each bit, a bit being 1 above zero: what ``decision_function`` of a hasher
        returns, or a function of it as in the Notes.
    codes : array-like of shape (n_samples, n_bits) or (n_samples, ceil(n_bits / 8))
        Bits, 0 or 1, or bytes (uint8) as `pack_codes` packs them; the number of columns tells
        which, and a `PackedCodes` says so itself.
    factors : AsymmetricFactors, default=None
        Two more bytes an item, from `asymmetric_factors`. Distances are then estimates of squared
        Euclidean distances, which tell more apart where codes are long. The values of queries
        must be those of the same hasher, not a function of them.

    Returns
    -------
    distances : ndarray of shape (n_queries, n_samples)
        Non-negative, in the units of `query_values`; single precision where these are, else
        double. With `factors` in squared units, and an estimate of a small distance may be
        negative.

    Raises
    ------
    ValueError
        If the values are not finite, or the codes are not of their number of bits.

    See Also
    --------
    asymmetric_rerank : The same for the candidates of each query only.
    asymmetric_factors : What `factors` are, and when they help.

    Notes
    -----
    Only the relative size of a query's values matters. Pass other values than those of
    ``decision_function`` for two more asymmetric distances of [1]_:

    - ``v * abs(v)`` counts a bit by the squared distance to its threshold, a lower bound of the
      squared distance between the values of query and item;
    - ``(ones - zeros) * (v - (ones + zeros) / 2)`` with `ones` and `zeros` the mean value of each
      bit, among training rows, where the bit is 1 and where it is 0. Ranks are then those by
      squared distance from v to the expected values of the item.

    References
    ----------
    .. [1] A. Gordo, F. Perronnin, Y. Gong and S. Lazebnik, "Asymmetric distances for binary
       embeddings", IEEE Trans. Pattern Anal. Mach. Intell. 36(1), 2014.

    Examples
    --------
    >>> from skhash.neighbors import asymmetric_distances
    >>> asymmetric_distances([[3.0, -0.5, 1.0]], [[1, 0, 1], [1, 1, 1], [0, 0, 1]])
    array([[0. , 0.5, 3. ]])
    """
    values = _check_values(query_values)
    codes, packed = _check_database(codes, values.shape[1])
    if factors is not None:
        check_factors(factors, len(codes))
    n_queries, n_bits = values.shape
    distances = np.empty((n_queries, len(codes)), dtype=values.dtype)
    for rows in gen_batches(len(codes), max(1, _BLOCK_BITS // n_bits)):
        bits = unpack_codes(codes[rows], n_bits) if packed else codes[rows]
        np.matmul(values, bits.T.astype(values.dtype), out=distances[:, rows])
        if factors is not None:
            distances[:, rows] = corrected(distances[:, rows], values, *factors.decode(rows))
    return distances if factors is not None else _from_products(distances, values)


def asymmetric_rerank(
    query_values,
    candidates,
    codes,
    *,
    k: int | None = None,
    factors: AsymmetricFactors | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Sort the candidates of each query by asymmetric distance.

    The second stage of a search: a Hamming index finds candidates, say 100 for each query, and
    what it ties is told apart by the real values of the query. Nothing is kept of the database
    beside its codes.

    Parameters
    ----------
    query_values : array-like of shape (n_queries, n_bits)
        Real value of each bit, as for `asymmetric_distances`.
    candidates : array-like of shape (n_queries, n_candidates), dtype int
        Rows of `codes` for each query, in any order. Entries of -1, with which faiss fills up
        short results, stand for no row.
    codes : array-like of shape (n_samples, n_bits) or (n_samples, ceil(n_bits / 8))
        The database as bits, 0 or 1, or as bytes (uint8) of `pack_codes`.
    k : int, default=None
        How many to return for each query; None returns all candidates.
    factors : AsymmetricFactors, default=None
        Two more bytes an item, as for `asymmetric_distances`.

    Returns
    -------
    rows : ndarray of shape (n_queries, k), dtype int64
        Candidates, nearest first. Equal distances keep the order of `candidates`; entries of -1
        come last.
    distances : ndarray of shape (n_queries, k)
        Their asymmetric distances; infinite for entries of -1.

    Raises
    ------
    ValueError
        If shapes do not go together, a candidate is not a row of `codes`, or `k` is more than there
        are candidates.

    See Also
    --------
    asymmetric_distances : The distance, and what values to pass.

    References
    ----------
    A. Gordo, F. Perronnin, Y. Gong and S. Lazebnik, "Asymmetric distances for binary embeddings",
    IEEE Trans. Pattern Anal. Mach. Intell. 36(1), 2014.

    Examples
    --------
    >>> from skhash.neighbors import asymmetric_rerank
    >>> codes = [[1, 0, 1], [1, 1, 1], [0, 0, 1]]  # the last two differ in one bit each
    >>> rows, distances = asymmetric_rerank([[3.0, -0.5, 1.0]], [[2, 1]], codes)
    >>> rows
    array([[1, 2]])
    >>> distances
    array([[0.5, 3. ]])
    """
    values = _check_values(query_values)
    codes, packed = _check_database(codes, values.shape[1])
    if factors is not None:
        check_factors(factors, len(codes))
    candidates = _check_candidates(candidates, len(values), len(codes))
    n_candidates = candidates.shape[1]
    k = n_candidates if k is None else k
    check_scalar(k, "k", Integral)
    if not 1 <= k <= n_candidates:
        raise ValueError(f"k must be between 1 and the {n_candidates} candidates, got {k}")
    distances = np.empty(candidates.shape, dtype=values.dtype)
    n_bits = values.shape[1]
    for queries in gen_batches(len(values), max(1, _BLOCK_BITS // (n_bits * n_candidates))):
        # a candidate of -1 takes the last row here, and is put right below
        bits = codes[candidates[queries]]
        if packed:
            bits = np.unpackbits(bits, axis=2, count=n_bits)
        products = bits.astype(values.dtype) @ values[queries, :, np.newaxis]
        distances[queries] = products[:, :, 0]
    if factors is None:
        distances = _from_products(distances, values)
    else:
        distances = corrected(distances, values, *factors.decode(candidates))
    distances[candidates == -1] = np.inf
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(candidates, order, 1), np.take_along_axis(distances, order, 1)


def _from_products(products, values):
    """Distances from the inner products of values with bits of 0 and 1, in place."""
    np.subtract(values.clip(min=0).sum(axis=1, keepdims=True), products, out=products)
    # rounding may leave less than nothing
    return np.maximum(products, 0, out=products)


def _check_values(query_values):
    return check_table(
        query_values, "query_values", dtype=[np.float64, np.float32], ensure_min_samples=0
    )


def _check_database(codes, n_bits):
    """Return the codes and whether they are packed."""
    if isinstance(codes, PackedCodes):
        return check_packed(codes, n_bits, "codes")[0], True
    codes = as_array(codes, "codes")
    n_bytes = -(-n_bits // 8)
    n_columns = codes.shape[1] if codes.ndim == 2 else None
    if n_columns == n_bits:
        return check_codes(codes), False
    if n_columns == n_bytes and codes.dtype == np.uint8 and len(codes) > 0:
        return codes, True
    raise ValueError(
        f"codes must have {n_bits} columns of bits, as query_values has, or {n_bytes} of bytes "
        f"(uint8), got {codes.dtype} of shape {codes.shape}"
    )


def _check_candidates(candidates, n_queries, n_rows):
    candidates = as_array(candidates, "candidates")
    if candidates.ndim != 2 or len(candidates) != n_queries or candidates.shape[1] == 0:
        raise ValueError(
            f"candidates must have shape (n_queries, n_candidates) for {n_queries} queries, got "
            f"{candidates.shape}"
        )
    if candidates.dtype.kind not in "iu":
        raise ValueError(f"candidates must be row numbers, got dtype {candidates.dtype}")
    if candidates.size and not (candidates.min() >= -1 and candidates.max() < n_rows):
        raise ValueError(
            f"candidates must be rows of codes, 0 to {n_rows - 1}, or -1; got "
            f"{candidates.min()} to {candidates.max()}"
        )
    return candidates.astype(np.int64, copy=False)
