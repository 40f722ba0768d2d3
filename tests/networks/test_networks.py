"""Networks and how they are trained: what they make, refuse, and how they travel."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.utils._param_validation import InvalidParameterError

from skhash import OrthoHasher
from skhash.networks import Augmentation, Training, resnet


def n_parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_resnet_has_the_layers_that_its_depth_counts():
    module = resnet(14)(3, 10)
    convolutions = [p for p in module.modules() if isinstance(p, torch.nn.Conv2d)]
    in_depth = [p for p in convolutions if p.kernel_size == (3, 3)]
    assert len(in_depth) + 1 == 14  # and the linear layer
    assert [p.out_channels for p in convolutions if p.kernel_size == (1, 1)] == [32, 64]


def test_parameters_by_hand():
    """depth 8: one block a stage; weights of convolutions, two numbers a normalised channel."""
    stem, head = 9 * 3 * 16, 64 * 10 + 10
    first = 2 * 9 * 16 * 16 + 2 * 2 * 16
    second = 9 * 16 * 32 + 9 * 32 * 32 + 16 * 32 + 2 * 16 + 2 * 32
    third = 9 * 32 * 64 + 9 * 64 * 64 + 32 * 64 + 2 * 32 + 2 * 64
    assert n_parameters(resnet(8)(3, 10)) == stem + first + second + third + 2 * 64 + head


@pytest.mark.parametrize("shape", [(32, 32), (9, 14), (2, 2)])
@pytest.mark.parametrize("n_channels", [1, 5])
def test_takes_images_of_any_size(shape, n_channels):
    module = resnet(8, 0.25)(n_channels, 7).eval()
    assert module(torch.randn(4, n_channels, *shape)).shape == (4, 7)


def test_seed_fixes_the_weights():
    def weights(seed):
        torch.manual_seed(seed)
        return torch.cat([p.flatten() for p in resnet(8, 0.5)(3, 4).parameters()])

    assert torch.equal(weights(0), weights(0))
    assert not torch.equal(weights(0), weights(1))


def test_the_scale_of_maps_survives_depth():
    """Outputs of a fresh deep network neither vanish nor explode."""
    torch.manual_seed(0)
    with torch.no_grad():
        outputs = resnet(56)(3, 200)(torch.randn(16, 3, 16, 16))
    assert 0.05 < outputs.std() < 5


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"depth": 18}, ValueError, "6 n \\+ 2"),
        ({"depth": 2}, ValueError, "depth == 2, must be >= 8"),
        ({"depth": 20.0}, TypeError, "depth must be an instance of int"),
        ({"width": 0}, ValueError, "width == 0, must be >= 0.0625"),
        ({"width": "wide"}, TypeError, "width must be an instance of float"),
    ],
)
def test_resnet_refuses(arguments, error, words):
    with pytest.raises(error, match=words):
        resnet(**arguments)


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"augmentation": 4}, "augmentation"),
        ({"ema_decay": 1.0}, "ema_decay"),
        ({"ema_decay": "slow"}, "ema_decay"),
        ({"mixed_precision": "fp8"}, "mixed_precision"),
        ({"checkpoint": 3}, "checkpoint"),
    ],
)
def test_training_is_checked_in_fit(parameters, name):
    hasher = OrthoHasher(8, training=Training(**parameters))
    with pytest.raises(InvalidParameterError, match=f"'{name}' parameter of Training"):
        hasher.fit(np.eye(4), [0, 1, 0, 1])


def test_a_network_is_no_training():
    with pytest.raises(InvalidParameterError, match="'training' parameter of OrthoHasher"):
        OrthoHasher(8, training=resnet()).fit(np.eye(4), [0, 1, 0, 1])


@pytest.mark.parametrize("arguments", [{"crop": -1}, {"cutout": -2}])
def test_augmentation_refuses_negative_sizes(arguments):
    with pytest.raises(ValueError, match="must be >= 0"):
        Augmentation(**arguments)


def test_training_travels_with_its_hasher():
    """It is cloned, pickled and printed as what it says; a clone is another object."""
    training = Training(augmentation=Augmentation(cutout=3), checkpoint="run.pt")
    hasher = OrthoHasher(network=resnet(14), training=training)
    for other in (clone(hasher), pickle.loads(pickle.dumps(hasher))):
        assert other.network == hasher.network
        assert other.training is not training
        assert other.training.get_params() == training.get_params()
    assert eval(repr(training)).get_params() == training.get_params()


def test_how_to_train_can_be_searched():
    """Each candidate is the fit that has these parameters, and the one given stays as it is."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    X = np.eye(3, 6)[y] + rng.normal(size=(60, 6)) / 2
    training = Training()
    options = {"batch_size": 4, "max_iter": 3, "random_state": 0, "device": "cpu"}
    hasher = OrthoHasher(8, training=training, **options)
    search = GridSearchCV(hasher, {"training__ema_decay": [None, 0.5, 0.9]}, cv=2).fit(X, y)
    assert training.ema_decay is None
    values = []
    for decay in (None, 0.5, 0.9):
        found = clone(hasher).set_params(training__ema_decay=decay).fit(X, y)
        values.append(found.decision_function(X))
        if decay == search.best_params_["training__ema_decay"]:
            np.testing.assert_array_equal(search.best_estimator_.decision_function(X), values[-1])
    assert not np.allclose(values[0], values[1])
    assert not np.allclose(values[1], values[2])
