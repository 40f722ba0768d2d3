"""The whole state of a run in a file, from which an interrupted run goes on.

The file is a line with the checksum of what follows, which is what torch writes.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch

from skhash._persist._errors import LoadError
from skhash._persist._files import open_file
from skhash._persist._write import new_file, unfinished_files

_START = b"skhash checkpoint, sha256 "
_LENGTH = len(_START) + 64 + 1


class HasState(Protocol):
    """What a checkpoint can hold."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> Any: ...


class Checkpoint:
    """The states of the parts of a run in one file, which is whole at any time.

    Parameters
    ----------
    path : str or path
        The folder must exist.
    identity : mapping of str to str, number or None
        What tells one run from another; states are not taken from a run with another.
    parts : mapping of str to HasState
        More can be added to `parts` before the first `load` or `save`.
    """

    def __init__(self, path, identity: Mapping[str, Any], parts: Mapping[str, HasState]):
        self.path, self._identity = Path(path), dict(identity)
        self.parts: dict[str, HasState] = dict(parts)
        if not self.path.parent.is_dir():
            raise ValueError(f"checkpoint must be in a folder that exists, got {str(path)!r}")

    def load(self) -> bool:
        """Let all parts go on from the file; False where there is none.

        Raises
        ------
        ValueError
            If the file is of another run.
        LoadError
            If it is damaged, or is not a checkpoint.
        """
        for leftover in unfinished_files(self.path):
            leftover.unlink(missing_ok=True)
        if not self._exists():
            return False
        found = self._read()
        before = found["identity"]
        changed = sorted(
            name
            for name in {*before, *self._identity}
            if before.get(name) != self._identity.get(name)
        )
        if changed:
            what = ", ".join(
                f"{name} ({before.get(name)!r} then, {self._identity.get(name)!r} now)"
                for name in changed
            )
            raise ValueError(
                f"the checkpoint {str(self.path)!r} is of another fit, which differs in {what}: "
                "remove the file to start afresh"
            )
        try:
            for name, part in self.parts.items():
                part.load_state_dict(found["parts"][name])
        except Exception as error:
            raise LoadError(f"{str(self.path)!r} is damaged: {error!r}") from error
        return True

    def _exists(self):
        return self.path.exists()

    def _read(self):
        with open_file(self.path) as file:
            first = file.read(_LENGTH)
            if not first.startswith(_START):
                raise LoadError(f"{str(self.path)!r} is no checkpoint of skhash")
            content = file.read()
        if _first_line(content) != first:
            raise LoadError(f"{str(self.path)!r} does not have its checksum: it is damaged")
        try:
            found = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        except Exception as error:
            raise LoadError(f"{str(self.path)!r} cannot be read: {error}") from error
        if not (isinstance(found, dict) and isinstance(found.get("identity"), dict)):
            raise LoadError(f"{str(self.path)!r} is no checkpoint of skhash")
        return found

    def save(self) -> None:
        """Write the states of all parts in place of the file.

        Raises
        ------
        OSError
            If the file cannot be written, such as on a full disk; the one before stays.
        """
        self._write({name: part.state_dict() for name, part in self.parts.items()})

    def _write(self, states):
        # torch hides the reason where it cannot write to a file itself
        content = io.BytesIO()
        torch.save({"identity": self._identity, "parts": states}, content)
        with new_file(self.path) as file:
            file.write(_first_line(content.getbuffer()))
            file.write(content.getbuffer())


def _first_line(content):
    return _START + hashlib.sha256(content).hexdigest().encode() + b"\n"
