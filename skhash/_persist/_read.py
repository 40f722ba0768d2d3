"""The files of a model are looked at before anything in them is used."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from skhash._persist._arrays import TENSOR_DTYPES, check_spec, from_tensor
from skhash._persist._errors import LoadError
from skhash._persist._manifest import ARRAYS, MANIFEST


def check_directory(path: Path) -> None:
    """Refuse what is not a directory with the files of a model.

    Raises
    ------
    FileNotFoundError
        If nothing is at the path.
    LoadError
        If it is a file, or if files are missing, or are links or directories.
    """
    if not path.exists():
        raise FileNotFoundError(f"there is nothing at {path}")
    if not path.is_dir():
        raise LoadError(f"{path} is a file; skhash.load wants a directory that skhash.save wrote")
    for name in (MANIFEST, ARRAYS):
        try:
            mode = (path / name).lstat().st_mode
        except FileNotFoundError:
            raise LoadError(f"{path} lacks the file {name}: it is not a saved model") from None
        if not stat.S_ISREG(mode):
            raise LoadError(f"{path / name} must be a file itself, not a link or a directory")


def check_file(path: Path, wanted: dict[str, Any]) -> None:
    """Refuse a file of another length or checksum than the manifest says.

    Raises
    ------
    LoadError
        Saying which of the two.
    """
    size = path.stat().st_size
    if size != wanted["bytes"]:
        raise LoadError(f"{path} has {size} bytes, and was saved with {wanted['bytes']}")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != wanted["sha256"]:
        raise LoadError(f"{path} does not have the checksum it was saved with: it is damaged")


def read_arrays(path: Path, specs: dict[str, Any], *, mmap: bool) -> dict[str, np.ndarray]:
    """All arrays of a file, once all of them have been compared with the manifest.

    Parameters
    ----------
    path : Path
        The file.
    specs : dict of str to dict
        What the manifest says of each array.
    mmap : bool
        Whether the arrays lie in the file rather than in memory, and cannot be written to.

    Raises
    ------
    LoadError
        If it is not a file of safetensors, or holds other arrays than the manifest lists.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            _check_arrays(file, specs, path)
            take = _mapped(path) if mmap else file.get_tensor
            return {name: from_tensor(spec, take(name), name) for name, spec in specs.items()}
    except SafetensorError as error:
        raise LoadError(f"{path} is not a file of arrays: {error}") from None


def _check_arrays(file, specs, path):
    names = set(file.keys())
    if names != set(specs):
        raise LoadError(
            f"{path} must hold the arrays that the manifest lists; it lacks "
            f"{sorted(set(specs) - names)}, and unknown are {sorted(names - set(specs))}"
        )
    for name, spec in specs.items():
        tensor = file.get_slice(name)
        check_spec(name, spec, tensor.get_dtype(), tensor.get_shape())


def _mapped(path):
    """A function from names to read-only tensors that lie in a file that `safe_open` has checked.

    `safe_open` itself copies what it hands to numpy.
    """
    with path.open("rb") as file:
        start = 8 + int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(start - 8))
    content = np.asarray(np.memmap(path, dtype=np.uint8, mode="r"))[start:]

    def take(name):
        entry = header[name]
        first, last = entry["data_offsets"]
        return content[first:last].view(TENSOR_DTYPES[entry["dtype"]]).reshape(entry["shape"])

    return take
