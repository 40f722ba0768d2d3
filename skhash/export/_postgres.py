"""The SQL that is sent to PostgreSQL; imported only if psycopg is installed."""

from __future__ import annotations

import contextlib
from uuid import UUID

import numpy as np
import psycopg
from psycopg import sql
from psycopg.postgres import types
from psycopg.rows import tuple_row

from skhash.export._bitstrings import bitstring_blocks, check_shape

_MADE_HERE = "codes, made by skhash.export.to_pgvector"
_OLDEST_PGVECTOR = (0, 8)
_SQL_TYPES = {
    "b": "boolean",
    "i": "bigint",
    "u": "bigint",
    "f": "double precision",
    "U": "text",
    "M": "timestamp",
    str: "text",
    UUID: "uuid",
}


def write_table(connection, table, codes, n_bits, columns, index, if_exists) -> None:
    """Create the table if it is missing, send the rows, and build the index."""
    name = _identifier(table)
    with _cursor(connection, keep=True) as cursor:
        cursor.execute(
            "SELECT to_regclass($1) IS NOT NULL, obj_description(to_regclass($1), 'pg_class')",
            [name.as_string(cursor)],
        )
        exists, comment = cursor.fetchone()
        if exists and if_exists == "replace":
            if comment != _MADE_HERE:
                raise ValueError(
                    f"table {name.as_string(cursor)} was not made by to_pgvector, so "
                    "if_exists='replace' does not drop it: drop it yourself, or choose another name"
                )
            cursor.execute(sql.SQL("DROP TABLE {}").format(name))
        if not exists or if_exists == "replace":
            _create(cursor, name, n_bits, columns)
        _copy(cursor, name, codes, columns)
        if index is not None:
            _ensure_hnsw(cursor, name)


def search_table(connection, table, codes, k, exact, ef_search):
    """Distances and ids of the k nearest codes of each query, nearest first."""
    distances = np.full((check_shape(codes)[0], k), -1)
    ids = np.full(distances.shape, None)
    whole_numbers = {types[name].oid for name in ("int2", "int4", "int8")}
    with _cursor(connection, keep=False) as cursor:
        indexed = not exact and _has_pgvector(cursor)
        if indexed:
            # for this transaction only, which is rolled back at the end
            cursor.execute("SELECT set_config('hnsw.iterative_scan', 'strict_order', true)")
            if ef_search is not None:
                cursor.execute("SELECT set_config('hnsw.ef_search', $1, true)", [str(ef_search)])
        # With the ids in the order, ties are always broken the same way: an index gives items by
        # distance, and PostgreSQL sorts those of one distance by their ids. A length that differs
        # is an error of the server; a cast to bit(n) would hide it.
        statement = sql.SQL(
            "SELECT query.number, "
            "row_number() OVER (PARTITION BY query.number ORDER BY distance, id), "
            "distance::int, id "
            "FROM unnest($1::bit varying[]) WITH ORDINALITY AS query(code, number) "
            "CROSS JOIN LATERAL (SELECT item.id, {distance} AS distance FROM {table} AS item "
            "ORDER BY {distance}, item.id LIMIT {k}) AS nearest"
        ).format(
            distance=sql.SQL(
                "(item.code <~> query.code)" if indexed else "bit_count(item.code # query.code)"
            ),
            table=_identifier(table),
            k=sql.Literal(k),
        )
        for rows, bitstrings in bitstring_blocks(codes):
            cursor.execute(statement, [bitstrings])
            whole = cursor.description[3].type_code in whole_numbers
            if found := cursor.fetchall():
                query, rank, distance, item = zip(*found)
                places = np.array(query) + rows.start - 1, np.array(rank) - 1
                distances[places] = distance
                ids[places] = item
    return distances, np.where(distances < 0, -1, ids).astype(np.int64) if whole else ids


@contextlib.contextmanager
def _cursor(connection, *, keep: bool):
    """Cursor in a transaction of its own, or in a savepoint of the one under way.

    Unless it is kept, settings made inside are undone too.
    """
    if not isinstance(connection, psycopg.Connection):
        kind = type(connection)
        raise TypeError(
            "connection must be a Connection of psycopg (version 3), got "
            f"{kind.__module__}.{kind.__name__}"
        )
    with (
        connection.transaction(force_rollback=not keep),
        # $1 as the server has it: names of tables may hold a %, the other sign of a parameter.
        # Rows are tuples, whatever they are of the user's own cursors.
        psycopg.RawCursor(connection, row_factory=tuple_row) as cursor,
    ):
        yield cursor


def _identifier(table) -> sql.Identifier:
    return sql.Identifier(*((table,) if isinstance(table, str) else table))


def _create(cursor, name, n_bits, columns) -> None:
    definitions = [
        sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(_sql_type(column, values)))
        for column, values in columns.items()
    ]
    cursor.execute(
        sql.SQL("CREATE TABLE {} ({}, code bit({}) NOT NULL, PRIMARY KEY (id))").format(
            name, sql.SQL(", ").join(definitions), sql.Literal(n_bits)
        )
    )
    cursor.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(name, sql.Literal(_MADE_HERE)))


def _sql_type(column, values) -> str:
    kinds = {values.dtype.kind}
    if kinds == {"O"}:
        kinds = {type(value) for value in values if value is not None}
    if len(kinds) == 1 and (kind := kinds.pop()) in _SQL_TYPES:
        return _SQL_TYPES[kind]
    raise TypeError(
        f"column {column!r} of dtype {values.dtype} has no obvious SQL type: create the table "
        "first, with the types that you want"
    )


def _copy(cursor, name, codes, columns) -> None:
    """Send all rows by COPY, in blocks of bounded size."""
    names = sql.SQL(", ").join(map(sql.Identifier, ["code", *columns]))
    try:
        with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(name, names)) as copy:
            for rows, bitstrings in bitstring_blocks(codes):
                # psycopg knows how every type is written, and takes a row at a time
                for row in zip(bitstrings, *(_values(part[rows]) for part in columns.values())):
                    copy.write_row(row)
    except psycopg.errors.UniqueViolation as error:
        raise ValueError(
            f"ids must be distinct, and none of them in the table: {error.diag.message_detail}"
        ) from error


def _values(part) -> list:
    # Python's datetime resolves microseconds; finer values would become integers
    return (part.astype("M8[us]") if part.dtype.kind == "M" else part).tolist()


def _has_pgvector(cursor) -> bool:
    cursor.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
    found = cursor.fetchone()
    return found is not None and tuple(map(int, found[0].split(".")[:2])) >= _OLDEST_PGVECTOR


def _ensure_hnsw(cursor, name) -> None:
    """Build an HNSW index for the Hamming distance, unless the table has one."""
    if not _has_pgvector(cursor):
        oldest = ".".join(map(str, _OLDEST_PGVECTOR))
        raise RuntimeError(
            f"index='hnsw' needs pgvector {oldest} or later in the database: install it on the "
            "server, and run CREATE EXTENSION vector, or ALTER EXTENSION vector UPDATE"
        )
    cursor.execute(
        "SELECT FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
        "JOIN pg_am ON pg_am.oid = relam WHERE indrelid = to_regclass($1) AND amname = 'hnsw'",
        [name.as_string(cursor)],
    )
    if cursor.fetchone() is None:
        cursor.execute(sql.SQL("CREATE INDEX ON {} USING hnsw (code bit_hamming_ops)").format(name))
