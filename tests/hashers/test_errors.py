"""What is wrong with a network, an estimator or a function of the user's is said by its name."""

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans
from sklearn.linear_model import LinearRegression, RidgeClassifier
from torch import nn

from skhash import ClassCodeHasher, CSQHasher, KLBinaryHasher, SemanticHasher, hashers
from skhash.networks import resnet

GRADIENT = [
    hasher
    for hasher in (getattr(hashers, name) for name in hashers.__all__ if name != "HashRetriever")
    if "learning_rate" in hasher._get_param_names()
]
X = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
y = np.arange(40) % 3


def boom(*arguments):
    raise KeyError("boom")


class Single(nn.Linear):
    """Computes in float32 alone, whatever it is made to."""

    def forward(self, rows):
        return torch.nn.functional.linear(rows, self.weight.float(), self.bias.float())


class Broken(nn.Linear):
    def forward(self, rows):
        raise KeyError("boom")


@pytest.mark.parametrize("hasher", GRADIENT)
@pytest.mark.parametrize(
    ("network", "error", "message"),
    [
        (nn.Linear(6, 4), TypeError, r"network must be a callable that makes .* module Linear"),
        (lambda n, m: "a network", TypeError, "network must return a torch.nn.Module"),
        (lambda n, m: nn.Linear(n, m + 1), ValueError, r"network must map .* shape"),
        (lambda n, m: nn.Linear(n + 1, m), ValueError, r"network must map .* shape \(2, 6\) it"),
        (resnet(8, 0.25), ValueError, r"network must map rows .* shape \(2, 6\) it raised"),
    ],
)
def test_networks(network, error, message, hasher):
    with pytest.raises(error, match=message):
        hasher(4, network=network, max_iter=1, device="cpu").fit(X, y)


@pytest.mark.parametrize(
    ("hasher", "name"),
    [
        (CSQHasher(4, network=boom), "network(6, 4)"),
        (CSQHasher(4, network=Broken), "network was given rows"),
        (SemanticHasher(4, similarity=boom), "calling similarity"),
        (KLBinaryHasher(4, kl_target=boom), "calling kl_target"),
    ],
)
def test_functions_that_raise_are_named(hasher, name):
    with pytest.raises(KeyError, match="boom") as caught:
        hasher.set_params(max_iter=1, device="cpu").fit(X, y)
    assert any(name in note for note in caught.value.__notes__)


@pytest.mark.parametrize("hasher", GRADIENT)
def test_warm_start_with_other_features(hasher):
    hasher = hasher(4, max_iter=1, warm_start=True, device="cpu").fit(X, y)
    with pytest.raises(ValueError, match=r"warm_start=True goes on .* X of 3 features"):
        hasher.fit(X[:, :3], y)


# by default KLBinaryHasher sets rows aside, and trains on all where they would be too few
@pytest.mark.parametrize("hasher", [h for h in GRADIENT if h is not KLBinaryHasher])
def test_one_row_to_validate(hasher):
    hasher = hasher(4, early_stopping=True, validation_fraction=0.01, device="cpu")
    with pytest.raises(ValueError, match=r"validation_fraction=0.01 of 40 rows leaves 1"):
        hasher.fit(X, y)


@pytest.mark.parametrize("device", ["meta", "cuda:99", "nowhere"])
def test_devices_that_compute_nothing(device):
    with pytest.raises(ValueError, match=f"device must be 'auto' or .* got '{device}'"):
        CSQHasher(4, device=device, max_iter=1).fit(X, y)


def test_networks_that_do_not_run_in_float64():
    """It is told, and rows within rounding of 0 keep the bits of float32."""
    hasher = CSQHasher(4, network=Single, max_iter=1, random_state=0, device="cpu")
    with pytest.warns(UserWarning, match="network does not run in float64"):
        hasher.fit(X, y)
    np.testing.assert_array_equal(hasher.transform(X), hasher.decision_function(X) > 0)
    # all values are within rounding of 0, where float64 would be asked
    hasher.network_state_ = {name: value * 0 for name, value in hasher.network_state_.items()}
    assert not hasher.transform(X).any()


def test_estimators_that_are_no_classifiers():
    for estimator in (LinearRegression(), KMeans(3)):
        with pytest.raises(ValueError, match=r"^estimator must be a classifier, got "):
            ClassCodeHasher(4, estimator=estimator).fit(X, y)
    assert ClassCodeHasher(4, estimator=RidgeClassifier()).fit_transform(X, y).shape == (40, 4)
