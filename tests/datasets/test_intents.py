"""The utterances that ship inside the package, and the script that makes them."""

import os
import subprocess
import sys
import zipfile
from importlib import resources
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.neighbors import KNeighborsClassifier

from skhash.datasets import load_intents

SCRIPT = Path(__file__).parents[2] / "tools" / "make_intents.py"
needs_shared_data = pytest.mark.skipif(
    "SKHASH_DATA" not in os.environ, reason="SKHASH_DATA names no folder of larger data"
)


@pytest.fixture(scope="module")
def intents():
    return load_intents()


def test_texts_are_distinct_and_vectors_of_length_1(intents):
    assert len(set(intents.data)) == len(intents.data) == 2304
    n_words = np.array([len(text.split()) for text in intents.data])
    assert f"{n_words.min()} to {n_words.max()} words" in intents.DESCR
    assert intents.vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(intents.vectors, axis=1), 1, rtol=1e-6)


def test_every_intent_has_as_many_rows_in_each_part(intents):
    assert intents.target.dtype == np.int64
    for rows, size in ((intents.train_indices, 27), (intents.query_indices, 9)):
        np.testing.assert_array_equal(np.bincount(intents.target[rows]), np.full(64, size))
        assert np.all(np.diff(rows) > 0)
    rows = np.concatenate([intents.train_indices, intents.query_indices])
    np.testing.assert_array_equal(np.sort(rows), np.arange(2304))


def test_the_taxonomy_has_each_intent_below_its_scenario(intents):
    taxonomy = intents.taxonomy
    assert set(taxonomy.leaves) == set(intents.target_names.tolist())
    assert len(set(taxonomy.leaves)) == 64
    names = intents.target_names[intents.target]
    scenarios = intents.scenario_names[intents.scenario]
    for name, scenario in set(zip(names.tolist(), scenarios.tolist())):
        # the authors name intents by their scenarios
        assert name.startswith(scenario + "_")
    np.testing.assert_array_equal(
        taxonomy.similarity(["alarm_set"], ["alarm_set", "alarm_query", "play_music"]),
        [[1, 0.5, 0]],
    )


def test_the_description_tells_how_near_texts_of_one_intent_are(intents):
    train, query = intents.train_indices, intents.query_indices
    words = TfidfVectorizer().fit(intents.data[train]).transform(intents.data)
    for X, figures in ((intents.vectors, ("79 %", "90 %")), (words, ("64 %", "81 %"))):
        for labels, figure in zip((intents.target, intents.scenario), figures):
            voters = KNeighborsClassifier(10, metric="cosine").fit(X[train], labels[train])
            share = voters.score(X[query], labels[query])
            assert abs(100 * share - int(figure.split()[0])) < 1.5
            assert figure in intents.DESCR


def test_return_X_y(intents):
    X, y = load_intents(return_X_y=True)
    np.testing.assert_array_equal(X, intents.data)
    np.testing.assert_array_equal(y, intents.target)


def test_the_file_is_small_and_comes_with_its_terms(intents):
    folder = resources.files(intents.data_module)
    content = (folder / intents.filename).read_bytes()
    assert len(content) < 1_000_000
    with zipfile.ZipFile(BytesIO(content)) as pack:
        assert {info.date_time for info in pack.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    for terms in (intents.DESCR, (folder / "intents.LICENSE").read_text()):
        assert "https://creativecommons.org/licenses/by/4.0/" in terms
        assert "Xingkun Liu" in terms


@pytest.mark.slow
@needs_shared_data
def test_script_makes_what_is_shipped(tmp_path):
    command = [sys.executable, SCRIPT, "--output", tmp_path]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    kept = (resources.files("skhash.datasets.data") / "intents.npz").read_bytes()
    with np.load(tmp_path / "intents.npz") as made, np.load(BytesIO(kept)) as kept:
        assert made.files == kept.files
        for name in made.files:
            np.testing.assert_array_equal(made[name], kept[name])
