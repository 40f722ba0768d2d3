"""Features of many images, batch by batch."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from ._inputs import describe
from ._progress import Progress
from ._reading import UnreadableImage, read_image, stack_to_rgb

# numbers that may wait on the device: fetching them makes it idle for a moment
_WAITING_ELEMENTS = 2**22

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass
class Batch:
    """Images of consecutive rows, decoded, without those that could not be."""

    rows: list[int]
    images: np.ndarray | list
    failures: dict[int, str] = field(default_factory=dict)


def read_batch(images, start: int, stop: int, *, on_error: str) -> Batch:
    """Decode the images of some rows.

    Raises
    ------
    ValueError
        If a file cannot be read and `on_error` is "raise", or an array is invalid.
    """
    if isinstance(images, np.ndarray):
        stop = min(stop, len(images))
        try:
            return Batch(list(range(start, stop)), stack_to_rgb(images[start:stop]))
        except ValueError as error:
            raise ValueError(f"X, rows {start} to {stop - 1}: {error}") from None
    decoded: list = []
    batch = Batch([], decoded)
    for row, image in enumerate(images[start:stop], start=start):
        try:
            decoded.append(read_image(image))
        except UnreadableImage as error:
            message = f"{describe(row, image)}: {error}"
            if on_error == "raise":
                raise ValueError(
                    f"{message}; this image cannot be read: on_error='skip' goes on without it"
                ) from error
            batch.failures[row] = message
        except ValueError as error:
            raise ValueError(f"{describe(row, image)}: {error}") from None
        else:
            batch.rows.append(row)
    return batch


def extract(images, extractor, *, batch_size, n_threads, on_error, verbose=0):
    """Features of all images.

    Parameters
    ----------
    images : ndarray or list
        As `check_images` returns them.
    extractor : Extractor
    batch_size, n_threads, on_error, verbose
        See `ImageFeatures`.

    Returns
    -------
    features : ndarray of shape (n, n_features), float32, or None
        NaN in the rows of images that could not be read; None where no image could be.
    failures : dict of int to str
        What went wrong, by row.
    """

    def load(start):
        batch = read_batch(images, start, start + batch_size, on_error=on_error)
        prepared = extractor.prepare(batch.images, batch.rows) if batch.rows else None
        return batch.rows, batch.failures, prepared

    n_images, failures = len(images), {}
    collected = _Collected(n_images)
    progress = Progress(n_images, "images") if verbose else None
    for rows, failed, prepared in prefetch(load, range(0, n_images, batch_size), n_threads):
        failures.update(failed)
        if prepared is not None:
            collected.add(rows, extractor.features(prepared))
        if progress is not None:
            progress.advance(len(rows) + len(failed))
    return collected.finish(), failures


def readable_rows(images, *, n_threads: int, chunk: int = 32) -> np.ndarray:
    """Which images can be decoded, as a mask of shape (n,)."""
    mask = np.zeros(len(images), dtype=bool)

    def load(start):
        return read_batch(images, start, start + chunk, on_error="skip").rows

    for rows in prefetch(load, range(0, len(images), chunk), n_threads):
        mask[rows] = True
    return mask


def prefetch(
    function: Callable[[Item], Result], items: Iterable[Item], n_threads: int
) -> Iterator[Result]:
    """Results of a function for each item, in order.

    Threads suffice for images: decoding and resizing release the interpreter's lock, and nothing
    has to be copied between processes. At most two results per thread are computed or kept ahead;
    ``joblib.Parallel(return_as="generator")`` and ``Executor.map`` would run on without limit if
    the consumer is slower.

    Parameters
    ----------
    function : callable
    items : iterable
    n_threads : int

    Yields
    ------
    result : object

    Examples
    --------
    >>> from skhash.feature_extraction._extract import prefetch
    >>> list(prefetch(abs, [-3, 2, -1], n_threads=2))
    [3, 2, 1]
    """
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(n_threads, thread_name_prefix="skhash-images") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > 2 * n_threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


class _Collected:
    """Rows of features as they come, fetched from the device in larger pieces."""

    def __init__(self, n_images):
        self._n_images = n_images
        self._features = None
        self._rows, self._parts, self._n_waiting = [], [], 0

    def add(self, rows, features):
        """Take the features of some rows, a tensor on any device."""
        if self._features is None:
            self._features = np.full((self._n_images, features.shape[1]), np.nan, np.float32)
        self._rows += rows
        self._parts.append(features)
        self._n_waiting += features.numel()
        if features.device.type == "cpu" or self._n_waiting > _WAITING_ELEMENTS:
            self._fetch()

    def finish(self):
        """All rows; None where none came."""
        self._fetch()
        return self._features

    def _fetch(self):
        if not self._rows:
            return
        # copied one by one: a concatenation would need the memory of the device twice
        block = np.concatenate([part.cpu().numpy() for part in self._parts])
        finite = np.isfinite(block).all(axis=1)
        if not finite.all():
            row = self._rows[int(np.argmin(finite))]
            raise ValueError(
                f"backbone returned NaN or infinity for X[{row}]; if they overflow in mixed "
                "precision, set mixed_precision=False"
            )
        self._features[self._rows] = block
        self._rows, self._parts, self._n_waiting = [], [], 0
