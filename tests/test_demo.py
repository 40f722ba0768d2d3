"""The demo, in a small configuration: its table, its picture, and its message."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import sys
from pathlib import Path

import numpy as np
import pytest

plt = pytest.importorskip("matplotlib.pyplot")
image = pytest.importorskip("PIL.Image")

SCRIPT = Path(__file__).parents[1] / "examples" / "plot_cifar100_demo.py"


@pytest.fixture(scope="module")
def demo():
    spec = importlib.util.spec_from_file_location("cifar100_demo", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    # dataclasses look their module up
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        yield module


@pytest.fixture(scope="module")
def run(demo, tmp_path_factory):
    """Rows, text and picture of one short run."""
    output = tmp_path_factory.mktemp("demo") / "folder" / "demo.png"
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        rows = demo.main(seed=0, output=output, n_bits=(8, 16), max_iter=2)
    plt.close("all")
    return rows, printed.getvalue(), output


def test_rows_are_all_methods_at_all_lengths(run):
    rows = run[0]
    methods = ["random projection", "PCA", "ITQ", "SemanticHasher"]
    assert [(row.method, row.n_bits) for row in rows] == [
        ("raw features, cosine", None),
        *((method, bits) for bits in (8, 16) for method in methods),
    ]
    assert [row.n_bytes for row in rows] == [1024, 1, 1, 1, 1, 2, 2, 2, 2]


def test_semantic_hasher_beats_all_codes_without_labels(run):
    rows = run[0][1:]
    for bits in (8, 16):
        scores = {row.method: np.array(row.scores) for row in rows if row.n_bits == bits}
        semantic = scores.pop("SemanticHasher")
        assert np.all(semantic > np.max(list(scores.values()), axis=0))


def test_table_and_reading_say_what_the_rows_say(demo, run):
    rows, text, output = run
    table = text.split("other queries\n")[1].split("* the best")[0]
    lines = [line for line in table.splitlines() if "." in line and "fit s" not in line]
    assert len(lines) == len(rows)
    best = np.max([row.scores for row in rows], axis=0)
    for line, row in zip(lines, rows, strict=True):
        assert line.startswith(row.method)
        cells = line.split()[-4:]
        assert [cell.rstrip("*") for cell in cells] == [f"{score:.3f}" for score in row.scores]
        assert [cell.endswith("*") for cell in cells] == [*(row.scores == best)]
    assert text.count("[") == text.count("fitted in") + 1 == 9
    assert f"{rows[-1].scores[0]:.3f} and {rows[-1].scores[1]:.3f}" in " ".join(text.split())
    assert f"Picture: {output}" in text


def test_color_changes_nothing_but_the_color(demo, run):
    rows = run[0]
    colored = demo.format_table(rows, in_color=True)
    assert colored.count("\033[1;32m") == 4
    plain = colored.replace("\033[1;32m", "").replace("\033[0m", "")
    assert plain == demo.format_table(rows)


def test_picture_is_written_and_not_blank(run):
    with image.open(run[2]) as picture:
        assert picture.width >= 1600
        pixels = np.asarray(picture.convert("RGB"))
    # the thumbnails are on the left, the matrices below on the right
    height, width = pixels.shape[:2]
    for part in (pixels[:, : width // 2], pixels[height // 2 :, width // 2 :]):
        assert 0.1 < np.mean(part.min(axis=2) < 250) < 0.95


def test_nearest_rows_orders_ties_by_row_and_leaves_the_query_out(demo):
    codes = np.array([[0, 0], [1, 1], [0, 1], [0, 0], [1, 0]], dtype=np.uint8)
    found = demo.nearest_rows(codes, np.array([0, 3]), 4)
    assert found.tolist() == [[3, 2, 4, 1], [0, 2, 4, 1]]
