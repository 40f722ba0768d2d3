"""Codes as strings, and in DuckDB."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skhash.export import bitstrings_to_codes, codes_to_bitstrings
from skhash.neighbors import pack_codes


@given(
    arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 70)), elements=st.integers(0, 1))
)
def test_there_and_back(codes):
    strings = codes_to_bitstrings(codes)
    assert strings.tolist() == ["".join(map(str, row)) for row in codes.tolist()]
    np.testing.assert_array_equal(
        codes_to_bitstrings(pack_codes(codes), n_bits=codes.shape[1]), strings
    )
    assert codes_to_bitstrings(pack_codes(codes, return_n_bits=True)).tolist() == strings.tolist()
    back = bitstrings_to_codes(strings.tolist())
    assert back.dtype == np.uint8
    np.testing.assert_array_equal(back, codes)


@pytest.mark.parametrize("dtype", [bool, np.int64, np.float32])
def test_other_types_and_layouts(dtype):
    codes = np.array([[0, 1, 1], [1, 0, 0]], dtype=dtype)
    assert codes_to_bitstrings(codes).tolist() == ["011", "100"]
    assert codes_to_bitstrings(codes.T).tolist() == ["01", "10", "10"]
    assert codes_to_bitstrings(codes[::-1, ::2]).tolist() == ["10", "01"]


@pytest.mark.parametrize(
    ("strings", "message"),
    [
        (["01", "012"], "one length"),
        ([], "one length"),
        ([""], "one length"),
        ([["0"]], "one length"),
        (["01", "0 "], "got ' '"),
        (["01", "0½"], "got '½'"),
        (["2"], "got '2'"),
    ],
)
def test_no_bitstrings(strings, message):
    with pytest.raises(ValueError, match=message):
        bitstrings_to_codes(strings)


@pytest.mark.parametrize("n_bits", [7, 64, 100])
def test_duckdb_counts_the_same_bits(n_bits):
    duckdb = pytest.importorskip("duckdb", reason="needs duckdb")
    pd = pytest.importorskip("pandas", reason="needs pandas")
    rng = np.random.default_rng(n_bits)
    codes = rng.integers(0, 2, (500, n_bits), dtype=np.uint8)
    queries = rng.integers(0, 2, (3, n_bits), dtype=np.uint8)
    rows = pd.DataFrame({"id": np.arange(500), "code": codes_to_bitstrings(codes)})
    with duckdb.connect() as connection:
        connection.register("rows", rows)
        connection.execute("CREATE TABLE items AS SELECT id, code::BIT AS code FROM rows")
        for query, string in zip(queries, codes_to_bitstrings(queries)):
            found = connection.execute(
                "SELECT id, bit_count(xor(code, ?::BIT)) AS distance FROM items "
                "ORDER BY distance, id LIMIT 20",
                [str(string)],
            ).fetchall()
            distances = (codes != query).sum(axis=1)
            order = np.argsort(distances, kind="stable")[:20]
            assert found == list(zip(order.tolist(), distances[order].tolist()))
        (stored,) = connection.execute(
            "SELECT list(code::VARCHAR ORDER BY id) FROM items"
        ).fetchone()
    np.testing.assert_array_equal(bitstrings_to_codes(stored), codes)
