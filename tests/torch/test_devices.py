"""Names of devices, seeds, and models from a machine with more."""

import pytest
import torch

from skhash._torch.devices import available_device, seeded
from skhash.utils._devices import resolve_device


def test_seeded_leaves_the_global_state_alone():
    before = torch.random.get_rng_state()
    with seeded(torch.device("cpu"), 7) as (cpu, _):
        first = torch.rand(3), torch.rand(3, generator=cpu)
    assert torch.equal(before, torch.random.get_rng_state())
    with seeded(torch.device("cpu"), 7) as (cpu, _):
        second = torch.rand(3), torch.rand(3, generator=cpu)
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])


def test_device_names():
    assert resolve_device("cpu") == torch.device("cpu")
    with pytest.raises(ValueError, match=r"device must be 'auto' or a device .* got 'abacus'"):
        resolve_device("abacus")


@pytest.mark.skipif(torch.cuda.is_available(), reason="asks for a machine without CUDA")
def test_model_from_cuda_encodes_where_there_is_none():
    with pytest.raises(ValueError, match="got 'cuda'"):
        resolve_device("cuda")
    assert available_device("cuda", "cuda") == torch.device("cpu")
    assert available_device("cuda:0", "cuda:0") == torch.device("cpu")
    with pytest.raises(ValueError, match="got 'cuda'"):
        available_device("cuda", "cpu")
