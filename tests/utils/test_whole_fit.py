"""A fit that fails or is interrupted leaves an estimator as it was: those that are no hashers."""

import importlib
import inspect
import itertools
import pickle
import pkgutil

import joblib
import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from torch import nn

import skhash
from skhash import CCAITQHasher, CSQHasher, HashRetriever, KLBinaryHasher, OrthoHasher, PCAHasher
from skhash.encoders import BaseEncoder
from skhash.feature_extraction import ImageFeatures
from skhash.hashers import SemanticHasher
from skhash.neighbors import HammingNeighbors
from skhash.networks import Training
from skhash.utils._checks._shared import Stop, call_raising, lines_to_stop_at
from skhash.utils._whole_fit import WholeFit

SMALL = {"hidden_layer_sizes": (8,), "batch_size": 16, "max_iter": 3, "random_state": 0}


def rows(n, n_features, n_classes, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % n_classes
    return rng.normal(size=(n, n_features)) + 2 * y[:, np.newaxis], y


def estimators_with_fit():
    modules = pkgutil.walk_packages(skhash.__path__, "skhash.")
    for module in [importlib.import_module(found.name) for found in modules]:
        for name, member in inspect.getmembers(module, inspect.isclass):
            own = member.__module__ == module.__name__ and issubclass(member, BaseEstimator)
            if own and hasattr(member, "fit") and not name.startswith("_"):
                yield member


def test_every_estimator_has_it():
    found = set(estimators_with_fit())
    assert {HashRetriever, HammingNeighbors, ImageFeatures, KLBinaryHasher, PCAHasher} <= found
    assert [make.__name__ for make in found if not issubclass(make, WholeFit)] == []


def flat(n_pixels):
    return nn.Sequential(nn.Flatten(), nn.Linear(n_pixels, 3))


def bits(n, n_bits, seed=0):
    return np.random.default_rng(seed).integers(2, size=(n, n_bits), dtype=np.uint8)


def images(n, side):
    return list(np.random.default_rng(0).integers(256, size=(n, side, side, 3), dtype=np.uint8))


# an estimator, the method that ends early, two sets of its arguments, and what tells of a state
CASES = {
    "retriever": (
        HashRetriever(CCAITQHasher(n_bits=6, random_state=0)),
        "fit",
        [rows(40, 6, 3), rows(50, 4, 5)],
        lambda made, X, y: (made.kneighbors(X), made.predict(X), made.classes_.tolist()),
    ),
    "exact neighbours": (
        HammingNeighbors(n_neighbors=2),
        "fit",
        [(bits(30, 16),), (bits(40, 11, seed=1),)],
        lambda made, X: made.kneighbors(X),
    ),
    "neighbours by an index": (
        HammingNeighbors(n_neighbors=2, algorithm="hnsw", random_state=0),
        "fit",
        [(bits(30, 16),), (bits(40, 24, seed=1),)],
        lambda made, X: made.kneighbors(X),
    ),
    "image features": (
        ImageFeatures(flat(48), image_size=4, device="cpu"),
        "fit",
        [(images(3, 4),), (images(2, 6),)],
        lambda made, X: (made.transform(X), made.n_features_out_),
    ),
    "another chunk": (
        KLBinaryHasher(n_bits=6, **SMALL),
        "partial_fit",
        [rows(40, 6, 3), rows(40, 6, 3, seed=1)],
        lambda made, X, y: (made.decision_function(X), made.loss_curve_),
    ),
    "warm start": (
        CSQHasher(n_bits=6, warm_start=True, **SMALL),
        "fit",
        [rows(40, 6, 3), rows(40, 6, 3, seed=1)],
        lambda made, X, y: (made.decision_function(X), made.predict(X), made.loss_curve_),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_last_fit_stays(case):
    made, name, (first, second), look = CASES[case]
    method = getattr(made, name)
    method(*first)
    before, seen = dict(vars(made)), joblib.hash(look(made, *first))
    again = pickle.loads(pickle.dumps(made))
    lines = lines_to_stop_at(call_raising(getattr(again, name), *second))
    for line in lines:
        with pytest.raises(Stop):
            call_raising(method, *second, line=line)
        assert same_attributes(vars(made), before), line
        assert joblib.hash(look(made, *first)) == seen, line
    # what was tried and failed changes nothing of what comes next
    method(*second)
    assert joblib.hash(look(made, *second)) == joblib.hash(look(again, *second))


def same_attributes(one, other):
    return one.keys() == other.keys() and all(one[name] is other[name] for name in one)


@pytest.mark.parametrize("make", [HashRetriever, KLBinaryHasher, OrthoHasher])
def test_first_fit_leaves_nothing(make):
    X, y = rows(40, 6, 3)
    made = make(PCAHasher(n_bits=4)) if make is HashRetriever else make(4, **SMALL)
    n_lines = call_raising(made.fit, X, y)
    made = type(made)(**made.get_params(deep=False))
    for line in lines_to_stop_at(n_lines):
        with pytest.raises(Stop):
            call_raising(made.fit, X, y, line=line)
        with pytest.raises(NotFittedError):
            made.kneighbors(X) if make is HashRetriever else made.transform(X)
        assert vars(made) == made.get_params(deep=False)


def test_bad_input_leaves_the_last_fit():
    X, y = rows(40, 6, 3)
    hasher = CCAITQHasher(n_bits=4, random_state=0).fit(X, y)
    before = joblib.hash(hasher)
    with pytest.raises(ValueError, match="2 classes or more"):
        hasher.fit(X[:, :4], np.zeros(40))
    assert joblib.hash(hasher) == before


class Diverging(BaseEncoder):
    """A loss that is not a number from a step on."""

    def __init__(self, at=None):
        self.at = at

    def loss(self, outputs, similarity):
        loss = (outputs.tanh() @ outputs.tanh().T / 6 - similarity).square().mean()
        bad = self.at is not None and next(self.steps) >= self.at
        return loss * (np.nan if bad else 1)

    def __sklearn_clone__(self):
        # the hasher trains a clone, which starts to count
        new = Diverging(self.at)
        new.steps = itertools.count()
        return new


@pytest.mark.parametrize("at", [0, 5])
def test_loss_that_is_not_a_number(at):
    X, y = rows(40, 6, 3)
    hasher = SemanticHasher(6, encoder=Diverging(), **SMALL).fit(X, y)
    values = hasher.decision_function(X)
    hasher.set_params(encoder=Diverging(at))
    before = dict(vars(hasher))
    with pytest.raises(FloatingPointError):
        hasher.fit(*rows(60, 4, 5))
    assert same_attributes(vars(hasher), before)
    assert np.array_equal(hasher.decision_function(X), values)


class Counted(CSQHasher):
    """Sets an attribute of its own at the end of its fit."""

    def fit(self, X, y):
        """As the hasher."""
        super().fit(X, y)
        self.class_counts_ = np.unique(y, return_counts=True)[1]
        return self


def test_hashers_of_ones_own():
    """An interrupt after an epoch leaves the best state, unless a subclass has more to set."""

    class Interrupting:
        def __init__(self, at):
            self.left = at

        def __call__(self, images, generator):
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
            return images

    X = np.random.default_rng(0).integers(256, size=(40, 6, 6, 1), dtype=np.uint8)
    y = np.arange(40) % 2
    for make, n_epochs in ((CSQHasher, 2), (Counted, None)):
        options = {"network": skhash.networks.resnet(8, 0.25), **SMALL, "device": "cpu"}
        hasher = make(4, training=Training(augmentation=Interrupting(8)), **options)
        with pytest.warns(match="after epoch 2"), pytest.raises(KeyboardInterrupt):
            hasher.fit(X, y)
        assert getattr(hasher, "n_iter_", None) == n_epochs


def test_signature_and_documentation():
    assert list(inspect.signature(HammingNeighbors.fit).parameters)[-2:] == ["ids", "vectors"]
    assert "partial_fit" in KLBinaryHasher.partial_fit.__qualname__
    assert PCAHasher.fit.__doc__.lstrip().startswith("Find the principal")
    assert HammingNeighbors().set_fit_request is not None
