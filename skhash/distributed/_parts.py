"""Parts of an output: Parquet files of packed codes, which know what they belong to."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from skhash._persist._errors import LoadError
from skhash._persist._files import file_checksum, open_file
from skhash._persist._write import new_file

_METADATA = b"skhash.codes"
CODE = "code"


@dataclass(frozen=True)
class Part:
    """One part.

    run : identifies the output it was written for.
    """

    run: str
    index: int
    n_bits: int
    ids: str | None

    @property
    def name(self) -> str:
        return f"part-{self.index:06d}.parquet"

    @property
    def n_bytes(self) -> int:
        return -(-self.n_bits // 8)


def write_part(encoding, estimator, partition, part: Part, folder: Path) -> tuple[int, str]:
    """Encode a partition into its part, block by block, and return its rows and checksum.

    The part appears under its name only when it is complete.
    """
    blocks = (
        _table(np.packbits(codes, axis=1), ids, part)
        for codes, ids in encoding.blocks(estimator, partition)
    )
    try:
        with new_file(folder / part.name) as file:
            n_rows = _write_tables(blocks, _empty_table(part), file)
        return n_rows, _checksum(part, folder)
    except Exception as error:
        error.add_note(f"while encoding partition {part.index}, for {part.name}")
        raise


def count_rows(part: Part, folder: Path) -> int | None:
    """Rows of a part by its footer; None where it is not there, foreign or cut off."""
    import pyarrow as pa

    try:
        with _open(part, folder) as file:
            return file.metadata.num_rows
    except (pa.ArrowException, OSError, ValueError):
        return None


def check_part(part: Part, folder: Path, sha256: str | None) -> tuple[int, str] | None:
    """Read a part to its end: its rows and checksum, or None where it is damaged.

    Of one that was written by a run that was killed before it could tell, the checksum is None:
    its pages have checksums of their own.
    """
    import pyarrow as pa

    try:
        found = _checksum(part, folder)
        if sha256 not in (None, found):
            return None
        with _open(part, folder) as file:
            for _ in file.iter_batches(use_threads=False):
                pass
            return file.metadata.num_rows, found
    except (pa.ArrowException, OSError, ValueError):
        return None


def read_part(part: Part, folder: Path, sha256: str | None):
    """Packed codes of a part, and its ids where it has them."""
    try:
        if _checksum(part, folder) != sha256:
            raise LoadError("it does not have the checksum it was written with")
        with _open(part, folder) as file:
            table = file.read(use_threads=False).combine_chunks()
        return _codes(table, part), None if part.ids is None else table[part.ids].to_numpy()
    except Exception as error:
        raise LoadError(
            f"{folder / part.name} is missing or damaged ({error}); transform encodes it again"
        ) from error


def _codes(table, part):
    if table.num_rows == 0:
        return np.empty((0, part.n_bytes), np.uint8)
    codes = table.column(CODE).chunk(0)
    packed = np.frombuffer(codes.buffers()[1], np.uint8, len(codes) * part.n_bytes)
    return packed.reshape(len(codes), part.n_bytes)


def _checksum(part, folder) -> str:
    with open_file(folder / part.name) as file:
        return file_checksum(file)


def _open(part, folder):
    """The file of a part, which is refused where it belongs to another output."""
    import pyarrow.parquet as pq

    path = folder / part.name
    if not path.is_file():
        # pyarrow would wait for a pipe
        raise FileNotFoundError(f"{path} is not a file")
    file = pq.ParquetFile(path, page_checksum_verification=True)
    metadata = file.schema_arrow.metadata or {}
    if metadata.get(_METADATA) != _describe(part):
        file.close()
        raise ValueError("it belongs to another output")
    return file


def _write_tables(tables, empty, file) -> int:
    """Write tables as row groups of a file, `empty` where there are none; return their rows."""
    import pyarrow.parquet as pq

    tables = iter(tables)
    first = next(tables, empty)
    n_rows = 0
    # codes repeat seldom enough for a dictionary to cost more than it saves
    options = {"use_dictionary": False, "write_page_checksum": True}
    with pq.ParquetWriter(file, first.schema, **options) as writer:
        for table in chain([first], tables):
            writer.write_table(table)
            n_rows += table.num_rows
    return n_rows


def _table(packed, ids, part):
    import pyarrow as pa

    codes = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(part.n_bytes), len(packed), [None, pa.py_buffer(packed)]
    )
    columns = {CODE: codes} if ids is None else {part.ids: ids, CODE: codes}
    return pa.table(columns).replace_schema_metadata({_METADATA: _describe(part)})


def _empty_table(part):
    import pyarrow as pa

    ids = None if part.ids is None else pa.nulls(0)
    return _table(np.empty((0, part.n_bytes), np.uint8), ids, part)


def _describe(part) -> bytes:
    return json.dumps(asdict(part), sort_keys=True).encode()
