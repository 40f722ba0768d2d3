"""Codes in a real PostgreSQL with pgvector, searched, and set beside NumPy."""

from __future__ import annotations

import datetime
import sys
import uuid

import numpy as np
import pandas as pd
import pytest

from skhash import ITQHasher
from skhash.datasets import load_cifar100_features
from skhash.export import bitstrings_to_codes, codes_to_bitstrings, search_pgvector, to_pgvector
from skhash.neighbors import pack_codes

psycopg = pytest.importorskip("psycopg", reason="needs psycopg")


@pytest.fixture(scope="module")
def codes():
    """Codes of 4000 database rows and 50 queries, with many ties."""
    cifar = load_cifar100_features()
    train = cifar.data[cifar.train_indices[:4000]]
    hasher = ITQHasher(n_bits=30, random_state=0).fit(train)
    return hasher.transform(train), hasher.transform(cifar.data[cifar.query_indices[:50]])


def nearest(database, queries, ids, k):
    """Exact neighbours, ties by id."""
    distances = (queries[:, None] != database).sum(axis=2)
    order = np.lexsort(np.broadcast_arrays(ids, distances), axis=1)[:, :k]
    return np.take_along_axis(distances, order, axis=1), ids[order]


def assert_found(found, expected):
    for got, wanted in zip(found, expected, strict=True):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("form", ["bits", "packed"])
def test_flat_search_is_exact(connection, codes, exact, form):
    database, queries = codes
    ids = np.random.default_rng(0).permutation(40_000)[:4000]
    expected = nearest(database, queries, ids, 12)
    if form == "packed":
        database, queries = (pack_codes(part, return_n_bits=True) for part in codes)
    assert to_pgvector(connection, "items", database, ids=ids) == 4000
    found = search_pgvector(connection, "items", queries, 12, exact=exact)
    assert_found(found, expected)
    assert found[0].dtype == found[1].dtype == np.int64


@pytest.mark.parametrize("n_bits", [1, 8, 65, 1000])
def test_any_length_comes_back(connection, n_bits):
    codes = np.random.default_rng(n_bits).integers(0, 2, (70, n_bits), dtype=np.uint8)
    to_pgvector(connection, "items", pack_codes(codes, return_n_bits=True))
    rows = connection.execute("SELECT code::text FROM items ORDER BY id").fetchall()
    np.testing.assert_array_equal(bitstrings_to_codes([row[0] for row in rows]), codes)
    assert_found(
        search_pgvector(connection, "items", codes[:9], 70),
        nearest(codes, codes[:9], np.arange(70), 70),
    )


def test_hnsw_finds_most(connection, codes):
    database, queries = codes
    to_pgvector(connection, "items", database, index="hnsw")
    connection.execute("SET LOCAL enable_seqscan = off")
    plan = connection.execute(
        "EXPLAIN SELECT id FROM items ORDER BY code <~> %s::bit(30), id LIMIT 10",
        [str(codes_to_bitstrings(queries[:1])[0])],
    ).fetchall()
    assert "Index Scan using items_code_idx" in str(plan)
    exact, _ = nearest(database, queries, np.arange(4000), 10)
    recall = {}
    for ef_search in (1, 200):
        distances, ids = search_pgvector(connection, "items", queries, 10, ef_search=ef_search)
        np.testing.assert_array_equal(distances, (queries[:, None] != database[ids]).sum(axis=2))
        assert (np.diff(distances, axis=1) >= 0).all()
        # items tie: as near as the true neighbour of this rank counts as found
        recall[ef_search] = (distances == exact).mean()
    assert recall[200] > 0.97
    assert recall[1] < recall[200]
    # the plain form cannot use the index, and stays exact
    plain = search_pgvector(connection, "items", queries, 10, exact=True)
    assert_found(plain, nearest(database, queries, np.arange(4000), 10))


def test_more_than_the_candidates_of_the_index(connection, codes):
    database, queries = codes
    to_pgvector(connection, "items", database, index="hnsw")
    connection.execute("SET LOCAL enable_seqscan = off")
    distances, ids = search_pgvector(connection, "items", queries[:5], 150, ef_search=10)
    assert (distances >= 0).all()
    assert all(len(set(row)) == 150 for row in ids.tolist())
    assert connection.execute("SHOW hnsw.ef_search").fetchone() == ("40",)
    assert connection.execute("SHOW hnsw.iterative_scan").fetchone() == ("off",)


def test_index_is_kept_when_rows_follow(connection, codes):
    database, queries = codes
    to_pgvector(connection, "items", database[:100], index="hnsw")
    to_pgvector(connection, "items", database[100:300], ids=np.arange(100, 300), index="hnsw")
    (count,) = connection.execute(
        "SELECT count(*) FROM pg_indexes WHERE tablename = 'items' AND indexdef LIKE '%hnsw%'"
    ).fetchone()
    assert count == 1
    expected = nearest(database[:300], queries, np.arange(300), 5)
    assert_found(search_pgvector(connection, "items", queries, 5, exact=True), expected)


def test_few_rows_are_filled_up(connection):
    to_pgvector(connection, "numbers", [[0, 0], [1, 1]])
    distances, ids = search_pgvector(connection, "numbers", [[1, 1], [0, 1]], 3)
    np.testing.assert_array_equal(distances, [[0, 2, -1], [1, 1, -1]])
    np.testing.assert_array_equal(ids, [[1, 0, -1], [0, 1, -1]])
    to_pgvector(connection, "names", [[0, 0], [1, 1]], ids=["zero", "three"])
    distances, ids = search_pgvector(connection, "names", [[1, 1]], 3)
    assert ids.tolist() == [["three", "zero", None]]


def test_payload_keeps_types_and_characters(connection):
    payload = {
        "title": ["tab\t newline\n backslash\\ \\N", "zażółć 'quoted' \"twice\""],
        "count": np.array([2**40, -1]),
        "score": np.array([0.1, np.nan]),
        "half": np.array([0.5, -2.0], dtype=np.float32),
        "seen": np.array([True, False]),
        "made": np.array(["2024-02-29T12:30:00.000001", "NaT"], dtype="datetime64[ns]"),
        "note": np.array([None, "some"], dtype=object),
    }
    ids = [uuid.UUID(int=5), uuid.UUID(int=3)]
    to_pgvector(connection, "items", [[0, 1], [1, 1]], ids=ids, payload=pd.DataFrame(payload))
    rows = connection.execute("SELECT * FROM items ORDER BY count DESC").fetchall()
    when = datetime.datetime(2024, 2, 29, 12, 30, 0, 1)
    assert rows[0] == (ids[0], payload["title"][0], 2**40, 0.1, 0.5, True, when, None, "01")
    assert rows[1][:3] == (ids[1], payload["title"][1], -1)
    assert np.isnan(rows[1][3])
    assert rows[1][4:] == (-2.0, False, None, "some", "11")
    types = connection.execute(
        "SELECT format_type(atttypid, atttypmod) FROM pg_attribute "
        "WHERE attrelid = 'items'::regclass AND attnum > 0 ORDER BY attnum"
    ).fetchall()
    assert [name for (name,) in types] == [
        "uuid",
        "text",
        "bigint",
        "double precision",
        "double precision",
        "boolean",
        "timestamp without time zone",
        "text",
        "bit(2)",
    ]


def test_a_table_of_the_users_own(connection):
    connection.execute(
        "CREATE TABLE own (id text, tags text[], code bit(3), made date DEFAULT now())"
    )
    to_pgvector(
        connection,
        "own",
        [[0, 1, 1], [1, 1, 1]],
        ids=["a", "b"],
        payload={"tags": np.array([["x", "y"], None], dtype=object)},
    )
    assert connection.execute("SELECT tags, made = now()::date FROM own").fetchall() == [
        (["x", "y"], True),
        (None, True),
    ]
    _, ids = search_pgvector(connection, "own", [[1, 1, 1]], 2)
    assert ids.tolist() == [["b", "a"]]


@pytest.mark.parametrize("name", ['Robert"); DROP TABLE items; --', "Größe %s {}", "select"])
def test_names_are_quoted(connection, name):
    to_pgvector(connection, "items", [[1]])
    to_pgvector(connection, name, [[0], [1]], payload={name + "!": [1, 2]}, index="hnsw")
    to_pgvector(connection, name, [[0], [1]], payload={"%": [1, 2]}, if_exists="replace")
    distances, _ = search_pgvector(connection, name, [[1]], 2)
    assert distances.tolist() == [[0, 1]]
    assert connection.execute("SELECT count(*) FROM items").fetchone() == (1,)


def test_schema(connection):
    connection.execute("CREATE SCHEMA other")
    to_pgvector(connection, ("other", "items"), [[0], [1]], index="hnsw")
    assert connection.execute("SELECT count(*) FROM other.items").fetchone() == (2,)
    distances, _ = search_pgvector(connection, ("other", "items"), [[1]], 2)
    assert distances.tolist() == [[0, 1]]
    with pytest.raises(psycopg.errors.UndefinedTable, match='"items" does not exist'):
        search_pgvector(connection, "items", [[1]])


def test_what_to_do_with_a_table_that_is_there(connection):
    to_pgvector(connection, "items", [[0, 1]])
    to_pgvector(connection, "items", [[1, 1]], ids=[7])
    assert connection.execute("SELECT id, code FROM items ORDER BY id").fetchall() == [
        (0, "01"),
        (7, "11"),
    ]
    to_pgvector(connection, "items", [[1, 1, 1]], if_exists="replace")
    assert connection.execute("SELECT id, code FROM items").fetchall() == [(0, "111")]


def test_only_its_own_tables_are_replaced(connection):
    connection.execute("CREATE TABLE accounts (id bigint PRIMARY KEY, code bit(2), owner text)")
    connection.execute("INSERT INTO accounts VALUES (3, '01', 'somebody')")
    connection.execute("CREATE VIEW seen AS SELECT * FROM accounts")
    for comment in ("NULL", "'codes'"):
        connection.execute(f"COMMENT ON TABLE accounts IS {comment}")
        for name in ("accounts", ("public", "accounts"), "seen"):
            with pytest.raises(ValueError, match="was not made by to_pgvector"):
                to_pgvector(connection, name, [[0, 1]], if_exists="replace")
    # rows are added to it, and that does not make it ours
    to_pgvector(connection, "accounts", [[1, 1]])
    with pytest.raises(ValueError, match="was not made by to_pgvector"):
        to_pgvector(connection, "accounts", [[0, 1]], if_exists="replace")
    assert connection.execute("SELECT * FROM accounts ORDER BY id").fetchall() == [
        (0, "11", None),
        (3, "01", "somebody"),
    ]
    # one that is ours can be replaced again and again
    for n_bits in (1, 2, 3):
        to_pgvector(connection, "items", np.ones((1, n_bits)), if_exists="replace")
    assert connection.execute("SELECT code FROM items").fetchall() == [("111",)]


def test_nothing_half_written(postgres, codes, monkeypatch):
    """Outside of a transaction a call commits, or leaves all as it was."""
    monkeypatch.setattr("skhash.export._bitstrings._BLOCK_BITS", 300)
    database, _ = codes
    try:
        with psycopg.connect(postgres) as connection:
            assert to_pgvector(connection, "committed", database[:50]) == 50
        with psycopg.connect(postgres) as connection:
            ids = np.arange(1000, 1100)
            ids[-1] = 49
            with pytest.raises(ValueError, match=r"distinct.*\(id\)=\(49\) already exists"):
                to_pgvector(connection, "committed", database[:100], ids=ids)
            late = database[:100].copy()
            late[-1, -1] = 2
            for if_exists in ("append", "replace"):
                with pytest.raises(ValueError, match="only 0 and 1, got 2"):
                    to_pgvector(connection, "committed", late, ids=ids, if_exists=if_exists)
            # drops the table first, and cannot build the index
            monkeypatch.setattr("skhash.export._postgres._has_pgvector", lambda cursor: False)
            with pytest.raises(RuntimeError, match="CREATE EXTENSION"):
                to_pgvector(connection, "committed", database, if_exists="replace", index="hnsw")
        with psycopg.connect(postgres) as connection:
            rows = connection.execute("SELECT code::text FROM committed ORDER BY id").fetchall()
        np.testing.assert_array_equal(bitstrings_to_codes([row for (row,) in rows]), database[:50])
    finally:
        with psycopg.connect(postgres) as connection:
            connection.execute("DROP TABLE committed")


def test_the_callers_transaction(connection):
    connection.row_factory = psycopg.rows.dict_row
    connection.execute("CREATE TABLE mine (a int)")
    to_pgvector(connection, "items", [[0], [1]])
    with pytest.raises(ValueError, match="already exists"):
        to_pgvector(connection, "items", [[1]])
    # what went before the error in the same transaction is still there, and still undone
    assert connection.execute("SELECT count(*) AS n FROM items").fetchone() == {"n": 2}
    search_pgvector(connection, "items", [[1]], 1)
    connection.rollback()
    assert connection.execute("SELECT to_regclass('items') AS found").fetchone()["found"] is None


def test_without_the_extension(postgres, codes):
    database, queries = codes
    with psycopg.connect(postgres.replace("dbname=postgres", "dbname=plain")) as connection:
        to_pgvector(connection, "items", database)
        for exact in (False, True):
            found = search_pgvector(connection, "items", queries, 7, exact=exact)
            assert_found(found, nearest(database, queries, np.arange(4000), 7))
        with pytest.raises(RuntimeError, match="run CREATE EXTENSION vector"):
            to_pgvector(connection, "other", database, index="hnsw")
        assert connection.execute("SELECT to_regclass('other')").fetchone() == (None,)
        connection.rollback()


@pytest.mark.parametrize("exact", [False, True])
def test_another_length_is_no_match(connection, exact):
    """The server compares the lengths; a cast to bit(n) would cut or fill up."""
    to_pgvector(connection, "items", [[0, 1]])
    with pytest.raises(psycopg.errors.StringDataLengthMismatch):
        to_pgvector(connection, "items", [[0, 1, 1]], ids=[7])
    for query in ([[0, 1, 1]], [[0]]):
        with pytest.raises(psycopg.Error, match=r"different (bit lengths|sizes)"):
            search_pgvector(connection, "items", query, exact=exact)
    with pytest.raises(psycopg.errors.UndefinedColumn, match="title"):
        to_pgvector(connection, "items", [[0, 1]], ids=[1], payload={"title": ["a"]})


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"codes": [[0, 2]]}, ValueError, "only 0 and 1, got 2"),
        ({"codes": [0, 1]}, ValueError, "codes must have shape"),
        ({"codes": np.zeros((0, 4))}, ValueError, "not be empty"),
        ({"ids": [1]}, ValueError, "ids must have one value for each of 2 codes"),
        ({"ids": [3, 3]}, ValueError, r"ids must be distinct.*\(id\)=\(3\)"),
        ({"payload": [1, 2]}, TypeError, "must map column names"),
        ({"payload": {"code": [1, 2]}}, ValueError, "'code', which is taken"),
        ({"payload": {"x": [1]}}, ValueError, r"payload\['x'\] must have one value"),
        ({"payload": {"x": np.array([{}, 1], object)}}, TypeError, "'x' .* no obvious SQL type"),
        ({"payload": {"x": [None, None]}}, TypeError, "no obvious SQL type"),
        ({"payload": {"ä" * 32: [1, 2]}}, ValueError, "payload must be a string of 1 to 63 bytes"),
        ({"table": ""}, ValueError, "table must be a string of 1 to 63 bytes"),
        ({"table": "ä" * 32}, ValueError, "table must be a string of 1 to 63 bytes"),
        ({"table": "a\0b"}, ValueError, "table must be a string of 1 to 63 bytes"),
        ({"table": 3}, TypeError, "a name or a tuple"),
        ({"index": "ivf"}, ValueError, "index must be 'hnsw' or None"),
        ({"if_exists": "ignore"}, ValueError, "if_exists must be"),
        ({"connection": "dbname=x"}, TypeError, "psycopg .* got builtins.str"),
    ],
)
def test_errors_of_the_arguments(connection, changes, error, message):
    arguments = {"connection": connection, "table": "items", "codes": [[0, 1], [1, 1]], **changes}
    with pytest.raises(error, match=message):
        to_pgvector(**arguments)
    assert connection.execute("SELECT to_regclass('items')").fetchone() == (None,)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"k": 0}, ValueError, "k == 0"),
        ({"k": 1.5}, TypeError, "k must be"),
        ({"ef_search": 1001}, ValueError, "ef_search == 1001"),
        ({"codes": [[0, 2]]}, ValueError, "only 0 and 1"),
        ({"table": "ä" * 32}, ValueError, "table must be a string"),
    ],
)
def test_errors_of_a_search(connection, changes, error, message):
    to_pgvector(connection, "items", [[0, 1]])
    arguments = {"table": "items", "codes": [[0, 1]], **changes}
    with pytest.raises(error, match=message):
        search_pgvector(connection, **arguments)


def test_missing_psycopg(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "skhash.export._postgres", raising=False)
    monkeypatch.delattr("skhash.export._postgres", raising=False)
    with pytest.raises(ImportError, match=r"pip install 'psycopg\[binary\]'"):
        to_pgvector(None, "items", [[0, 1]])
