"""Codes in a table of PostgreSQL, with or without pgvector."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral

import numpy as np
from sklearn.utils import check_scalar

from skhash.export._bitstrings import check_shape


def to_pgvector(
    connection, table, codes, *, ids=None, payload=None, index=None, if_exists="append"
) -> int:
    """Copy codes into a table of PostgreSQL as ``bit(n_bits)``, which pgvector can index.

    The columns are ``code`` for the codes and ``id`` for their ids. A missing table is created,
    with the ids as its primary key. Rows are sent by COPY in blocks, so codes may be a memory map,
    and ``index="hnsw"`` builds the index after the rows are in, which is faster than before. All is
    one transaction: after an error the database is as it was. If the connection is already inside a
    transaction, it is yours to commit.

    The table needs no extension. An index needs pgvector 0.8 or later, brought into the database
    by ``CREATE EXTENSION vector``.

    Parameters
    ----------
    connection : psycopg.Connection
        Of psycopg version 3.
    table : str or tuple of two str
        Name of the table, or its schema and name. It is quoted: upper and lower case differ.
    codes : array-like of shape (n_samples, n_bits), or PackedCodes
        Bits, 0 or 1; or packed codes with their number of bits.
    ids : array-like of shape (n_samples,) or None, default=None
        Distinct whole numbers, strings or UUIDs. None takes the row numbers, from 0.
    payload : mapping of str to array-like of shape (n_samples,), data frame, or None
        Further columns by name. A new table gets them as bigint, double precision, boolean, text,
        timestamp or uuid; for other types create the table first.
    index : {"hnsw"} or None, default=None
        The index to build over the codes. One that the table already has is kept.
    if_exists : {"append", "replace"}, default="append"
        What to do if the table exists: add the rows, or drop it first, which is refused unless
        `to_pgvector` made the table. Such tables are recognised by their comment.

    Returns
    -------
    n_rows : int
        Number of rows written.

    Raises
    ------
    ImportError
        If psycopg is not installed: ``pip install 'psycopg[binary]'``.
    TypeError, ValueError
        If an argument is invalid, an id occurs twice, or the table to replace was not made by
        `to_pgvector`.
    RuntimeError
        If an index is wanted and the database does not have pgvector.
    psycopg.Error
        Whatever else the database refuses, such as codes of another length than the table's.

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
    _check_name(table)
    n_rows, n_bits = check_shape(codes)
    columns = {"id": _column(np.arange(n_rows) if ids is None else ids, "ids", n_rows)}
    if not isinstance(payload, Mapping) and not hasattr(payload, "columns") and payload is not None:
        raise TypeError(f"payload must map column names to values, got {type(payload).__name__}")
    for name in () if payload is None else payload:
        if name in ("id", "code"):
            raise ValueError(f"payload must not have the column {name!r}, which is taken")
        _check_name(name, "a column of payload")
        columns[name] = _column(payload[name], f"payload[{name!r}]", n_rows)
    if index not in ("hnsw", None):
        raise ValueError(f"index must be 'hnsw' or None, got {index!r}")
    if if_exists not in ("append", "replace"):
        raise ValueError(f"if_exists must be 'append' or 'replace', got {if_exists!r}")
    _postgres().write_table(connection, table, codes, n_bits, columns, index, if_exists)
    return n_rows


def search_pgvector(
    connection, table, codes, k=10, *, exact=False, ef_search=None
) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest codes in a table of PostgreSQL by Hamming distance.

    All queries go in one statement. Items at the same distance are in the order of their ids. If
    the database has pgvector, its operator ``<~>`` uses an HNSW index over the codes, and then
    finds most of the nearest, not all; the server decides, and reads small tables in full. The
    plain form, ``bit_count(code # query)``, needs PostgreSQL 14 or later and no extension, always
    reads the whole table, and is exact.

    Parameters
    ----------
    connection : psycopg.Connection
        Of psycopg version 3. Nothing is written, and settings of the session stay as they are.
    table : str or tuple of two str
        Name of the table, or its schema and name, as `to_pgvector` takes it.
    codes : array-like of shape (n_queries, n_bits), or PackedCodes
        The queries, as `to_pgvector` takes codes.
    k : int, default=10
        Number of neighbours of each query.
    exact : bool, default=False
        Whether to use the plain form even if the database has pgvector.
    ef_search : int or None, default=None
        Candidates examined in an HNSW index, 1 to 1000: more find more of the nearest and take
        longer. None keeps the setting of the server, 40 unless changed. The scan goes on until
        there are k.

    Returns
    -------
    distances : ndarray of shape (n_queries, k), dtype int64
        Hamming distances, in bits. -1 where fewer than k rows were found.
    ids : ndarray of shape (n_queries, k), dtype int64 or object
        Their ids; where fewer were found -1, or None if ids are not whole numbers.

    Raises
    ------
    ImportError
        If psycopg is not installed: ``pip install 'psycopg[binary]'``.
    TypeError, ValueError
        If an argument is invalid.
    psycopg.Error
        Whatever the database refuses: there is no such table, or it has codes of another length.

    See Also
    --------
    to_pgvector : Write the table, with an example.
    """
    _check_name(table)
    check_shape(codes)
    check_scalar(k, "k", Integral, min_val=1)
    if ef_search is not None:
        check_scalar(ef_search, "ef_search", Integral, min_val=1, max_val=1000)
    return _postgres().search_table(connection, table, codes, int(k), exact, ef_search)


def _check_name(name, argument="table"):
    """Refuse names that PostgreSQL would silently cut, and so take for another name."""
    parts = (name,) if isinstance(name, str) else name
    if argument == "table" and not isinstance(name, str | tuple):
        raise TypeError(f"table must be a name or a tuple (schema, name), got {name!r}")
    for part in parts:
        if not isinstance(part, str) or "\0" in part or not 1 <= len(part.encode()) <= 63:
            raise ValueError(f"{argument} must be a string of 1 to 63 bytes, got {part!r}")


def _column(values, argument, n_rows):
    array = np.asarray(values)
    if array.dtype.kind == "O" and hasattr(values, "isna"):
        # pandas has several signs of a missing value, SQL has one
        array = np.where(values.isna(), None, array)
    if array.shape != (n_rows,):
        raise ValueError(
            f"{argument} must have one value for each of {n_rows} codes, got shape {array.shape}"
        )
    return array


def _postgres():
    try:
        from skhash.export import _postgres
    except ImportError as error:
        raise ImportError(
            "PostgreSQL is reached through psycopg version 3: pip install 'psycopg[binary]'"
        ) from error
    return _postgres
