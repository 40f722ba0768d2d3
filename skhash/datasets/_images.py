"""CIFAR-100 as images, fetched once and cached."""

from __future__ import annotations

import os
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from sklearn.datasets import fetch_file, get_data_home
from sklearn.utils import Bunch

from ._archive import read_archive
from ._mosaic import read_packed_images
from ._resources import read_description

_ARCHIVE_URL = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
_ARCHIVE_SHA256 = "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"
_ARCHIVE_BYTES = 169_001_437
_PACKED_FILE = "cifar100_all_jpeg95.npz"
_N_TRAIN = 50_000


def fetch_cifar100(
    data_home=None, download_if_missing=True, *, n_retries=3, delay=1.0, verbose=False
):
    """Load the CIFAR-100 images, downloading them the first time.

    If the environment variable ``SKHASH_DATA`` names a folder that holds
    ``cifar100_all_jpeg95.npz``, the images are read from there and nothing is downloaded. Otherwise
    they come from the cache, which is filled from their official source.

    =================   ===============
    Classes                         100
    Superclasses                     20
    Samples per class               600
    Samples total                60,000
    Image size          32 x 32 x 3 RGB
    =================   ===============

    Parameters
    ----------
    data_home : str or path-like, default=None
        Where scikit-learn keeps its data sets, see :func:`sklearn.datasets.get_data_home`.
        The images are cached in its subfolder ``cifar100``.
    download_if_missing : bool, default=True
        If False, raise an OSError instead of downloading images that are not there.
    n_retries : int, default=3
        Number of further attempts when the download fails.
    delay : float, default=1.0
        Seconds between attempts.
    verbose : bool, default=False
        Print the progress of the download.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with these attributes.

        images : ndarray of shape (60000, 32, 32, 3), dtype uint8
            RGB images, the training images first, both halves in their official order.
        target : ndarray of shape (60000,), dtype int64
            Class of each image, 0 to 99.
        target_names : ndarray of shape (100,), dtype str
            Names of the classes, in alphabetical order.
        coarse : ndarray of shape (60000,), dtype int64
            Superclass of each image, 0 to 19.
        coarse_names : ndarray of shape (20,), dtype str
            Names of the superclasses.
        train_indices : ndarray of shape (50000,), dtype int64
            Rows of the official training set.
        test_indices : ndarray of shape (10000,), dtype int64
            Rows of the official test set, in the order of `load_cifar100_features`.
        source : {"official", "SKHASH_DATA (JPEG quality 95)"}
            Where the images came from. Only the official ones are exact.
        DESCR : str
            Origin and terms of the data.

    Raises
    ------
    OSError
        If the images are not there and `download_if_missing` is False, if the download fails or
        does not have the checksum of the official archive, or if the cache is damaged. A download
        that fails or is interrupted leaves nothing behind.
    ImportError
        If the images come from ``SKHASH_DATA`` and Pillow is missing.

    References
    ----------
    A. Krizhevsky (2009). Learning Multiple Layers of Features from Tiny Images.
    Technical report, University of Toronto.

    Examples
    --------
    >>> from skhash.datasets import fetch_cifar100
    >>> cifar = fetch_cifar100(verbose=True)  # doctest: +SKIP
    >>> cifar.images[cifar.test_indices].shape  # doctest: +SKIP
    (10000, 32, 32, 3)
    """
    packed = _find_packed()
    if packed is not None:
        return _make_bunch(read_packed_images(packed), source="SKHASH_DATA (JPEG quality 95)")

    cache = Path(get_data_home(data_home)) / "cifar100" / "cifar100.npz"
    if cache.exists():
        return _make_bunch(_read_cache(cache), source="official")
    if not download_if_missing:
        raise OSError(f"CIFAR-100 is not at {cache}, and download_if_missing is False")
    return _make_bunch(_download(cache, n_retries, delay, verbose), source="official")


def _find_packed() -> Path | None:
    folder = os.environ.get("SKHASH_DATA")
    packed = Path(folder, _PACKED_FILE) if folder else None
    return packed if packed is not None and packed.is_file() else None


def _read_cache(cache: Path) -> dict[str, np.ndarray]:
    try:
        with cache.open("rb") as file, np.load(file, allow_pickle=False) as pack:
            return dict(pack)
    except (zipfile.BadZipFile, EOFError, ValueError) as error:
        raise OSError(f"{cache} is damaged; delete it to download CIFAR-100 again") from error


def _download(cache: Path, n_retries: int, delay: float, verbose: bool) -> dict[str, np.ndarray]:
    """Fill the cache from the official source, or leave it as it was."""
    cache.parent.mkdir(parents=True, exist_ok=True)
    # inside the cache's own folder, so that the last step is a rename within one file system
    with TemporaryDirectory(prefix="partial-", dir=cache.parent) as folder:
        with _report_progress(Path(folder)) if verbose else nullcontext():
            arrays = read_archive(_fetch_archive(folder, n_retries, delay))
        complete = Path(folder, cache.name)
        np.savez(complete, allow_pickle=False, **arrays)
        os.replace(complete, cache)
    return arrays


def _fetch_archive(folder: str, n_retries: int, delay: float) -> Path:
    try:
        return fetch_file(
            _ARCHIVE_URL, folder=folder, sha256=_ARCHIVE_SHA256, n_retries=n_retries, delay=delay
        )
    except OSError as error:
        raise OSError(f"CIFAR-100 could not be downloaded from {_ARCHIVE_URL}: {error}") from error


@contextmanager
def _report_progress(folder: Path, interval: float = 1.0) -> Iterator[None]:
    """Print every few seconds how much has arrived in `folder`."""
    finished = threading.Event()

    def report() -> None:
        while not finished.wait(interval):
            # the file may be renamed between being listed and being asked for its size
            with suppress(FileNotFoundError):
                arrived = sum(path.stat().st_size for path in folder.iterdir())
                print(f"\r{arrived / 1e6:.0f} of {_ARCHIVE_BYTES / 1e6:.0f} MB", end="", flush=True)

    print(f"Downloading {_ARCHIVE_URL}")
    thread = threading.Thread(target=report, daemon=True)
    thread.start()
    try:
        yield
    finally:
        finished.set()
        thread.join()
        print()


def _make_bunch(arrays: dict[str, np.ndarray], source: str) -> Bunch:
    rows = np.arange(len(arrays["images"]))
    return Bunch(
        images=arrays["images"],
        target=arrays["fine"].astype(np.int64),
        target_names=arrays["fine_names"],
        coarse=arrays["coarse"].astype(np.int64),
        coarse_names=arrays["coarse_names"],
        train_indices=rows[:_N_TRAIN],
        test_indices=rows[_N_TRAIN:],
        source=source,
        DESCR=read_description("cifar100.rst"),
    )
