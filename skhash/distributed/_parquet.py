"""Embeddings in a Parquet data set, read block by block."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from skhash.distributed._columns import choose_columns, is_vector_type
from skhash.distributed._sources import Source, structure

# row groups of one file are joined up to this many rows
_PARTITION_ROWS = 2**20
# bytes read at once of each column
_BUFFER_BYTES = 2**20


@dataclass(frozen=True)
class RowGroups:
    """Consecutive row groups of one file: a partition."""

    path: str
    filesystem: Any
    row_groups: tuple[int, ...]
    n_rows: int

    def batches(self, columns: list[str], n_rows: int) -> Iterator:
        """Yield record batches of at most `n_rows` rows, reading page by page."""
        import pyarrow.parquet as pq

        with pq.ParquetFile(
            self.path, filesystem=self.filesystem, pre_buffer=False, buffer_size=_BUFFER_BYTES
        ) as file:
            yield from file.iter_batches(
                n_rows, row_groups=list(self.row_groups), columns=columns, use_threads=False
            )


def parquet_source(path, columns, ids, estimator) -> Source:
    """Open a file or a folder of Parquet files."""
    import pyarrow.dataset as ds

    # workers have working directories of their own; pyarrow takes URIs too
    source = path if "://" in str(path) else Path(path).absolute()
    dataset = ds.dataset(source, format="parquet")
    kinds = {field.name: _kind_of_type(field.type) for field in dataset.schema}
    chosen = choose_columns(kinds, columns, ids, estimator)
    digest = hashlib.sha256()
    partitions: list[RowGroups] = []
    for file in dataset.get_fragments():
        partitions += _partitions(file)
        digest.update(_version(file))
    n_rows: list[int | None] = [part.n_rows for part in partitions]
    if not partitions:
        raise ValueError(f"data has no rows: {path}")
    n_features = _count_features(partitions[0], chosen)
    return Source(
        partial(_read_row_groups, columns=chosen),
        chosen.example(n_features),
        structure("parquet", n_rows, n_features, chosen),
        digest.hexdigest(),
        partitions,
        n_rows,
    )


def _partitions(file) -> Iterator[RowGroups]:
    """Join row groups of a file, as long as they stay together below the bound."""
    groups: list[int] = []
    n_rows = 0
    for group in file.row_groups:
        if groups and n_rows + group.num_rows > _PARTITION_ROWS:
            yield RowGroups(file.path, file.filesystem, tuple(groups), n_rows)
            groups, n_rows = [], 0
        groups.append(group.id)
        n_rows += group.num_rows
    if n_rows:
        yield RowGroups(file.path, file.filesystem, tuple(groups), n_rows)


def _version(file) -> bytes:
    """What changes with a file: its footer, which has extremes of the columns, size and time."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    file.metadata.write_metadata_file(sink)
    info = file.filesystem.get_file_info(file.path)
    return sink.getvalue().to_pybytes() + f"{info.size} {info.mtime_ns}".encode()


def _count_features(first: RowGroups, columns) -> int:
    if columns.embedding is None:
        return len(columns.features)
    # the first row tells, as the type of a column of lists does not
    return columns.from_batch(next(first.batches(columns.read, 1)))[0].shape[1]


def _read_row_groups(part: RowGroups, block_rows, columns):
    for batch in part.batches(columns.read, block_rows):
        yield columns.from_batch(batch)


def _kind_of_type(kind) -> str:
    import pyarrow as pa

    if is_vector_type(kind):
        return "vector"
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    return "number" if is_number else str(kind)
