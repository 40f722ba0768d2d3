"""Estimators come back as they were: parameters, attributes and codes, bit for bit."""

import importlib.util
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skhash import (
    ClassCodeHasher,
    ITQHasher,
    OrthoHasher,
    RandomProjectionHasher,
    SemanticHasher,
)
from skhash._persist import load, save
from skhash.metrics import get_scorer
from skhash.networks import Augmentation, Training, resnet
from skhash.similarity import (
    EmbeddingSimilarity,
    LabelSimilarity,
    MappedSimilarity,
    PrecomputedSimilarity,
    SentenceSimilarity,
    TaxonomySimilarity,
    WeightedSimilarity,
    load_taxonomy,
)

_COMMON = importlib.util.spec_from_file_location(
    "hashers_to_save", Path(__file__).parents[1] / "test_common.py"
)
common = importlib.util.module_from_spec(_COMMON)
_COMMON.loader.exec_module(common)

SMALL = {**common.SMALL_NETWORK, "random_state": 0}
EVERY = [
    pytest.param(estimator, id=f"{type(estimator).__name__}{i}")
    for i, estimator in enumerate(common.instances(n_bits=6))
]


@pytest.mark.parametrize("estimator", EVERY)
def test_every_hasher(estimator, data, tmp_path, assert_same):
    X, words, numbers = data
    for name, y in {"unfitted": None, "words": words, "numbers": numbers}.items():
        hasher = clone(estimator).set_params(store_codes=True)
        if y is not None:
            hasher.fit(X, y)
        save(hasher, tmp_path / name)
        for loaded in (load(tmp_path / name), load(tmp_path / name, mmap=True)):
            assert type(loaded) is type(hasher)
            assert_same(hasher, loaded)
            assert repr(loaded) == repr(hasher)
            if y is None:
                assert not [attribute for attribute in vars(loaded) if attribute.endswith("_")]
                continue
            assert_same(hasher.decision_function(X), loaded.decision_function(X))
            assert_same(hasher.transform(X), loaded.transform(X))


@pytest.mark.parametrize("estimator", EVERY)
def test_a_loaded_hasher_can_be_fitted_again(estimator, data, tmp_path, assert_same):
    X, words, _ = data
    hasher = clone(estimator)
    if "random_state" in hasher.get_params():
        hasher.set_params(random_state=3)
    save(hasher, tmp_path / "model")
    assert_same(hasher.fit(X, words), load(tmp_path / "model").fit(X, words))


def test_labels_of_several_kinds(data, tmp_path, assert_same):
    X, words, numbers = data
    kinds = {
        "objects": words.astype(object),
        "bools": numbers > 8,
        "indicators": np.eye(11, dtype=int)[numbers][:, 7:],
        "vectors": X[:, :3],
    }
    for name, y in kinds.items():
        hasher = SemanticHasher(5, **SMALL, store_codes=True).fit(X, y)
        save(hasher, tmp_path / name)
        assert_same(hasher, load(tmp_path / name))


def test_data_frame_names_are_kept(data, tmp_path, assert_same):
    X, _, _ = data
    frame = pd.DataFrame(X, columns=[f"f{i}" for i in range(X.shape[1])])
    hasher = ITQHasher(4, random_state=0).fit(frame).set_output(transform="pandas")
    save(hasher, tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert loaded.feature_names_in_.tolist() == frame.columns.tolist()
    pd.testing.assert_frame_equal(loaded.transform(frame), hasher.transform(frame))
    with pytest.raises(ValueError, match="feature names"):
        loaded.transform(frame.rename(columns={"f0": "other"}))


def test_pipeline_and_grid_search(data, tmp_path, assert_same):
    X, words, _ = data
    pipeline = make_pipeline(StandardScaler(), SemanticHasher(4, **SMALL))
    save(pipeline.fit(X, words), tmp_path / "pipeline")
    loaded = load(tmp_path / "pipeline")
    assert_same(pipeline, loaded)
    assert_same(pipeline.transform(X), loaded.transform(X))
    search = GridSearchCV(
        make_pipeline(PCA(5), ITQHasher(random_state=0)),
        {"itqhasher__n_bits": [2, 4]},
        scoring=get_scorer("map"),
        cv=2,
    ).fit(X, words)
    best = search.best_estimator_
    save(best, tmp_path / "best")
    assert_same(best.transform(X), load(tmp_path / "best").transform(X))


def test_a_search_before_it_is_fitted(tmp_path, assert_same):
    search = GridSearchCV(
        ITQHasher(),
        {"n_bits": [2, 4]},
        scoring=get_scorer("mahp@10", similarity=TaxonomySimilarity("cifar100")),
    )
    save(search, tmp_path / "search")
    assert_same(search, load(tmp_path / "search"))


TARGETS = {
    "taxonomy": TaxonomySimilarity(load_taxonomy("cifar100-wordnet"), measure="leacock_chodorow"),
    "weighted": WeightedSimilarity([(TaxonomySimilarity("cifar100"), 1), (LabelSimilarity(), 0.5)]),
    "mapped": MappedSimilarity(
        EmbeddingSimilarity(), {"bee": [1.0, 0.0], "rose": [0.0, 1.0], "whale": np.ones(2)}
    ),
    "precomputed": PrecomputedSimilarity(
        np.array([[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]]), labels=("bee", "rose", "whale")
    ),
}


@pytest.mark.parametrize("name", TARGETS)
def test_similarity_targets(name, data, tmp_path, assert_same):
    X, _, numbers = data
    y = np.array(["bee", "rose", "whale"])[numbers % 3]
    hasher = SemanticHasher(4, similarity=TARGETS[name], **SMALL).fit(X, y)
    save(hasher, tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert_same(hasher, loaded)
    assert_same(hasher.similarity(y[:9], y[:9]), loaded.similarity(y[:9], y[:9]))
    # the parameter and the fitted attribute are one object, and are written once
    assert loaded.similarity_ is loaded.similarity


def test_an_encoder_that_is_a_method(data, tmp_path):
    texts = ["a dog runs", "the dog runs fast", "a boat at sea", "boats on the sea"]
    lsa = make_pipeline(TfidfVectorizer(), TruncatedSVD(2, random_state=0)).fit(texts)
    target = SentenceSimilarity(lsa.transform)
    target(texts, texts)
    save(target, tmp_path / "target")
    loaded = load(tmp_path / "target")
    assert np.array_equal(loaded(texts, texts), target(texts, texts))


SOURCE = """
from sklearn.base import BaseEstimator
import numpy as np

def same_initial(y_a, y_b):
    return np.array([[float(a[0] == b[0]) for b in y_b] for a in y_a])

class SameLength:
    def __init__(self, scale):
        self.scale = scale

    def __call__(self, y_a, y_b):
        return np.exp(-self.scale * abs(np.char.str_len(y_a)[:, None] - np.char.str_len(y_b)))

class Factories:
    @staticmethod
    def narrow(n_features, n_outputs, width=3):
        import torch
        return torch.nn.Sequential(torch.nn.Linear(n_features, width),
                                   torch.nn.Linear(width, n_outputs))
"""


def test_callables_of_a_module(data, tmp_path, user_module, assert_same):
    from functools import partial

    X, words, _ = data
    name = user_module(SOURCE)
    module = import_module(name)
    hashers = {
        "function": SemanticHasher(4, similarity=module.same_initial, **SMALL),
        "object": SemanticHasher(4, similarity=module.SameLength(0.5), **SMALL),
        "factory": SemanticHasher(4, network=module.Factories.narrow, **SMALL),
        "partial": SemanticHasher(4, network=partial(module.Factories.narrow, width=2), **SMALL),
    }
    for kind, hasher in hashers.items():
        hasher.fit(X, words)
        save(hasher, tmp_path / kind)
        loaded = load(tmp_path / kind, trusted=[name])
        assert_same(hasher.decision_function(X), loaded.decision_function(X))
    assert load(tmp_path / "function", trusted=name).similarity is module.same_initial
    assert load(tmp_path / "object", trusted=[name]).similarity.scale == 0.5
    assert load(tmp_path / "partial", trusted=[name]).network.keywords == {"width": 2}


def test_random_states_are_shared_as_before(tmp_path):
    source = np.random.RandomState(5)
    source.randn(3)
    pipeline = make_pipeline(PCA(2, random_state=source), ITQHasher(random_state=source))
    save(pipeline, tmp_path / "model")
    loaded = load(tmp_path / "model")
    states = [step.random_state for _, step in loaded.steps]
    assert states[0] is states[1]
    assert np.array_equal(states[0].randn(4), source.randn(4))


def test_sparse_attributes(data, tmp_path, assert_same):
    from scipy import sparse

    X, _, numbers = data
    y = sparse.csr_array(np.eye(11, dtype=int)[numbers][:, 7:])
    hasher = SemanticHasher(4, **SMALL, store_codes=True).fit(X, y)
    save(hasher, tmp_path / "model")
    assert_same(hasher.training_labels_, load(tmp_path / "model").training_labels_)


def test_callbacks_are_left_out(data, tmp_path, assert_same):
    callback = pytest.importorskip("sklearn.callback", reason="scikit-learn before 1.9")
    X, words, _ = data
    hasher = SemanticHasher(4, **SMALL)
    plain = clone(hasher).fit(X, words)
    hasher.set_callbacks(callback.ScoringMonitor(scoring=get_scorer("map")))
    hasher.fit(X, words)
    save(hasher, tmp_path / "model")
    assert_same(plain.transform(X), load(tmp_path / "model").transform(X))


@pytest.mark.parametrize("device", ["auto", "cuda", "cuda:0", "cuda:1"])
def test_a_model_from_cuda_encodes_on_the_cpu(device, data, tmp_path, assert_same, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    X, words, _ = data
    hasher = SemanticHasher(4, **SMALL).fit(X, words)
    expected = hasher.transform(X)
    hasher.device, hasher.device_ = device, "cuda" if device == "auto" else device
    save(hasher, tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert (loaded.device, loaded.device_) == (hasher.device, hasher.device_)
    assert_same(expected, loaded.transform(X))


def test_mapped_arrays_lie_in_the_file(data, tmp_path):
    X, words, _ = data
    hasher = ClassCodeHasher(12).fit(X, words)
    save(hasher, tmp_path / "model")
    mapped, own = load(tmp_path / "model", mmap=True), load(tmp_path / "model")
    array = mapped.codebook_
    while not isinstance(array, np.memmap):
        array = array.base
    assert Path(array.filename).samefile(tmp_path / "model" / "arrays.safetensors")
    with pytest.raises(ValueError, match="read-only"):
        mapped.codebook_[0, 0] = 1
    own.codebook_[0, 0] ^= 1
    assert np.array_equal(load(tmp_path / "model").codebook_, hasher.codebook_)


def test_orders_in_memory_are_kept(data, tmp_path, assert_same):
    X, _, _ = data
    hasher = RandomProjectionHasher(6, random_state=0).fit(X)
    hasher.components_ = np.asfortranarray(hasher.components_)
    hasher.mean_ = np.repeat(hasher.mean_, 2)[::2]
    save(hasher, tmp_path / "model")
    for mmap in (False, True):
        loaded = load(tmp_path / "model", mmap=mmap)
        assert loaded.components_.flags.f_contiguous
        assert_same(hasher.components_, loaded.components_)
        assert np.array_equal(hasher.mean_, loaded.mean_)


def test_a_network_of_ours_needs_no_trust(tmp_path):
    """Networks and trainings are plain values of skhash: a model that has them loads as it is."""
    random = np.random.default_rng(0)
    X, y = random.integers(0, 256, (24, 8, 8, 3), dtype=np.uint8), np.repeat(["a", "b", "c"], 8)
    training = Training(augmentation=Augmentation(crop=1), ema_decay=0.9)
    options = {"network": resnet(8, 0.25), "training": training, "max_iter": 1, "random_state": 0}
    hasher = OrthoHasher(8, **options).fit(X, y)
    save(hasher, tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert loaded.network == hasher.network
    assert loaded.training.get_params() == training.get_params()
    np.testing.assert_array_equal(loaded.decision_function(X), hasher.decision_function(X))
