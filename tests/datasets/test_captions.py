"""The captions that ship inside the package, and the script that makes them."""

import gzip
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

from skhash.datasets import load_captions

SCRIPT = Path(__file__).parents[2] / "tools" / "make_captions.py"
needs_shared_data = pytest.mark.skipif(
    "SKHASH_DATA" not in os.environ, reason="SKHASH_DATA names no folder of larger data"
)


@pytest.fixture(scope="module")
def captions():
    return load_captions()


def test_texts_are_distinct_and_vectors_of_length_1(captions):
    assert len(set(captions.data)) == len(captions.data) == 8000
    n_words = np.array([len(text.split()) for text in captions.data])
    assert f"{n_words.min()} to {n_words.max()} words" in captions.DESCR
    assert captions.target.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(captions.target, axis=1), 1, rtol=1e-6)


def test_vectors_belong_to_the_texts(captions):
    """Captions of the most alike words are near in meaning too; those in another order are not."""
    words = TfidfVectorizer().fit_transform(captions.data[:2000])
    shared = (words @ words.T).toarray()
    np.fill_diagonal(shared, 0)
    nearest = shared.argmax(axis=1)
    cosines = np.einsum("ij,ij->i", captions.target[:2000], captions.target[nearest])
    assert cosines.mean() > 0.4
    assert abs(np.mean(captions.target[:1000] @ captions.target[1000:2000].T)) < 0.15


def test_split_covers_every_row_once(captions):
    rows = np.concatenate([captions.train_indices, captions.query_indices])
    np.testing.assert_array_equal(np.sort(rows), np.arange(8000))
    assert len(captions.query_indices) == 1000
    assert np.all(np.diff(captions.train_indices) > 0)
    assert np.all(np.diff(captions.query_indices) > 0)


def test_return_X_y(captions):
    X, y = load_captions(return_X_y=True)
    np.testing.assert_array_equal(X, captions.data)
    np.testing.assert_array_equal(y, captions.target)


def test_file_is_small_and_carries_no_times(captions):
    content = (resources.files(captions.data_module) / captions.filename).read_bytes()
    assert len(content) < 1_500_000
    with zipfile.ZipFile(BytesIO(content)) as pack:
        assert {info.date_time for info in pack.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert "Google" in captions.DESCR


@needs_shared_data
def test_cosines_are_near_those_of_the_source(captions):
    folder = Path(os.environ["SKHASH_DATA"])
    with np.load(folder / "cc_val_minilm.npz") as archive:
        exact = archive["x"].astype(np.float32)
    with gzip.open(folder / "cc_val_captions.txt.gz", "rt", encoding="utf-8") as file:
        place = {text: row for row, text in enumerate(file.read().splitlines())}
    exact = exact[[place[text] for text in captions.data[:2000]]]
    kept = captions.target[:2000]
    pairs = np.triu_indices(2000, 1)
    correlation = np.corrcoef((exact @ exact.T)[pairs], (kept @ kept.T)[pairs])[0, 1]
    assert correlation == pytest.approx(0.988, abs=2e-3)


@pytest.mark.slow
@needs_shared_data
def test_script_makes_what_is_shipped(tmp_path):
    command = [sys.executable, SCRIPT, "--output", tmp_path]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    with (
        np.load(tmp_path / "captions.npz") as made,
        np.load(
            BytesIO((resources.files("skhash.datasets.data") / "captions.npz").read_bytes())
        ) as kept,
    ):
        assert made.files == kept.files
        for key in ("text", "query_indices"):
            np.testing.assert_array_equal(made[key], kept[key])
        # the last digits of the decomposition, and signs with them, depend on the BLAS
        products = [
            (pack["vectors"][:500] * pack["scale"]) @ (pack["vectors"][:500] * pack["scale"]).T
            for pack in (made, kept)
        ]
        np.testing.assert_allclose(*products, atol=0.01)
