"""Many small square images kept in one JPEG, row by row."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np

from skhash.utils._optional import import_optional


def split_mosaic(jpeg: bytes, side: int) -> np.ndarray:
    """Cut a JPEG mosaic into its tiles.

    Parameters
    ----------
    jpeg : bytes
        An image whose height and width are multiples of `side`.
    side : int
        Height and width of a tile, in pixels.

    Returns
    -------
    tiles : ndarray of shape (n_tiles, side, side, 3), dtype uint8
        RGB tiles from left to right, then from top to bottom.
    """
    pixels = _decode(jpeg)
    rows, columns = pixels.shape[0] // side, pixels.shape[1] // side
    grid = pixels.reshape(rows, side, columns, side, 3)
    return grid.swapaxes(1, 2).reshape(-1, side, side, 3)


def read_packed_images(path: Path) -> dict[str, np.ndarray]:
    """Read a pack of labelled JPEG mosaics.

    Parameters
    ----------
    path : path-like
        An npz file with the mosaics end to end in ``blob``, where they begin and end in
        ``offsets``, ``side``, ``per_mosaic``, ``n``, and the labels and their names.

    Returns
    -------
    arrays : dict
        ``images`` of shape (n, side, side, 3), ``fine``, ``coarse``, ``fine_names`` and
        ``coarse_names``.
    """
    with np.load(path, allow_pickle=False) as pack:
        side, per_mosaic, n = (int(pack[key]) for key in ("side", "per_mosaic", "n"))
        blob, offsets = pack["blob"], pack["offsets"]
        names = ("fine", "coarse", "fine_names", "coarse_names")
        arrays = {name: pack[name] for name in names}
    images = np.empty((n, side, side, 3), dtype=np.uint8)
    for first, begin, end in zip(range(0, n, per_mosaic), offsets[:-1], offsets[1:], strict=True):
        block = images[first : first + per_mosaic]
        # the grid of the last mosaic may have places to spare
        block[:] = split_mosaic(blob[begin:end].tobytes(), side)[: len(block)]
    return {"images": images, **arrays}


def _decode(jpeg: bytes) -> np.ndarray:
    Image = import_optional("PIL.Image", "decoding images", "pillow")
    with Image.open(BytesIO(jpeg)) as image:
        return np.asarray(image.convert("RGB"))
