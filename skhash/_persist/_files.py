"""The files of a model: opened together, looked at before anything in them is used."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from skhash._persist._errors import LoadError
from skhash._persist._manifest import ARRAYS, MANIFEST
from skhash._persist._write import set_aside

# elsewhere a directory that is replaced while it is read may look as if it lacked files
_HAS_DIR_FD = os.open in os.supports_dir_fd
# a link is not followed, a pipe not waited for
_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
# how long a path may be empty while a directory takes its place
_PATIENCE_STEPS, _PATIENCE_SECONDS = 100, 0.01


def open_model(path: Path, closing: ExitStack) -> tuple[IO[bytes], IO[bytes]]:
    """The manifest and the arrays of one save, also while another save replaces it.

    Parameters
    ----------
    path : Path
        The directory.
    closing : ExitStack
        Closes the files.

    Raises
    ------
    FileNotFoundError
        If nothing is at the path.
    LoadError
        If it is a file, or if files are missing, or are links, pipes or directories.
    """
    while True:
        folder = _open_directory(path)
        try:
            manifest = closing.enter_context(open_file(path / MANIFEST, folder))
            return manifest, closing.enter_context(open_file(path / ARRAYS, folder))
        except FileNotFoundError as error:
            # gone, if another directory is there by now: then its files are wanted
            if folder is None or _is_at(folder, path):
                name = Path(error.filename).name
                raise LoadError(f"{path} lacks the file {name}: it is not a saved model") from None
        finally:
            if folder is not None:
                os.close(folder)


def check_file(file: IO[bytes], name: str, wanted: dict[str, Any], *, verify: bool) -> None:
    """Refuse a file of another length or, to `verify`, checksum than the manifest says.

    Raises
    ------
    LoadError
        Saying which of the two.
    """
    size = os.fstat(file.fileno()).st_size
    if size != wanted["bytes"]:
        raise LoadError(f"{name} has {size} bytes, but was saved with {wanted['bytes']}")
    if verify and file_checksum(file) != wanted["sha256"]:
        raise LoadError(f"{name} does not have the checksum it was saved with: it is damaged")


def file_checksum(file: IO[bytes]) -> str:
    """SHA-256 of a file."""
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def open_file(path: Path, folder: int | None = None) -> IO[bytes]:
    """Open a file for reading, in a directory that is open already if one is given.

    Raises
    ------
    FileNotFoundError, PermissionError
        If it is not there, or not to be read.
    LoadError
        If it is a link, a pipe or a directory.
    """

    def opener(name, flags):
        handle = os.open(name if folder is None else path.name, flags | _FLAGS, dir_fd=folder)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise IsADirectoryError
        return handle

    try:
        return open(path, "rb", opener=opener)
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        error.filename = str(path)
        raise
    except OSError:
        raise LoadError(f"{path} must be a file itself, not a link or a directory") from None


def _open_directory(path):
    for _ in range(_PATIENCE_STEPS):
        try:
            if _HAS_DIR_FD:
                return os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            os.listdir(path)
            return None
        except NotADirectoryError:
            raise LoadError(f"{path} is a file, wanted a directory that was saved") from None
        except FileNotFoundError:
            aside = set_aside(path)
            if aside is None and not os.path.exists(path):
                raise FileNotFoundError(f"there is nothing at {path}") from None
        time.sleep(_PATIENCE_SECONDS)
    raise FileNotFoundError(
        f"there is nothing at {path}: a save was killed while it replaced what was there, which "
        f"is {aside}"
    )


def _is_at(folder, path):
    try:
        return os.path.samestat(os.fstat(folder), os.stat(path))
    except FileNotFoundError:
        return False
