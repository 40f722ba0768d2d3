"""The processes that train one model together: one, or those of torch's process group."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import nn

from skhash._torch.checkpoints import Checkpoint

_SECONDS_TO_LET_GO = 0.5


class OneProcess:
    """Training in this process alone: it has every row, and nobody to agree with."""

    rank, size = 0, 1

    @property
    def least_rows(self):
        """The fewest rows of a batch: batch statistics and pairs need two in each process."""
        return 2 * self.size

    def share(self, batch: torch.Tensor) -> torch.Tensor:
        """The rows of a batch that are for this process."""
        return batch

    def scaled(self, loss, n_own, n_all):
        """A loss over the own rows, so that the mean over processes is that over all rows."""
        return loss

    def parallel(self, module: nn.Module) -> nn.Module:
        """The module, with gradients that are means over the processes."""
        return module

    def generators(self, generator, seed):
        """Reseed a generator for what differs by process; return one for what does not."""
        return generator

    def total(self, numbers: list[float]) -> list[float]:
        """Sums of numbers over the processes."""
        return numbers

    def any(self, flag: bool) -> bool:
        """Whether a flag is set in any process."""
        return flag

    def align(self, module: nn.Module) -> None:
        """Let all processes have the parameters and buffers of the first."""

    def of_first(self, value: Any) -> Any:
        """A picklable value, as the first process has it."""
        return value

    def finish(self) -> None:
        """Leave nothing behind that troubles the end of the process."""

    def check_same(self, identity: Mapping[str, Any]) -> None:
        """Raise in all processes where they are about to fit different things."""

    def part(self, part):
        """A part of a checkpoint whose state differs by process."""
        return part

    def checkpoint(self, path, identity, parts) -> Checkpoint:
        """The checkpoint of a fit."""
        return Checkpoint(path, identity, parts)


class ProcessGroup(OneProcess):
    """Training in all processes of torch's default process group, each on its share of a batch.

    Every process must make the same calls in the same order.

    Parameters
    ----------
    device : torch.device
        Where this process trains.
    """

    def __init__(self, device):
        self._device = device
        self.rank, self.size = dist.get_rank(), dist.get_world_size()

    def share(self, batch):
        return batch.tensor_split(self.size)[self.rank]

    def scaled(self, loss, n_own, n_all):
        # shares may differ by a row, and every row counts the same
        return loss * (self.size * n_own / n_all)

    def parallel(self, module):
        # a term of weight 0, or a branch of a user's network, leaves parameters without gradient
        return nn.parallel.DistributedDataParallel(module, find_unused_parameters=True)

    def generators(self, generator, seed):
        common = torch.Generator(generator.device).manual_seed(seed)
        own = int(np.random.SeedSequence([seed, self.rank]).generate_state(1)[0])
        generator.manual_seed(own)
        # modules of a user's own factory draw from torch's global generators
        torch.manual_seed(own)
        return common

    def total(self, numbers):
        sums = torch.tensor(numbers, dtype=torch.float64, device=self._device)
        dist.all_reduce(sums)
        return sums.tolist()

    def any(self, flag):
        return self.total([float(flag)])[0] > 0

    @torch.no_grad()
    def align(self, module):
        for tensor in module.state_dict(keep_vars=True).values():
            # what is sent lies in memory in order, unlike the weights of convolutions
            sent = tensor.contiguous()
            dist.broadcast(sent, src=0)
            tensor.copy_(sent)

    def of_first(self, value):
        found = [value if self.rank == 0 else None]
        dist.broadcast_object_list(found, src=0)
        return found[0]

    def finish(self):
        # gloo's threads hold the last tensors a moment longer, and need Python to let them go: a
        # process that ends before that is aborted
        time.sleep(_SECONDS_TO_LET_GO)

    def check_same(self, identity):
        everyone: list[dict] = [{}] * self.size
        dist.all_gather_object(everyone, dict(identity))
        differing = sorted(
            name for name in identity if any(one[name] != everyone[0][name] for one in everyone)
        )
        if differing:
            raise ValueError(
                "the processes of a torch.distributed group fit one hasher together, so each must "
                f"be given the same X, y and parameters: they differ in {', '.join(differing)}"
            )

    def part(self, part):
        return _OfEachProcess(part, self)

    def checkpoint(self, path, identity, parts):
        return _SharedCheckpoint(path, {**identity, "processes": self.size}, parts, self)


def processes_of(device) -> OneProcess:
    """The processes that train together, of which this one does so on a device."""
    if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
        return ProcessGroup(device)
    return OneProcess()


class _OfEachProcess:
    """The states that a part has in all processes, as one part of a checkpoint."""

    def __init__(self, part, processes):
        self._part, self._processes = part, processes

    def state_dict(self):
        states = [None] * self._processes.size
        dist.all_gather_object(states, self._part.state_dict())
        return {"states": states}

    def load_state_dict(self, state):
        self._part.load_state_dict(state["states"][self._processes.rank])


class _SharedCheckpoint(Checkpoint):
    """A checkpoint that the first process alone reads and writes, for all."""

    def __init__(self, path, identity, parts, processes):
        super().__init__(path, identity, parts)
        self._processes = processes

    def _exists(self):
        return self._processes.of_first(super()._exists())

    def _read(self):
        found = error = None
        if self._processes.rank == 0:
            try:
                found = super()._read()
            except (ValueError, OSError) as refusal:
                error = refusal
        found, error = self._processes.of_first((found, error))
        if error is not None:
            raise error
        return found

    def _write(self, states):
        if self._processes.rank == 0:
            super()._write(states)
