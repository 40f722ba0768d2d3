"""Search a table of codes; imported only where psycopg is there."""

from __future__ import annotations

import numpy as np
from psycopg import sql

from skhash.export._bitstrings import CodeTable
from skhash.export._postgres import (
    Extension,
    check_code_column,
    column_types,
    find_extension,
    require_extension,
)

_WHOLE_NUMBERS = ("smallint", "integer", "bigint")
# the first whose scan of an index goes on until there are enough rows
_ITERATIVE_SCAN = (0, 8)
# bit_count came with PostgreSQL 14
_OLDEST_PLAIN = 140_000


def search_table(
    cursor,
    table: sql.Identifier,
    id_column: str,
    code_column: str,
    queries: CodeTable,
    k: int,
    operator: str,
    ef_search: int | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Distances and ids of the k nearest codes of each query, nearest first."""
    types = column_types(cursor, table)
    if not types:
        raise ValueError(f"there is no table {table.as_string()}.")
    check_code_column(types, table, code_column, queries.n_bits)
    if id_column not in types:
        raise ValueError(f"table {table.as_string()} has no column {id_column!r}.")
    extension = _choose_operator(cursor, operator)
    if extension is not None:
        _set_scan(cursor, extension, ef_search)
    statement = _statement(table, id_column, code_column, queries.n_bits, k, extension)
    whole = types[id_column] in _WHOLE_NUMBERS
    distances = np.full((len(queries), k), -1)
    ids = np.full((len(queries), k), -1 if whole else None, dtype=np.int64 if whole else object)
    for rows in queries.blocks():
        cursor.execute(statement, [queries.bitstrings(rows)])
        found = cursor.fetchall()
        if found:
            query, rank, distance, item = zip(*found)
            places = np.array(query) + rows.start - 1, np.array(rank) - 1
            distances[places] = distance
            ids[places] = item
    return distances, ids


def _choose_operator(cursor, operator) -> Extension | None:
    """pgvector where its operator shall be used, None for plain PostgreSQL."""
    if operator == "pgvector":
        return require_extension(cursor)
    extension = find_extension(cursor) if operator == "auto" else None
    version = cursor.connection.info.server_version
    if extension is None and version < _OLDEST_PLAIN:
        raise RuntimeError(
            "bit_count needs PostgreSQL 14 or later, and the server is "
            f"{version // 10_000}: install pgvector in it."
        )
    return extension


def _set_scan(cursor, extension, ef_search):
    """Settings for this transaction, which ends by being rolled back."""
    if ef_search is not None:
        cursor.execute("SELECT set_config('hnsw.ef_search', $1, true)", [str(ef_search)])
    if extension.version >= _ITERATIVE_SCAN:
        cursor.execute("SELECT set_config('hnsw.iterative_scan', 'strict_order', true)")


def _statement(table, id_column, code_column, n_bits, k, extension):
    """All queries of a block at once. With the ids in the order, ties are always broken alike.

    An index gives items by distance, and PostgreSQL sorts only those of one distance by their
    ids.
    """
    code = sql.SQL("item.{}").format(sql.Identifier(code_column))
    if extension is None:
        distance = sql.SQL("bit_count({} # query.code)").format(code)
    else:
        distance = sql.SQL("{} OPERATOR({}.<~>) query.code").format(
            code, sql.Identifier(extension.schema)
        )
    return sql.SQL(
        "SELECT query.number, "
        "row_number() OVER (PARTITION BY query.number ORDER BY distance, id), distance::int, id "
        "FROM unnest($1::bit({n_bits})[]) WITH ORDINALITY AS query(code, number) "
        "CROSS JOIN LATERAL (SELECT item.{id} AS id, {distance} AS distance FROM {table} AS item "
        "ORDER BY {distance}, item.{id} LIMIT {k}) AS nearest"
    ).format(
        n_bits=sql.Literal(n_bits),
        id=sql.Identifier(id_column),
        distance=distance,
        table=table,
        k=sql.Literal(k),
    )
