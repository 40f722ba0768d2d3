"""The manifest: one JSON document that says what a directory is and all that is not an array.

It carries a checksum of itself, over its members in their canonical form, and one of the file of
arrays. They find accidents; who can change a file can change its checksum too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from skhash._persist._errors import LoadError

FORMAT = "skhash model"
VERSION = 1
MANIFEST = "manifest.json"
ARRAYS = "arrays.safetensors"

#: From a manifest of one format version to that of the next. A new version adds what turns the
#: manifest before it into its own; they are applied one after the other. `_check_members` sees
#: only the last.
MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}

_MEMBERS = {
    "arrays": dict,
    "files": dict,
    "format": str,
    "objects": list,
    "saved_by": dict,
    "sha256": str,
    "version": int,
}
_PACKAGES = ("skhash", "scikit-learn", "numpy")


def make_manifest(
    objects: list[dict[str, Any]],
    arrays: dict[str, dict[str, Any]],
    files: dict[str, dict[str, Any]],
) -> bytes:
    """The manifest as the bytes of its file."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "saved_by": {name: _installed(name) for name in _PACKAGES},
        "files": files,
        "objects": objects,
        "arrays": arrays,
    }
    content["sha256"] = checksum(content)
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode("utf-8")


def read_manifest(path: Path) -> dict[str, Any]:
    """Parse and check a manifest, and bring it to the present format version.

    Raises
    ------
    LoadError
        If it is not a manifest of skhash, of a newer version, or damaged.
    """
    content = parse_json(path.read_bytes(), str(path))
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise LoadError(f"{path} is not the manifest of a model that skhash.save wrote")
    found = content.get("version")
    if type(found) is not int or found < 0:
        raise LoadError(f"{path} must have a whole number as its format version, got {found!r}")
    if found > VERSION:
        raise LoadError(
            f"{path} has format version {found}, and this skhash reads up to {VERSION}: it was "
            f"saved by {describe(content.get('saved_by'))}; a newer skhash will load it"
        )
    if content.get("sha256") != checksum(content):
        raise LoadError(f"{path} does not have the checksum it was saved with: it is damaged")
    for number in range(found, VERSION):
        if number not in MIGRATIONS:
            raise LoadError(f"{path} has format version {found}, which is no longer read")
        content = MIGRATIONS[number](content)
    _check_members(content, path)
    return content


def parse_json(text: bytes, name: str) -> Any:
    """JSON as its standard has it: no key twice, no NaN."""
    try:
        return json.loads(
            text.decode("utf-8"), object_pairs_hook=_without_repeats, parse_constant=_no_constant
        )
    except RecursionError:
        raise LoadError(f"{name} is nested too deeply") from None
    except ValueError as error:
        raise LoadError(f"{name} is no valid JSON: {error}") from None


def checksum(content: dict[str, Any]) -> str:
    """SHA-256 of the members other than the checksum itself, however they are laid out."""
    rest = {name: value for name, value in content.items() if name != "sha256"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def describe(saved_by: Any) -> str:
    """The versions that saved a model, in words."""
    if not isinstance(saved_by, dict):
        return "unknown versions"
    return ", ".join(f"{name} {number}" for name, number in saved_by.items())


def _check_members(content, path):
    kinds = {name: type(value) for name, value in content.items()}
    if kinds != _MEMBERS:
        raise LoadError(f"{path} must have the members {sorted(_MEMBERS)}, got {sorted(kinds)}")
    files = content["files"]
    # a name is never joined to a path, so that none can lead out of the directory
    is_file = (
        set(files) == {ARRAYS}
        and isinstance(files[ARRAYS], dict)
        and set(files[ARRAYS]) == {"bytes", "sha256"}
    )
    if not is_file:
        raise LoadError(
            f"{path} must list the bytes and sha256 of the one file {ARRAYS}, got {files!r}"
        )


def _installed(package):
    if package == "skhash":
        from skhash import __version__

        return __version__
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def _without_repeats(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("an object has a key twice")
    return members


def _no_constant(name):
    raise ValueError(f"{name} is no number of JSON")
