"""Whatever holds an image, the same upright RGB comes out."""

import numpy as np
import pytest

from skhash.feature_extraction._reading import UnreadableImage, read_image, to_pil

Image = pytest.importorskip("PIL.Image", reason="Pillow reads the files")

GREY = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40


def read(image):
    return np.asarray(read_image(image))


def saved(image, path, **options):
    image.save(path, **options)
    return read(path)


def test_grey_of_8_bits_is_repeated(tmp_path):
    expected = np.stack([GREY] * 3, axis=-1)
    np.testing.assert_array_equal(read(GREY), expected)
    np.testing.assert_array_equal(read(GREY[..., None]), expected)
    np.testing.assert_array_equal(saved(Image.fromarray(GREY), tmp_path / "grey.png"), expected)


def test_16_bits_are_scaled_and_not_clipped(tmp_path):
    deep = np.array([[0, 255, 256], [1000, 32768, 65535]], dtype=np.uint16)
    rgb = saved(Image.fromarray(deep), tmp_path / "deep.png")
    assert rgb.dtype == np.float32
    np.testing.assert_allclose(rgb, np.stack([deep / 65535] * 3, axis=-1), atol=1e-7)
    rgb = saved(Image.fromarray(deep), tmp_path / "deep.tiff")
    np.testing.assert_allclose(rgb[..., 2], deep / 65535, atol=1e-7)


def test_floats_of_a_tiff_must_be_in_the_unit_interval(tmp_path):
    floats = np.array([[0, 0.25], [0.5, 1]], dtype=np.float32)
    rgb = saved(Image.fromarray(floats), tmp_path / "floats.tiff")
    np.testing.assert_array_equal(rgb[..., 1], floats)
    with pytest.raises(UnreadableImage, match="floats beyond 1"):
        saved(Image.fromarray(255 * floats), tmp_path / "large.tiff")


def test_palette_and_its_transparency(tmp_path):
    palette = Image.fromarray(np.array([[0, 1, 2]], dtype=np.uint8), mode="P")
    palette.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    expected = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]])
    np.testing.assert_array_equal(saved(palette, tmp_path / "palette.png"), expected)
    expected[0, 1] = 255
    transparent = saved(palette, tmp_path / "transparent.png", transparency=1)
    np.testing.assert_array_equal(transparent, expected)


def test_transparency_shows_a_white_page(tmp_path):
    rgba = np.zeros((1, 3, 4), dtype=np.uint8)
    rgba[0, :, 3] = [255, 0, 128]
    expected = np.array([[0] * 3, [255] * 3, [127] * 3])[None]
    np.testing.assert_array_equal(saved(Image.fromarray(rgba), tmp_path / "alpha.png"), expected)
    np.testing.assert_array_equal(read(rgba), expected)
    np.testing.assert_allclose(255 * read(rgba / 255), expected, atol=1e-4)
    page = Image.new("RGBA", (3, 1), "white")
    page.alpha_composite(Image.fromarray(rgba))
    np.testing.assert_array_equal(read(rgba), np.asarray(page)[..., :3])


def test_cmyk_becomes_the_color_it_stands_for(tmp_path):
    red = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    rgb = saved(red, tmp_path / "cmyk.jpg", quality=100).astype(int)
    assert np.abs(rgb - [255, 0, 0]).max() < 8


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_camera_is_held_upright(tmp_path, orientation):
    upright = np.zeros((2, 3, 3), dtype=np.uint8)
    upright[0, 0], upright[0, 2] = 200, 100
    # what the sensor of a camera held so has seen: the inverse of what a viewer does
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.swapaxes(0, 1),
        6: np.rot90(upright, 1),
        7: np.rot90(upright, 2).swapaxes(0, 1),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "photo.png"
    Image.fromarray(np.ascontiguousarray(stored)).save(path, exif=exif)
    np.testing.assert_array_equal(read(path), upright)
    with Image.open(path) as opened:
        np.testing.assert_array_equal(read(opened), upright)


def broken_files(folder):
    noise = np.random.default_rng(0).integers(256, size=(64, 64, 3), dtype=np.uint8)
    for name in ("cut.jpg", "cut.png"):
        Image.fromarray(noise).save(folder / name)
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])
    (folder / "text.jpg").write_text("no image")
    (folder / "empty.png").touch()
    damaged = folder / "damaged.png"
    Image.fromarray(noise).save(damaged)
    content = bytearray(damaged.read_bytes())
    content[60:80] = bytes(20)
    damaged.write_bytes(content)
    return [folder / name for name in ("cut.jpg", "cut.png", "text.jpg", "empty.png", damaged.name)]


def test_what_cannot_be_decoded_says_so(tmp_path):
    for path in [*broken_files(tmp_path), tmp_path / "missing.jpg"]:
        with pytest.raises(UnreadableImage):
            read_image(path)


@pytest.mark.parametrize("value", [-0.1, 1.1, 255.0, np.nan])
def test_floats_of_another_range_are_refused(value):
    image = np.full((2, 2, 3), 0.5)
    image[1, 1, 1] = value
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\]"):
        read_image(image)


def test_floats_round_to_the_nearest_byte():
    bytes_ = np.arange(256, dtype=np.uint8).reshape(16, 16)
    image = read_image(bytes_.astype(np.float64) / 255)
    assert image.dtype == np.float32
    np.testing.assert_array_equal(np.asarray(to_pil(image))[..., 0], bytes_)
