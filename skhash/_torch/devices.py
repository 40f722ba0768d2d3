"""Where to compute, and the random numbers there."""

from __future__ import annotations

import contextlib
from typing import NamedTuple

import torch

from skhash.utils._devices import resolve_device


def available_device(device, fitted_on):
    """The device that encodes: as asked for, or the CPU where it is not that of the training.

    Parameters
    ----------
    device : str
        The parameter of the hasher.
    fitted_on : str
        Its ``device_``.
    """
    try:
        return resolve_device(device)
    except ValueError:
        if device == fitted_on:
            return torch.device("cpu")
        raise


class Generators(NamedTuple):
    """Random numbers of one fit: `cpu` draws initial weights, `device` everything after."""

    cpu: torch.Generator
    device: torch.Generator


class RandomStates:
    """The states of all generators that a fit draws from, for its checkpoint.

    Parameters
    ----------
    device : torch.device
    generators : iterable of torch.Generator
        Those of `seeded`; torch's global ones, which modules of users draw from, come with them.
    """

    def __init__(self, device, generators):
        self._device, self._generators = device, list(generators)

    def state_dict(self):
        """The states, on the CPU."""
        states = {
            "generators": [generator.get_state() for generator in self._generators],
            "cpu": torch.get_rng_state(),
        }
        if self._device.type == "cuda":
            states["cuda"] = torch.cuda.get_rng_state(self._device)
        return states

    def load_state_dict(self, states):
        """Put all generators into these states."""
        for generator, state in zip(self._generators, states["generators"], strict=True):
            generator.set_state(state)
        torch.set_rng_state(states["cpu"])
        if self._device.type == "cuda":
            torch.cuda.set_rng_state(states["cuda"], self._device)


@contextlib.contextmanager
def seeded(device, seed):
    """Generators on the CPU and on `device` from one seed; torch's global state is put back after.

    The global generators are seeded too: modules of a user's own factory draw from them.
    """
    forked = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=forked):
        torch.manual_seed(seed)
        cpu = torch.Generator().manual_seed(seed)
        on_device = torch.Generator(device).manual_seed(seed) if device.type != "cpu" else cpu
        yield Generators(cpu, on_device)
