"""A manifest: one JSON document that says what a directory is, and all that is in no other file.

It carries a checksum of itself, over its members in their canonical form, and those of the files
beside it. They find accidents; who can change a file can change its checksum too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from skhash._persist._errors import LoadError
from skhash._persist._migrations import encoders_as_objects

FORMAT = "skhash model"
VERSION = 2
MANIFEST = "manifest.json"
ARRAYS = "arrays.safetensors"

#: From a manifest of one format version to that of the next. A new version adds what turns the
#: manifest before it into its own; they are applied one after the other.
MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: encoders_as_objects}

_PACKAGES = ("skhash", "scikit-learn", "numpy")


def make_manifest(
    objects: list[dict[str, Any]],
    arrays: dict[str, dict[str, Any]],
    files: dict[str, dict[str, Any]],
) -> bytes:
    """The manifest of a model as the bytes of its file."""
    saved_by = {name: _installed(name) for name in _PACKAGES}
    content = {"saved_by": saved_by, "files": files, "objects": objects, "arrays": arrays}
    return seal(FORMAT, VERSION, content)


def read_manifest(text: bytes, name: str) -> dict[str, Any]:
    """Parse the manifest of a model, and bring it to the present format version.

    Raises
    ------
    LoadError
        If it is not such a manifest, of a newer version, or damaged.
    """
    content = unseal(text, name, FORMAT, VERSION)
    for number in range(content["version"], VERSION):
        if number not in MIGRATIONS:
            raise LoadError(f"{name} has format version {number}, which is no longer read")
        content = MIGRATIONS[number](content)
    return content


def seal(form: str, number: int, content: dict[str, Any]) -> bytes:
    """A document of some format and version, with its checksum, as the bytes of a file."""
    content = {"format": form, "version": number, **content}
    content["sha256"] = checksum(content)
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode("utf-8")


def unseal(text: bytes, name: str, form: str, number: int) -> dict[str, Any]:
    """The document that `seal` made, of this format and no newer than of this version.

    Raises
    ------
    LoadError
        If it is another one, or damaged.
    """
    content = parse_json(text, name)
    if not isinstance(content, dict) or content.get("format") != form:
        raise LoadError(f"{name} is not a manifest of the format {form!r}")
    found = content.get("version")
    if type(found) is not int or found < 0:
        raise LoadError(f"{name} must have a whole number as its format version, got {found!r}")
    if found > number:
        raise LoadError(
            f"{name} has format version {found}, and this skhash reads up to {number}: it was "
            f"saved by {describe(content.get('saved_by'))}; a newer skhash will load it"
        )
    if content.get("sha256") != checksum(content):
        raise LoadError(f"{name} does not have the checksum it was saved with: it is damaged")
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
        raise LoadError(f"{name} is not valid JSON: {error}") from None


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
    raise ValueError(f"{name} is not a JSON number")
