"""OrthoHasher: codes of samples near those of their classes, on real data."""

import math
import pickle

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array
from scipy.stats import spearmanr
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skhash import OrthoHasher
from skhash.codebooks import codebook_rank_correlation
from skhash.datasets import load_cifar100_features
from skhash.metrics import mean_average_hierarchical_precision_score, mean_average_precision_score
from skhash.similarity import TaxonomySimilarity, load_taxonomy

QUICK = {
    "hidden_layer_sizes": (64,),
    "batch_size": 32,
    "max_iter": 15,
    "random_state": 0,
    "device": "cpu",
}


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:1200], y[:1200], X[1200:], y[1200:]


@pytest.fixture(scope="module")
def fitted(digits):
    return OrthoHasher(n_bits=32, **QUICK).fit(*digits[:2])


def test_codes_are_near_those_of_their_class(digits, fitted):
    X, y = digits[2:]
    distances = (fitted.transform(X)[:, np.newaxis] != fitted.codebook_).sum(axis=2)
    own = distances[np.arange(len(y)), y]
    others = distances[y[:, np.newaxis] != np.arange(10)].reshape(len(y), 9)
    assert own.mean() < 5
    assert others.min(axis=1).mean() > 9


def test_predicts_like_a_classifier(digits, fitted):
    X_train, y_train, X, y = digits
    accuracy = np.mean(fitted.predict(X) == y)
    neighbors = KNeighborsClassifier(5).fit(X_train, y_train).score(X, y)
    assert accuracy > neighbors - 0.07
    nearest = (fitted.transform(X)[:, np.newaxis] != fitted.codebook_).sum(axis=2).argmin(axis=1)
    assert np.mean(nearest == fitted.predict(X)) > 0.95


def test_predict_answers_in_the_users_labels(digits, fitted):
    X_train, y_train, X, _ = digits
    names = np.array(["nul", "een", "twee", "drie", "vier", "vijf", "zes", "zeven", "acht", "n"])
    named = OrthoHasher(n_bits=32, **QUICK).fit(X_train, names[y_train])
    predicted = named.predict(X)
    assert predicted.dtype.kind == "U"
    assert np.mean(predicted == names[fitted.predict(X)]) > 0.9


def test_bits_are_balanced_on_the_training_data(digits, fitted):
    values = fitted.decision_function(digits[0])
    assert np.abs(values.mean(axis=0)).max() < 1e-4
    assert values.std(axis=0) == pytest.approx(1, abs=1e-3)


def test_recenter_balances_another_domain(digits):
    X_train, y_train, X, y = digits
    hasher = OrthoHasher(n_bits=32, **QUICK).fit(X_train, y_train)
    shifted = 0.6 * X + np.linspace(0, 12, X.shape[1])

    def balance_and_precision():
        codes = hasher.transform(shifted)
        mean = mean_average_precision_score(codes, y, exclude_self=True)
        return np.abs(codes.mean(axis=0) - 0.5).mean(), mean

    before = balance_and_precision()
    first_state = hasher.network_state_
    assert hasher.recenter(shifted) is hasher
    after = balance_and_precision()
    assert after[0] < before[0] / 2
    assert after[1] > before[1]
    values = hasher.decision_function(shifted)
    assert np.abs(values.mean(axis=0)).max() < 1e-3
    # back again: nothing is lost by it
    hasher.recenter(X_train)
    for name, value in first_state.items():
        np.testing.assert_allclose(hasher.network_state_[name], value, rtol=1e-3, atol=1e-3)


def test_recenter_refuses_bad_input(digits, fitted):
    hasher = pickle.loads(pickle.dumps(fitted))
    with pytest.raises(ValueError, match="features"):
        hasher.recenter(digits[0][:, :5])
    with pytest.raises(ValueError, match="minimum of 2"):
        hasher.recenter(digits[0][:1])


def test_scale_comes_from_the_number_of_classes(digits, fitted):
    assert fitted.scale_ == pytest.approx(math.sqrt(2) * math.log(9))
    X, y = digits[:2]
    two = OrthoHasher(n_bits=8, **QUICK).fit(X, y > 4)
    assert two.scale_ == pytest.approx(math.sqrt(2) * math.log(3))
    assert np.mean(two.predict(X) == (y > 4)) > 0.9
    assert OrthoHasher(n_bits=8, scale=8, **QUICK).fit(X, y).scale_ == 8


@pytest.mark.parametrize("codebook", ["bernoulli", "hadamard", "balanced", "semantic"])
def test_every_codebook_trains(digits, codebook):
    X_train, y_train, X, y = digits
    hasher = OrthoHasher(n_bits=16, codebook=codebook, **QUICK).fit(X_train, y_train)
    assert hasher.codebook_.shape == (10, 16)
    assert np.mean(hasher.predict(X) == y) > 0.85


def test_a_given_codebook_is_kept(digits):
    X, y = digits[:2]
    codes = np.random.default_rng(3).integers(2, size=(10, 24))
    hasher = OrthoHasher(n_bits=24, codebook=codes, **QUICK).fit(X, y)
    np.testing.assert_array_equal(hasher.codebook_, codes)
    with pytest.raises(ValueError, match="codebook"):
        OrthoHasher(n_bits=24, codebook=codes[:9], **QUICK).fit(X, y)


def test_semantic_codes_carry_the_tree():
    cifar = load_cifar100_features()
    X, names = cifar.data, cifar.target_names[cifar.target]
    train, query = cifar.train_indices, cifar.query_indices
    target = TaxonomySimilarity(load_taxonomy("cifar100"))
    options = {**QUICK, "hidden_layer_sizes": (256,), "max_iter": 10, "batch_size": 128}
    scores = {}
    for codebook in ("maxhd", "semantic"):
        hasher = OrthoHasher(64, codebook=codebook, similarity=target, **options)
        hasher.fit(X[train], names[train])
        distances = (hasher.codebook_[:, None] != hasher.codebook_).sum(axis=2)
        pairs = np.triu_indices(100, 1)
        expected = spearmanr(distances[pairs], 1 - hasher.class_similarity_[pairs]).statistic
        assert hasher.codebook_rank_correlation_ == pytest.approx(expected)
        scores[codebook] = mean_average_hierarchical_precision_score(
            hasher.transform(X[query]), names[query], k=100, similarity=target, exclude_self=True
        )
        if codebook == "semantic":
            assert hasher.codebook_rank_correlation_ > 0.8
    assert scores["semantic"] > scores["maxhd"] + 0.1


@pytest.fixture(scope="module")
def several_labels(digits):
    """Digits by what they are made of: strokes that several share."""
    strokes = np.zeros((10, 4), dtype=int)
    strokes[[0, 6, 8, 9], 0] = 1  # a closed loop
    strokes[[1, 4, 7], 1] = 1  # straight lines only
    strokes[[2, 3, 5, 6, 9], 2] = 1  # an open curve
    strokes[[1, 4, 7, 9], 3] = 1  # a stem
    X_train, y_train, X, y = digits
    return X_train, strokes[y_train], X, strokes[y]


def test_multilabel(several_labels):
    X_train, Y_train, X, Y = several_labels
    hasher = OrthoHasher(n_bits=32, **QUICK).fit(X_train, Y_train)
    np.testing.assert_array_equal(hasher.classes_, np.arange(4))
    predicted = hasher.predict(X)
    assert predicted.shape == Y.shape
    assert set(np.unique(predicted)) == {0, 1}
    # more than the first label of each: 0.45 of the samples have several
    several = Y.sum(axis=1) > 1
    assert np.mean((predicted == Y)[several]) > 0.85
    assert np.mean((predicted == Y).all(axis=1)) > 0.75
    from_sparse = OrthoHasher(n_bits=32, **QUICK).fit(X_train, csr_array(Y_train))
    np.testing.assert_array_equal(from_sparse.transform(X), hasher.transform(X))


def test_labels_that_come_together_get_near_codes(several_labels):
    X, Y = several_labels[:2]
    hasher = OrthoHasher(n_bits=64, codebook="semantic", **QUICK).fit(X, Y)
    together = (Y.T @ Y).astype(float)
    count = np.diagonal(together)
    expected = together / (count[:, None] + count - together)
    np.testing.assert_allclose(hasher.class_similarity_, expected)
    distances = (hasher.codebook_[:, None] != hasher.codebook_).sum(axis=2)
    # lines and stem are nearly the same digits, lines and loop never are
    assert distances[1, 3] < distances[1, 0]
    assert hasher.codebook_rank_correlation_ == codebook_rank_correlation(
        hasher.codebook_, expected
    )


def test_zeros_are_zeros(digits, fitted):
    """A value of exactly 0 is a bit of 0: codes are never ternary."""
    hasher = pickle.loads(pickle.dumps(fitted))
    state = hasher.network_state_
    last = max((name for name in state if name.endswith("weight")), key=lambda name: int(name[0]))
    state[last] = np.zeros_like(state[last])
    state["bit_norm.running_mean"] = np.zeros_like(state["bit_norm.running_mean"])
    codes = hasher.transform(digits[0])
    assert codes.dtype == np.uint8
    assert not codes.any()


def test_works_in_search_and_pipelines(digits):
    X, y = digits[0][:400], digits[1][:400]
    options = {**QUICK, "hidden_layer_sizes": (16,), "batch_size": 16, "max_iter": 8}
    hasher = OrthoHasher(n_bits=16, **options)
    search = GridSearchCV(hasher, {"margin": [0.0, 0.2]}, cv=2).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    pipeline = make_pipeline(StandardScaler(), hasher)
    scores = cross_val_score(pipeline, X, y, scoring="accuracy", cv=2)
    assert (scores > 0.5).all()


def test_warm_start_keeps_the_codebook(digits):
    X, y = digits[:2]
    hasher = OrthoHasher(n_bits=16, warm_start=True, **{**QUICK, "random_state": None}).fit(X, y)
    codebook, loss = hasher.codebook_, hasher.loss_curve_[-1]
    hasher.fit(X, y)
    np.testing.assert_array_equal(hasher.codebook_, codebook)
    assert hasher.loss_curve_[0] < 1.5 * loss
    with pytest.raises(ValueError, match="warm_start"):
        hasher.fit(X[y < 5], y[y < 5])


def test_a_network_of_ones_own(digits):
    hasher = OrthoHasher(n_bits=16, network=torch.nn.Linear, **QUICK).fit(*digits[:2])
    assert np.mean(hasher.predict(digits[2]) == digits[3]) > 0.8


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.zeros(20), "2 classes or more"),
        (np.random.default_rng(0).normal(size=(20, 3)), "rows of real numbers"),
        (np.zeros((20, 3), dtype=int), "at least one row with a label"),
    ],
)
def test_refuses_labels_without_classes(y, message):
    with pytest.raises(ValueError, match=message):
        OrthoHasher(n_bits=8, **QUICK).fit(np.random.default_rng(0).normal(size=(20, 4)), y)


def test_refuses_a_hadamard_matrix_that_does_not_exist(digits):
    with pytest.raises(ValueError, match=r"[Hh]adamard"):
        OrthoHasher(n_bits=24, codebook="hadamard", **QUICK).fit(*digits[:2])
