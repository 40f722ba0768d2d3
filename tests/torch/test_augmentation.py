"""Crops, mirror images and holes of a batch, against an image at a time."""

import numpy as np
import pytest
import torch

from skhash._torch.augmentation import Draws, apply, augment, draw
from skhash.networks import Augmentation

SIDES = (6, 9)


def batch(n=40, n_channels=3):
    return torch.randn(n, n_channels, *SIDES, generator=torch.Generator().manual_seed(1))


def one_by_one(images, draws, crop, cutout):
    """The same with plain slices of padded arrays, image by image."""
    height, width = SIDES
    results = []
    for i, image in enumerate(images.numpy()):
        result = image
        if draws.shift is not None:
            padded = np.pad(image, ((0, 0), (crop, crop), (crop, crop)))
            top, left = draws.shift[i].tolist()
            result = padded[:, top : top + height, left : left + width]
        if draws.mirrored is not None and draws.mirrored[i]:
            result = result[:, :, ::-1]
        if draws.hole is not None:
            result = result.copy()
            row, column = (center - cutout // 2 for center in draws.hole[i].tolist())
            rows = slice(max(row, 0), max(row + cutout, 0))
            result[:, rows, max(column, 0) : max(column + cutout, 0)] = 0
        results.append(result)
    return np.stack(results)


@pytest.mark.parametrize("crop", [0, 2])
@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("cutout", [0, 3, 4])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_agrees_with_an_image_at_a_time(crop, flip, cutout, layout):
    images, generator = batch(), torch.Generator().manual_seed(0)
    draws = draw(images, crop=crop, flip=flip, cutout=cutout, generator=generator)
    found = apply(images.to(memory_format=layout), draws, crop=crop, cutout=cutout)
    np.testing.assert_array_equal(found.numpy(), one_by_one(images, draws, crop, cutout))


def test_each_image_has_its_own_draw():
    same = batch(1).expand(64, -1, -1, -1)
    found = augment(same, crop=2, flip=True, cutout=3, generator=torch.Generator().manual_seed(0))
    assert len(torch.unique(found.flatten(1), dim=0)) > 55


def test_draws_cover_all_that_there_is():
    images = batch(2000)
    draws = draw(images, crop=1, flip=True, cutout=2, generator=torch.Generator().manual_seed(0))
    assert len(torch.unique(draws.shift, dim=0)) == 9
    assert len(torch.unique(draws.hole, dim=0)) == SIDES[0] * SIDES[1]
    assert 0.45 < draws.mirrored.float().mean() < 0.55


def test_generator_fixes_it():
    augmentation = Augmentation(crop=2, cutout=3)
    first, again, other = (
        augmentation(batch(), torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_nothing_asked_for_changes_nothing():
    images = batch()
    found = Augmentation(crop=0, flip=False)(images, torch.Generator())
    assert torch.equal(found, images)


def test_layout_of_channels_is_kept():
    images = batch().to(memory_format=torch.channels_last)
    found = augment(images, crop=2, flip=True, cutout=3, generator=torch.Generator())
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_images_given_are_not_written_to():
    images = batch()
    before = images.clone()
    apply(images, Draws(None, None, torch.zeros(40, 2, dtype=torch.long)), crop=0, cutout=4)
    assert torch.equal(images, before)
