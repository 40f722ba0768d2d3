"""Codes in a table of PostgreSQL, with pgvector or without."""

from __future__ import annotations

from numbers import Integral

import numpy as np

from skhash.export._bitstrings import check_code_table
from skhash.export._columns import check_ids, check_name, check_payload

# pgvector's own limits
_MOST_BITS_HNSW = 64_000
_RANGES = {"m": (2, 100), "ef_construction": (4, 1000), "ef_search": (1, 1000)}


def to_pgvector(
    connection,
    table,
    codes,
    *,
    n_bits=None,
    ids=None,
    payload=None,
    index=None,
    m=16,
    ef_construction=64,
    if_exists="append",
    id_column="id",
    code_column="code",
) -> int:
    """Copy codes into a table of PostgreSQL as ``bit(n_bits)``, which pgvector can index.

    A table that is not there is created, with the ids as its primary key. Rows are sent by COPY
    in blocks, so that codes may be a memory map, and ``index="hnsw"`` builds the index after
    them, which is faster than before. All is one transaction: after an error the database is as
    it was. Where the connection is inside a transaction already, it is yours to commit.

    The table needs no extension. An index needs pgvector 0.7 or later, brought into the database
    by ``CREATE EXTENSION vector``.

    Parameters
    ----------
    connection : psycopg.Connection or str
        Of psycopg version 3, or a connection string such as ``"postgresql://host/database"``.
    table : str or tuple of two str
        Name of the table, or its schema and name. It is quoted: upper and lower case differ.
    codes : array-like of shape (n_samples, n_bits), or packed codes
        Bits, 0 or 1. Packed codes are a `~skhash.neighbors.PackedCodes`, or bytes beside
        `n_bits`.
    n_bits : int or None, default=None
        Number of bits of packed codes that do not tell it themselves.
    ids : array-like of shape (n_samples,) or None, default=None
        Distinct whole numbers, strings or UUIDs. None takes the row numbers, from 0.
    payload : mapping of str to array-like of shape (n_samples,), data frame, or None
        Further columns by name. A new table gets them as bigint, real, double precision,
        boolean, text, timestamp or uuid; for other types create the table before.
    index : {"hnsw"} or None, default=None
        The index to have over the codes. Where the codes have one already, it is kept.
    m, ef_construction : int, default=16, 64
        Links of each item, and candidates looked at when an item is linked.
    if_exists : {"append", "replace", "fail"}, default="append"
        What to do where the table is there already.
    id_column, code_column : str, default="id", "code"
        Names of these columns.

    Returns
    -------
    n_rows : int
        Number of rows written.

    Raises
    ------
    ImportError
        If psycopg is not installed: ``pip install 'psycopg[binary]'``.
    TypeError
        If an argument is of another type, or values have no obvious type in SQL.
    ValueError
        If an argument is not as asked for; or the table has codes of another length, lacks a
        column, or has one of the ids already.
    RuntimeError
        If an index is wanted and the database does not have pgvector.

    See Also
    --------
    search_pgvector : Search the table.

    Examples
    --------
    >>> import psycopg  # doctest: +SKIP
    >>> from skhash.export import search_pgvector, to_pgvector
    >>> connection = psycopg.connect("postgresql://localhost/images")  # doctest: +SKIP
    >>> to_pgvector(connection, "images", codes, ids=ids, index="hnsw")  # doctest: +SKIP
    8000
    >>> distances, found = search_pgvector(connection, "images", queries)  # doctest: +SKIP
    """
    checked = check_code_table(codes, n_bits)
    _check_column_names(id_column, code_column)
    keys = check_ids(ids, id_column, len(checked))
    extra = check_payload(payload, (id_column, code_column), len(checked))
    if index is not None:
        _check_index(index, m, ef_construction, checked.n_bits)
    if if_exists not in ("append", "replace", "fail"):
        raise ValueError(f"if_exists must be 'append', 'replace' or 'fail', got {if_exists!r}.")
    _require_psycopg()
    from skhash.export._postgres import open_cursor, table_identifier
    from skhash.export._postgres_write import copy_rows, ensure_hnsw, prepare_table

    name = table_identifier(table)
    with open_cursor(connection, keep=True) as cursor:
        prepare_table(cursor, name, keys, code_column, checked.n_bits, extra, if_exists)
        copy_rows(cursor, name, code_column, checked, [keys, *extra])
        if index is not None:
            ensure_hnsw(cursor, name, code_column, int(m), int(ef_construction))
    return len(checked)


def search_pgvector(
    connection,
    table,
    codes,
    k=10,
    *,
    n_bits=None,
    operator="auto",
    ef_search=None,
    id_column="id",
    code_column="code",
) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest codes in a table of PostgreSQL by Hamming distance.

    All queries go in one statement. Items at the same distance are in the order of their ids.

    pgvector's operator ``<~>`` uses an HNSW index where there is one, and then finds most of the
    nearest, not all; the server decides, and reads small tables in full. The plain form,
    ``bit_count(code # query)``, always reads the whole table, is exact, and needs PostgreSQL 14
    or later.

    Parameters
    ----------
    connection : psycopg.Connection or str
        Of psycopg version 3, or a connection string such as ``"postgresql://host/database"``.
        Nothing is written, and settings of the session stay as they are.
    table : str or tuple of two str
        Name of the table, or its schema and name, as `to_pgvector` takes it.
    codes : array-like of shape (n_queries, n_bits), or packed codes
        The queries, as `to_pgvector` takes codes.
    k : int, default=10
        Number of neighbours of each query.
    n_bits : int or None, default=None
        Number of bits of packed codes that do not tell it themselves.
    operator : {"auto", "pgvector", "plain"}, default="auto"
        The form of the distance, as above; "auto" takes pgvector where the database has it.
    ef_search : int or None, default=None
        Candidates looked at in an HNSW index, 1 to 1000: more find more of the nearest and take
        longer. None leaves the setting of the server, 40 unless changed. From pgvector 0.8 on,
        the scan goes on until there are k.
    id_column, code_column : str, default="id", "code"
        Names of these columns.

    Returns
    -------
    distances : ndarray of shape (n_queries, k), dtype int64
        Hamming distances, in bits. -1 where fewer than k rows were found.
    ids : ndarray of shape (n_queries, k), dtype int64 or object
        Their ids: -1, or None where ids are no whole numbers, where fewer were found.

    Raises
    ------
    ImportError
        If psycopg is not installed: ``pip install 'psycopg[binary]'``.
    TypeError, ValueError
        If an argument is not as asked for, there is no such table, or it has codes of another
        length.
    RuntimeError
        If the server lacks what the operator needs.

    See Also
    --------
    to_pgvector : Write the table, with an example.
    """
    checked = check_code_table(codes, n_bits)
    _check_column_names(id_column, code_column)
    if not isinstance(k, Integral) or k < 1:
        raise ValueError(f"k must be a positive whole number, got {k!r}.")
    if operator not in ("auto", "pgvector", "plain"):
        raise ValueError(f"operator must be 'auto', 'pgvector' or 'plain', got {operator!r}.")
    if ef_search is not None:
        _check_range("ef_search", ef_search)
    _require_psycopg()
    from skhash.export._postgres import open_cursor, table_identifier
    from skhash.export._postgres_search import search_table

    name = table_identifier(table)
    with open_cursor(connection, keep=False) as cursor:
        return search_table(
            cursor, name, id_column, code_column, checked, int(k), operator, ef_search
        )


def _check_column_names(id_column, code_column):
    check_name(id_column, "id_column")
    check_name(code_column, "code_column")
    if id_column == code_column:
        raise ValueError(f"id_column and code_column must differ, both are {id_column!r}.")


def _check_index(index, m, ef_construction, n_bits):
    if index != "hnsw":
        raise ValueError(f"index must be 'hnsw' or None, got {index!r}.")
    if n_bits > _MOST_BITS_HNSW:
        raise ValueError(
            f"index='hnsw' takes codes of at most {_MOST_BITS_HNSW} bits, got n_bits={n_bits}."
        )
    _check_range("m", m)
    _check_range("ef_construction", ef_construction)
    if ef_construction < 2 * m:
        raise ValueError(
            f"ef_construction must be at least 2 * m = {2 * m}, got {ef_construction}."
        )


def _check_range(name, value):
    least, most = _RANGES[name]
    if not isinstance(value, Integral) or not least <= value <= most:
        raise ValueError(f"{name} must be a whole number from {least} to {most}, got {value!r}.")


def _require_psycopg():
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "PostgreSQL is reached through psycopg version 3: pip install 'psycopg[binary]'"
        ) from error
