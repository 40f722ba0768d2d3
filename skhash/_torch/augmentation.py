"""Random crops, mirror images and cut-outs of a batch at once."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F


class Draws(NamedTuple):
    """What happens to each image of a batch; None where nothing of the kind does.

    `shift` (n, 2) is where its upper left corner lies in the image with its margins, `mirrored`
    (n,) whether it is flipped, `hole` (n, 2) the row and column of the centre of its hole.
    """

    shift: torch.Tensor | None
    mirrored: torch.Tensor | None
    hole: torch.Tensor | None


def draw(images, *, crop, flip, cutout, generator):
    """Draw what happens to each image; see `skhash.networks.Augmentation`."""
    n, device = len(images), images.device
    options = {"generator": generator, "device": device}
    shift = torch.randint(2 * crop + 1, (n, 2), **options) if crop else None
    mirrored = torch.randint(2, (n,), **options).bool() if flip else None
    hole = None
    if cutout:
        rows, columns = (torch.randint(side, (n,), **options) for side in images.shape[2:])
        hole = torch.stack([rows, columns], dim=1)
    return Draws(shift, mirrored, hole)


def apply(images, draws, *, crop, cutout):
    """Crop, mirror and cut out as drawn: each image is read once and written once.

    Parameters
    ----------
    images : Tensor of shape (n, n_channels, height, width)
    draws : Draws
    crop, cutout : int

    Returns
    -------
    images : Tensor
        Of the same shape and layout, in other memory.
    """
    height, width = images.shape[2:]
    rows = torch.arange(height, device=images.device).expand(len(images), -1)
    columns = torch.arange(width, device=images.device).expand(len(images), -1)
    hole = None
    if draws.hole is not None:
        # the hole is where it is seen, after the crop and the mirror
        hole = _near(rows, draws.hole[:, 0], cutout)[:, :, None]
        hole = hole & _near(columns, draws.hole[:, 1], cutout)[:, None, :]
    if draws.mirrored is not None:
        columns = torch.where(draws.mirrored[:, None], width - 1 - columns, columns)
    if draws.shift is not None:
        images = F.pad(images, (crop, crop, crop, crop))
        rows, columns = rows + draws.shift[:, :1], columns + draws.shift[:, 1:]
    if draws.shift is None and draws.mirrored is None:
        images = images.clone()
    else:
        numbers = torch.arange(len(images), device=images.device)[:, None, None]
        # channels last: one index fetches all channels of a pixel
        picked = images.permute(0, 2, 3, 1)[numbers, rows[:, :, None], columns[:, None, :]]
        images = picked.permute(0, 3, 1, 2)
    # in place, where the layout stays
    return images if hole is None else images.masked_fill_(hole[:, None], 0)


def augment(images, *, crop, flip, cutout, generator):
    """Draw and apply."""
    draws = draw(images, crop=crop, flip=flip, cutout=cutout, generator=generator)
    return apply(images, draws, crop=crop, cutout=cutout)


def _near(positions, centers, side):
    """Whether each position lies in the interval of a length around the center of its image."""
    start = centers[:, None] - side // 2
    return (positions >= start) & (positions < start + side)
