"""Similarities in taxonomies: by hand, by brute force over networkx, and on real trees."""

from __future__ import annotations

import math
import os
from itertools import product
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skhash.similarity import Taxonomy, _measures, load_taxonomy

MEASURES = ["lcs_height", "wu_palmer", "path", "leacock_chodorow"]

WORKED = Taxonomy.from_edges(
    [("R", "A"), ("R", "B"), ("A", "a1"), ("A", "a2"), ("B", "b1"), ("B", "Bx"), ("Bx", "b2")]
)


@pytest.mark.parametrize(
    ("measure", "values"),
    [
        ("lcs_height", [1, 2 / 3, 0, 0]),
        ("wu_palmer", [1, 2 / 3, 1 / 3, 2 / 7]),
        ("path", [1, 1 / 3, 1 / 5, 1 / 6]),
        ("leacock_chodorow", [1 - math.log(n, 7) for n in (1, 3, 5, 6)]),
    ],
)
def test_worked_example(measure, values):
    similarity = WORKED.similarity(["a1"], ["a1", "a2", "b1", "b2"], measure)
    np.testing.assert_allclose(similarity, [values], rtol=1e-14)


def test_inner_nodes():
    labels = ["R", "B", "Bx", "b2"]
    # height(lcs) is that of the upper one; a node and itself are the same all the same
    wanted = [[1, 0, 0, 0], [0, 1, 1 / 3, 1 / 3], [0, 1 / 3, 1, 2 / 3], [0, 1 / 3, 2 / 3, 1]]
    np.testing.assert_allclose(WORKED.similarity(labels), wanted, rtol=1e-14)
    wanted = [1 / 2, 1 / 3, 1 / 4]
    np.testing.assert_allclose(WORKED.similarity(["R"], labels[1:], "path")[0], wanted)


def test_the_longest_conceivable_way_has_leacock_chodorow_zero():
    edges = [("R", "a"), ("a", "aa"), ("R", "b"), ("b", "bb")]
    assert Taxonomy.from_edges(edges).similarity(["aa"], ["bb"], "leacock_chodorow") == 0


def test_the_deepest_subsumer_with_the_shortest_way_counts_for_wu_palmer():
    # both P and Q have depth 2; the ways over them are 2 and 5 steps long
    edges = [("R", "P"), ("R", "Q"), ("P", "x"), ("P", "y")]
    edges += [("Q", "q1"), ("q1", "q2"), ("q2", "x"), ("Q", "y2"), ("y2", "y")]
    for order in (edges, edges[::-1]):
        similarity = Taxonomy.from_edges(order).similarity(["x"], ["y"], "wu_palmer")
        np.testing.assert_allclose(similarity, [[2 * 2 / (2 * 2 + 2)]])


class BruteForce:
    """The definitions, one pair at a time, by networkx alone."""

    def __init__(self, edges):
        self.graph = nx.DiGraph(edges)
        order = list(nx.topological_sort(self.graph))
        self.height, self.depth = {}, {}
        for node in reversed(order):
            self.height[node] = max((self.height[n] + 1 for n in self.graph[node]), default=0)
        for node in order:
            above = self.graph.predecessors(node)
            self.depth[node] = max((self.depth[n] + 1 for n in above), default=1)

    def way(self, node, a, b) -> int:
        return sum(nx.shortest_path_length(self.graph, node, label) for label in (a, b))

    def __call__(self, a, b, measure: str) -> float:
        if a == b:
            return 1.0
        total = nx.dag_longest_path_length(self.graph)
        common = (nx.ancestors(self.graph, a) | {a}) & (nx.ancestors(self.graph, b) | {b})
        if measure == "lcs_height":
            return 1 - min(self.height[node] for node in common) / total
        if measure == "wu_palmer":
            deepest = max(self.depth[node] for node in common)
            way = min(self.way(node, a, b) for node in common if self.depth[node] == deepest)
            return 2 * deepest / (2 * deepest + way)
        way = min(self.way(node, a, b) for node in common)
        if measure == "path":
            return 1 / (1 + way)
        value, lowest, highest = (
            -math.log((p + 1) / (2 * (total + 1))) for p in (way, 2 * total, 0)
        )
        return (value - lowest) / (highest - lowest)


@st.composite
def hierarchies(draw, max_parents):
    """Edges over nodes 0..n-1 in a shuffled order; node 0 is the root."""
    n_nodes = draw(st.integers(2, 14))
    edges = []
    for node in range(1, n_nodes):
        parents = st.sets(st.integers(0, node - 1), min_size=1, max_size=max_parents)
        edges += [(parent, node) for parent in draw(parents)]
    return draw(st.permutations(edges))


@pytest.mark.parametrize("max_parents", [1, 3])
@given(data=st.data())
def test_agrees_with_brute_force(max_parents, data):
    edges = data.draw(hierarchies(max_parents))
    brute_force, taxonomy = BruteForce(edges), Taxonomy.from_edges(edges)
    nodes = sorted(taxonomy.nodes)
    for measure in MEASURES:
        wanted = [[brute_force(a, b, measure) for b in nodes] for a in nodes]
        np.testing.assert_allclose(taxonomy.similarity(nodes, measure=measure), wanted, atol=1e-12)


@given(edges=hierarchies(3), data=st.data())
def test_subsumers_explain_the_measures(edges, data):
    brute_force, taxonomy = BruteForce(edges), Taxonomy.from_edges(edges)
    a, b = data.draw(st.permutations(taxonomy.nodes))[:2]
    for measure in MEASURES:
        node = taxonomy.lcs(a, b, measure)
        assert node == taxonomy.lcs(b, a, measure)
        way = brute_force.way(node, a, b)
        depth, longest = taxonomy.depth(node), 2 * taxonomy.height(0)
        value = {
            "lcs_height": 1 - taxonomy.height(node) / taxonomy.height(0),
            "wu_palmer": 2 * depth / (2 * depth + way),
            "path": 1 / (1 + way),
            "leacock_chodorow": 1 - math.log(1 + way) / math.log(1 + longest),
        }[measure]
        assert taxonomy.similarity([a], [b], measure)[0, 0] == pytest.approx(value)


@pytest.mark.parametrize("measure", MEASURES)
@given(edges=hierarchies(3), seed=st.integers(0, 99))
def test_invariances(measure, edges, seed):
    taxonomy = Taxonomy.from_edges(edges)
    nodes = np.array(taxonomy.nodes)
    square = taxonomy.similarity(nodes, measure=measure)
    np.testing.assert_array_equal(square, square.T)
    np.testing.assert_array_equal(np.diagonal(square), 1)
    assert square.min() >= 0
    assert square.max() <= 1
    # the order of the edges, that of the labels, and repeats of them do not matter
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(0, len(nodes), 20), rng.integers(0, len(nodes), 7)
    reordered = Taxonomy.from_edges(rng.permutation(edges))
    np.testing.assert_array_equal(
        reordered.similarity(nodes[rows], nodes[columns], measure), square[np.ix_(rows, columns)]
    )


def random_dag(n_inner: int, n_leaves: int) -> Taxonomy:
    rng = np.random.default_rng(0)
    edges = []
    for node in range(1, n_inner + n_leaves):
        newest = min(node, n_inner)
        n_parents = 1 + (rng.random() < 0.1)
        parents = rng.integers(newest // 3, newest, n_parents)
        edges += [(parent, node) for parent in parents.tolist()]
    return Taxonomy.from_edges(edges)


@pytest.mark.parametrize("measure", MEASURES)
def test_blocks_do_not_show(measure, monkeypatch):
    taxonomy = random_dag(60, 60)
    labels, others = taxonomy.nodes[::2], taxonomy.leaves[:37]
    whole = taxonomy.similarity(labels, others, measure)
    monkeypatch.setattr(_measures, "_BLOCK_ENTRIES", 100)
    np.testing.assert_array_equal(taxonomy.similarity(labels, others, measure), whole)


def test_thousands_of_leaves():
    taxonomy = random_dag(500, 2000)
    brute_force = BruteForce(taxonomy.edges)
    values = {m: taxonomy.similarity(taxonomy.leaves, measure=m) for m in MEASURES}
    rng = np.random.default_rng(1)
    for i, j in rng.integers(0, len(taxonomy.leaves), (20, 2)):
        for measure in MEASURES:
            wanted = brute_force(taxonomy.leaves[i], taxonomy.leaves[j], measure)
            assert values[measure][i, j] == pytest.approx(wanted, abs=1e-12)


def test_no_labels():
    assert WORKED.similarity([], ["a1"]).shape == (0, 1)
    assert WORKED.similarity(["a1"], []).shape == (1, 0)


@pytest.mark.parametrize(
    ("labels", "message"),
    [("a1", "sequence of labels"), (3, "sequence of labels"), (np.ones((2, 2)), "one dimension")],
)
def test_labels_of_the_wrong_shape(labels, message):
    with pytest.raises(ValueError, match=message):
        WORKED.similarity(labels)


@pytest.mark.parametrize("measure", ["lcs", None, ["path"]])
def test_unknown_measure(measure):
    with pytest.raises(ValueError, match=r"measure must be one of \['lcs_height'"):
        WORKED.similarity(["a1"], measure=measure)


def test_cifar100_by_walking_up_the_original_files():
    if "SKHASH_DATA" not in os.environ:
        pytest.skip("SKHASH_DATA, which has the files of Barz & Denzler, is not set")
    folder = Path(os.environ["SKHASH_DATA"])
    lines = (folder / "cifar100_tree.parent-child.txt").read_text().splitlines()
    parent = {int(child): int(above) for above, child in map(str.split, lines)}

    def walk(node):
        return [node, *walk(parent[node])] if node in parent else [node]

    walks = {leaf: walk(leaf) for leaf in range(100)}
    height = {}
    for walked in walks.values():
        for steps, node in enumerate(walked):
            height[node] = max(height.get(node, 0), steps)
    wanted_height, wanted_wup = np.eye(100), np.eye(100)
    for a, b in product(range(100), repeat=2):
        lcs = next(node for node in walks[a] if node in walks[b])
        wanted_height[a, b] = 1 - height[lcs] / max(height.values())
        depths = [len(walk(node)) for node in (lcs, a, b)]
        wanted_wup[a, b] = 2 * depths[0] / (depths[1] + depths[2])

    lines = (folder / "cifar100_tree.names.txt").read_text().splitlines()
    names = [line.split(maxsplit=1)[1] for line in lines][:100]
    taxonomy = load_taxonomy("cifar100")
    np.testing.assert_allclose(taxonomy.similarity(names), wanted_height, rtol=1e-14)
    np.testing.assert_allclose(taxonomy.similarity(names, measure="wu_palmer"), wanted_wup)
