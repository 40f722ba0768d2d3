"""Modules as plain Python and numpy, for pickles that open anywhere and hashes that are stable.

Torch pickles a tensor with its device, and with bytes that differ from process to process: a
module on a GPU would not open without one, and ``joblib.Memory`` would find nothing again.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn


@dataclass(frozen=True)
class _Slot:
    """Takes the place of a tensor in a module."""

    number: int


@dataclass(frozen=True)
class _Saved:
    """A tensor as an array; numpy has no bfloat16, hence the bytes beside the name of the dtype."""

    array: np.ndarray
    dtype: str
    is_parameter: bool
    requires_grad: bool


class PortableModule:
    """A module without its tensors, and the tensors as arrays.

    Parameters
    ----------
    module : torch.nn.Module
        Not changed. Tensors on the processor are shared, not copied.
    """

    def __init__(self, module: nn.Module):
        tensors = {id(tensor): tensor for tensor in _find_tensors(module)}
        # to deepcopy a tensor in its memo is copied already: the weights stay where they are
        memo = {key: _Slot(number) for number, key in enumerate(tensors)}
        self.skeleton = copy.deepcopy(module, memo)
        self.tensors = [_save(tensor) for tensor in tensors.values()]

    def restore(self) -> nn.Module:
        """A module like the one that was given, on the processor."""
        tensors = [_load(saved) for saved in self.tensors]
        module = copy.deepcopy(self.skeleton)
        for store in _stores(module):
            for name, value in store.items():
                if isinstance(value, _Slot):
                    store[name] = tensors[value.number]
        return module


def _stores(module):
    """Where the parts of a module keep tensors: parameters, buffers and plain attributes."""
    for part in module.modules():
        yield from (part._parameters, part._buffers, part.__dict__)


def _find_tensors(module):
    for store in _stores(module):
        yield from (value for value in store.values() if isinstance(value, torch.Tensor))


def _save(tensor):
    array = tensor.detach().cpu().contiguous()
    if array.dtype == torch.bfloat16:
        array = array.view(torch.int16)
    return _Saved(
        array.numpy(),
        str(tensor.dtype).removeprefix("torch."),
        isinstance(tensor, nn.Parameter),
        tensor.requires_grad,
    )


def _load(saved):
    # a copy: arrays that joblib has mapped into memory are read-only
    tensor = torch.from_numpy(np.array(saved.array))
    dtype = getattr(torch, saved.dtype)
    tensor = tensor if tensor.dtype == dtype else tensor.view(dtype)
    if saved.is_parameter:
        return nn.Parameter(tensor, requires_grad=saved.requires_grad)
    return tensor.requires_grad_(saved.requires_grad)
