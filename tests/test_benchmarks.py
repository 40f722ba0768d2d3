"""The benchmark of images, which few machines can run in full: its parts, and its kept runs."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from skhash.similarity import load_taxonomy

FOLDER = Path(__file__).parents[1] / "benchmarks"
CLASSES = sorted(load_taxonomy("cifar100").leaves)


@pytest.fixture
def benchmark(monkeypatch, tmp_path):
    """The script, with random images, and files of its own."""
    monkeypatch.syspath_prepend(FOLDER)
    script = importlib.import_module("cifar100_images")
    parts = importlib.import_module("_cifar100_images")

    def load(n_classes, n_fit, n_judge):
        names, rng = np.array(CLASSES[:: 100 // n_classes]), np.random.default_rng(0)
        y, y_test = np.repeat(names, n_fit), np.repeat(names, n_judge)
        X, X_test = (rng.integers(256, size=(len(z), 8, 8, 3), dtype=np.uint8) for z in (y, y_test))
        return parts.Images(X, y, X_test, y_test)

    monkeypatch.setenv("SKHASH_DATA", "")
    monkeypatch.setattr(script, "load", load)
    monkeypatch.setattr(script, "RESULTS", tmp_path / "results" / "runs.jsonl")
    written = {}
    monkeypatch.setattr(script, "write_table", lambda name, *blocks: written.update({name: blocks}))

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["cifar100_images.py", *arguments])
        script.main()
        return written.get("cifar100_images")

    return SimpleNamespace(script=script, run=run, written=written)


@pytest.mark.parametrize("preset", ["ten", pytest.param("thirty", marks=pytest.mark.slow)])
def test_a_dry_run_goes_through_every_part_of_a_preset(benchmark, monkeypatch, capsys, preset):
    script = benchmark.script
    made = []
    judged = script.judged

    def note(hasher, data, fitted_on, bits, judge):
        scores = judged(hasher, data, fitted_on, bits, judge)
        made.append((hasher, scores))
        return scores

    monkeypatch.setattr(script, "judged", note)
    # the width is that of a CPU; depth and all else of the preset
    assert benchmark.run("--minutes", preset, "--dry-run", "--width", "0.25") is None
    assert not script.RESULTS.exists()
    assert len(made) == 2 * len(script.ROWS)
    for hasher, scores in made:
        assert hasher.network.depth == script.PRESETS[preset].depth
        lengths = {"16 bits", "32 bits", "64 bits", "128 bits"}
        # one network has codes of every length where they are read off its posterior
        encoder = type(getattr(hasher, "encoder_", None)).__name__
        expected = lengths if encoder == "PosteriorEncoder" else {"64 bits"}
        assert set(scores) == {"continuous"} | expected
        assert all(0 <= value <= 1 for found in scores.values() for value in found.values())
    table = capsys.readouterr().out
    assert all(row in table for row in script.ROWS)


def test_an_interrupted_evening_goes_on(benchmark, monkeypatch):
    script = benchmark.script
    fitted = []

    def fit(row, part, data, n_bits, options):
        if row == "PosteriorEncoder" and len(fitted) == 1:
            raise KeyboardInterrupt
        fitted.append(row)
        hasher = script.Chance()
        hasher.n_bits_, hasher.device_ = n_bits, "cpu"
        return hasher, dict.fromkeys(script.MINUTES, 1.25)

    monkeypatch.setattr(script, "fit", fit)
    monkeypatch.setattr(script, "load", lambda *sizes, load=script.load: load(20, 3, 3))
    evening = ["--minutes", "evening", "--seen-only"]
    with pytest.raises(KeyboardInterrupt):
        benchmark.run(*evening, "--rows", "as published", "PosteriorEncoder")
    assert "as published" in benchmark.written["cifar100_images"][1]["row"].values
    lines = script.RESULTS.read_text().splitlines()
    assert [json.loads(line)["row"] for line in lines] == ["chance", "as published"]
    note, table = benchmark.run(*evening, "--rows", "RelationalEncoder")
    assert note.endswith(
        "Rows that were not run: as published, without KL, PosteriorEncoder, "
        "OrthoHasher, semantic, cross-entropy, one code a class."
    )
    note, table = benchmark.run(*evening)
    assert "not run" not in note
    assert sorted(fitted) == sorted(script.ROWS)  # each once
    # in the order of the rows, whenever they were run
    assert list(dict.fromkeys(table["row"])) == ["chance", *script.ROWS]
    assert set(table["ranked by"][1:]) == {"continuous", "64 bits"}
    # another setting is another run, and another table
    blocks = benchmark.run(*evening, "--rows", "as published", "--epochs", "3")
    assert len(blocks) == 4
    assert fitted[-1] == "as published"
