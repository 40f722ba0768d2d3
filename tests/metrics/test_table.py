"""Tables of scores as text, markup and frame."""

import numpy as np
import pytest

from skhash.metrics import ScoreTable


@pytest.fixture
def table():
    columns = {"score": [0.5, np.nan, 12.25], "queries": [3, 0, 1000]}
    return ScoreTable(["<a>", "b", 7], columns, "a & b")


def test_text(table):
    assert str(table).split("\n") == [
        "       score  queries",
        "<a>   0.5000        3",
        "b        nan        0",
        "7    12.2500     1000",
        "",
        "a & b",
    ]
    assert repr(table) == "ScoreTable(3 rows: score, queries)"


def test_without_caption():
    assert str(ScoreTable(["x"], {"n": [1]})) == "   n\nx  1"


def test_columns(table):
    assert len(table) == 3
    np.testing.assert_array_equal(table["queries"], [3, 0, 1000])
    frame = table.to_frame()
    assert frame.index.tolist() == ["<a>", "b", 7]
    assert frame.loc[7, "score"] == 12.25


def test_markup(table):
    markup = table._repr_html_()
    assert "<caption>a &amp; b</caption>" in markup
    assert "<tr><th>&lt;a&gt;</th><td>0.5000</td><td>3</td></tr>" in markup
