"""What both directions ask of PostgreSQL; imported only where psycopg is there."""

from __future__ import annotations

import contextlib
from typing import NamedTuple

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from skhash.export._columns import check_name

# the first with bit_hamming_ops
_OLDEST_PGVECTOR = (0, 7)


class Extension(NamedTuple):
    """The version of pgvector in a database, and the schema that its names are in."""

    version: tuple[int, ...]
    schema: str


@contextlib.contextmanager
def open_cursor(connection, *, keep: bool):
    """Cursor in a transaction of its own, or in a savepoint of the one under way.

    Parameters
    ----------
    connection : psycopg.Connection or str
        A string is connected to, and the connection closed afterwards.
    keep : bool
        Whether to commit; otherwise also settings made inside are undone.
    """
    if isinstance(connection, str):
        with psycopg.connect(connection) as opened, open_cursor(opened, keep=keep) as cursor:
            yield cursor
        return
    if not isinstance(connection, psycopg.Connection):
        raise TypeError(
            "connection must be a psycopg (version 3) Connection or a connection string, got "
            f"{type(connection).__module__}.{type(connection).__name__}."
        )
    with (
        connection.transaction(force_rollback=not keep),
        # $1 as the server has it: names of tables may hold a %, the other sign of a parameter.
        # Rows are tuples, whatever they are of the user's own cursors.
        psycopg.RawCursor(connection, row_factory=tuple_row) as cursor,
    ):
        yield cursor


def table_identifier(table) -> sql.Identifier:
    """The quoted name of a table, given as its name or as (schema, name)."""
    if isinstance(table, str):
        if "." in table:
            raise ValueError(
                f"table={table!r} has a dot: give a schema and a table as two strings, "
                f"{tuple(table.split('.', 1))!r}."
            )
        return sql.Identifier(check_name(table, "table"))
    parts = tuple(table) if isinstance(table, tuple | list) else ()
    if len(parts) != 2:
        raise TypeError(f"table must be a name or a tuple (schema, name), got {table!r}.")
    return sql.Identifier(*(check_name(part, "a part of table") for part in parts))


def column_types(cursor, table: sql.Identifier) -> dict[str, str]:
    """Types of the columns of a table by name; empty where there is no such table."""
    cursor.execute(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
        "WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped",
        [table.as_string(cursor)],
    )
    return dict(cursor.fetchall())


def check_code_column(
    types: dict[str, str], table: sql.Identifier, column: str, n_bits: int
) -> None:
    """Raise where a table does not have a column of `bit(n_bits)` of this name."""
    if column not in types:
        raise ValueError(
            f"table {table.as_string()} has no column {column!r}; its columns are "
            f"{', '.join(types)}."
        )
    if types[column] != f"bit({n_bits})":
        raise ValueError(
            f"the codes have n_bits={n_bits}, but column {column!r} of table {table.as_string()} "
            f"is {types[column]}."
        )


def find_extension(cursor) -> Extension | None:
    """pgvector, where it is in the database and knows the Hamming distance."""
    cursor.execute(
        "SELECT extversion, nspname FROM pg_extension "
        "JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'vector'"
    )
    found = cursor.fetchone()
    if found is None:
        return None
    version = tuple(int(part) for part in found[0].split(".") if part.isdigit())
    return Extension(version, found[1]) if version >= _OLDEST_PGVECTOR else None


def require_extension(cursor) -> Extension:
    """pgvector, or an error that says what to do."""
    extension = find_extension(cursor)
    if extension is not None:
        return extension
    cursor.execute(
        "SELECT installed_version, default_version FROM pg_available_extensions "
        "WHERE name = 'vector'"
    )
    installed, available = cursor.fetchone() or (None, None)
    oldest = ".".join(map(str, _OLDEST_PGVECTOR))
    if installed is not None:
        what = (
            f"has version {installed} of pgvector, and the Hamming distance came with {oldest}: "
            "have the server updated and run ALTER EXTENSION vector UPDATE"
        )
    elif available is not None:
        what = "does not have the extension yet: run CREATE EXTENSION vector"
    else:
        what = "is on a server without pgvector: have it installed, or search with operator='plain'"
    raise RuntimeError(f"the database {what}.")
