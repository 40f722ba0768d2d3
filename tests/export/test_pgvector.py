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


@pytest.mark.parametrize("operator", ["auto", "pgvector", "plain"])
@pytest.mark.parametrize("form", ["bits", "bytes", "packed"])
def test_flat_search_is_exact(connection, codes, operator, form):
    database, queries = codes
    ids = np.random.default_rng(0).permutation(40_000)[:4000]
    expected = nearest(database, queries, ids, 12)
    n_bits = 30 if form == "bytes" else None
    if form != "bits":
        database, queries = (
            pack_codes(part, return_n_bits=form == "packed") for part in (database, queries)
        )
    assert to_pgvector(connection, "items", database, n_bits=n_bits, ids=ids) == 4000
    found = search_pgvector(connection, "items", queries, 12, n_bits=n_bits, operator=operator)
    assert_found(found, expected)
    assert found[0].dtype == found[1].dtype == np.int64


@pytest.mark.parametrize("n_bits", [1, 8, 65, 1000])
def test_any_length_comes_back(connection, n_bits):
    codes = np.random.default_rng(n_bits).integers(0, 2, (70, n_bits), dtype=np.uint8)
    to_pgvector(connection, "items", pack_codes(codes), n_bits=n_bits)
    rows = connection.execute("SELECT code::text FROM items ORDER BY id").fetchall()
    np.testing.assert_array_equal(bitstrings_to_codes([row[0] for row in rows]), codes)
    assert_found(
        search_pgvector(connection, "items", codes[:9], 70),
        nearest(codes, codes[:9], np.arange(70), 70),
    )


def test_hnsw_finds_most(connection, codes):
    database, queries = codes
    to_pgvector(connection, "items", database, index="hnsw", m=8, ef_construction=40)
    connection.execute("SET LOCAL enable_seqscan = off")
    plan = connection.execute(
        "EXPLAIN SELECT id FROM items ORDER BY code <~> %s::bit(30), id LIMIT 10",
        [str(codes_to_bitstrings(queries[:1])[0])],
    ).fetchall()
    assert "Index Scan using items_code_idx" in str(plan)
    (options,) = connection.execute(
        "SELECT reloptions FROM pg_class WHERE relname = 'items_code_idx'"
    ).fetchone()
    assert options == ["m=8", "ef_construction=40"]
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
    plain = search_pgvector(connection, "items", queries, 10, operator="plain")
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
    assert_found(search_pgvector(connection, "items", queries, 5, operator="plain"), expected)


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
    assert rows[0] == (ids[0], "01", payload["title"][0], 2**40, 0.1, 0.5, True, when, None)
    assert rows[1][:4] == (ids[1], "11", payload["title"][1], -1)
    assert np.isnan(rows[1][4])
    assert rows[1][5:] == (-2.0, False, None, "some")
    types = connection.execute(
        "SELECT format_type(atttypid, atttypmod) FROM pg_attribute "
        "WHERE attrelid = 'items'::regclass AND attnum > 0 ORDER BY attnum"
    ).fetchall()
    assert [name for (name,) in types] == [
        "uuid",
        "bit(2)",
        "text",
        "bigint",
        "double precision",
        "real",
        "boolean",
        "timestamp without time zone",
        "text",
    ]


def test_a_table_of_the_users_own(connection):
    connection.execute(
        'CREATE TABLE own ("Key" text, "the code" bit(3), tags text[], made date DEFAULT now())'
    )
    to_pgvector(
        connection,
        "own",
        [[0, 1, 1], [1, 1, 1]],
        ids=["a", "b"],
        payload={"tags": np.array([["x", "y"], None], dtype=object)},
        id_column="Key",
        code_column="the code",
    )
    assert connection.execute("SELECT tags, made = now()::date FROM own").fetchall() == [
        (["x", "y"], True),
        (None, True),
    ]
    _, ids = search_pgvector(
        connection, "own", [[1, 1, 1]], 2, id_column="Key", code_column="the code"
    )
    assert ids.tolist() == [["b", "a"]]


@pytest.mark.parametrize("name", ['Robert"); DROP TABLE items; --', "Größe %s {}", "select"])
def test_names_are_quoted(connection, name):
    to_pgvector(connection, "items", [[1]])
    to_pgvector(
        connection, name, [[0], [1]], payload={name + "!": [1, 2]}, code_column=name, id_column="%"
    )
    distances, _ = search_pgvector(connection, name, [[1]], 2, code_column=name, id_column="%")
    assert distances.tolist() == [[0, 1]]
    assert connection.execute("SELECT count(*) FROM items").fetchone() == (1,)


def test_schema(connection):
    connection.execute("CREATE SCHEMA other")
    to_pgvector(connection, ("other", "items"), [[0], [1]], index="hnsw")
    assert connection.execute("SELECT count(*) FROM other.items").fetchone() == (2,)
    with pytest.raises(ValueError, match=r"has a dot: .*\('other', 'items'\)"):
        to_pgvector(connection, "other.items", [[0]])
    with pytest.raises(ValueError, match="no table"):
        search_pgvector(connection, "items", [[1]])


def test_extension_in_another_schema(connection, codes):
    connection.execute("CREATE SCHEMA extensions")
    connection.execute("ALTER EXTENSION vector SET SCHEMA extensions")
    to_pgvector(connection, "items", codes[0][:200], index="hnsw")
    found = search_pgvector(connection, "items", codes[1], 5, operator="pgvector")
    np.testing.assert_array_equal(found[0], nearest(codes[0][:200], codes[1], np.arange(200), 5)[0])


def test_what_to_do_with_a_table_that_is_there(connection):
    to_pgvector(connection, "items", [[0, 1]])
    with pytest.raises(ValueError, match="there already"):
        to_pgvector(connection, "items", [[1, 1]], ids=[7], if_exists="fail")
    to_pgvector(connection, "items", [[1, 1]], ids=[7])
    assert connection.execute("SELECT id, code FROM items ORDER BY id").fetchall() == [
        (0, "01"),
        (7, "11"),
    ]
    to_pgvector(connection, "items", [[1, 1, 1]], if_exists="replace")
    assert connection.execute("SELECT id, code FROM items").fetchall() == [(0, "111")]


def test_nothing_half_written(postgres, codes, monkeypatch):
    """By a connection string, which commits; an error late in the second call."""
    monkeypatch.setattr("skhash.export._bitstrings._BLOCK_BITS", 300)
    database, _ = codes
    try:
        assert to_pgvector(postgres, "committed", database[:50]) == 50
        ids = np.arange(1000, 1100)
        ids[-1] = 49
        with pytest.raises(ValueError, match=r"ids must not be in .*\(id\)=\(49\) already exists"):
            to_pgvector(postgres, "committed", database[:100], ids=ids)
        # drops the table first, and cannot build the index on a name that is no function
        monkeypatch.setattr("skhash.export._postgres_write.require_extension", lambda cursor: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            to_pgvector(postgres, "committed", database, if_exists="replace", index="hnsw")
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
    with pytest.raises(ValueError, match="already"):
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
        for operator in ("auto", "plain"):
            found = search_pgvector(connection, "items", queries, 7, operator=operator)
            assert_found(found, nearest(database, queries, np.arange(4000), 7))
        with pytest.raises(RuntimeError, match="run CREATE EXTENSION vector"):
            search_pgvector(connection, "items", queries, operator="pgvector")
        with pytest.raises(RuntimeError, match="run CREATE EXTENSION vector"):
            to_pgvector(connection, "other", database, index="hnsw")
        assert connection.execute("SELECT to_regclass('other')").fetchone() == (None,)
        connection.rollback()


def test_errors_of_the_table(connection):
    to_pgvector(connection, "items", [[0, 1]])
    with pytest.raises(ValueError, match=r"n_bits=3, but column 'code' .* is bit\(2\)"):
        to_pgvector(connection, "items", [[0, 1, 1]])
    with pytest.raises(ValueError, match=r"n_bits=3, but column 'code' .* is bit\(2\)"):
        search_pgvector(connection, "items", [[0, 1, 1]])
    with pytest.raises(ValueError, match="no column 'title'; its columns are id, code"):
        to_pgvector(connection, "items", [[0, 1]], ids=[1], payload={"title": ["a"]})
    with pytest.raises(ValueError, match="no column 'bits'"):
        search_pgvector(connection, "items", [[0, 1]], code_column="bits")
    connection.execute("CREATE TABLE varying (id int, code varbit(2))")
    with pytest.raises(ValueError, match=r"is bit varying\(2\)"):
        to_pgvector(connection, "varying", [[0, 1]])


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"codes": [[0, 2]]}, ValueError, "only 0 and 1, got 2"),
        ({"codes": np.zeros((0, 4))}, ValueError, "not be empty"),
        ({"n_bits": 9}, ValueError, r"must be uint8 of shape \(n_samples, 2\)"),
        ({"n_bits": 0}, ValueError, "n_bits must be at least 1"),
        ({"n_bits": "2"}, TypeError, "n_bits must be a whole number"),
        ({"n_bits": 2}, ValueError, "must be uint8"),
        ({"codes": np.zeros((0, 1), np.uint8), "n_bits": 2}, ValueError, "not be empty"),
        ({"ids": [1]}, ValueError, "one value for each of 2 codes"),
        ({"ids": [3, 3]}, ValueError, "distinct, but 3 is there 2 times"),
        ({"ids": [0.5, 1.5]}, TypeError, "whole numbers, strings or UUIDs"),
        ({"payload": [1, 2]}, TypeError, "must map column names"),
        ({"payload": {"code": [1, 2]}}, ValueError, "'code': it is taken"),
        ({"payload": {"x": [1]}}, ValueError, r"payload\['x'\] must have one value"),
        ({"payload": {1: [1, 2]}}, TypeError, "must be a string, got int"),
        ({"payload": {"x": np.array([{}, 1], object)}}, TypeError, "holds dict, int, which has no"),
        ({"payload": {"x": [None, None]}}, TypeError, "nothing but None"),
        ({"table": ""}, ValueError, "table must have 1 to 63 bytes"),
        ({"table": "ä" * 32}, ValueError, "table must have 1 to 63 bytes"),
        ({"table": ("a", "b", "c")}, TypeError, "a name or a tuple"),
        ({"table": 3}, TypeError, "a name or a tuple"),
        ({"code_column": "id"}, ValueError, "must differ"),
        ({"id_column": "a\0b"}, ValueError, "none of them zero"),
        ({"index": "ivf"}, ValueError, "index must be 'hnsw' or None"),
        ({"index": "hnsw", "m": 101}, ValueError, "m must be a whole number from 2 to 100"),
        ({"index": "hnsw", "m": 40}, ValueError, r"at least 2 \* m = 80, got 64"),
        ({"if_exists": "ignore"}, ValueError, "if_exists must be"),
        ({"connection": 5}, TypeError, "psycopg .* got builtins.int"),
    ],
)
def test_errors_of_the_arguments(connection, changes, error, message):
    arguments = {"connection": connection, "table": "items", "codes": [[0, 1], [1, 1]], **changes}
    with pytest.raises(error, match=message):
        to_pgvector(**arguments)
    assert connection.execute("SELECT to_regclass('items')").fetchone() == (None,)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"k": 0}, "k must be a positive"),
        ({"operator": "<->"}, "operator must be"),
        ({"ef_search": 1001}, "from 1 to 1000"),
    ],
)
def test_errors_of_a_search(changes, message):
    with pytest.raises(ValueError, match=message):
        search_pgvector("", "items", [[0, 1]], **changes)


def test_too_long_for_an_index():
    with pytest.raises(ValueError, match="at most 64000 bits"):
        to_pgvector("", "items", np.zeros((1, 8001), np.uint8), n_bits=64008, index="hnsw")


def test_missing_psycopg(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ImportError, match=r"pip install 'psycopg\[binary\]'"):
        to_pgvector("", "items", [[0, 1]])
