"""Vectors of texts in a file of SQLite, found again by what the texts say."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np

# what SQLite takes as the variables of one command, in all its versions
_MAX_VARIABLES = 900
_PATIENCE_SECONDS = 60
_TABLE = """CREATE TABLE IF NOT EXISTS skhash_vectors
    (encoder TEXT, text BLOB, vector BLOB, PRIMARY KEY (encoder, text)) WITHOUT ROWID"""


class VectorFile:
    """Vectors by encoder and text; several processes may use the file at once.

    Parameters
    ----------
    path : str or os.PathLike
        The file, which is made where it is missing, with the folders above it.
    encoder : str
        What is known of the encoder. Those of other encoders are in the same file.
    """

    def __init__(self, path, encoder: str):
        self._path, self._encoder = Path(path), encoder

    def take(self, texts: Sequence[str]) -> dict[str, np.ndarray]:
        """The vectors that are there, by text."""
        by_digest = {_digest(text): text for text in texts}
        digests, found = list(by_digest), dict[str, np.ndarray]()
        with self._open() as database:
            for start in range(0, len(digests), _MAX_VARIABLES):
                some = digests[start : start + _MAX_VARIABLES]
                marks = ",".join("?" * len(some))
                rows = database.execute(
                    "SELECT text, vector FROM skhash_vectors "
                    f"WHERE encoder = ? AND text IN ({marks})",
                    (self._encoder, *some),
                )
                found |= {by_digest[text]: np.frombuffer(v, np.dtype("<f4")) for text, v in rows}
        return found

    def put(self, texts: Sequence[str], vectors: np.ndarray) -> None:
        """Keep vectors, all of them or none."""
        rows = [
            (self._encoder, _digest(text), vector.tobytes())
            for text, vector in zip(texts, vectors.astype("<f4"), strict=True)
        ]
        with self._open() as database:
            database.executemany("INSERT OR REPLACE INTO skhash_vectors VALUES (?, ?, ?)", rows)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            # the connection as a context commits or rolls back, and does not close itself
            with closing(sqlite3.connect(self._path, _PATIENCE_SECONDS)) as database, database:
                database.execute(_TABLE)
                yield database
        except sqlite3.Error as error:
            raise OSError(
                f"cache cannot be used: {os.fspath(self._path)!r} must be a file of vectors, or "
                f"none yet ({error})"
            ) from error


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
