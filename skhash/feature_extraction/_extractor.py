"""A backbone ready for use: on the device, in evaluation mode, with its preprocessing."""

from __future__ import annotations

import copy

import torch
from torch import nn

from skhash._torch.precision import low_precision
from skhash.utils._devices import keeps_modes, resolve_device

from ._backbones import as_features, is_name, load_backbone, timm_preprocessing
from ._preprocessing import ResizeAndNormalize, one_by_one


class Extractor:
    """What computes features; `ImageFeatures` explains the parameters.

    ``prepare`` runs on the processor, in any thread; ``features`` on the device.
    """

    def __init__(self, backbone, *, preprocess, image_size, mean, std, device, mixed_precision):
        named = is_name(backbone)
        given = {"image_size": image_size, "mean": mean, "std": std}
        given = [name for name, value in given.items() if value is not None]
        brings_its_own = "preprocess" if preprocess != "auto" else repr(backbone) if named else ""
        if given and brings_its_own:
            raise ValueError(
                f"{', '.join(given)} cannot be combined with {brings_its_own}, which says how "
                "images are prepared"
            )
        self.device = resolve_device(device)
        network, preprocessing = load_backbone(backbone) if named else (backbone, None)
        if preprocess != "auto":
            preprocessing = one_by_one(preprocess)
        elif not named and not given and hasattr(backbone, "pretrained_cfg"):
            preprocessing = timm_preprocessing(backbone)
        elif not named:
            preprocessing = ResizeAndNormalize(image_size, mean, std)
        self.preprocessing = preprocessing
        is_module = isinstance(network, nn.Module)
        self.network = _place(network, self.device, own=named) if is_module else network
        self._layout = torch.contiguous_format
        if is_module and self.device.type == "cuda":
            self._layout = torch.channels_last
        self._dtype = _floating_dtype(network) if is_module else torch.float32
        self._autocast_dtype = low_precision(self.device, mixed_precision, images=True)

    def prepare(self, images, rows):
        """A batch on the processor from decoded images; in pinned memory where that helps."""
        batch = self.preprocessing.prepare(images, rows)
        # a callable may have put its batch on the device already
        pinned = self.device.type == "cuda" and batch.device.type == "cpu"
        return batch.pin_memory() if pinned else batch

    @keeps_modes
    @torch.inference_mode()
    def features(self, batch: torch.Tensor) -> torch.Tensor:
        """Features of a prepared batch, float32 of shape (n, n_features), on the device."""
        pixels = self.preprocessing.finish(batch.to(self.device, non_blocking=True))
        if self._autocast_dtype is None:
            pixels = pixels.to(self._dtype)
        pixels = pixels.contiguous(memory_format=self._layout)
        with torch.autocast(
            self.device.type,
            dtype=self._autocast_dtype,
            enabled=self._autocast_dtype is not None,
        ):
            output = self.network(pixels)
        return as_features(output, len(batch)).float()


def _place(module: nn.Module, device: torch.device, *, own: bool) -> nn.Module:
    """The module on the device and in evaluation mode: a copy, unless it is `own` or is both."""
    elsewhere = any(tensor.device != device for tensor in _tensors(module))
    training = any(part.training for part in module.modules())
    on_cuda = device.type == "cuda"
    if not own and (elsewhere or training or on_cuda):
        module = copy.deepcopy(module)
    module = module.eval().to(device)
    if on_cuda:
        module = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return module


def _tensors(module):
    yield from module.parameters()
    yield from module.buffers()


def _floating_dtype(module):
    dtypes = (tensor.dtype for tensor in module.parameters() if tensor.is_floating_point())
    return next(dtypes, torch.float32)
