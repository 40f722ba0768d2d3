"""Modules as arrays: the same outputs, the same hash in every process, no copy of weights."""

import os
import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest
import torch
from torch import nn

from skhash.feature_extraction import ImageFeatures
from skhash.feature_extraction._portable import PortableModule

# hashes of a transformer: fresh, cloned, unpickled, and made from a copy of the module
HASHES = """
import copy, pickle, joblib, torch
from sklearn.base import clone
from torch import nn
from skhash.feature_extraction import ImageFeatures
with torch.random.fork_rng():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten())
images = ImageFeatures(network, device="cpu", mean=(0.1, 0.2, 0.3))
others = [clone(images), pickle.loads(pickle.dumps(images))]
others += [clone(images).set_params(backbone=copy.deepcopy(network))]
hashes = {joblib.hash(each) for each in [images, *others]}
"""


def test_one_hash_in_all_processes():
    here: dict = {}
    exec(HASHES, here)
    run = subprocess.run(
        [sys.executable, "-c", f"{HASHES}\nprint(*hashes)"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "2"},
    )
    assert len(here["hashes"]) == 1
    assert run.stdout.split() == list(here["hashes"])


def test_the_hash_knows_the_weights(network):
    before = joblib.hash(ImageFeatures(network))
    with torch.no_grad():
        network[0].weight[0, 0, 0, 0] += 1e-6
    assert joblib.hash(ImageFeatures(network)) != before


class Odd(nn.Module):
    """Tied weights, a buffer, a bare tensor, half precision, and a part that is absent."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 3)
        self.second = nn.Linear(3, 3, bias=False)
        self.second.weight = self.first.weight
        self.register_buffer("shift", torch.arange(3.0))
        self.register_buffer("absent", None)
        self.bare = torch.tensor([[1.0, 2.0, 3.0]])
        self.short = nn.Parameter(torch.rand(3).to(torch.bfloat16), requires_grad=False)

    def forward(self, X):
        return self.second(self.first(X)) + self.shift * self.bare + self.short


def test_restored_modules_are_the_same():
    module = Odd().eval()
    restored = pickle.loads(pickle.dumps(PortableModule(module))).restore()
    X = torch.rand(4, 3)
    torch.testing.assert_close(restored(X), module(X), rtol=0, atol=0)
    assert restored.second.weight is restored.first.weight
    assert restored.short.dtype == torch.bfloat16
    assert not restored.short.requires_grad
    assert restored.first.weight.requires_grad
    assert restored.absent is None
    assert not restored.training
    assert list(restored.state_dict()) == list(module.state_dict())


def test_weights_are_shared_and_the_module_untouched(network):
    portable = PortableModule(network)
    weight = network[0].weight
    assert np.shares_memory(portable.tensors[0].array, weight.detach().numpy())
    assert isinstance(weight, nn.Parameter)
    assert len(portable.tensors) == len(network.state_dict())


def test_read_only_arrays_are_restored(network, tmp_path):
    joblib.dump(PortableModule(network), tmp_path / "module")
    restored = joblib.load(tmp_path / "module", mmap_mode="r").restore()
    with torch.no_grad():
        restored[0].weight.mul_(2)
    torch.testing.assert_close(restored[0].weight, 2 * network[0].weight)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_modules_become_plain(network):
    portable = PortableModule(network.cuda())
    assert b"cuda" not in pickle.dumps(portable)
    assert next(portable.restore().parameters()).device.type == "cpu"
