"""The official CIFAR-100 archive, read without trusting its pickles."""

from __future__ import annotations

import pickle
import tarfile
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

_SIDE = 32


def read_archive(path: Path) -> dict[str, np.ndarray]:
    """Read CIFAR-100 from the official "python version" archive.

    Parameters
    ----------
    path : path-like
        The gzipped tar file; nothing is extracted to disk.

    Returns
    -------
    arrays : dict
        ``images`` uint8 of shape (n, 32, 32, 3), the training images first, ``fine`` and
        ``coarse`` uint8 of shape (n,), ``fine_names`` and ``coarse_names``.

    Raises
    ------
    pickle.UnpicklingError
        If a file of the archive contains anything but plain containers and arrays.
    OSError
        If one of the three files is missing.
    """
    parts = _read_parts(path)
    halves = [parts["train"], parts["test"]]
    # each row of the archive holds the red plane, then the green, then the blue
    planes = np.concatenate([half[b"data"] for half in halves]).reshape(-1, 3, _SIDE, _SIDE)
    return {
        "images": np.ascontiguousarray(planes.transpose(0, 2, 3, 1)),
        "fine": _join_labels(halves, b"fine_labels"),
        "coarse": _join_labels(halves, b"coarse_labels"),
        "fine_names": _decode_names(parts["meta"][b"fine_label_names"]),
        "coarse_names": _decode_names(parts["meta"][b"coarse_label_names"]),
    }


def _read_parts(path: Path) -> dict[str, dict[bytes, Any]]:
    wanted = {"meta", "train", "test"}
    parts = {}
    # in the order of the archive: going back in a gzip stream means unpacking it again
    with tarfile.open(path, "r:gz") as archive:
        for member in archive:
            name = PurePosixPath(member.name).name
            file = archive.extractfile(member) if name in wanted else None
            if file is not None:
                parts[name] = _PlainUnpickler(file, encoding="bytes").load()
    if missing := wanted.difference(parts):
        raise OSError(f"{path} lacks {', '.join(sorted(missing))}: not the CIFAR-100 archive")
    return parts


def _join_labels(halves: list[dict[bytes, Any]], key: bytes) -> np.ndarray:
    return np.concatenate([np.asarray(half[key], dtype=np.uint8) for half in halves])


def _decode_names(names: list[bytes]) -> np.ndarray:
    return np.array([name.decode("ascii") for name in names])


def _make_dtype(spec, align=False, copy=False):
    """`np.dtype`, for pickles of Python 2, which write its flags as 0 and 1."""
    return np.dtype(spec, align=bool(align), copy=bool(copy))


_PERMITTED = {
    # numpy has no public name for the function with which it rebuilds a pickled array
    ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): _make_dtype,
}


class _PlainUnpickler(pickle.Unpickler):
    """An unpickler of plain containers, strings, numbers and numpy arrays, and of nothing else."""

    def find_class(self, module_name, global_name):
        try:
            return _PERMITTED[module_name, global_name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"refused to load {module_name}.{global_name}: "
                "the archive should hold plain containers and arrays only"
            ) from None
