"""Ways to make a taxonomy, what is refused, and what it then knows and promises."""

from __future__ import annotations

import copy
import pickle
from itertools import pairwise

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from skhash.similarity import Taxonomy, TaxonomySimilarity

EDGES = [("R", "A"), ("R", "B"), ("A", "a1"), ("A", "a2"), ("B", "b1"), ("B", "Bx"), ("Bx", "b2")]


@pytest.fixture
def taxonomy():
    return Taxonomy.from_edges(EDGES)


@pytest.mark.parametrize(
    "other",
    [
        Taxonomy.from_edges(reversed(EDGES)),
        Taxonomy.from_edges(EDGES + EDGES[:3]),
        Taxonomy.from_edges(np.array(EDGES)),
        Taxonomy.from_edges(pd.DataFrame(EDGES, columns=["parent", "child"])),
        Taxonomy.from_parents({child: parent for parent, child in EDGES}),
        Taxonomy.from_parents({"R": None, **{child: [parent] for parent, child in EDGES}}),
        Taxonomy.from_paths(
            [("R", "A", "a1"), ("R", "A", "a2"), ("R", "B", "b1"), ("R", "B", "Bx", "b2")] * 2
        ),
        Taxonomy.from_paths(
            pd.DataFrame(
                [
                    ("R", "A", "a1", None),
                    ("R", "A", "a2", np.nan),
                    ("R", "B", "b1", None),
                    ("R", "B", "Bx", "b2"),
                ]
            )
        ),
        Taxonomy.from_networkx(nx.DiGraph(EDGES)),
        Taxonomy.from_networkx(nx.MultiDiGraph(EDGES + EDGES)),
    ],
)
def test_all_ways_lead_to_the_same_taxonomy(taxonomy, other):
    assert other == taxonomy
    assert hash(other) == hash(taxonomy)


def test_it_differs_from_others(taxonomy):
    assert taxonomy != Taxonomy.from_edges(EDGES[:-1])
    assert taxonomy != Taxonomy.from_edges([*EDGES, ("A", "b2")])
    assert taxonomy != EDGES


def test_what_it_knows(taxonomy):
    assert taxonomy.nodes == ("R", "A", "a1", "a2", "B", "b1", "Bx", "b2")
    assert taxonomy.leaves == ("a1", "a2", "b1", "b2")
    assert taxonomy.root == "R"
    assert sorted(taxonomy.edges) == sorted(EDGES)
    assert taxonomy.is_tree
    assert taxonomy.parents("b2") == ("Bx",)
    assert taxonomy.parents("R") == ()
    assert taxonomy.children("B") == ("b1", "Bx")
    assert taxonomy.ancestors("b2") == ("R", "B", "Bx")
    assert taxonomy.ancestors("R") == ()
    assert [taxonomy.height(node) for node in ("R", "A", "B", "Bx", "b2")] == [3, 1, 2, 1, 0]
    assert [taxonomy.depth(node) for node in ("R", "A", "B", "Bx", "b2")] == [1, 2, 2, 3, 4]
    assert "a1" in taxonomy
    assert "a3" not in taxonomy


def test_nodes_with_several_parents():
    taxonomy = Taxonomy.from_edges([("R", "A"), ("R", "B"), ("A", "B"), ("A", "x"), ("B", "x")])
    assert not taxonomy.is_tree
    assert taxonomy.parents("x") == ("A", "B")
    assert taxonomy.ancestors("x") == ("R", "A", "B")
    assert (taxonomy.height("R"), taxonomy.depth("x")) == (3, 4)


def test_subsumers(taxonomy):
    assert taxonomy.lcs("a1", "a2") == "A"
    assert taxonomy.lcs("b1", "b2") == "B"
    assert taxonomy.lcs("a1", "b2") == "R"
    assert taxonomy.lcs("Bx", "b2") == "Bx"
    assert taxonomy.lcs("a1", "a1") == "a1"


def test_subsumers_of_measures_differ_where_parents_are_many():
    # low is lower, deep is deeper, and the way over near is the shortest
    edges = [("R", "low"), ("low", "lx"), ("lx", "x"), ("low", "ly"), ("ly", "y")]
    edges += [("R", "d1"), ("d1", "d2"), ("d2", "deep")]
    edges += [("deep", "e1"), ("e1", "e2"), ("e2", "e3"), ("e3", "x"), ("deep", "y")]
    edges += [("R", "near"), ("near", "x"), ("near", "y"), ("near", "n1"), ("n1", "n2")]
    edges += [("n2", "n3"), ("n3", "n4"), ("n4", "n5")]
    taxonomy = Taxonomy.from_edges(edges)
    assert taxonomy.lcs("x", "y", "lcs_height") == "low"
    assert taxonomy.lcs("x", "y", "wu_palmer") == "deep"
    assert taxonomy.lcs("x", "y", "path") == "near"


def test_single_node():
    taxonomy = Taxonomy.from_parents({"all": None})
    assert taxonomy.leaves == ("all",)
    for measure in ("lcs_height", "wu_palmer", "path", "leacock_chodorow"):
        np.testing.assert_array_equal(taxonomy.similarity(["all"], measure=measure), [[1.0]])


def test_several_roots_are_refused_or_joined():
    edges = [("A", "a"), ("B", "b")]
    with pytest.raises(ValueError, match="2 roots: 'A', 'B'"):
        Taxonomy.from_edges(edges)
    joined = Taxonomy.from_edges(edges, root="all")
    assert joined == Taxonomy.from_edges([*edges, ("all", "A"), ("all", "B")])
    assert joined.similarity(["a"], ["b"]) == 0
    with pytest.raises(ValueError, match="root='b' is the name of another node"):
        Taxonomy.from_edges(edges, root="b")
    assert Taxonomy.from_edges(EDGES, root="all").root == "R"


def test_paths_get_a_common_root():
    coarse, fine = ["fish", "fish", "bird"], ["ray", "trout", "owl"]
    assert Taxonomy.from_paths(zip(coarse, fine, strict=True)).children("root") == ("fish", "bird")
    assert Taxonomy.from_paths([("fish", "ray")]).root == "fish"
    with pytest.raises(ValueError, match="roots"):
        Taxonomy.from_paths(zip(coarse, fine, strict=True), root=None)


CRANES = [("bird", "crane"), ("machine", "crane"), ("bird", "owl")]


def test_a_name_in_several_places_is_refused():
    with pytest.raises(ValueError, match=r"'crane' \(under 'bird' and 'machine'\)"):
        Taxonomy.from_paths(CRANES)
    with pytest.raises(ValueError, match=r"'fish' \(under no parent and 'fish'\)"):
        Taxonomy.from_paths([("fish", "fish"), ("fish", "ray")])


def test_a_name_in_several_places_is_qualified():
    taxonomy = Taxonomy.from_paths(CRANES, duplicates="qualify")
    assert taxonomy.leaves == ("bird/crane", "owl", "machine/crane")
    assert taxonomy.parents("bird/crane") == ("bird",)
    taxonomy = Taxonomy.from_paths([("fish", "fish")], duplicates="qualify")
    assert taxonomy.edges == (("fish", "fish/fish"),)
    with pytest.raises(ValueError, match=r"clash.*'bird/crane'"):
        Taxonomy.from_paths([*CRANES, ("bird", "bird/crane")], duplicates="qualify")


def test_a_name_in_several_places_is_merged():
    taxonomy = Taxonomy.from_paths(CRANES, duplicates="merge")
    assert taxonomy.parents("crane") == ("bird", "machine")
    with pytest.raises(ValueError, match="their own parent: 'fish'"):
        Taxonomy.from_paths([("fish", "fish")], duplicates="merge")
    with pytest.raises(ValueError, match="duplicates must be"):
        Taxonomy.from_paths(CRANES, duplicates="drop")


def test_cycles_are_named():
    with pytest.raises(ValueError, match="cycle") as caught:
        Taxonomy.from_edges([("R", "a"), ("a", "b"), ("b", "c"), ("c", "a"), ("R", "d")])
    message = str(caught.value)
    assert all(repr(node) in message for node in "abc")
    assert "'d'" not in message
    with pytest.raises(ValueError, match="own parent: 'a'"):
        Taxonomy.from_edges([("R", "a"), ("a", "a")])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Taxonomy.from_edges([]), ValueError, "no nodes"),
        (lambda: Taxonomy.from_edges(["ab", "cd"]), ValueError, "pairs .parent, child., got 'ab'"),
        (lambda: Taxonomy.from_edges([("a", "b", "c")]), ValueError, "pairs"),
        (lambda: Taxonomy.from_edges([("a", None)]), ValueError, "name, got None"),
        (lambda: Taxonomy.from_edges([("a", np.nan)]), ValueError, "name, got nan"),
        (lambda: Taxonomy.from_edges([("a", ["b"])]), TypeError, "hashable"),
        (lambda: Taxonomy.from_parents(EDGES), TypeError, "mapping.*list"),
        (lambda: Taxonomy.from_paths(["a/b"]), TypeError, "rows of names"),
        (lambda: Taxonomy.from_paths([("a", None, "b")]), ValueError, "name, got None"),
        (lambda: Taxonomy.from_networkx(nx.Graph(EDGES)), ValueError, "directed"),
        (lambda: Taxonomy.from_networkx(EDGES), TypeError, "networkx DiGraph, got list"),
    ],
)
def test_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_unknown_labels_are_named_with_suggestions(taxonomy):
    taxonomy = Taxonomy.from_edges([("pet", "hamster"), ("pet", "cat")])
    with pytest.raises(ValueError, match=r"'hamter' \(did you mean 'hamster'\?\), 7"):
        taxonomy.similarity(["cat", "hamter", 7])
    with pytest.raises(ValueError, match=r"'cta'.*for example, 'hamster', 'cat'"):
        taxonomy.similarity(["cat"], ["cta"])
    with pytest.raises(ValueError, match="and 15 more"):
        taxonomy.similarity(range(20))
    for method in (taxonomy.parents, taxonomy.children, taxonomy.ancestors, taxonomy.height):
        with pytest.raises(ValueError, match="'dog'"):
            method("dog")


def test_numpy_names_are_plain_names():
    taxonomy = Taxonomy.from_edges(np.array([[0, 1], [0, 2]]))
    assert all(type(node) is int for node in taxonomy.nodes)
    np.testing.assert_array_equal(
        taxonomy.similarity(np.array([1, 2], dtype=np.int8), [1]), [[1.0], [0.0]]
    )
    names = Taxonomy.from_edges([(np.str_("R"), np.str_("a")), ("R", "b")])
    assert type(names.root) is str
    assert names.height(np.str_("R")) == 1
    np.testing.assert_array_equal(names.similarity(np.array(["a", "b"]), ["a"]), [[1.0], [0.0]])


def test_names_may_be_tuples():
    taxonomy = Taxonomy.from_parents({("a", 1): ("R", 0), ("a", 2): [("R", 0)]})
    assert taxonomy.root == ("R", 0)
    np.testing.assert_array_equal(taxonomy.similarity([("a", 1), ("a", 2)]), np.eye(2))


def test_it_cannot_be_changed(taxonomy):
    for name in ("root", "_parents", "anything"):
        with pytest.raises(AttributeError, match="cannot be changed"):
            setattr(taxonomy, name, None)
    with pytest.raises(AttributeError, match="cannot be changed"):
        del taxonomy._parents
    with pytest.raises(ValueError, match="read-only"):
        taxonomy._levels.height[0] = 5


def test_copies_are_itself_and_pickles_are_equal(taxonomy):
    assert copy.copy(taxonomy) is taxonomy
    assert copy.deepcopy([taxonomy])[0] is taxonomy
    assert clone(TaxonomySimilarity(taxonomy)).taxonomy is taxonomy
    for original in (taxonomy, Taxonomy.from_parents({("a", 1): ("R", 0)})):
        unpickled = pickle.loads(pickle.dumps(original))
        assert unpickled == original
        assert unpickled.nodes == original.nodes


def test_numpy_takes_it_for_one_object(taxonomy):
    # search and routing would slice a sequence
    assert np.asarray(taxonomy).shape == ()
    assert not hasattr(taxonomy, "__len__")


def test_a_deep_chain_needs_no_recursion():
    chain = Taxonomy.from_edges(pairwise(range(2001)))
    assert chain.height(0) == 2000
    assert chain.similarity([2000], [0], measure="path") == 1 / 2001
    assert len(chain._repr_html_()) < 100_000


def test_reprs(taxonomy):
    assert repr(taxonomy) == "<Taxonomy of 8 nodes: 4 leaves, height 3, root 'R'>"
    html = Taxonomy.from_edges([("<R>", "a&b"), ("<R>", "c")])._repr_html_()
    assert "&lt;R&gt;" in html
    assert "a&amp;b" in html
    assert "<R>" not in html
    assert html.count("<details") == html.count("</details>") == 1
    assert html.count("<div") == html.count("</div>")


def test_html_of_a_large_taxonomy_is_bounded_and_says_so():
    wide = Taxonomy.from_edges(("R", i) for i in range(10_000))
    html = wide._repr_html_()
    assert len(html) < 5_000
    assert "9975 more" in html
    layers = [[f"{level}-{i}" for i in range(10)] for level in range(30)]
    lattice = [("R", node) for node in layers[0]]
    for upper, lower in pairwise(layers):
        lattice += [(a, b) for a in upper for b in lower]
    # 10 ** 30 ways lead down here
    assert len(Taxonomy.from_edges(lattice)._repr_html_()) < 100_000


# ------------------------------------------------------------------------------------- to_tree


def test_tree_by_depth_then_leaves_then_order():
    deep = {"x": ["shallow", "low"], "low": "mid", "mid": "R", "shallow": "R"}
    assert Taxonomy(deep).to_tree().edges == (("R", "mid"), ("mid", "low"), ("low", "x"))
    # a and b are equally deep: b has more leaves below it
    wide = {"x": ["a", "b"], "y": "b", "a": "R", "b": "R"}
    assert Taxonomy(wide).to_tree().parents("x") == ("b",)
    assert "a" not in Taxonomy(wide).to_tree()
    # nothing between them
    even = {"x": ["a", "b"], "a": "R", "b": "R"}
    assert Taxonomy(even).to_tree().parents("x") == ("a",)
    assert Taxonomy({"x": ["b", "a"], "a": "R", "b": "R"}).to_tree().parents("x") == ("b",)


def test_tree_keeps_labels_that_lose_their_children():
    taxonomy = Taxonomy({"x": ["a", "b"], "y": "b", "a": "R", "b": "R"})
    assert set(taxonomy.to_tree(["x", "a"]).nodes) == {"R", "a", "b", "x"}
    with pytest.raises(ValueError, match="not in the taxonomy: 'z'"):
        taxonomy.to_tree(["z"])


def test_tree_of_a_tree():
    taxonomy = Taxonomy.from_paths([("animal", "cat"), ("animal", "dog"), ("plant", "oak")])
    assert taxonomy.to_tree() == taxonomy


def test_hierarchies_that_are_upside_down():
    turned = [("cat", "animal"), ("dog", "animal"), ("oak", "plant")]
    with pytest.raises(ValueError, match=r"'animal' \(under 'cat' and 'dog'\).* path\[::-1\]$"):
        Taxonomy.from_paths(turned)
    with pytest.raises(ValueError, match=r"3 roots: .* upside down, write edges as \(parent"):
        Taxonomy.from_edges(turned)
    # a class in two places, and trees beside each other, are not
    with pytest.raises(ValueError, match=r"several parents$"):
        Taxonomy.from_paths([("bird", "crane"), ("bird", "owl"), ("machine", "crane")])
    with pytest.raises(ValueError, match=r"nothing in common$"):
        Taxonomy.from_edges([(parent, child) for child, parent in turned])
