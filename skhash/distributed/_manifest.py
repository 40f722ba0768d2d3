"""What an output directory holds: written first, compared before a run goes on."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from skhash._persist._errors import LoadError
from skhash._persist._files import open_file
from skhash._persist._manifest import seal, unseal
from skhash._persist._write import new_file
from skhash.distributed._parts import Part

# names that begin with an underscore are no data for readers of Parquet folders
NAME = "_skhash_codes.json"
_FORMAT = "skhash packed codes"
_VERSION = 2


@dataclass(frozen=True)
class Manifest:
    """Contents of an output directory.

    run : a random name that every part of it carries.
    bit_order : the first bit is the highest of the first byte.
    estimator : its class and its fingerprint.
    input : what the data look like, and a token that changes with them.
    part_rows, part_sha256 : rows and checksum of each part, None for those that are not there yet.
    """

    run: str
    n_bits: int
    n_bytes: int
    bit_order: str
    ids: str | None
    estimator: dict[str, str]
    input: dict[str, Any]
    part_rows: list[int | None]
    part_sha256: list[str | None]

    @classmethod
    def new(cls, n_bits, ids, estimator, data, n_parts) -> Manifest:
        """The manifest of an output that has no parts yet."""
        return cls(
            run=uuid.uuid4().hex,
            n_bits=n_bits,
            n_bytes=-(-n_bits // 8),
            bit_order="big",
            ids=ids,
            estimator=estimator,
            input=data,
            part_rows=[None] * n_parts,
            part_sha256=[None] * n_parts,
        )

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read the manifest of a directory.

        Raises
        ------
        LoadError
            If it has none, or one that is damaged or that this version cannot read.
        """
        name = str(folder / NAME)
        try:
            with open_file(folder / NAME) as file:
                content = unseal(file.read(), name, _FORMAT, _VERSION)
        except (FileNotFoundError, NotADirectoryError):
            raise LoadError(f"{folder} holds no packed codes: it has no {NAME}") from None
        if content["version"] != _VERSION:
            raise LoadError(
                f"{name} has format version {content['version']}, which is no longer read"
            )
        try:
            manifest = cls(**{field.name: content[field.name] for field in fields(cls)})
            manifest._check()
        except (KeyError, TypeError, ValueError) as error:
            raise LoadError(f"{name} is damaged: {error!r}") from error
        return manifest

    def write(self, folder: Path) -> None:
        """Put the manifest into a directory, in one step."""
        content = {"complete": self.complete, "n_rows": self.n_rows, **asdict(self)}
        with new_file(folder / NAME) as file:
            file.write(seal(_FORMAT, _VERSION, content))

    @property
    def n_rows(self) -> int:
        """Rows so far."""
        return sum(rows for rows in self.part_rows if rows is not None)

    @property
    def complete(self) -> bool:
        return None not in self.part_rows and None not in self.part_sha256

    @property
    def parts(self) -> list[Part]:
        """The parts, there or not."""
        n_parts = len(self.part_rows)
        return [Part(self.run, i, self.n_bits, self.ids) for i in range(n_parts)]

    def check_resumable(self, other: Manifest, *, check_input: bool) -> None:
        """Refuse to go on with codes that another run began.

        Parameters
        ----------
        other : Manifest
            What is to be written now.
        check_input : bool
            Whether the token of the input counts.
        """
        advice = "choose another output, or pass overwrite=True"
        if self.estimator != other.estimator or self.n_bits != other.n_bits:
            raise ValueError(
                f"output holds codes of another estimator: {self.n_bits} bits of "
                f"{_words(self.estimator)}, now {other.n_bits} bits of "
                f"{_words(other.estimator)}; {advice}"
            )
        for name, value in other.input.items():
            if name != "token" and self.input.get(name) != value:
                raise ValueError(
                    f"output holds codes of other data: {name} was {self.input.get(name)}, now "
                    f"{value}; {advice}"
                )
        if check_input and self.input.get("token") != other.input["token"]:
            raise ValueError(
                "output holds codes of other data: of the same shape, but by another name in Dask, "
                "or in Parquet files that have been written since; if they are the same "
                f"nevertheless, check_input=False continues; {advice}"
            )

    def _check(self):
        if type(self.n_bits) is not int or self.n_bits < 1 or self.n_bytes != -(-self.n_bits // 8):
            raise TypeError("n_bits must be a number, and n_bytes what it takes")
        if not isinstance(self.part_rows, list):
            raise TypeError("part_rows must be a list")
        if not all(rows is None or (type(rows) is int and rows >= 0) for rows in self.part_rows):
            raise TypeError("part_rows must hold numbers")
        if len(self.part_sha256) != len(self.part_rows):
            raise TypeError("part_sha256 must be as many")
        if not isinstance(self.input, dict) or not isinstance(self.estimator, dict):
            raise TypeError("input and estimator must be objects")


def _words(estimator) -> str:
    return f"{estimator.get('class')} ({str(estimator.get('fingerprint'))[:8]})"
