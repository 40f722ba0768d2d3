"""Indexes as directories, pickles and copies."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest

from skhash import LoadError, load, save
from skhash.neighbors import HammingNeighbors, PackedCodes

ALGORITHMS = ["brute", "ivf", "hnsw", "multihash"]


def fitted(algorithm, **options):
    if algorithm != "brute":
        pytest.importorskip("faiss", reason="faiss is not installed")
    random = np.random.default_rng(0)
    codes = random.integers(0, 2, (500, 40), dtype=np.uint8)
    names = pd.Index(random.permutation(500)).astype(str)
    index = HammingNeighbors(7, algorithm=algorithm, random_state=0, n_jobs=1, **options)
    # the state that is harder to keep: of an index from which rows were removed
    return index.fit(codes, ids=names, vectors=codes / 2).remove(names[10:40]), codes[::9]


def assert_same(index, other, queries):
    assert index.get_params() == other.get_params()
    values = queries - 0.4
    for call in (
        lambda one: one.kneighbors(queries),
        lambda one: one.kneighbors(values, 3, rerank=20),
        lambda one: one.kneighbors(queries, 3, rerank=20, vectors=queries),
        lambda one: np.concatenate(one.radius_neighbors(queries, 9)[1]),
        lambda one: one.n_samples_fit_,
    ):
        np.testing.assert_array_equal(call(index), call(other))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    "way", ["directory", "mapped", "unverified", "pickle", "deepcopy", "joblib"]
)
def test_what_comes_back_searches_alike_and_goes_on(algorithm, way, tmp_path):
    index, queries = fitted(algorithm)
    path = tmp_path / "saved"
    if way in ("directory", "mapped", "unverified"):
        save(index, path)
        again = load(path, mmap=way != "directory", verify=way != "unverified")
    elif way == "joblib":
        joblib.dump(index, path)
        again = joblib.load(path, mmap_mode="r")
    else:
        again = pickle.loads(pickle.dumps(index)) if way == "pickle" else deepcopy(index)
    assert_same(index, again, queries)
    gone = index.ids_[:3]
    for changed in (index, again):
        changed.add(queries[:5], list("abcde"), vectors=queries[:5] / 2)
        changed.remove(gone)
    assert_same(index, again, queries)


def lies_in_a_file(array):
    while array is not None and not isinstance(array, np.memmap):
        array = array.base
    return array is not None


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("way", ["skhash", "joblib"])
def test_a_mapped_index_lies_in_its_file(algorithm, way, tmp_path):
    index, queries = fitted(algorithm)
    if way == "skhash":
        save(index, tmp_path / "saved")
        mapped = load(tmp_path / "saved", mmap=True)
    else:
        joblib.dump(index, tmp_path / "saved")
        mapped = joblib.load(tmp_path / "saved", mmap_mode="r")
    for array in (mapped._searcher.codes, mapped._vectors, mapped.ids_):
        assert lies_in_a_file(array)
    if algorithm != "brute" and hasattr(sys.modules["faiss"], "ZeroCopyIOReader"):
        assert lies_in_a_file(mapped._searcher._buffer)
    copy = pickle.loads(pickle.dumps(mapped))
    if way == "skhash":
        shutil.rmtree(tmp_path / "saved")
    assert_same(mapped, index, queries)
    assert_same(copy, index, queries)


def test_a_mapped_index_takes_no_memory(tmp_path):
    """What faiss itself would copy is counted from outside, by the system."""
    faiss = pytest.importorskip("faiss", reason="faiss is not installed")
    status = Path("/proc/self/status")
    if not hasattr(faiss, "ZeroCopyIOReader") or not status.exists():
        pytest.skip("faiss before 1.11, or no Linux")
    codes = np.random.default_rng(0).integers(0, 256, (1_000_000, 8), dtype=np.uint8)
    index = HammingNeighbors(algorithm="ivf", n_lists=50, random_state=0)
    save(index.fit(PackedCodes(codes, 64)), tmp_path / "saved")
    program = (
        "import sys, skhash, skhash.neighbors, faiss\n"
        "def own(): return int([line for line in open('/proc/self/status') "
        "if line.startswith('RssAnon')][0].split()[1]) * 1024\n"
        "before = own()\n"
        "index = skhash.load(sys.argv[1], mmap=sys.argv[2] == 'mmap')\n"
        "print(own() - before)"
    )
    taken = [
        int(
            subprocess.run(
                [sys.executable, "-c", program, tmp_path / "saved", way],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )
        for way in ("mmap", "copy")
    ]
    # codes and ids of the estimator, and both once more in the index: 32 MB
    assert taken[0] < codes.nbytes < 2 * codes.nbytes < taken[1]


def test_ids_that_were_never_given_stay_unused(tmp_path):
    index = HammingNeighbors(1).fit(np.eye(4, dtype=int)).remove([3])
    save(index, tmp_path / "saved")
    again = load(tmp_path / "saved").add([[1, 1, 1, 1]])
    np.testing.assert_array_equal(again.ids_, [0, 1, 2, 4])


def test_names_of_features_are_kept(tmp_path):
    codes = pd.DataFrame(np.eye(4, dtype=int), columns=list("abcd"))
    save(HammingNeighbors(1).fit(codes), tmp_path / "saved")
    again = load(tmp_path / "saved")
    np.testing.assert_array_equal(again.get_feature_names_out()[:1], ["hammingneighbors0"])
    np.testing.assert_array_equal(again.kneighbors(codes)[1][:, 0], range(4))
    with pytest.raises(ValueError, match="feature names"):
        again.kneighbors(codes.rename(columns={"a": "x"}))


def test_what_is_searched_may_be_overwritten(tmp_path):
    """The old files go, and what has been mapped from them stays until it is let go."""
    index, queries = fitted("brute")
    save(index, tmp_path / "saved")
    mapped = load(tmp_path / "saved", mmap=True)
    save(mapped.remove(index.ids_[:5]), tmp_path / "saved", overwrite=True)
    assert_same(load(tmp_path / "saved"), mapped, queries)
    assert_same(mapped, index.remove(index.ids_[:5]), queries)


def test_packed_codes(tmp_path):
    data = np.random.default_rng(0).integers(0, 256, (50, 5), dtype=np.uint8)
    save(PackedCodes(data, 39), tmp_path / "codes")
    manifest = json.loads((tmp_path / "codes" / "manifest.json").read_text())
    assert manifest["objects"][0]["class"] == "skhash.neighbors:PackedCodes"
    for mmap in (False, True):
        codes = load(tmp_path / "codes", mmap=mmap)
        assert type(codes) is PackedCodes
        assert codes.shape == (50, 39)
        assert lies_in_a_file(codes.data) == mmap
        np.testing.assert_array_equal(codes.data, data)


def change(estimator, name, value):
    setattr(estimator._searcher if hasattr(estimator._searcher, name) else estimator, name, value)


@pytest.mark.parametrize(
    ("algorithm", "name", "value", "message"),
    [
        ("brute", "n_bits_", 48, "codes of 48 bits must be uint8 of 6 columns"),
        ("brute", "algorithm_", "ivf", "does not match"),
        ("brute", "ids_", np.arange(469), "ids_ has 469 rows, and there are 470 codes"),
        ("brute", "_vectors", np.zeros((3, 40)), "_vectors has 3 rows"),
        ("brute", "codes", np.zeros((470, 5), np.int8), "must be uint8"),
        ("hnsw", "labels", np.arange(469), "not one of 470 codes"),
        ("hnsw", "algorithm_", "ivf", "not one of 470 codes for 'ivf'"),
    ],
)
def test_parts_that_do_not_go_together_are_refused(algorithm, name, value, message, tmp_path):
    index, _ = fitted(algorithm)
    change(index, name, value)
    save(index, tmp_path / "saved")
    with pytest.raises(LoadError, match=message):
        load(tmp_path / "saved")


def test_bytes_that_are_no_index_are_refused(tmp_path, monkeypatch):
    index, _ = fitted("ivf")
    data = pickle.loads(pickle.dumps(index)).__getstate__()["_searcher_state"]["index"]
    for part in (data[:3], data[:100], data[: len(data) // 2], np.zeros(500, np.uint8)):
        monkeypatch.setattr("skhash.neighbors._index.to_bytes", lambda _, part=part: part.copy())
        save(index, tmp_path / "saved", overwrite=True)
        for mmap in (False, True):
            with pytest.raises(LoadError, match=r"HammingNeighbors.* cannot be made"):
                load(tmp_path / "saved", mmap=mmap)


def test_packed_codes_of_another_number_of_bits_are_refused(tmp_path):
    codes = PackedCodes(np.zeros((3, 2), np.uint8), 16)
    object.__setattr__(codes, "n_bits", 24)
    save(codes, tmp_path / "codes")
    with pytest.raises(LoadError, match="data must be uint8 of shape"):
        load(tmp_path / "codes")


def test_without_faiss_a_saved_index_says_what_to_install(tmp_path, monkeypatch):
    index, _ = fitted("ivf")
    save(index, tmp_path / "saved")
    pickled = pickle.dumps(index)
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(LoadError, match="needs faiss: pip install"):
        load(tmp_path / "saved")
    with pytest.raises(ImportError, match="needs faiss: pip install"):
        pickle.loads(pickled)


@pytest.mark.parametrize("name", ["manifest.json", "arrays.safetensors"])
def test_every_flipped_bit_of_an_index_is_found(name, tmp_path):
    index = HammingNeighbors(2).fit(np.eye(6, dtype=int), ids=list("abcdef"))
    save(index, tmp_path / "saved")
    content = (tmp_path / "saved" / name).read_bytes()
    for position in range(len(content)):
        flipped = bytearray(content)
        flipped[position] ^= 1 << position % 8
        (tmp_path / "saved" / name).write_bytes(flipped)
        with pytest.raises(LoadError):
            load(tmp_path / "saved", mmap=position % 2 == 0)
