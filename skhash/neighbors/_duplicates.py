"""Codes that are nearly the same: all pairs within a radius, without comparing all pairs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from math import comb
from numbers import Real
from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from skhash.neighbors._exact import within
from skhash.utils._packing import PackedCodes, check_codes, check_packed, packed_words

# pairs that are looked at in one step, and links that are held before they are joined
_BLOCK_PAIRS = 2**22
_MAX_LINKS = 2**24
_MIN_QUERIES = 16
# nanoseconds, roughly: for a code in a table, a pair that a table suggests, and a pair where all
# are compared. What is found does not depend on them, only how
_TABLE_COST, _PAIR_COST, _COMPARISON_COST = 250.0, 25.0, 0.6
_MAX_EQUAL_PARTS = 5


class Duplicates(NamedTuple):
    """What `find_duplicates` finds.

    Attributes
    ----------
    groups : ndarray of shape (n_samples,), dtype int64
        Number of the group of each row: rows that are linked by pairs, directly or by way of
        others. Groups are numbered in the order of their first rows.
    pairs : ndarray of shape (n_pairs, 2), dtype int64, or None
        Rows of each pair, the first below the second, in ascending order.
    distances : ndarray of shape (n_pairs,), dtype int32, or None
        Hamming distance of each pair, in bits.
    """

    groups: np.ndarray
    pairs: np.ndarray | None
    distances: np.ndarray | None


def find_duplicates(codes, radius, *, return_pairs=True) -> Duplicates:
    r"""Pairs of codes up to a Hamming distance, and the groups that they form.

    The search is exact: it finds all pairs. Codes that differ in at most r of their bits agree in
    at least t of any r + t parts of them. So every choice of t parts is a table, and only codes
    that agree in it are compared (multi-index hashing [1]_, with t chosen by the codes). Where
    tables would suggest too many pairs, as for a large radius, all codes are compared.

    Parameters
    ----------
    codes : array-like of shape (n_samples, n_bits), or PackedCodes
        Bits, 0 or 1.
    radius : int
        The greatest distance of a pair, in bits; 0 finds equal codes.
    return_pairs : bool, default=True
        Whether to return the pairs too. There may be far more of them than codes: n equal codes
        make n (n - 1) / 2. Without them memory is bounded by the number of codes.

    Returns
    -------
    duplicates : Duplicates
        A named tuple of ``groups``, and of ``pairs`` and their ``distances``, which are None
        without `return_pairs`.

    Raises
    ------
    ValueError
        If codes are not bits, or the radius is not a number of bits.

    See Also
    --------
    HammingNeighbors.radius_neighbors : All rows up to a distance from queries.

    Notes
    -----
    Groups are chains: two rows of one may be farther apart than the radius, if others lie between
    them. A small radius keeps them honest.

    References
    ----------
    .. [1] M. Norouzi, A. Punjani and D. J. Fleet, "Fast exact search in Hamming space with
       multi-index hashing", IEEE Trans. Pattern Anal. Mach. Intell. 36(6), 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash.neighbors import find_duplicates
    >>> codes = [[0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 1], [0, 0, 1, 1]]
    >>> groups, pairs, distances = find_duplicates(codes, radius=1)
    >>> pairs
    array([[0, 2],
           [2, 3]])
    >>> groups
    array([0, 1, 0, 0])

    The rows to keep, one of each group:

    >>> np.unique(groups, return_index=True)[1]
    array([0, 1])
    """
    packed, n_bits = _check(codes)
    radius = _check_radius(radius, n_bits)
    words, members, starts, place = _distinct(packed_words(packed))
    links = _Links(len(words))
    found = []
    if radius:
        for one, other, distance in _near(words, radius, n_bits):
            links.add(one, other)
            if return_pairs:
                found.append((one, other, distance))
    groups = _in_order(links.groups()[place])
    if not return_pairs:
        return Duplicates(groups, None, None)
    return Duplicates(groups, *_pairs_of_rows(found, members, starts))


def _check(codes):
    if isinstance(codes, PackedCodes):
        packed, n_bits = check_packed(codes, None, "codes")
        if not len(packed):
            raise ValueError(f"codes is empty: shape {codes.shape}")
        return packed, n_bits
    bits = check_codes(codes)
    return np.packbits(bits, axis=1), bits.shape[1]


def _check_radius(radius, n_bits):
    if not isinstance(radius, Real) or isinstance(radius, bool) or not radius >= 0:
        raise ValueError(f"radius must be a number of bits, at least 0, got {radius!r}")
    if 0 < radius < 1:
        raise ValueError(
            f"radius must be a number of bits, at least 0, got {radius!r}, which may be meant as a "
            f"share of the {n_bits} bits: that is {radius * n_bits:.1f} bits"
        )
    return int(min(radius, n_bits))


def _distinct(words):
    """Distinct codes, rows by the code that they have, where those begin, and the code of each."""
    members = np.lexsort(words.T[::-1])
    ordered = words[members]
    is_first = np.ones(len(words), dtype=bool)
    is_first[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    starts = np.flatnonzero(is_first)
    place = np.empty(len(words), dtype=np.int64)
    place[members] = np.cumsum(is_first) - 1
    return ordered[starts], members, np.append(starts, len(words)), place


def _near(words, radius, n_bits) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Pairs of different codes up to a distance, block by block, each pair once."""
    n_codes = len(words)
    cost, n_equal = _COMPARISON_COST * n_codes**2, 0
    keys = _Keys(words, n_bits)
    for t in range(1, min(_MAX_EQUAL_PARTS, n_bits - radius) + 1):
        n_tables = comb(radius + t, t)
        if n_tables * n_codes * _TABLE_COST > cost:
            break
        # what one table suggests stands for all of them
        n_pairs = _n_suggested(keys.of(range(t), radius + t))
        estimate = n_tables * (n_codes * _TABLE_COST + n_pairs * _PAIR_COST)
        if estimate < cost:
            cost, n_equal = estimate, t
    if not n_equal:
        yield from _near_by_comparison(words, radius)
        return
    n_parts = radius + n_equal
    for parts in combinations(range(n_parts), n_equal):
        for one, other in _suggested(keys.of(parts, n_parts)):
            yield from _confirmed(words, one, other, radius, keys.masks(n_parts), parts)


class _Keys:
    """Numbers that are equal where codes agree in some of their parts.

    The bits of a part lie apart, since neighbouring bits of learned codes are often alike.
    """

    def __init__(self, words, n_bits):
        self._words, self._n_bits = words, n_bits
        # odd, so that each keeps what a word holds; sums of several words mix them
        random = np.random.RandomState(0)
        self._factors = random.randint(1, 2**62, size=words.shape[1]).astype(np.uint64) * 2 + 1

    def masks(self, n_parts):
        """The bits of each part, shape (n_parts, n_words)."""
        bits = np.arange(self._n_bits) % n_parts == np.arange(n_parts)[:, np.newaxis]
        return packed_words(np.packbits(bits, axis=1))

    def of(self, parts, n_parts):
        mask = np.bitwise_or.reduce(self.masks(n_parts)[list(parts)], axis=0)
        return ((self._words & mask) * self._factors).sum(axis=1, dtype=np.uint64)


def _n_suggested(keys):
    sizes = np.diff(_run_limits(np.sort(keys))).astype(np.float64)
    return float((sizes * (sizes - 1)).sum() / 2)


def _run_limits(ordered):
    """Where runs of equal numbers begin, and the end of the last."""
    changes = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    return np.concatenate([[0], changes, [len(ordered)]])


def _suggested(keys) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of codes with the same key, block by block."""
    order = np.argsort(keys)
    limits = _run_limits(keys[order])
    # each code is paired with those after it in its run
    ends = np.repeat(limits[1:], np.diff(limits))
    n_after = ends - np.arange(1, len(keys) + 1)
    ahead = np.flatnonzero(n_after)
    totals = np.cumsum(n_after[ahead])
    start = 0
    while start < len(ahead):
        done = totals[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(totals, done + _BLOCK_PAIRS, side="right")))
        first = ahead[start:stop]
        counts = n_after[first]
        step = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        one = np.repeat(first, counts)
        yield order[one], order[one + 1 + step]
        start = stop


def _confirmed(words, one, other, radius, masks, parts):
    """Those within the radius whose first equal parts are those of the table."""
    # word by word, since most pairs differ too much
    distances = np.bitwise_count(words[one, 0] ^ words[other, 0]).astype(np.int32)
    for word in words.T[1:]:
        distances += np.bitwise_count(word[one] ^ word[other])
    close = np.flatnonzero(distances <= radius)
    if not close.size:
        return
    one, other, distances = one[close], other[close], distances[close]
    differing = words[one] ^ words[other]
    is_equal = np.stack([~(differing & mask).any(axis=1) for mask in masks[: parts[-1] + 1]])
    # every pair is suggested by several tables, and is taken from the first of them
    first = is_equal[list(parts)].all(axis=0) & (is_equal.sum(axis=0) == len(parts))
    yield one[first], other[first], distances[first]


def _near_by_comparison(words, radius):
    codes = words.view(np.uint8)
    n_queries = max(_MIN_QUERIES, _BLOCK_PAIRS // len(codes))
    for start in range(0, len(codes), n_queries):
        queries = codes[start : start + n_queries]
        limits, distances, rows = within(queries, codes[start:], radius)
        one = np.repeat(np.arange(len(queries)), np.diff(limits))
        later = rows > one
        yield one[later] + start, rows[later] + start, distances[later]


class _Links:
    """Groups of codes that are linked; the links are joined as they come."""

    def __init__(self, n_codes):
        self._n_codes = n_codes
        self._parts: list[tuple[np.ndarray, np.ndarray]] = []
        self._n_waiting = 0

    def add(self, one, other):
        self._parts.append((one, other))
        self._n_waiting += len(one)
        if self._n_waiting > _MAX_LINKS:
            # each code with the group that it is in says the same in fewer links
            group = self.groups()
            codes = np.arange(self._n_codes)
            first = np.unique(group, return_index=True)[1]
            self._parts = [(codes, first[group])]
            self._n_waiting = 0

    def groups(self):
        if not self._parts:
            return np.arange(self._n_codes)
        one, other = (np.concatenate(part) for part in zip(*self._parts))
        shape = (self._n_codes, self._n_codes)
        links = coo_array((np.ones(len(one), dtype=bool), (one, other)), shape=shape)
        return connected_components(links, directed=False)[1]


def _in_order(groups):
    """The same groups, numbered in the order of their first rows."""
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    number = np.empty(len(first), dtype=np.int64)
    number[np.argsort(first)] = np.arange(len(first))
    return number[inverse]


def _pairs_of_rows(found, members, starts):
    """Pairs of rows from pairs of codes, and from codes that several rows have."""
    sizes = np.diff(starts)
    several = np.flatnonzero(sizes > 1)
    parts = [*found, (several, several, np.zeros(len(several), dtype=np.int32))]
    one, other, distances = (np.concatenate(part) for part in zip(*parts))
    counts = sizes[one] * sizes[other]
    pair = np.repeat(np.arange(len(one)), counts)
    place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    first, second = np.divmod(place, sizes[other][pair])
    rows = np.stack([members[starts[one[pair]] + first], members[starts[other[pair]] + second]], 1)
    # of rows with the same code each pair comes twice, and each row with itself
    keep = (one != other)[pair] | (rows[:, 0] < rows[:, 1])
    rows, distances = np.sort(rows[keep], axis=1), distances[pair[keep]]
    order = np.lexsort(rows.T[::-1])
    return rows[order], distances[order]
