"""Similarities of nodes by what lies above both of them, as whole matrices.

Every measure here is a maximum over the common ancestors v of a and b of an integer score
``rank(v) - weight * (steps(a, v) + steps(b, v))``, with steps the shortest way up. So one pass
over the ancestors, each of which raises the scores of the pairs below it, serves them all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import sparse

# entries of the block of scores that is worked on at a time: 16 MB, and some times that in floats
_BLOCK_ENTRIES = 1 << 22


class Levels(NamedTuple):
    """A hierarchy as arrays over its nodes, the root first and every node after its parents.

    An order in which the nodes below one follow it closely makes for quick similarities.
    """

    up: sparse.csr_array
    """Adjacency matrix of shape (n_nodes, n_nodes): 1 from child to parent."""
    height: np.ndarray
    """Longest way down to a leaf, in steps; 0 for leaves."""
    depth: np.ndarray
    """Longest way up to the root, in nodes; 1 for the root."""


class Measure(NamedTuple):
    """How a measure ranks common ancestors, and what the best score means."""

    rank: Callable[[Levels], np.ndarray]
    weight: int
    similarity: Callable[[np.ndarray, Levels], np.ndarray]


def levels(parents: list[list[int]]) -> Levels:
    """Heights and depths; ``parents[i]`` holds positions before i, and only node 0 has none."""
    height, depth = np.zeros(len(parents), dtype=np.int64), np.ones(len(parents), dtype=np.int64)
    for node, above in enumerate(parents[1:], start=1):
        depth[node] = 1 + depth[above].max()
    for node in range(len(parents) - 1, 0, -1):
        above = parents[node]
        height[above] = np.maximum(height[above], height[node] + 1)
    child = np.repeat(np.arange(len(parents)), [len(above) for above in parents])
    parent = np.array([node for above in parents for node in above], dtype=np.intp)
    ones = np.ones(len(child), dtype=np.int32)
    up = sparse.csr_array((ones, (child, parent)), shape=(len(parents), len(parents)))
    for array in (height, depth, up.data, up.indices, up.indptr):
        array.setflags(write=False)
    return Levels(up, height, depth)


def node_similarity(
    hierarchy: Levels,
    nodes_a: np.ndarray,
    nodes_b: np.ndarray,
    measure: Measure,
    steps: Callable[[sparse.csr_array, np.ndarray], sparse.csr_array] | None = None,
) -> np.ndarray:
    """Similarities of nodes given by position; ndarray of shape (n_a, n_b), dtype float64.

    `steps` tells how far ancestors are; `steps_up` where it is None.
    """
    steps = steps or steps_up
    # in the order of the hierarchy, the nodes below one are neighbours, which is quick to index
    order_a, order_b = np.argsort(nodes_a), np.argsort(nodes_b)
    steps_a = steps(hierarchy.up, nodes_a[order_a])
    steps_b = steps(hierarchy.up, nodes_b[order_b]).tocsc()
    rank = measure.rank(hierarchy)
    values = np.empty((len(nodes_a), len(nodes_b)))
    n_rows = max(1, _BLOCK_ENTRIES // max(1, len(nodes_b)))
    for start in range(0, len(nodes_a), n_rows):
        block = slice(start, start + n_rows)
        scores = _best_scores(steps_a[block].tocsc(), steps_b, rank, measure.weight)
        similarity = measure.similarity(scores, hierarchy)
        similarity[nodes_a[order_a[block], None] == nodes_b[order_b]] = 1
        values[order_a[block, None], order_b] = similarity
    return values


def steps_up(up: sparse.csr_array, nodes: np.ndarray) -> sparse.csr_array:
    """Shortest way from nodes to their ancestors, in steps plus one, themselves included.

    Plus one, because a sparse array of shape (n_nodes_asked, n_nodes) stores no zeros.
    """
    ones = np.ones(len(nodes), dtype=np.int32)
    shape = (len(nodes), up.shape[0])
    frontier = sparse.csr_array((ones, nodes, np.arange(len(nodes) + 1)), shape=shape)
    steps = frontier.copy()
    taken = 1
    while frontier.nnz:
        frontier = frontier @ up
        # the ways are counted by the product, and only the first arrival matters
        frontier.data[:] = 1
        frontier = frontier - frontier.multiply(steps > 0)
        frontier.eliminate_zeros()
        taken += 1
        steps = steps + taken * frontier
    return steps


def steps_across(up: sparse.csr_array, nodes: np.ndarray) -> sparse.csr_array:
    """As `steps_up`, but by the shortest way over any node above both.

    A hypernym that is listed among those far above it makes for ways that are shorter than
    straight up: past the ancestor, and down to it again.
    """
    steps = steps_up(up, nodes)
    ancestors = np.unique(steps.indices)
    steps_of_ancestors = steps_up(up, ancestors).tocsc()
    alike = np.zeros(up.shape[0], dtype=np.int64)
    n_rows = max(1, _BLOCK_ENTRIES // max(1, len(ancestors)))
    for start in range(0, len(nodes), n_rows):
        stop = min(start + n_rows, len(nodes))
        ways = -_best_scores(steps[start:stop].tocsc(), steps_of_ancestors, alike, 1)
        stored = slice(steps.indptr[start], steps.indptr[stop])
        row = np.repeat(np.arange(stop - start), np.diff(steps.indptr[start : stop + 1]))
        steps.data[stored] = 1 + ways[row, np.searchsorted(ancestors, steps.indices[stored])]
    return steps


def _best_scores(steps_a, steps_b, rank: np.ndarray, weight: int) -> np.ndarray:
    largest = int(np.abs(rank).max()) + 2 * weight * len(rank)
    dtype = np.int32 if largest < np.iinfo(np.int32).max else np.int64
    scores = np.full((steps_a.shape[0], steps_b.shape[0]), np.iinfo(dtype).min, dtype=dtype)
    rank = rank.astype(dtype)
    in_both = (np.diff(steps_a.indptr) > 0) & (np.diff(steps_b.indptr) > 0)
    for node in np.flatnonzero(in_both):
        below_a = slice(*steps_a.indptr[node : node + 2])
        below_b = slice(*steps_b.indptr[node : node + 2])
        pairs = _pairs(steps_a.indices[below_a], steps_b.indices[below_b])
        way_a, way_b = steps_a.data[below_a] - 1, steps_b.data[below_b] - 1
        score = rank[node] - weight * (way_a[:, None] + way_b) if weight else rank[node]
        scores[pairs] = np.maximum(scores[pairs], score)
    return scores


def _pairs(rows: np.ndarray, columns: np.ndarray):
    """Index of the block of rows and columns, by slices where they are consecutive."""
    spans = [slice(at[0], at[-1] + 1) for at in (rows, columns)]
    lengths = [span.stop - span.start for span in spans]
    if lengths == [len(rows), len(columns)]:
        return tuple(spans)
    return np.ix_(rows, columns)


def _longest_way(hierarchy: Levels) -> int:
    """Length of the longest conceivable way over the root and down again, in steps."""
    return 2 * (int(hierarchy.depth.max()) - 1)


def _rank_low(hierarchy: Levels) -> np.ndarray:
    return -hierarchy.height


def _lcs_height(scores: np.ndarray, hierarchy: Levels) -> np.ndarray:
    return 1 + scores / max(1, int(hierarchy.height[0]))


def _rank_deep(hierarchy: Levels) -> np.ndarray:
    # a step down outweighs every way, so that ways only decide between equally deep ancestors
    return hierarchy.depth * (_longest_way(hierarchy) + 1)


def _wu_palmer(scores: np.ndarray, hierarchy: Levels) -> np.ndarray:
    unit = _longest_way(hierarchy) + 1
    depth = -(-scores // unit)
    way = depth * unit - scores
    return 2 * depth / (2 * depth + way)


def _rank_alike(hierarchy: Levels) -> np.ndarray:
    return np.zeros_like(hierarchy.depth)


def _path(scores: np.ndarray, hierarchy: Levels) -> np.ndarray:
    return 1 / (1.0 - scores)


def _leacock_chodorow(scores: np.ndarray, hierarchy: Levels) -> np.ndarray:
    return 1 - np.log1p(-scores) / np.log1p(max(1, _longest_way(hierarchy)))


MEASURES = {
    "lcs_height": Measure(_rank_low, 0, _lcs_height),
    "wu_palmer": Measure(_rank_deep, 1, _wu_palmer),
    "path": Measure(_rank_alike, 1, _path),
    "leacock_chodorow": Measure(_rank_alike, 1, _leacock_chodorow),
}
