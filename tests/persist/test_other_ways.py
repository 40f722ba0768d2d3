"""pickle, joblib and skops keep hashers as well; skops asks to trust nothing but skhash."""

import importlib.util
import pickle
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skhash import SemanticHasher
from skhash.similarity import (
    LabelSimilarity,
    Taxonomy,
    TaxonomySimilarity,
    WeightedSimilarity,
    load_taxonomy,
)

_COMMON = importlib.util.spec_from_file_location(
    "hashers_to_pickle", Path(__file__).parents[1] / "test_common.py"
)
common = importlib.util.module_from_spec(_COMMON)
_COMMON.loader.exec_module(common)

SMALL = {**common.SMALL_NETWORK, "random_state": 0}
EVERY = [
    pytest.param(estimator, id=f"{type(estimator).__name__}{i}")
    for i, estimator in enumerate(common.instances(n_bits=6))
]


def through_pickle(estimator, tmp_path):
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        estimator = pickle.loads(pickle.dumps(estimator, protocol))
    return estimator


def through_joblib(estimator, tmp_path):
    joblib.dump(estimator, tmp_path / "model.joblib")
    return joblib.load(tmp_path / "model.joblib", mmap_mode="r")


def through_skops(estimator, tmp_path):
    skops = pytest.importorskip("skops.io", reason="skops is an extra")
    content = skops.dumps(estimator)
    untrusted = skops.get_untrusted_types(data=content)
    assert not [name for name in untrusted if not name.startswith("skhash.")]
    return skops.loads(content, trusted=untrusted)


WAYS = [through_pickle, through_joblib, through_skops]


@pytest.mark.parametrize("estimator", EVERY)
@pytest.mark.parametrize("way", WAYS)
def test_every_hasher(way, estimator, data, tmp_path, assert_same):
    X, words, _ = data
    assert_same(estimator, way(estimator, tmp_path))
    hasher = clone(estimator).set_params(store_codes=True).fit(X, words)
    loaded = way(hasher, tmp_path)
    assert_same(hasher.decision_function(X), loaded.decision_function(X))
    assert_same(hasher.transform(X), loaded.transform(X))
    assert set(vars(loaded)) == set(vars(hasher))


@pytest.mark.parametrize("way", WAYS)
def test_pipeline_with_a_target(way, data, tmp_path, assert_same):
    X, _, numbers = data
    y = np.array(["bee", "rose", "whale"])[numbers % 3]
    target = WeightedSimilarity(
        [(TaxonomySimilarity(load_taxonomy("cifar100")), 1), (LabelSimilarity(), 0.5)]
    )
    pipeline = make_pipeline(StandardScaler(), SemanticHasher(4, similarity=target, **SMALL))
    loaded = way(pipeline.fit(X, y), tmp_path)
    assert_same(pipeline.transform(X), loaded.transform(X))
    assert_same(target(y[:9], y[:9]), loaded[-1].similarity(y[:9], y[:9]))


@pytest.mark.parametrize("way", WAYS)
def test_taxonomies(way, tmp_path, assert_same):
    named = Taxonomy({("x", 1): "b", 2: ["b", "c"], "c": "a", "b": "a"})
    for taxonomy in (named, load_taxonomy("cifar100-wordnet")):
        loaded = way(taxonomy, tmp_path)
        assert_same(taxonomy, loaded)
        with pytest.raises(AttributeError, match="cannot be changed"):
            loaded.__setstate__(named.__getstate__())
        assert loaded == taxonomy
