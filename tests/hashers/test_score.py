"""The score of every hasher: how similar the nearest neighbours of each row are."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skhash import (
    CCAITQHasher,
    HashRetriever,
    OrthoHasher,
    PCAHasher,
    RandomProjectionHasher,
    SemanticHasher,
    hashers,
)
from skhash.metrics import get_scorer
from skhash.similarity import PrecomputedSimilarity, TaxonomySimilarity

SMALL = {"hidden_layer_sizes": (8,), "max_iter": 3, "batch_size": 32, "device": "cpu"}
HASHERS = [getattr(hashers, name) for name in hashers.__all__ if name != "HashRetriever"]
NAMES = np.array(["bee", "beetle", "crab", "rose", "tulip"])


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(0)
    y = np.arange(120) % len(NAMES)
    centres = random.normal(size=(len(NAMES), 6))
    return (centres[y] + random.normal(size=(120, 6))).astype(np.float32), NAMES[y]


class Given(RandomProjectionHasher):
    """Codes are the rows of X themselves."""

    def fit(self, X, y=None):
        self._validate(X, reset=True)
        self.n_bits_ = self.n_features_in_
        self.similarity_ = self.similarity
        return self

    def _bit_values(self, X, dtype):
        return X.astype(dtype)


def test_value_by_hand():
    """HP@1, HP@2, HP@3 of four rows, each among the three others."""
    codes = [[0.0, 0.0, 0.0], [0, 0, 1], [0, 1, 1], [1, 1, 1]]
    y = ["cat", "dog", "cat", "dog"]
    hasher = Given()
    hasher.similarity = PrecomputedSimilarity([[1, 0.5], [0.5, 1]], ["cat", "dog"])
    # similarities in the order of distance, and the best order; rows 1 and 2 have ties
    first = (0.5 / 1 + 1.5 / 1.5 + 2 / 2) / 3
    second = (0.5 / 1 + 1 / 1.5 + 2 / 2) / 3
    expected = (first + second + second + first) / 4
    assert hasher.fit(codes).score(codes, y) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("make", HASHERS, ids=lambda make: make.__name__)
def test_every_hasher_has_the_score_of_the_scorer(data, make):
    X, y = data
    known = make().get_params()
    hasher = make(n_bits=4).set_params(**{k: v for k, v in SMALL.items() if k in known})
    if "random_state" in known:
        hasher.set_params(random_state=0)
    hasher.fit(X[:80], y[:80])
    similarity = getattr(hasher, "similarity_", "auto")
    expected = get_scorer("mahp@39", similarity=similarity)(hasher, X[80:], y[80:])
    assert hasher.score(X[80:], y[80:]) == expected
    assert 0 < expected < 1


def test_graded_by_what_was_learned(data):
    X, y = data
    target = TaxonomySimilarity("cifar100-coarse")
    hasher = SemanticHasher(8, similarity=target, random_state=0, **SMALL).fit(X, y)
    graded = hasher.score(X, y)
    assert graded == get_scorer("mahp@119", similarity=target)(hasher, X, y)
    assert graded != get_scorer("mahp@119", similarity="auto")(hasher, X, y)


@pytest.mark.parametrize("hasher", [SemanticHasher(8, random_state=0, **SMALL), PCAHasher(4)])
def test_plain_grid_search(data, hasher):
    X, y = data
    search = GridSearchCV(hasher, {"n_bits": [1, 6]}, cv=3).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    # one bit tells five classes apart no further than into two
    assert search.best_params_ == {"n_bits": 6}


def test_in_a_pipeline(data):
    X, y = data
    pipeline = make_pipeline(StandardScaler(), PCAHasher(4)).fit(X, y)
    Z = pipeline[0].transform(X)
    assert pipeline.score(X, y) == pipeline[-1].score(Z, y)


@pytest.mark.parametrize(
    "make", [lambda: SemanticHasher(8, **SMALL), lambda: OrthoHasher(8, **SMALL), CCAITQHasher]
)
def test_sets_of_labels(data, make):
    X, y = data
    Y = np.stack([y == "bee", (y == "bee") | (y == "crab"), y > "c"], axis=1).astype(int)
    hasher = make().set_params(random_state=0).fit(X, Y)
    score = hasher.score(X, Y)
    assert 0 < score < 1
    assert hasher.score(X, csr_array(Y)) == score


def test_rows_of_real_numbers(data):
    X, _ = data
    assert 0.5 < SemanticHasher(8, random_state=0, **SMALL).fit(X, X[:, :2]).score(X, X[:, :2]) < 1


def test_refused(data):
    X, y = data
    hasher = PCAHasher(4).fit(X)
    with pytest.raises(ValueError, match="X must have two rows or more to be searched, got 1"):
        hasher.score(X[:1], y[:1])
    with pytest.raises(ValueError, match="needs y"):
        hasher.score(X, None)


def test_a_retriever_is_a_classifier_all_the_same(data):
    X, y = data
    retriever = HashRetriever(PCAHasher(4)).fit(X[:80], y[:80])
    assert retriever.score(X[80:], y[80:]) == np.mean(retriever.predict(X[80:]) == y[80:])
