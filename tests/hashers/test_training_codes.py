"""`store_codes`: what every hasher keeps of its training rows for scorers to search."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone

from skhash import (
    ClassCodeHasher,
    ITQHasher,
    PCAHasher,
    RandomProjectionHasher,
    SemanticHasher,
    load,
    save,
)
from skhash.metrics import (
    get_scorer,
    mean_average_hierarchical_precision_score,
    mean_average_precision_score,
)
from skhash.neighbors import unpack_codes
from skhash.networks import resnet
from skhash.similarity import LabelSimilarity

HASHERS = [
    ClassCodeHasher(11, random_state=0),
    ITQHasher(7, random_state=0),
    PCAHasher(7),
    RandomProjectionHasher(11, random_state=0),
    SemanticHasher(11, hidden_layer_sizes=(8,), max_iter=3, device="cpu", random_state=0),
]


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(0)
    labels = np.array(["ant", "bee", "cat"])[np.arange(90) % 3]
    return random.normal(size=(90, 8)) + 2 * (np.arange(90) % 3)[:, None], labels


@pytest.mark.parametrize("hasher", HASHERS, ids=lambda h: type(h).__name__)
def test_codes_and_labels_of_the_training_rows(hasher, data):
    X, y = data
    hasher = clone(hasher).set_params(store_codes=True).fit(X, y)
    np.testing.assert_array_equal(
        unpack_codes(hasher.training_codes_, hasher.n_bits_), hasher.transform(X)
    )
    np.testing.assert_array_equal(hasher.training_labels_, y)
    hasher.set_params(store_codes=False).fit(X, y)
    assert not hasattr(hasher, "training_codes_")
    assert not hasattr(hasher, "training_labels_")
    assert not hasattr(hasher, "training_keys_")


def test_scorer_searches_them(data):
    X, y = data
    hasher = ITQHasher(7, random_state=0, store_codes=True).fit(X[:60], y[:60])
    target = LabelSimilarity()
    scorer = get_scorer("mahp@10", similarity=target, database="train")
    expected = mean_average_hierarchical_precision_score(
        hasher.transform(X[60:]), y[60:], hasher.transform(X[:60]), y[:60], similarity=target, k=10
    )
    assert scorer(hasher, X[60:], y[60:]) == pytest.approx(expected)


@pytest.mark.parametrize("hasher", HASHERS, ids=lambda h: type(h).__name__)
def test_scorer_knows_them_again_after_save(hasher, data, tmp_path):
    X, y = data
    hasher = clone(hasher).set_params(store_codes=True).fit(X[:60], y[:60])
    save(hasher, tmp_path / "model")
    loaded = load(tmp_path / "model")
    scorer = get_scorer("map", database="train")
    rows = np.random.default_rng(1).permutation(60)[:25]
    codes = hasher.transform(X[:60])
    apart = mean_average_precision_score(hasher.transform(X[60:]), y[60:], codes, y[:60])
    assert scorer(loaded, X[60:], y[60:]) == pytest.approx(apart)
    expected = mean_average_precision_score(codes[rows], y[rows], codes, y[:60], exclude_self=rows)
    assert scorer(loaded, X[rows], y[rows]) == pytest.approx(expected)
    assert scorer(loaded, X[rows].tolist(), y[rows].tolist()) == pytest.approx(expected)


def test_scorer_knows_sparse_rows_and_images(data):
    X, y = data
    X = csr_array(np.where(X > 1, X, 0))
    hasher = RandomProjectionHasher(11, random_state=0, store_codes=True).fit(X, y)
    scorer = get_scorer("map", database="train")
    leave_one_out = get_scorer("map")
    order = np.random.default_rng(1).permutation(90)
    for rows in (X[order], X[order].toarray()):
        assert scorer(hasher, rows, y[order]) == pytest.approx(leave_one_out(hasher, X, y))
    images = np.random.default_rng(0).integers(256, size=(24, 8, 8, 3), dtype=np.uint8)
    hasher = SemanticHasher(
        6, network=resnet(8, 0.25), max_iter=1, device="cpu", random_state=0, store_codes=True
    ).fit(images, y[:24])
    assert scorer(hasher, images[::-1], y[:24][::-1]) == pytest.approx(
        leave_one_out(hasher, images, y[:24])
    )
    assert scorer(hasher, 255 - images, y[:24]) != scorer(hasher, images, y[:24])
