"""The files of a model are written beside their place, and moved there once they are complete."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from skhash._persist._manifest import ARRAYS, FORMAT, MANIFEST


def check_target(path: Path, overwrite: bool) -> None:
    """Refuse a path that a model cannot be saved at, before any work is done.

    Raises
    ------
    FileNotFoundError, FileExistsError, ValueError
        If there is no directory to save it in; something there, and no leave to overwrite it; or
        something that is not a saved model.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(f"path must lie in a directory that exists, got {path}")
    if not os.path.lexists(path):
        return
    if not overwrite:
        raise FileExistsError(f"{path} exists; overwrite=True replaces a model saved there")
    if not _is_saved_model(path):
        raise ValueError(
            f"{path} is not overwritten: it is not, or not only, a model that skhash.save wrote"
        )


def _is_saved_model(path):
    if path.is_symlink() or not path.is_dir():
        return False
    if {entry.name for entry in path.iterdir()} != {MANIFEST, ARRAYS}:
        return False
    try:
        content = json.loads((path / MANIFEST).read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.get("format") == FORMAT


def write_directory(path: Path, fill: Callable[[Path], None]) -> None:
    """Have a directory filled beside `path`, and move it there once it is complete.

    What is at `path` stays until then, and comes back if the move fails.
    """
    token = secrets.token_hex(6)
    new = path.parent / f".{path.name}.{token}.new"
    try:
        new.mkdir()
        fill(new)
        for entry in new.iterdir():
            _flush(entry)
        _flush_directory(new)
        _move(new, path, path.parent / f".{path.name}.{token}.old")
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    _flush_directory(path.parent)


def _move(new, path, old):
    if not os.path.lexists(path):
        os.rename(new, path)
        return
    os.rename(path, old)
    try:
        os.rename(new, path)
    except BaseException:
        os.rename(old, path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _flush(path):
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _flush_directory(path):
    """Have the system write down the names in a directory, where it can."""
    if os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)


def write_tensors(directory: Path, tensors: dict[str, np.ndarray]) -> dict[str, dict[str, Any]]:
    """Write the file of arrays, and return what the manifest says of it."""
    path = directory / ARRAYS
    path.touch()
    usual = path.stat().st_mode
    save_file(tensors, path)
    # safetensors makes files that nobody else may read
    path.chmod(usual)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {ARRAYS: {"bytes": path.stat().st_size, "sha256": digest}}
