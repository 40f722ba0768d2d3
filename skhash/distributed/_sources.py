"""Partitions of the data, and how a worker reads one of them."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from skhash.distributed._columns import Columns, choose_columns, is_vector_type


@dataclass(frozen=True)
class Source:
    """Data in partitions.

    read : called by a worker with a partition and a number of rows; yields features and ids
        (an Arrow array, or None) of at most this many rows at a time.
    example : one row of features, of ones.
    structure : what the data look like, for JSON.
    token : changes with the data.
    partitions : what a task is given: delayed blocks of rows, or where they lie in a file.
    n_rows : rows of each partition, None where they are not known.
    """

    read: Callable[[Any, int], Iterator[tuple]]
    example: Any
    structure: dict[str, Any]
    token: str
    partitions: list
    n_rows: list[int | None]


def open_source(data, columns, ids, estimator) -> Source:
    """Recognise the data: a Dask array, a Dask DataFrame or the path of a Parquet data set."""
    if isinstance(data, (str, os.PathLike)):
        from skhash.distributed._parquet import parquet_source

        return parquet_source(data, columns, ids, estimator)
    import dask.array as da

    if isinstance(data, da.Array):
        return _array_source(data, columns, ids)
    import dask.dataframe as dd

    if isinstance(data, dd.DataFrame):
        return _frame_source(data, columns, ids, estimator)
    raise TypeError(
        "data must be a Dask array, a Dask DataFrame or the path of a Parquet data set, got "
        f"{type(data).__name__}; dask.array.from_array makes a Dask array of a memory map"
    )


def structure(kind, n_rows, n_features, columns: Columns | None = None) -> dict[str, Any]:
    """What has to be the same when an output is resumed, in the words of JSON."""
    return {
        "kind": kind,
        "n_partitions": len(n_rows),
        "n_rows": n_rows,
        "n_features": n_features,
        "columns": None if columns is None else columns.read,
        "ids": None if columns is None else columns.ids,
    }


def _array_source(array, columns, ids) -> Source:
    from dask.base import tokenize

    if columns is not None or ids is not None:
        raise ValueError("columns and ids name columns of a table; a Dask array has none")
    if array.ndim != 2:
        raise ValueError(f"data must have shape (n_samples, n_features), got {array.shape}")
    if array.dtype.kind not in "biuf":
        raise ValueError(f"data must hold numbers, got dtype {array.dtype}")
    if array.numblocks[1] > 1:
        array = array.rechunk({1: -1})
    n_features = array.shape[1]
    n_rows = [None if math.isnan(size) else int(size) for size in array.chunks[0]]
    return Source(
        _read_array,
        np.ones((1, n_features), dtype=array.dtype),
        structure("array", n_rows, n_features),
        tokenize(array),
        list(array.to_delayed().ravel()),
        n_rows,
    )


def _read_array(block, block_rows):
    for start in range(0, len(block), block_rows):
        yield block[start : start + block_rows], None


def _frame_source(frame, columns, ids, estimator) -> Source:
    from dask.base import tokenize

    kinds = {name: _kind_of_dtype(dtype) for name, dtype in frame.dtypes.items()}
    chosen = choose_columns(kinds, columns, ids, estimator)
    n_features = chosen.n_features or len(chosen.features)
    frame = frame[chosen.read]
    partitions = frame.to_delayed()
    n_rows: list[int | None] = [None] * len(partitions)
    return Source(
        partial(_read_frame, columns=chosen),
        chosen.example(n_features),
        structure("frame", n_rows, n_features, chosen),
        tokenize(frame),
        list(partitions),
        n_rows,
    )


def _read_frame(frame, block_rows, columns):
    for start in range(0, len(frame), block_rows):
        yield columns.from_frame(frame.iloc[start : start + block_rows])


def _kind_of_dtype(dtype) -> str:
    from pandas.api.types import is_numeric_dtype, is_object_dtype

    arrow = getattr(dtype, "pyarrow_dtype", None)
    # a column of objects may hold vectors; what it holds shows only when it is read
    if is_object_dtype(dtype) or (arrow is not None and is_vector_type(arrow)):
        return "vector"
    return "number" if is_numeric_dtype(dtype) else str(dtype)
