"""Factories and recipes: what they make, refuse, and how they travel."""

import pickle

import pytest
import torch
from sklearn.base import clone

from skhash import OrthoHasher
from skhash.networks import Augmentation, Recipe, ResNet, resnet


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
        ({"depth": 2}, ValueError, "at least 8"),
        ({"depth": 20.0}, TypeError, "whole number"),
        ({"width": 0}, ValueError, "at least 1/16"),
        ({"width": "wide"}, TypeError, "width must be a number"),
    ],
)
def test_resnet_refuses(arguments, error, words):
    with pytest.raises(error, match=words):
        resnet(**arguments)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"network": "vgg"}, ValueError, "'mlp', 'linear' or a callable"),
        ({"network": Recipe()}, ValueError, "'mlp', 'linear' or a callable"),
        ({"augmentation": 4}, TypeError, "augmentation must be a callable"),
        ({"ema_decay": 1.0}, ValueError, "below 1"),
        ({"ema_decay": "slow"}, TypeError, "ema_decay must be a number"),
        ({"mixed_precision": "fp8"}, ValueError, "'auto', True or False"),
        ({"checkpoint": 3}, TypeError, "a path or None"),
    ],
)
def test_recipe_refuses(arguments, error, words):
    with pytest.raises(error, match=words):
        Recipe(**arguments)


@pytest.mark.parametrize("arguments", [{"crop": -1}, {"cutout": -2}])
def test_augmentation_refuses_negative_sizes(arguments):
    with pytest.raises(ValueError, match="at least 0"):
        Augmentation(**arguments)


def test_recipes_are_values():
    """A recipe is pickled, cloned, compared and printed as what it says; it does not change."""
    recipe = Recipe(resnet(14), augmentation=Augmentation(cutout=3), checkpoint="run.pt")
    hasher = clone(OrthoHasher(network=recipe))
    assert hasher.network == recipe == pickle.loads(pickle.dumps(recipe))
    assert eval(repr(recipe), {**globals(), "ResNet": ResNet}) == recipe
    with pytest.raises(AttributeError):
        recipe.ema_decay = 0.5
