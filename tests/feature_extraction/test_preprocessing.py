"""Sizes, statistics, and the agreement of everything that an image may come as."""

import numpy as np
import pytest
import torch

from skhash.feature_extraction._preprocessing import ResizeAndNormalize, one_by_one
from skhash.feature_extraction._reading import read_image

Image = pytest.importorskip("PIL.Image", reason="Pillow resizes")


def pixels(images, **options):
    """Of a list of images, after everything."""
    preprocessing = ResizeAndNormalize(**options)
    images = [read_image(image) for image in images]
    return preprocessing.finish(preprocessing.prepare(images, range(len(images)))).numpy()


def test_values_are_standardised_by_hand():
    image = np.array([[[0, 51, 255]]], dtype=np.uint8)
    imagenet = pixels([image])
    np.testing.assert_allclose(
        imagenet[0, :, 0, 0],
        [-0.485 / 0.229, (0.2 - 0.456) / 0.224, (1 - 0.406) / 0.225],
        rtol=1e-5,
    )
    plain = pixels([image], mean=0.0, std=1.0)
    np.testing.assert_allclose(plain[0, :, 0, 0], [0, 0.2, 1], atol=1e-7)


def test_bytes_and_floats_agree(images):
    as_bytes = pixels(images)
    np.testing.assert_allclose(pixels(images / 255), as_bytes, atol=1e-5)
    mixed = pixels([images[0], images[1] / 255])
    np.testing.assert_allclose(mixed, as_bytes[:2], atol=1e-5)


def test_the_centre_is_kept():
    image = np.zeros((4, 8, 3), dtype=np.uint8)
    image[:, 2:6] = 255
    np.testing.assert_allclose(pixels([image], image_size=4, mean=0, std=1), 1, atol=1e-6)
    tall = pixels([image.swapaxes(0, 1)], image_size=(4, 4), mean=0, std=1)
    np.testing.assert_allclose(tall, 1, atol=1e-6)


def test_shrinking_averages_and_does_not_pick():
    """A chessboard of single pixels shrinks to grey; picked pixels would be black or white."""
    board = 255 * (np.indices((64, 64)).sum(axis=0) % 2).astype(np.uint8)
    for image in (board, board / 255):
        small = pixels([image], image_size=8, mean=0, std=1)
        np.testing.assert_allclose(small, 0.5, atol=0.02)


def test_resizing_agrees_with_torch():
    """An implementation of the antialiased bicubic filter by others, with no crop to make."""
    smooth = np.random.default_rng(0).random((1, 3, 6, 6))
    image = torch.nn.functional.interpolate(torch.tensor(smooth), (48, 36), mode="bilinear")
    expected = torch.nn.functional.interpolate(
        image, (16, 12), mode="bicubic", antialias=True
    ).clamp(0, 1)
    channels_last = image[0].permute(1, 2, 0).numpy()
    ours = pixels([channels_last], image_size=(16, 12), mean=0, std=1)
    np.testing.assert_allclose(ours, expected, atol=1e-5)
    as_bytes = np.rint(255 * channels_last).astype(np.uint8)
    ours = pixels([as_bytes], image_size=(16, 12), mean=0, std=1)
    np.testing.assert_allclose(ours, expected, atol=3 / 255)


@pytest.mark.parametrize("shape", [(7, 1000), (333, 101), (1, 1), (3, 4)])
def test_any_shape_is_made_to_fit(shape):
    image = np.full((*shape, 3), 100, dtype=np.uint8)
    result = pixels([image], image_size=(10, 14), mean=0, std=1)
    assert result.shape == (1, 3, 10, 14)
    np.testing.assert_allclose(result, 100 / 255, atol=1e-6)


def test_an_array_is_prepared_as_its_images_are(images):
    for options in ({}, {"image_size": (20, 16)}, {"image_size": 12}):
        preprocessing = ResizeAndNormalize(**options)
        stack = preprocessing.prepare(images, range(10))
        one_by_one = preprocessing.prepare(list(images), range(10))
        assert stack.dtype == torch.uint8
        assert torch.equal(stack, one_by_one)


def test_different_sizes_without_a_size(images):
    preprocessing = ResizeAndNormalize()
    with pytest.raises(
        ValueError, match=r"X\[5\] has 20 x 16 pixels, X\[7\] has 20 x 9.*image_size"
    ):
        preprocessing.prepare([images[0], images[1], images[2][:, :9]], [5, 6, 7])


WRONG = {
    "zero": {"image_size": 0},
    "three sides": {"image_size": (3, 4, 5)},
    "half a pixel": {"image_size": (3.5, 4)},
    "two means": {"mean": (0.1, 0.2)},
    "no mean": {"mean": float("nan")},
    "no spread": {"std": 0.0},
}


@pytest.mark.parametrize("options", WRONG.values(), ids=WRONG)
def test_wrong_parameters_are_named(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        ResizeAndNormalize(**options)


def test_a_callable_sees_rgb_and_its_answer_is_checked(images):
    seen = []

    def transform(image):
        seen.append((image.mode, image.size))
        return np.asarray(image, dtype=np.float32).transpose(2, 0, 1)

    batch = one_by_one(transform).prepare(list(images[:2]), [0, 1])
    np.testing.assert_array_equal(batch, images[:2].transpose(0, 3, 1, 2))
    assert seen == [("RGB", (16, 20))] * 2
    for wrong, message in (
        (lambda image: np.zeros((3, 4)), "channels, height, width"),
        (lambda image: np.asarray(image), "floats, got torch.uint8"),
        (lambda image: np.zeros((3, len(seen.append(0) or seen), 4)), "all alike"),
    ):
        with pytest.raises(ValueError, match=message):
            one_by_one(wrong).prepare(list(images[:2]), [0, 1])


def test_an_error_of_a_callable_says_where(images):
    with pytest.raises(ZeroDivisionError) as caught:
        one_by_one(lambda image: 1 / 0).prepare(list(images[:2]), [64, 65])
    assert "rows 64 to 65" in caught.value.__notes__[0]
