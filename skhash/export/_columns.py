"""Columns of a table beside the code: what they hold, and the SQL type of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

import numpy as np

# PostgreSQL cuts longer names without an error
_LONGEST_NAME = 63
_TYPES = {"b": "boolean", "i": "bigint", "u": "bigint", "U": "text", "M": "timestamp"}


class Column(NamedTuple):
    """Name and values of a column, an array of one value a row."""

    name: str
    values: np.ndarray

    def part(self, rows: slice) -> list:
        """The values of some rows, as Python objects."""
        part = self.values[rows]
        # Python's datetime resolves microseconds; finer values would become integers
        return (part.astype("M8[us]") if part.dtype.kind == "M" else part).tolist()


def check_name(name, argument: str) -> str:
    """Return the name of a table or column, where PostgreSQL can take it as it is.

    Raises
    ------
    TypeError
        If it is not a string.
    ValueError
        If it is empty, too long, or has a zero byte.
    """
    if not isinstance(name, str):
        raise TypeError(f"{argument} must be a string, got {type(name).__name__}.")
    if not name or "\0" in name or len(name.encode()) > _LONGEST_NAME:
        raise ValueError(
            f"{argument} must have 1 to {_LONGEST_NAME} bytes in UTF-8, none of them zero, "
            f"got {name!r}."
        )
    return name


def check_ids(ids, name: str, n_rows: int) -> Column:
    """Column of distinct ids; the row numbers where there are none."""
    values = np.arange(n_rows) if ids is None else _values(ids, "ids", n_rows)
    if values.dtype.kind not in "iuUO":
        raise TypeError(f"ids must be whole numbers, strings or UUIDs, got {values.dtype}.")
    # objects, unlike numbers and strings, need not have an order
    distinct = set(values) if values.dtype.kind == "O" else np.unique(values)
    if len(distinct) < n_rows:
        twice, count = Counter(values.tolist()).most_common(1)[0]
        raise ValueError(f"ids must be distinct, but {twice!r} is there {count} times.")
    return Column(name, values)


def check_payload(payload, taken: tuple[str, str], n_rows: int) -> list[Column]:
    """Columns of a mapping, or of a data frame, of names to values."""
    if payload is None:
        return []
    if not isinstance(payload, Mapping) and not hasattr(payload, "columns"):
        raise TypeError(f"payload must map column names to values, got {type(payload).__name__}.")
    columns = []
    for name in payload:
        check_name(name, "a column name in payload")
        if name in taken:
            raise ValueError(f"payload must not have the column {name!r}: it is taken.")
        columns.append(Column(name, _values(payload[name], f"payload[{name!r}]", n_rows)))
    return columns


def sql_type(column: Column) -> str:
    """Type of a new column in PostgreSQL for these values.

    Raises
    ------
    TypeError
        If there is no obvious one.
    """
    values = column.values
    if values.dtype.kind == "f":
        return "double precision" if values.dtype.itemsize > 4 else "real"
    if values.dtype.kind in _TYPES:
        return _TYPES[values.dtype.kind]
    kinds = {type(value) for value in values.tolist() if value is not None}
    if kinds == {str}:
        return "text"
    if kinds == {UUID}:
        return "uuid"
    found = ", ".join(sorted(kind.__name__ for kind in kinds)) or "nothing but None"
    raise TypeError(
        f"column {column.name!r} of dtype {values.dtype} holds {found}, which has no obvious SQL "
        "type: create the table before, with the types that you want."
    )


def _values(values, argument: str, n_rows: int) -> np.ndarray:
    array = np.asarray(values)
    if array.dtype.kind == "O" and hasattr(values, "isna"):
        # pandas has several signs of a missing value, SQL has one
        array = array.copy()
        array[np.asarray(values.isna())] = None
    if array.shape != (n_rows,):
        raise ValueError(
            f"{argument} must have one value for each of {n_rows} codes, got shape {array.shape}."
        )
    return array
