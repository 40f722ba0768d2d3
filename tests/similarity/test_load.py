"""The taxonomies that come with the package."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from skhash.similarity import load_taxonomy


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


def test_it_is_shared():
    assert load_taxonomy("cifar100") is load_taxonomy("cifar100")


@pytest.mark.parametrize("name", ["cifar10", None, ["cifar100"]])
def test_unknown_name(name):
    with pytest.raises(ValueError, match=r"one of \['cifar100', 'cifar100-coarse'\]"):
        load_taxonomy(name)
