"""Pixels: statistics of channels, bytes and real numbers, bounded blocks."""

import numpy as np
import pytest
import torch

from skhash._torch import data, networks
from skhash._torch.data import Rows
from skhash._torch.hidden import JoinedFeatures, LastLinearInput
from skhash._torch.images import Pixels
from skhash.networks import resnet

CPU = torch.device("cpu")


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(256, size=(50, 6, 4, 3), dtype=np.uint8)


@pytest.mark.parametrize("most", [0, 2**20])
def test_statistics_are_those_of_the_channels(images, most, monkeypatch):
    monkeypatch.setattr(data, "_BLOCK_ELEMENTS", 500)  # many blocks, the last a smaller one
    monkeypatch.setattr(data, "_resident_bytes", lambda device: most)  # fetched, or there
    pixels = Pixels(3)
    pixels.fit(Rows(images, CPU))
    values = images / 255
    np.testing.assert_allclose(pixels.mean.numpy(), values.mean(axis=(0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(pixels.scale.numpy(), values.std(axis=(0, 1, 2)), rtol=1e-5)
    maps = pixels(torch.from_numpy(images))
    assert maps.shape == (50, 3, 6, 4)
    expected = (values - values.mean(axis=(0, 1, 2))) / values.std(axis=(0, 1, 2))
    np.testing.assert_allclose(maps.numpy(), expected.transpose(0, 3, 1, 2), atol=1e-5)


def test_constant_channels_are_only_centred():
    images = np.full((4, 2, 2, 1), 0.3, np.float32)
    pixels = Pixels(1)
    pixels.fit(Rows(images, CPU))
    assert pixels.scale.item() == 1
    assert pixels(torch.from_numpy(images)).abs().max() < 1e-6


def test_bytes_stay_bytes(images):
    """A quarter of the memory of floats, and on the CPU no copy at all."""
    rows = Rows(images, CPU)
    part = rows.gather(torch.tensor([3, 1]))
    assert part.dtype == torch.uint8
    np.testing.assert_array_equal(part.numpy(), images[[3, 1]])
    assert np.shares_memory(rows._resident.numpy(), images)


def test_maps_are_channels_last_in_memory(images):
    assert Pixels(3)(torch.from_numpy(images)).is_contiguous(memory_format=torch.channels_last)


def test_encoding_is_bounded_and_the_same_in_any_batches(images, monkeypatch):
    torch.manual_seed(0)
    module = networks.build_network(resnet(8, 0.25), 0, 5, input_shape=(6, 4, 3))
    sizes = []
    module.pixels.register_forward_hook(lambda part, inputs, maps: sizes.append(len(maps)))
    whole = networks.encode(module, images, batch_size=8192, device="cpu")
    monkeypatch.setitem(networks._ENCODE_PIXELS, "cpu", 6 * 4 * 3 * 7)
    parts = networks.encode(module, images, batch_size=8192, device="cpu")
    assert sizes == [50] + 7 * [7] + [1]
    np.testing.assert_allclose(parts, whole, atol=1e-5)


def test_network_sees_channels_first():
    seen = []

    def factory(n_channels, n_outputs):
        seen.append((n_channels, n_outputs))
        return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(2 * 6 * 4, n_outputs))

    module = networks.build_network(factory, 0, 5, input_shape=(6, 4, 2))
    assert seen == [(2, 5)]
    assert module(torch.zeros(3, 6, 4, 2)).shape == (3, 5)


def test_hidden_features_are_the_input_of_the_last_linear_layer():
    torch.manual_seed(0)
    body = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.ReLU(), torch.nn.Linear(6, 3))
    X = torch.randn(5, 4)
    joined = JoinedFeatures(body)(X)
    torch.testing.assert_close(joined[:, :3], body(X))
    torch.testing.assert_close(joined[:, 3:], body[:2](X))


def test_hidden_features_of_maps_are_refused():
    layer = torch.nn.Linear(4, 2)
    hidden = LastLinearInput(layer)
    layer(torch.randn(5, 7, 4))
    with pytest.raises(ValueError, match=r"shape \(5, 7, 4\)"):
        hidden.take()
