"""What needs CUDA: where things are, mixed precision, seeds, and models that leave the machine."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch

from skhash import OrthoHasher, SemanticHasher
from skhash._torch import networks
from skhash._torch.precision import Precision, low_precision
from skhash.networks import Augmentation, Training, resnet

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here"),
]

AUGMENTED = Training(augmentation=Augmentation(crop=2, cutout=3), ema_decay=0.9)
OPTIONS = {
    "network": resnet(8, 0.5),
    "max_iter": 3,
    "batch_size": 50,
    "random_state": 0,
    "device": "cuda",
}


@pytest.fixture(scope="module")
def colours():
    """Images of a class are of a colour, with noise: 4 classes."""
    rng = np.random.default_rng(0)
    y = rng.integers(4, size=400)
    base = rng.integers(60, 200, size=(4, 1, 1, 3))
    noise = rng.integers(-50, 50, size=(400, 16, 16, 3))
    return (base[y] + noise).astype(np.uint8), y


@pytest.mark.parametrize("make", [SemanticHasher, OrthoHasher])
def test_trained_and_encoded_there(make, colours):
    X, y = colours
    seen = []

    def augmentation(images, generator):
        seen.append((images.device.type, generator.device.type, images.dtype))
        assert images.is_contiguous(memory_format=torch.channels_last)
        return images

    hasher = make(16, training=Training(augmentation=augmentation), **OPTIONS)
    hasher.fit(X, y)
    assert set(seen) == {("cuda", "cuda", torch.float32)}
    assert hasher.device_.startswith("cuda")
    assert all(isinstance(value, np.ndarray) for value in hasher.network_state_.values())
    codes = hasher.transform(X)
    nearest = codes[:, None, :] != codes[None, :, :]
    same = nearest.sum(axis=2)[y[:, None] == y].mean()
    assert same < 0.5 * nearest.sum(axis=2)[y[:, None] != y].mean()


def test_images_are_computed_in_low_precision_and_features_are_not():
    device = torch.device("cuda")
    low = torch.bfloat16 if torch.cuda.get_device_capability()[0] >= 8 else torch.float16
    assert low_precision(device, "auto", images=True) is low
    assert low_precision(device, "auto", images=False) is None
    assert low_precision(device, False, images=True) is None
    seen = []
    layer = torch.nn.Linear(4, 4).cuda()
    layer.register_forward_hook(lambda part, inputs, outputs: seen.append(outputs.dtype))
    outputs = Precision(device, low).run(layer, torch.randn(3, 4, device=device))
    assert (seen, outputs.dtype) == ([low], torch.float32)


def test_float16_scales_gradients_that_would_vanish():
    """A gradient of 1e-8 is 0 in float16, and is not with the scaler."""
    device = torch.device("cuda")
    layer = torch.nn.Linear(1, 1, bias=False, device=device)
    torch.nn.init.ones_(layer.weight)
    optimizer = torch.optim.SGD(layer.parameters(), lr=1e7)
    precision = Precision(device, torch.float16)
    loss = 1e-8 * precision.run(layer, torch.ones(1, 1, device=device)).sum()
    precision.step(loss, optimizer)
    assert layer.weight.item() == pytest.approx(0.9, abs=0.01)


def test_low_precision_is_near_full_precision(colours):
    X, y = colours
    hasher = OrthoHasher(32, training=AUGMENTED, **OPTIONS).fit(X, y)
    low = hasher.decision_function(X)
    full = hasher.set_params(training=Training(mixed_precision=False))
    full = full.decision_function(X)
    assert not np.array_equal(low, full)
    assert ((low > 0) == (full > 0)).mean() > 0.97


@pytest.mark.parametrize("make", [SemanticHasher, OrthoHasher])
def test_seed_fixes_the_codes(make, colours):
    X, y = colours
    first, again = (make(16, training=AUGMENTED, **OPTIONS).fit(X, y) for _ in range(2))
    np.testing.assert_array_equal(first.transform(X), again.transform(X))
    other = make(16, training=AUGMENTED, **{**OPTIONS, "random_state": 1}).fit(X, y)
    assert not np.array_equal(first.transform(X), other.transform(X))


def test_resumed_is_uninterrupted(colours, tmp_path):
    X, y = colours

    class Stopping:
        def __init__(self, at):
            self.left = at

        def __call__(self, images, generator):
            self.left -= 1
            if not self.left:
                raise RuntimeError("stop")
            return Augmentation(crop=2)(images, generator)

    def fit(at, checkpoint):
        training = Training(augmentation=Stopping(at), ema_decay=0.9, checkpoint=checkpoint)
        return OrthoHasher(16, training=training, **OPTIONS).fit(X, y)

    path = tmp_path / "run.pt"
    with pytest.raises(RuntimeError, match="stop"):
        fit(12, path)
    resumed, whole = fit(-1, path), fit(-1, None)
    assert resumed.loss_curve_ == pytest.approx(whole.loss_curve_, rel=1e-3)
    assert (resumed.transform(X) == whole.transform(X)).mean() > 0.99


def test_encodes_where_there_is_no_cuda(colours, tmp_path):
    X, y = colours
    hasher = SemanticHasher(16, training=AUGMENTED, **OPTIONS).fit(X, y)
    here = hasher.transform(X)
    path = tmp_path / "hasher.pickle"
    path.write_bytes(pickle.dumps((hasher, X)))
    script = (
        "import pickle, sys, torch; assert not torch.cuda.is_available(); "
        f"hasher, X = pickle.load(open({str(path)!r}, 'rb')); "
        "sys.stdout.buffer.write(hasher.transform(X).tobytes())"
    )
    found = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        check=True,
    )
    there = np.frombuffer(found.stdout, np.uint8).reshape(here.shape)
    assert (here == there).mean() > 0.97


def test_batches_are_larger_there_and_memory_is_bounded():
    """100,000 small images are encoded in a part of the memory of all their maps."""
    torch.manual_seed(0)
    module = networks.build_network(resnet(8), 0, 8, input_shape=(32, 32, 3))
    X = np.zeros((20_000, 32, 32, 3), np.uint8)
    torch.cuda.reset_peak_memory_stats()
    networks.encode(module, X, batch_size=8192, device="cuda", mixed_precision="auto")
    # the maps of all images after the stem alone would take 655 MB
    assert torch.cuda.max_memory_allocated() < 400e6
