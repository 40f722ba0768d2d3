"""Indexes as directories, pickles and copies."""

from __future__ import annotations

import json
import pickle
import shutil
import sys
from copy import deepcopy

import joblib
import numpy as np
import pandas as pd
import pytest

from skhash._persist import load, save
from skhash.neighbors import HammingNeighbors, _store

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
@pytest.mark.parametrize("way", ["directory", "mapped", "skhash", "pickle", "deepcopy", "joblib"])
def test_what_comes_back_searches_alike_and_goes_on(algorithm, way, tmp_path):
    index, queries = fitted(algorithm)
    path = tmp_path / "saved"
    if way in ("directory", "mapped"):
        index.save(path)
        again = HammingNeighbors.load(path, mmap=way == "mapped")
    elif way == "skhash":
        save(index, path)
        again = load(path)
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


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_mapped_index_lies_in_its_files(algorithm, tmp_path):
    index, queries = fitted(algorithm)
    index.save(tmp_path / "saved")
    mapped = HammingNeighbors.load(tmp_path / "saved", mmap=True)
    for array in (mapped._searcher.codes, mapped._vectors, mapped.ids_):
        assert isinstance(array.base, np.memmap)
    copy = pickle.loads(pickle.dumps(mapped))
    shutil.rmtree(tmp_path / "saved")
    assert_same(copy, index, queries)


def test_ids_that_were_never_given_stay_unused(tmp_path):
    index = HammingNeighbors(1).fit(np.eye(4, dtype=int)).remove([3])
    index.save(tmp_path / "saved")
    again = HammingNeighbors.load(tmp_path / "saved").add([[1, 1, 1, 1]])
    np.testing.assert_array_equal(again.ids_, [0, 1, 2, 4])


def test_names_of_features_are_kept(tmp_path):
    codes = pd.DataFrame(np.eye(4, dtype=int), columns=list("abcd"))
    HammingNeighbors(1).fit(codes).save(tmp_path / "saved")
    again = HammingNeighbors.load(tmp_path / "saved")
    np.testing.assert_array_equal(again.get_feature_names_out()[:1], ["hammingneighbors0"])
    np.testing.assert_array_equal(again.kneighbors(codes)[1][:, 0], range(4))
    with pytest.raises(ValueError, match="feature names"):
        again.kneighbors(codes.rename(columns={"a": "x"}))


def test_nothing_half_written_is_left_behind(tmp_path, monkeypatch):
    index, _ = fitted("brute")
    index.save(tmp_path / "saved")
    monkeypatch.setattr(_store, "write_manifest", lambda *_: 1 / 0)
    index.remove(index.ids_[:5])
    for path, overwrite in ((tmp_path / "other", False), (tmp_path / "saved", True)):
        with pytest.raises(ZeroDivisionError):
            index.save(path, overwrite=overwrite)
    assert [path.name for path in tmp_path.iterdir()] == ["saved"]
    assert HammingNeighbors.load(tmp_path / "saved").n_samples_fit_ == 470


def test_nothing_is_overwritten_unasked(tmp_path):
    index, queries = fitted("brute")
    index.save(tmp_path / "saved")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        index.save(tmp_path / "saved")
    index.remove(index.ids_[:5]).save(tmp_path / "saved", overwrite=True)
    assert_same(HammingNeighbors.load(tmp_path / "saved"), index, queries)
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis.txt").write_text("years of it")
    with pytest.raises(ValueError, match="does not hold a"):
        index.save(tmp_path / "work", overwrite=True)
    assert (tmp_path / "work" / "thesis.txt").exists()


def rewrite_manifest(path, **changes):
    manifest = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps({**manifest, **changes}))


def cut_codes(path):
    data = (path / "codes.npy").read_bytes()
    (path / "codes.npy").write_bytes(data[:-1])


def change_codes(path):
    data = bytearray((path / "codes.npy").read_bytes())
    data[-1] ^= 1
    (path / "codes.npy").write_bytes(data)


def link_ids(path):
    (path / "ids.npy").rename(path / "elsewhere.npy")
    (path / "ids.npy").symlink_to(path / "elsewhere.npy")


@pytest.mark.parametrize(
    ("tamper", "message"),
    [
        (lambda path: (path / "manifest.json").unlink(), "does not hold a"),
        (lambda path: (path / "manifest.json").write_text("{"), "does not hold a"),
        (lambda path: rewrite_manifest(path, format="other"), "holds a other, not"),
        (lambda path: rewrite_manifest(path, version=99), "later skhash.*version 99"),
        (lambda path: rewrite_manifest(path, files={"../x": {}}), "should hold the file '../x'"),
        (lambda path: rewrite_manifest(path, files={}), "no codes.npy"),
        (lambda path: rewrite_manifest(path, n_bits=48), "48 bits must be uint8 of 6 columns"),
        (lambda path: rewrite_manifest(path, algorithm="ivf"), "does not go with"),
        (lambda path: rewrite_manifest(path, params={"hash": 1}), "damaged manifest"),
        (lambda path: (path / "ids.npy").unlink(), "should hold the file 'ids.npy'"),
        (link_ids, "should hold the file 'ids.npy'"),
        (cut_codes, "damaged: it has"),
        (change_codes, "checksum"),
    ],
)
def test_what_was_tampered_with_is_refused(tamper, message, tmp_path):
    index, _ = fitted("brute")
    index.save(tmp_path / "saved")
    tamper(tmp_path / "saved")
    with pytest.raises(ValueError, match=message):
        HammingNeighbors.load(tmp_path / "saved")


def test_an_index_of_other_codes_is_refused(tmp_path):
    index, _ = fitted("hnsw")
    index.save(tmp_path / "one")
    index.add(np.eye(3, 40, dtype=int), list("abc"), vectors=np.eye(3, 40))
    index.save(tmp_path / "other")
    shutil.copy(tmp_path / "other" / "labels.npy", tmp_path / "one" / "labels.npy")
    manifest = json.loads((tmp_path / "other" / "manifest.json").read_text())
    files = json.loads((tmp_path / "one" / "manifest.json").read_text())["files"]
    rewrite_manifest(
        tmp_path / "one", files={**files, "labels.npy": manifest["files"]["labels.npy"]}
    )
    with pytest.raises(ValueError, match="not one of 470 codes"):
        HammingNeighbors.load(tmp_path / "one")


def test_what_no_json_holds_is_refused_before_anything_is_written(tmp_path):
    index = HammingNeighbors(random_state=np.random.RandomState(0)).fit(np.eye(3, dtype=int))
    with pytest.raises(TypeError, match="random_state="):
        index.save(tmp_path / "saved")
    assert not list(tmp_path.iterdir())
    with pytest.raises(FileNotFoundError, match="nothing at"):
        HammingNeighbors.load(tmp_path / "saved")


def test_without_faiss_a_saved_index_says_what_to_install(tmp_path, monkeypatch):
    index, _ = fitted("ivf")
    index.save(tmp_path / "saved")
    pickled = pickle.dumps(index)
    monkeypatch.setitem(sys.modules, "faiss", None)
    for call in (
        lambda: HammingNeighbors.load(tmp_path / "saved"),
        lambda: pickle.loads(pickled),
    ):
        with pytest.raises(ImportError, match="pip install faiss-cpu"):
            call()
