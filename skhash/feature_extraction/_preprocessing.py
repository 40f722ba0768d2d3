"""From decoded images to the batches that a backbone takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral, Real

import numpy as np
import torch

from ._reading import pillow, to_pil

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class ResizeAndNormalize:
    """Resize to cover a size, crop the centre, and standardise each channel.

    Images that came as bytes travel to the device as bytes; only there do they become floats, four
    times as large.

    Parameters
    ----------
    image_size : int, (int, int) or None
        Height and width; None keeps the images as they are.
    mean, std : float, sequence of 3 floats or None
        Of the channels, for values in [0, 1]; None for those of ImageNet.
    """

    def __init__(self, image_size=None, mean=None, std=None):
        self.size = None if image_size is None else _check_size(image_size)
        self.mean = _check_statistics("mean", IMAGENET_MEAN if mean is None else mean)
        self.std = _check_statistics("std", IMAGENET_STD if std is None else std)
        if min(self.std) <= 0:
            raise ValueError(f"std must be above 0, got {std!r}")

    def prepare(self, images, rows: Sequence[int]) -> torch.Tensor:
        """Images of one size, shape (n, height, width, 3): uint8, or float32 in [0, 1]."""
        if not isinstance(images, np.ndarray):
            images = self._stack([self._fit(image) for image in images], rows)
        elif self.size not in (None, images.shape[1:3]):
            images = np.stack([self._fit(image) for image in images])
        return _as_tensor(np.ascontiguousarray(images))

    def finish(self, batch: torch.Tensor) -> torch.Tensor:
        """Standardised floats, shape (n, 3, height, width), where the batch is."""
        unit = 255.0 if batch.dtype == torch.uint8 else 1.0
        scale = torch.tensor([1 / (unit * std) for std in self.std], device=batch.device)
        shift = torch.tensor(
            [-mean / std for mean, std in zip(self.mean, self.std)], device=batch.device
        )
        floats = batch.permute(0, 3, 1, 2).to(
            torch.float32, memory_format=torch.contiguous_format, copy=True
        )
        return floats.mul_(scale[:, None, None]).add_(shift[:, None, None])

    def _fit(self, image) -> np.ndarray:
        """One image as an array of the size wanted."""
        height, width = image.shape[:2] if isinstance(image, np.ndarray) else image.size[::-1]
        if self.size in (None, (height, width)):
            return np.asarray(image)
        if not isinstance(image, np.ndarray) or image.dtype == np.uint8:
            return np.asarray(_resize_and_crop(to_pil(image), self.size))
        # a channel at a time: Pillow has no images with three floats per pixel
        Image = pillow()
        channels = [
            np.asarray(_resize_and_crop(Image.fromarray(channel), self.size))
            for channel in np.moveaxis(image, -1, 0)
        ]
        return np.clip(np.stack(channels, axis=-1), 0, 1)

    def _stack(self, images: list[np.ndarray], rows: Sequence[int]) -> np.ndarray:
        for row, image in zip(rows, images):
            if image.shape != images[0].shape:
                raise ValueError(
                    f"the images differ in size: X[{rows[0]}] has {_format(images[0])} pixels, "
                    f"X[{row}] has {_format(image)}; say which size the backbone takes: "
                    "image_size=224, for instance"
                )
        if len({image.dtype for image in images}) > 1:
            images = [_as_floats(image) for image in images]
        return np.stack(images)


class ByFunction:
    """Somebody else's preprocessing of PIL images.

    Parameters
    ----------
    function : callable
        From a list of RGB images to a float tensor of shape (n, channels, height, width).
    """

    def __init__(self, function: Callable):
        self.function = function

    def prepare(self, images, rows: Sequence[int]) -> torch.Tensor:
        """What the function makes of the images."""
        try:
            return self.function([to_pil(image) for image in images])
        except Exception as error:
            error.add_note(f"while preprocessing the images in rows {rows[0]} to {rows[-1]} of X")
            raise

    def finish(self, batch: torch.Tensor) -> torch.Tensor:
        """The batch as it is: the function has done everything."""
        return batch


def one_by_one(function: Callable) -> ByFunction:
    """Preprocessing by a function of one PIL image, such as a transform of torchvision."""

    def stack(images):
        tensors = [_as_tensor(function(image)) for image in images]
        for tensor in tensors:
            if tensor.ndim != 3 or tensor.shape != tensors[0].shape:
                raise ValueError(
                    "preprocess must return tensors of shape (channels, height, width), all "
                    f"alike, got {tuple(tensors[0].shape)} and {tuple(tensor.shape)}"
                )
            if not tensor.is_floating_point():
                raise ValueError(f"preprocess must return tensors of floats, got {tensor.dtype}")
        return torch.stack(tensors)

    return ByFunction(stack)


def _as_tensor(value) -> torch.Tensor:
    # torch warns of read-only memory, such as that of a memory map or of a PIL image
    if isinstance(value, np.ndarray) and not value.flags.writeable:
        value = value.copy()
    return torch.as_tensor(value)


def _as_floats(image: np.ndarray) -> np.ndarray:
    """Values in [0, 1]."""
    return image if image.dtype == np.float32 else image.astype(np.float32) / 255


def _resize_and_crop(image, size: tuple[int, int]):
    """Resize to cover the size, but only the part of the image that is kept."""
    from PIL import ImageOps

    # Pillow widens the filter where it shrinks: nothing is aliased
    return ImageOps.fit(image, size[::-1], pillow().Resampling.BICUBIC)


def _check_size(size) -> tuple[int, int]:
    sides = (size, size) if isinstance(size, Integral) else size
    valid = isinstance(sides, Sequence) and len(sides) == 2
    if not valid or not all(isinstance(side, Integral) and int(side) > 0 for side in sides):
        raise ValueError(
            f"image_size must be a number of pixels or a pair (height, width), got {size!r}"
        )
    return int(sides[0]), int(sides[1])


def _check_statistics(name: str, value) -> tuple[float, ...]:
    values = (value,) * 3 if isinstance(value, Real) else tuple(value)
    if len(values) != 3 or not all(np.isfinite(values)):
        raise ValueError(f"{name} must be a number, or one for each of 3 channels, got {value!r}")
    return tuple(float(channel) for channel in values)


def _format(image: np.ndarray) -> str:
    return f"{image.shape[0]} x {image.shape[1]}"
