"""The exponential moving average of a module's weights."""

from __future__ import annotations

import contextlib

import torch
from torch.optim.swa_utils import get_ema_multi_avg_fn


class WeightAverage:
    """Exponential moving average of all weights and buffers of a module.

    Buffers are averaged too: the statistics of batch normalisation belong to the weights. Whole
    numbers among them are as in the module.

    Parameters
    ----------
    module : torch.nn.Module
        On its device; the average begins with its present state.
    decay : float
        Weight of the average so far in each `update`; ``(1 + t) / (10 + t)`` in update t where
        that is less.
    """

    def __init__(self, module, decay):
        self._decay, self._n_updates = decay, 0
        # training changes these tensors in place
        state = module.state_dict(keep_vars=True).values()
        self._present = [tensor.detach() for tensor in state if tensor.is_floating_point()]
        self._average = [tensor.clone() for tensor in self._present]

    @torch.no_grad()
    def update(self):
        """Take the present weights into the average."""
        self._n_updates += 1
        decay = min(self._decay, (1 + self._n_updates) / (10 + self._n_updates))
        get_ema_multi_avg_fn(decay)(self._average, self._present, self._n_updates)

    @contextlib.contextmanager
    def shown(self):
        """The module has the average for weights while the context lasts."""
        kept = [tensor.clone() for tensor in self._present]
        self._copy(self._average)
        try:
            yield
        finally:
            self._copy(kept)

    @torch.no_grad()
    def _copy(self, tensors):
        for present, tensor in zip(self._present, tensors, strict=True):
            present.copy_(tensor)

    def state_dict(self):
        """What `load_state_dict` goes on from."""
        return {"n_updates": self._n_updates, "average": self._average}

    def load_state_dict(self, state):
        """Go on from a state."""
        self._n_updates = state["n_updates"]
        for average, tensor in zip(self._average, state["average"], strict=True):
            average.copy_(tensor)
