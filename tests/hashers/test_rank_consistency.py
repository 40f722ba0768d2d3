"""RankConsistencyHasher: what its codes order, and from which similarity."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.datasets import load_digits, make_multilabel_classification

from skhash import RankConsistencyHasher
from skhash.metrics import (
    mean_average_hierarchical_precision_score,
    mean_average_precision_score,
    ndcg_score,
)
from skhash.similarity import LabelSimilarity, MultilabelSimilarity

SHORT = {
    "hidden_layer_sizes": (64,),
    "max_iter": 10,
    "learning_rate": 1e-2,
    "device": "cpu",
    "random_state": 0,
}


@pytest.fixture(scope="module")
def labelled():
    X, y = make_multilabel_classification(
        1000, n_classes=6, n_labels=2, allow_unlabeled=False, random_state=0
    )
    return X, y.astype(np.uint8)


@pytest.fixture(scope="module")
def fitted(labelled):
    X, y = labelled
    return RankConsistencyHasher(n_bits=16, **SHORT).fit(X[:800], y[:800])


def graded(codes, y):
    return ndcg_score(codes[800:], y[800:], codes[:800], y[:800], similarity=MultilabelSimilarity())


def test_order_of_codes_follows_the_overlap_of_labels(fitted, labelled):
    X, y = labelled
    codes = fitted.transform(X)
    coins = np.random.default_rng(0).integers(0, 2, codes.shape, dtype=np.uint8)
    # coins reach .79: most pairs share a label
    assert graded(codes, y) > graded(coins, y) + 0.03
    # also among the pairs that share a label, which equality of labels would not tell apart
    similarity = MultilabelSimilarity("cosine")(y[800:], y[:800])
    distances = (codes[800:, None] != codes[None, :800]).sum(axis=2)
    relevant = similarity > 0
    assert spearmanr(distances[relevant], similarity[relevant])[0] < -0.1


def test_auto_is_the_cosine_of_indicators(fitted, labelled):
    X, y = labelled
    assert fitted.similarity_.measure == "cosine"
    assert fitted.class_similarity_ is None
    given = RankConsistencyHasher(n_bits=16, similarity=MultilabelSimilarity("cosine"), **SHORT)
    np.testing.assert_array_equal(
        given.fit(X[:800], y[:800]).decision_function(X), fitted.decision_function(X)
    )


def test_classes():
    X, y = load_digits(return_X_y=True)
    hasher = RankConsistencyHasher(n_bits=16, **SHORT).fit(X[:1300], y[:1300])
    assert isinstance(hasher.similarity_, LabelSimilarity)
    np.testing.assert_array_equal(hasher.class_similarity_, np.eye(10))
    query, database = hasher.transform(X[1300:]), hasher.transform(X[:1300])
    assert mean_average_precision_score(query, y[1300:], database, y[:1300]) > 0.8


def test_similarity_of_classes_decides_the_order_beyond_the_class():
    """Digits that are near as numbers get near codes when that is what similar means."""

    def numbers(a, b):
        return 1 - np.abs(np.subtract.outer(np.asarray(a, float), np.asarray(b, float))) / 9

    X, y = load_digits(return_X_y=True)
    scores = {}
    for name, target in {"numbers": numbers, "equality": "auto"}.items():
        hasher = RankConsistencyHasher(n_bits=16, similarity=target, **SHORT)
        codes = hasher.fit(X[:1300], y[:1300]).transform(X)
        scores[name] = mean_average_hierarchical_precision_score(
            codes[1300:], y[1300:], codes[:1300], y[:1300], k=600, similarity=numbers
        )
    assert scores["numbers"] > scores["equality"] + 0.05


def test_terms_of_weight_zero_are_left_out(labelled):
    X, y = labelled
    others = {f"{name}_weight": 0 for name in ("classification", "clustering", "quantization")}
    hasher = RankConsistencyHasher(n_bits=8, **others, **SHORT).fit(X, y)
    assert set(hasher.loss_terms_) == {"rank"}
    assert hasher.objective_state_ == {}
    with pytest.raises(ValueError, match="one must be above 0"):
        RankConsistencyHasher(n_bits=8, rank_weight=0, **others, **SHORT).fit(X, y)


def test_quantization_weight_draws_values_to_the_corners(labelled):
    X, y = labelled
    rounding = []
    for weight in (0, 1.0):
        hasher = RankConsistencyHasher(n_bits=8, quantization_weight=weight, **SHORT).fit(X, y)
        rounding.append((1 - np.abs(np.tanh(hasher.decision_function(X)))).mean())
    assert rounding[1] < 0.7 * rounding[0]


@pytest.mark.parametrize(
    ("name", "value"), [("sharpness", 0), ("n_comparisons", 0), ("rank_weight", -1)]
)
def test_parameters_out_of_range(labelled, name, value):
    X, y = labelled
    with pytest.raises(ValueError, match=name):
        RankConsistencyHasher(**{name: value}).fit(X, y)
