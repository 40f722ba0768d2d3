"""One image, from whatever holds it, as upright RGB."""

from __future__ import annotations

import numpy as np

from skhash.utils._optional import import_optional

# a float that rounding took past the end of its range is no sign of another range
_ROUNDING = 1e-6


class UnreadableImage(Exception):
    """A file that is missing, broken, or of a kind that cannot be decoded."""


def read_image(image):
    """Decode an image.

    Parameters
    ----------
    image : ndarray, path-like or PIL image
        See `ImageFeatures`.

    Returns
    -------
    rgb : PIL image of mode RGB, or ndarray of shape (height, width, 3)
        Arrays stay arrays: uint8, or float32 in [0, 1]. Deep images (16 bits) become floats.

    Raises
    ------
    UnreadableImage
        If a file cannot be decoded.
    ValueError
        If the numbers of an array are not in [0, 1].
    """
    if isinstance(image, np.ndarray):
        return _array_to_rgb(image if image.ndim == 3 else image[..., None])
    decoded = _decode(image)
    return _array_to_rgb(decoded) if isinstance(decoded, np.ndarray) else decoded


def pillow():
    """The module `PIL.Image`."""
    return import_optional("PIL.Image", "reading and resizing images", "pillow")


def to_pil(image):
    """An RGB image that `read_image` returned, as a PIL image of 8 bits per channel."""
    if not isinstance(image, np.ndarray):
        return image
    if image.dtype != np.uint8:
        image = np.rint(255 * image).astype(np.uint8)
    return pillow().fromarray(np.ascontiguousarray(image))


def _array_to_rgb(array: np.ndarray) -> np.ndarray:
    """Three channels from a grey, RGB or RGBA image or a stack of images, channels last."""
    if array.dtype != np.uint8:
        low, high = array.min(), array.max()
        if not (low >= -_ROUNDING and high <= 1 + _ROUNDING):
            raise ValueError(
                f"images of floats must lie in [0, 1], got values from {low:g} to {high:g}; "
                "divide by 255, or convert to uint8"
            )
        array = np.clip(array, 0, 1, dtype=np.float32)
    n_channels = array.shape[-1]
    if n_channels == 3:
        return array
    if n_channels == 1:
        return np.repeat(array, 3, axis=-1)
    # on a white page, as a browser shows it
    color, alpha = array[..., :3], array[..., 3:]
    if array.dtype != np.uint8:
        return color * alpha + (1 - alpha)
    blended = color.astype(np.uint16) * alpha + np.uint16(255) * (255 - alpha)
    return ((blended + np.uint16(127)) // np.uint16(255)).astype(np.uint8)


def stack_to_rgb(images: np.ndarray) -> np.ndarray:
    """Images of one array as RGB, shape (n, height, width, 3)."""
    return _array_to_rgb(images if images.ndim == 4 else images[..., None])


def _decode(image):
    """A file or a PIL image: RGB, or an array where its channels have more than 8 bits."""
    Image = pillow()
    from PIL import ImageOps

    try:
        if isinstance(image, Image.Image):
            return _pil_to_rgb(ImageOps.exif_transpose(image))
        with Image.open(image) as opened:
            # a tag of the camera says how it was held; None where there is nothing to turn
            ImageOps.exif_transpose(opened, in_place=True)
            return _pil_to_rgb(opened)
    except MemoryError:
        raise
    # decoders of broken files raise of every kind: OSError, SyntaxError, struct.error, ...
    except Exception as error:
        raise UnreadableImage(str(error) or type(error).__name__) from error


def _pil_to_rgb(image):
    if image.mode.startswith("I") or image.mode == "F":
        return _deep_pixels(image)[..., None]
    if image.has_transparency_data:
        return pillow().fromarray(_array_to_rgb(np.asarray(image.convert("RGBA"))))
    # a copy also where the mode is RGB already: the file is about to be closed
    return image.convert("RGB")


def _deep_pixels(image):
    """Grey values of more than 8 bits, which Pillow would clip instead of scaling."""
    pixels = np.asarray(image).astype(np.float32)
    if image.mode != "F":
        pixels /= 65535
    if pixels.min() < 0 or not pixels.max() <= 1:
        raise ValueError(f"mode {image.mode!r} with values beyond 16 bits, or floats beyond 1")
    return pixels
