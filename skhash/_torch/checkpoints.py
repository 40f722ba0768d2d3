"""The whole state of a run in a file, from which an interrupted run goes on."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch

from skhash._persist._write import new_file, unfinished_files


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
            If the file is of another run, or is not a checkpoint.
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
        for name, part in self.parts.items():
            part.load_state_dict(found["parts"][name])
        return True

    def _exists(self):
        return self.path.exists()

    def _read(self):
        try:
            found = torch.load(self.path, map_location="cpu", weights_only=True)
        except Exception as error:
            raise ValueError(f"{str(self.path)!r} is no checkpoint of skhash: {error}") from error
        if not (isinstance(found, dict) and {"identity", "parts"} <= set(found)):
            raise ValueError(f"{str(self.path)!r} is no checkpoint of skhash")
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
            file.write(content.getbuffer())
