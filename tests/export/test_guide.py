"""The chapter on PostgreSQL of the guide runs as it is printed."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import numpy as np
import pytest

psycopg = pytest.importorskip("psycopg", reason="needs psycopg")

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "databases.rst"
# a directive, its options, an empty line, and the indented lines after it
BLOCK = re.compile(r"^\.\. code-block:: (sql|python)\n\n((?: {3}.*\n|\n)+)", re.MULTILINE)


@pytest.fixture
def chapter():
    text = GUIDE.read_text()
    start, end = (
        text.index(f"\n{title}\n---")
        for title in ("PostgreSQL with pgvector", "Other databases: the bytes")
    )
    return text[start:end]


@pytest.fixture
def database(postgres, monkeypatch):
    """Where ``psycopg.connect()`` leads; the table that the guide makes is dropped afterwards."""
    for name, value in psycopg.conninfo.conninfo_to_dict(postgres).items():
        monkeypatch.setenv({"dbname": "PGDATABASE"}.get(name, f"PG{name.upper()}"), value)
    yield postgres
    with psycopg.connect(postgres) as connection:
        connection.execute("DROP TABLE IF EXISTS images")


def run(chapter):
    """Run all blocks in order; return the names of Python and the last rows of SQL."""
    names, rows = {}, None
    for language, block in BLOCK.findall(chapter):
        source = textwrap.dedent(block)
        if language == "python":
            exec(compile(source, GUIDE.name, "exec"), names)
            continue
        with psycopg.connect() as connection:
            cursor = connection.execute(source.strip())
            rows = cursor.fetchall() if cursor.description else None
    return names, rows


def printed(chapter, pattern):
    """The numbers of the one place that reads so."""
    (found,) = re.finditer(pattern, chapter)
    return [float(number) for number in found.groups()]


def test_chapter_on_postgresql(chapter, database):
    names, rows = run(chapter)
    try:
        codes, queries = names["codes"], names["queries"]
        order = np.argsort(names["train"])
        ids = names["train"][order]
        distances = (queries[:100, None] != codes[order]).sum(axis=2)
        nearest = np.argsort(distances, axis=1, kind="stable")[:, :10]
        np.testing.assert_array_equal(names["ids_plain"], ids[nearest])
        np.testing.assert_array_equal(
            names["distances_plain"], np.take_along_axis(distances, nearest, axis=1)
        )
        # by the index, if the server takes it
        assert (names["distances"] == names["distances_plain"]).mean() > 0.9
        labels = dict(
            zip(names["train"], names["cifar"].target_names[names["cifar"].target[names["train"]]])
        )
        assert names["n_rows"] == 8000
        assert len(names["rows"]) == 10
        assert all(labels[item] == label != "apple" for item, label, _ in names["rows"])
        assert len(rows) == 10
        assert rows[0] == (1, 0)
        # the numbers that are printed
        recalls = printed(chapter, r"recall at 10 +([\d.]+) +([\d.]+) +([\d.]+)")
        np.testing.assert_allclose(list(names["recall"].values()), recalls, atol=0.03)
        assert [names["code_bytes"]] == printed(chapter, r"``bit\(64\)`` takes (\d+) bytes")
        assert [round(names["row_bytes"])] == printed(chapter, r"its id and label takes (\d+),")
        (index_bytes,) = printed(chapter, r"index takes (\d+) bytes per row")
        assert names["index_bytes"] == pytest.approx(index_bytes, rel=0.02)
    finally:
        names["connection"].close()
