"""Directories that are written whole or not at all, and read only if they are what was written."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"


def save_directory(
    path, format_name: str, fill: Callable[[Path], None], *, overwrite: bool
) -> None:
    """Have `fill` write a directory beside `path`, and move it there once it is complete.

    Raises
    ------
    FileExistsError
        If there is something at `path`, unless `overwrite` is true.
    ValueError
        If what would be overwritten is of another format.
    """
    path = Path(path)
    if os.path.lexists(path):
        if not overwrite:
            raise FileExistsError(f"{path} exists; overwrite=True replaces a {format_name}.")
        read_manifest(path, format_name)
    path.parent.mkdir(parents=True, exist_ok=True)
    # beside it, since only a move within a file system is done at once
    workplace = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        new = workplace / "new"
        new.mkdir()
        fill(new)
        _replace(path, new, workplace / "old")
    finally:
        shutil.rmtree(workplace, ignore_errors=True)


def _replace(path, new, old):
    """Move what is new to `path`; what was there comes back if that fails."""
    if not os.path.lexists(path):
        new.rename(path)
        return
    path.rename(old)
    try:
        new.rename(path)
    except BaseException:
        old.rename(path)
        raise


def write_manifest(folder: Path, format_name: str, version: int, content: dict[str, Any]) -> None:
    """Write what the directory is, with sizes and checksums of the files that it holds so far."""
    files = {
        file.name: {"bytes": file.stat().st_size, "sha256": _checksum(file)}
        for file in sorted(folder.iterdir())
        if file.is_file()
    }
    manifest = {"format": format_name, "version": version, **content, "files": files}
    text = json.dumps(manifest, indent=1, allow_nan=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def read_manifest(path: Path, format_name: str, version: int | None = None) -> dict[str, Any]:
    """The manifest of a directory of this format, no newer than `version` where that is given.

    Raises
    ------
    FileNotFoundError
        If nothing is at the path.
    ValueError
        If it is something else, or newer.
    """
    if not path.exists():
        raise FileNotFoundError(f"There is nothing at {path}.")
    file = path / MANIFEST
    try:
        if file.is_symlink():
            raise ValueError("the manifest is a link")
        manifest = json.loads(file.read_text(encoding="utf-8"))
        found = manifest["format"], manifest["version"]
        if not isinstance(found[1], int) or not isinstance(manifest["files"], dict):
            raise ValueError("the manifest is damaged")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} does not hold a {format_name}: {error}") from error
    if found[0] != format_name:
        raise ValueError(f"{path} holds a {found[0]}, not a {format_name}.")
    if version is not None and found[1] > version:
        raise ValueError(
            f"{path} was written by a later skhash: its format is version {found[1]}, and this "
            f"one reads versions up to {version}."
        )
    return manifest


def check_files(path: Path, manifest: dict[str, Any], *, checksums: bool) -> None:
    """Refuse files that are missing, links, or not as long as the manifest says.

    With `checksums` all of them are read and compared.
    """
    for name, expected in manifest["files"].items():
        file = path / name
        if Path(name).name != name or file.is_symlink() or not file.is_file():
            raise ValueError(f"{path} should hold the file {name!r}, and does not.")
        if file.stat().st_size != expected["bytes"]:
            raise ValueError(
                f"{file} is damaged: it has {file.stat().st_size} bytes, not {expected['bytes']}."
            )
        if checksums and _checksum(file) != expected["sha256"]:
            raise ValueError(f"{file} is damaged: its checksum is not the one it was saved with.")


def _checksum(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
