"""Write a table of codes; imported only where psycopg is there."""

from __future__ import annotations

from psycopg import errors, sql

from skhash.export._bitstrings import CodeTable
from skhash.export._columns import Column, sql_type
from skhash.export._postgres import check_code_column, column_types, require_extension


def prepare_table(
    cursor,
    table: sql.Identifier,
    ids: Column,
    code_column: str,
    n_bits: int,
    payload: list[Column],
    if_exists: str,
) -> None:
    """Create a table, or see that the one that is there takes the codes and columns."""
    types = column_types(cursor, table)
    if types and if_exists == "fail":
        raise ValueError(f"table {table.as_string()} is there already, and if_exists='fail'.")
    if types and if_exists == "append":
        check_code_column(types, table, code_column, n_bits)
        missing = [column.name for column in (ids, *payload) if column.name not in types]
        if missing:
            raise ValueError(
                f"table {table.as_string()} has no column {', '.join(map(repr, missing))}; its "
                f"columns are {', '.join(types)}."
            )
        return
    if types:
        cursor.execute(sql.SQL("DROP TABLE {}").format(table))
    definitions = [
        sql.SQL("{} {} PRIMARY KEY").format(sql.Identifier(ids.name), sql.SQL(sql_type(ids))),
        sql.SQL("{} bit({}) NOT NULL").format(sql.Identifier(code_column), sql.Literal(n_bits)),
        *(
            sql.SQL("{} {}").format(sql.Identifier(column.name), sql.SQL(sql_type(column)))
            for column in payload
        ),
    ]
    cursor.execute(sql.SQL("CREATE TABLE {} ({})").format(table, sql.SQL(", ").join(definitions)))


def copy_rows(
    cursor, table: sql.Identifier, code_column: str, codes: CodeTable, columns: list[Column]
) -> None:
    """Send all rows by COPY, in blocks of bounded size."""
    names = [code_column, *(column.name for column in columns)]
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        table, sql.SQL(", ").join(map(sql.Identifier, names))
    )
    try:
        with cursor.copy(statement) as copy:
            for rows in codes.blocks():
                parts = (column.part(rows) for column in columns)
                # psycopg knows how every type is written, and takes a row at a time
                for row in zip(codes.bitstrings(rows), *parts):
                    copy.write_row(row)
    except errors.UniqueViolation as error:
        raise ValueError(
            f"the ids must not be in table {table.as_string()} already: {error.diag.message_detail}"
        ) from error


def ensure_hnsw(
    cursor, table: sql.Identifier, code_column: str, m: int, ef_construction: int
) -> None:
    """Build an HNSW index for the Hamming distance, unless the codes have one."""
    extension = require_extension(cursor)
    cursor.execute(
        "SELECT 1 FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
        "JOIN pg_am ON pg_am.oid = relam "
        "JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY(indkey) "
        "WHERE indrelid = to_regclass($1) AND amname = 'hnsw' AND attname = $2",
        [table.as_string(cursor), code_column],
    )
    if cursor.fetchone() is not None:
        return
    cursor.execute(
        sql.SQL("CREATE INDEX ON {} USING hnsw ({} {}) WITH (m = {}, ef_construction = {})").format(
            table,
            sql.Identifier(code_column),
            sql.Identifier(extension.schema, "bit_hamming_ops"),
            sql.Literal(m),
            sql.Literal(ef_construction),
        )
    )
