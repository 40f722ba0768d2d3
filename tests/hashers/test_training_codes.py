"""`store_codes`: what every hasher keeps of its training rows for scorers to search."""

import numpy as np
import pytest
from sklearn.base import clone

from skhash import (
    ClassCodeHasher,
    ITQHasher,
    PCAHasher,
    RandomProjectionHasher,
    SemanticHasher,
)
from skhash.metrics import get_scorer, mean_average_hierarchical_precision_score
from skhash.neighbors import unpack_codes
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


def test_scorer_searches_them(data):
    X, y = data
    hasher = ITQHasher(7, random_state=0, store_codes=True).fit(X[:60], y[:60])
    target = LabelSimilarity()
    scorer = get_scorer("mahp@10", similarity=target, database="train")
    expected = mean_average_hierarchical_precision_score(
        hasher.transform(X[60:]), y[60:], hasher.transform(X[:60]), y[:60], similarity=target, k=10
    )
    assert scorer(hasher, X[60:], y[60:]) == pytest.approx(expected)
