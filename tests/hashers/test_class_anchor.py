"""ClassAnchorHasher: its anchors, its codes and the classes it predicts."""

import numpy as np
import pytest
from sklearn.datasets import load_digits, make_multilabel_classification
from sklearn.exceptions import NotFittedError
from sklearn.metrics import pairwise_distances

from skhash import ClassAnchorHasher
from skhash.metrics import mean_average_precision_score

SHORT = {
    "hidden_layer_sizes": (64,),
    "max_iter": 20,
    "learning_rate": 1e-2,
    "device": "cpu",
    "random_state": 0,
}


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X, np.array([f"digit {k}" for k in y])


@pytest.fixture(scope="module")
def fitted(digits):
    X, y = digits
    return ClassAnchorHasher(n_bits=16, **SHORT).fit(X[:1300], y[:1300])


def test_codes_keep_classes_together(fitted, digits):
    X, y = digits
    query, database = fitted.transform(X[1300:]), fitted.transform(X[:1300])
    assert mean_average_precision_score(query, y[1300:], database, y[:1300]) > 0.8


def test_prediction_is_the_nearest_anchor(fitted, digits):
    X, y = digits
    values = np.tanh(fitted.decision_function(X[1300:]))
    nearest = pairwise_distances(values, fitted.anchors_).argmin(axis=1)
    np.testing.assert_array_equal(fitted.predict(X[1300:]), fitted.classes_[nearest])
    assert np.mean(fitted.predict(X[1300:]) == y[1300:]) > 0.9


def test_samples_lie_at_their_anchors(fitted, digits):
    """The code of most samples is that of the anchor, rounded."""
    X, y = digits
    anchor_codes = (fitted.anchors_ > 0).astype(np.uint8)
    own = anchor_codes[np.searchsorted(fitted.classes_, y[:1300])]
    assert (fitted.transform(X[:1300]) != own).mean() < 0.1


def test_anchors_keep_apart_and_long(fitted):
    """Ten anchors can lie at ten corners that differ in half of the bits."""
    assert fitted.margin_ == pytest.approx(8**0.5)
    assert fitted.minimum_norm_ == 4
    start = ClassAnchorHasher(n_bits=16, **{**SHORT, "max_iter": 1, "learning_rate": 1e-12})
    X, y = load_digits(return_X_y=True)
    start.fit(X, y)
    assert nearest_pair(fitted.anchors_) > nearest_pair(start.anchors_) + 0.5
    lengths = np.linalg.norm(fitted.anchors_, axis=1)
    assert (lengths > np.linalg.norm(start.anchors_, axis=1)).all()
    assert np.abs(fitted.anchors_).max() <= 1


def nearest_pair(anchors):
    distances = pairwise_distances(anchors)
    return distances[np.triu_indices(len(anchors), 1)].min()


def test_margin_decides_how_far_anchors_are(digits):
    X, y = digits
    small, large = (
        ClassAnchorHasher(n_bits=8, margin=margin, minimum_norm=0, **SHORT).fit(X, y)
        for margin in (0.1, 2.0)
    )
    assert nearest_pair(small.anchors_) + 0.3 < nearest_pair(large.anchors_)


def test_anchors_are_what_training_left(fitted):
    np.testing.assert_array_equal(fitted.anchors_, np.tanh(fitted.objective_state_["anchors"]))
    assert fitted.anchors_.dtype == np.float32
    assert set(fitted.loss_terms_) == {"attraction", "repulsion", "minimum_norm"}
    total = sum(np.array(term) for term in fitted.loss_terms_.values())
    np.testing.assert_allclose(fitted.loss_curve_, total, rtol=1e-6)


def test_multilabel():
    X, y = make_multilabel_classification(
        1000, n_classes=6, n_labels=2, allow_unlabeled=True, random_state=0
    )
    assert not y.any(axis=1).all()
    hasher = ClassAnchorHasher(n_bits=16, **SHORT).fit(X[:800], y[:800])
    assert hasher.anchors_.shape == (6, 16)
    labelled = y.any(axis=1)
    query, database = (np.flatnonzero(labelled[part]) + part.start for part in PARTS)
    codes = hasher.transform(X)
    learned = mean_average_precision_score(codes[query], y[query], codes[database], y[database])
    coins = np.random.default_rng(0).integers(0, 2, codes.shape, dtype=np.uint8)
    chance = mean_average_precision_score(coins[query], y[query], coins[database], y[database])
    assert learned > chance + 0.1
    assert not hasattr(hasher, "predict")


PARTS = slice(800, 1000), slice(0, 800)


def test_prediction_before_fit():
    with pytest.raises(NotFittedError):
        ClassAnchorHasher().predict([[0.0]])


@pytest.mark.parametrize(("name", "value"), [("margin", 0), ("margin", -1), ("minimum_norm", -1)])
def test_parameters_out_of_range(digits, name, value):
    X, y = digits
    with pytest.raises(ValueError, match=name):
        ClassAnchorHasher(**{name: value}).fit(X, y)
