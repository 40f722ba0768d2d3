"""The taxonomies that come with the package."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from skhash.similarity import Taxonomy, TaxonomySimilarity, load_taxonomy


def test_cifar100():
    taxonomy = load_taxonomy("cifar100")
    assert (len(taxonomy.nodes), len(taxonomy.leaves), taxonomy.root) == (163, 100, "entity")
    assert taxonomy.is_tree
    assert taxonomy.lcs("tulip", "rose") == "blooming"
    assert taxonomy.lcs("shark", "dolphin") == "aquatic_animal"
    assert taxonomy.lcs("rose", "bus") == "entity"


def test_cifar100_coarse():
    taxonomy = load_taxonomy("cifar100-coarse")
    assert len(taxonomy.leaves) == 100
    superclasses = taxonomy.children(taxonomy.root)
    assert len(superclasses) == 20
    assert all(len(taxonomy.children(name)) == 5 for name in superclasses)
    assert set(taxonomy.children("trees")) == {
        "maple_tree",
        "oak_tree",
        "palm_tree",
        "pine_tree",
        "willow_tree",
    }


def test_both_have_the_same_leaves():
    fine, coarse = load_taxonomy("cifar100"), load_taxonomy("cifar100-coarse")
    assert set(fine.leaves) == set(coarse.leaves)


def test_leaves_are_the_names_of_the_data_set():
    if "SKHASH_DATA" not in os.environ:
        pytest.skip("SKHASH_DATA, which has the data set, is not set")
    path = Path(os.environ["SKHASH_DATA"]) / "cifar100_features_efflite0_pca256.npz"
    with np.load(path) as data:
        names = {key: data[key].astype(str) for key in data.files if "names" in key}
        fine = names[next(key for key in names if "fine" in key)]
        coarse = names[next(key for key in names if "coarse" in key)]
    assert set(load_taxonomy("cifar100").leaves) == set(fine)
    taxonomy = load_taxonomy("cifar100-coarse")
    assert set(taxonomy.children(taxonomy.root)) == set(coarse)


def test_cifar100_wordnet():
    taxonomy = load_taxonomy("cifar100-wordnet")
    assert set(taxonomy.names) == set(load_taxonomy("cifar100").leaves)
    assert list(taxonomy.names) == sorted(taxonomy.names)
    assert taxonomy.names["aquarium_fish"] == "goldfish, Carassius auratus"
    # the one class above another
    assert set(taxonomy.names) - set(taxonomy.leaves) == {"whale"}
    assert "whale" in taxonomy.ancestors("dolphin")
    assert taxonomy.lcs("tulip", "rose") == "vascular_plant.n.01"
    assert not taxonomy.is_tree
    similarity = TaxonomySimilarity("cifar100-wordnet", "path")
    assert (
        similarity(["whale"], ["whale", "dolphin"])[0, 1] > similarity(["whale"], ["shark"])[0, 0]
    )


def test_imagenet1k():
    taxonomy = load_taxonomy("imagenet1k")
    wnids = list(taxonomy.names)
    # some that everybody knows by their number
    known = {0: "tench", 207: "golden retriever", 281: "tabby", 817: "sports car", 954: "banana"}
    assert {i: taxonomy.names[wnids[i]].split(",")[0] for i in known} == known
    assert len(wnids) == 1000
    assert set(wnids) == set(taxonomy.leaves)
    assert taxonomy.root == "entity.n.01"
    assert {"dog.n.01", "domestic_animal.n.01"} <= set(taxonomy.ancestors(wnids[207]))
    # both are domestic, and fewer classes are than are carnivores; but that is no zoology
    assert taxonomy.lcs(wnids[207], wnids[281]) == "domestic_animal.n.01"
    tree = load_taxonomy("imagenet1k", tree=True)
    assert tree.lcs(wnids[207], wnids[281]) == "carnivore.n.01"
    firsts = [name.split(",")[0] for name in taxonomy.names.values()]
    assert sorted({name for name in firsts if firsts.count(name) > 1}) == ["crane", "maillot"]


@pytest.mark.parametrize("name", ["cifar100-wordnet", "imagenet1k"])
def test_as_tree(name):
    dag, tree = load_taxonomy(name), load_taxonomy(name, tree=True)
    assert tree.is_tree
    assert tree is load_taxonomy(name, tree=True)
    assert tree.names == dag.names
    assert set(tree.names) <= set(tree.nodes) < set(dag.nodes)
    assert set(tree.edges) < set(dag.edges)
    # every way up is a longest one
    assert all(tree.depth(node) == dag.depth(node) for node in tree.nodes)


def test_a_tree_stays_as_it_is():
    assert load_taxonomy("cifar100", tree=True) is load_taxonomy("cifar100")


def test_names_are_kept():
    taxonomy = load_taxonomy("imagenet1k")
    restored = pickle.loads(pickle.dumps(taxonomy))
    assert restored == taxonomy
    assert list(restored.names.items()) == list(taxonomy.names.items())
    with pytest.raises(TypeError):
        taxonomy.names["n01440764"] = "trout"
    assert load_taxonomy("cifar100").names == {}
    with pytest.raises(ValueError, match="names has nodes that the taxonomy lacks: 'dog'"):
        Taxonomy({"cat": "animal"}, names={"dog": "Dog"})


def test_it_is_shared():
    assert load_taxonomy("cifar100") is load_taxonomy("cifar100")


@pytest.mark.parametrize("name", ["cifar10", None, ["cifar100"]])
def test_unknown_name(name):
    with pytest.raises(ValueError, match=r"one of \['cifar100', 'cifar100-coarse', 'cif"):
        load_taxonomy(name)
