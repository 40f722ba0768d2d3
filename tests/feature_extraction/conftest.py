"""Images of known pixels, and a network small enough for every test."""

import numpy as np
import pytest
import torch
from torch import nn


def make_network(seed=0, n_features=6):
    """Parts of torch only, so that other processes can unpickle it."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Conv2d(8, n_features, 3),
        ).eval()


@pytest.fixture
def network():
    return make_network()


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(256, size=(10, 20, 16, 3), dtype=np.uint8)


@pytest.fixture
def paths(images, tmp_path):
    """The images as PNG files, without loss."""
    Image = pytest.importorskip("PIL.Image", reason="Pillow writes the files")
    names = [tmp_path / f"{row}.png" for row in range(len(images))]
    for name, image in zip(names, images):
        Image.fromarray(image).save(name)
    return names
