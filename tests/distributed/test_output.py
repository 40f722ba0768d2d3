"""Written codes: resumed after a failure, refused where they are others, read back."""

from __future__ import annotations

import copy
import json
import os
import pickle
import subprocess
import sys

import dask
import dask.array as da
import dask.dataframe as dd
import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skhash import ITQHasher, LoadError, SemanticHasher
from skhash._persist._manifest import checksum
from skhash.distributed import open_codes, transform
from skhash.distributed._fingerprint import estimator_fingerprint
from skhash.neighbors import HammingNeighbors, pack_codes
from skhash.similarity import TaxonomySimilarity

MANIFEST = "_skhash_codes.json"


class Watched(ITQHasher):
    """Notes the sum of the first feature of the rows that it is given."""

    seen: list = []  # noqa: RUF012 - copies are to share it

    def transform(self, X):
        self.seen.append(float(np.sum(X[:, 0])))
        return super().transform(X)


@pytest.fixture
def watched(X):
    Watched.seen.clear()
    return Watched(n_bits=21, random_state=0).fit(X)


@pytest.fixture
def files(X, tmp_path):
    """Seven .npy files of rows, and the Dask array of them."""
    folder = tmp_path / "rows"
    folder.mkdir()
    blocks = np.array_split(X, 7)
    for i, block in enumerate(blocks):
        np.save(folder / f"{i}.npy", block)
    load = dask.delayed(np.load, pure=True)
    arrays = [
        da.from_delayed(load(folder / f"{i}.npy"), block.shape, dtype=np.float32)
        for i, block in enumerate(blocks)
    ]
    return folder, da.concatenate(arrays)


def stamps(output):
    return {path.name: path.stat().st_mtime_ns for path in output.glob("part-*")}


def manifest(output):
    return json.loads((output / MANIFEST).read_text())


class TestResume:
    def test_only_what_is_missing_is_encoded(self, serial, watched, X, files, tmp_path):
        folder, data = files
        output = tmp_path / "codes"
        away = folder / "4.npy"
        away.rename(folder / "away")
        with pytest.raises(FileNotFoundError):
            transform(watched, data, output)
        before = stamps(output)
        assert 0 < len(before) < 7
        assert "part-000004.parquet" not in before
        state = manifest(output)
        assert not state["complete"]
        assert state["n_rows"] == sum(143 if i < 6 else 142 for i in range(7) if name(i) in before)
        with pytest.raises(ValueError, match=f"{7 - len(before)} of 7 parts are missing"):
            open_codes(output)

        (folder / "away").rename(away)
        watched.seen.clear()
        codes = transform(watched, data, output)
        encoded = [i for i in range(7) if name(i) not in before]
        expected = [np.array_split(X, 7)[i][:, 0].sum() for i in encoded]
        np.testing.assert_allclose(sorted(watched.seen[1:]), sorted(expected), rtol=1e-5)
        assert before.items() <= stamps(output).items()
        np.testing.assert_array_equal(codes.read()[0].data, pack_codes(watched.transform(X)))
        assert manifest(output)["complete"]

        watched.seen.clear()
        transform(watched, data, output)
        assert len(watched.seen) == 1  # the row that is tried before all work

    def test_on_a_cluster(self, client, hasher, X, files, tmp_path):
        folder, data = files
        output = tmp_path / "codes"
        (folder / "6.npy").rename(folder / "away")
        with pytest.raises(FileNotFoundError):
            transform(hasher, data, output)
        before = stamps(output)
        (folder / "away").rename(folder / "6.npy")
        codes = transform(hasher, data, output)
        assert before.items() <= stamps(output).items()
        np.testing.assert_array_equal(codes.read()[0].data, pack_codes(hasher.transform(X)))

    def test_failure_inside_a_part_leaves_no_half_of_it(self, serial, hasher, X, tmp_path):
        bad = X.copy()
        bad[770] = np.nan
        output = tmp_path / "codes"
        with pytest.raises(ValueError, match="NaN") as raised:
            transform(hasher, da.from_array(bad, chunks=(250, -1)), output, block_rows=10)
        # two blocks of the last partition had been written by then
        assert "partition 3" in raised.value.__notes__[0]
        complete = {path.name for path in output.iterdir()} - {MANIFEST}
        assert complete <= {name(i) for i in range(3)}
        rows = [250 if name(i) in complete else None for i in range(4)]
        assert manifest(output)["part_rows"] == rows

    @pytest.mark.parametrize("damage", ["cut", "bit", "foreign", "gone"])
    def test_damaged_parts_are_encoded_anew(self, serial, watched, X, tmp_path, damage):
        output, other = tmp_path / "codes", tmp_path / "other"
        data = da.from_array(X, chunks=(250, -1))
        transform(watched, data, output)
        part = output / name(2)
        content = bytearray(part.read_bytes())
        if damage == "cut":
            part.write_bytes(content[:-100])
        elif damage == "bit":
            content[200] ^= 1
            part.write_bytes(content)
        elif damage == "foreign":
            transform(watched, data, other)
            (other / name(2)).replace(part)
        else:
            part.unlink()
        if damage == "bit":
            with pytest.raises(ValueError, match=f"{name(2)} is missing or damaged"):
                open_codes(output).read()
        else:
            with pytest.raises(ValueError, match=f"1 of 4 parts.*{name(2)}"):
                open_codes(output)
        watched.seen.clear()
        codes = transform(watched, data, output)
        assert len(watched.seen) == 2
        np.testing.assert_array_equal(codes.read()[0].data, pack_codes(watched.transform(X)))

    def test_leftovers_of_a_killed_run_are_removed(self, serial, hasher, X, tmp_path):
        output = tmp_path / "codes"
        data = da.from_array(X, chunks=(500, -1))
        transform(hasher, data, output)
        (output / name(1)).rename(output / f".{name(1)}.0123.tmp")
        transform(hasher, data, output)
        assert {p.name for p in output.iterdir()} == {MANIFEST, name(0), name(1)}


class TestRefusals:
    def test_other_estimator(self, serial, hasher, X, tmp_path):
        output = tmp_path / "codes"
        data = da.from_array(X, chunks=(500, -1))
        transform(hasher, data, output)
        before = stamps(output)
        other = clone(hasher).set_params(random_state=1).fit(X)
        with pytest.raises(ValueError, match="another estimator"):
            transform(other, data, output)
        with pytest.raises(ValueError, match=r"21 bits of ITQHasher .*now 8 bits"):
            transform(ITQHasher(n_bits=8, random_state=0).fit(X), data, output)
        assert stamps(output) == before
        codes = transform(other, data, output, overwrite=True)
        np.testing.assert_array_equal(codes.read()[0].data, pack_codes(other.transform(X)))

    def test_overwrite_deletes_parts_that_are_no_longer(self, serial, hasher, X, tmp_path):
        output = tmp_path / "codes"
        transform(hasher, da.from_array(X, chunks=(100, -1)), output)
        (output / "notes.txt").write_text("mine")
        codes = transform(hasher, da.from_array(X, chunks=(500, -1)), output, overwrite=True)
        assert codes.n_parts == 2
        assert {p.name for p in output.iterdir()} == {MANIFEST, "notes.txt", name(0), name(1)}

    def test_other_data(self, serial, hasher, X, tmp_path):
        output = tmp_path / "codes"
        transform(hasher, da.from_array(X, chunks=(500, -1)), output)
        with pytest.raises(ValueError, match="n_partitions was 2, now 4"):
            transform(hasher, da.from_array(X, chunks=(250, -1)), output)
        with pytest.raises(ValueError, match=r"n_rows was \[500, 500\], now \[500, 400\]"):
            transform(hasher, da.from_array(X[:900], chunks=(500, -1)), output)
        changed = da.from_array(X[::-1].copy(), chunks=(500, -1))
        with pytest.raises(ValueError, match="check_input=False"):
            transform(hasher, changed, output)
        before = stamps(output)
        transform(hasher, changed, output, check_input=False)
        assert stamps(output) == before

    def test_other_values_in_parquet_files(self, serial, hasher, X, tmp_path):
        path, output = tmp_path / "data.parquet", tmp_path / "codes"
        pq.write_table(pa.table({"v": X.tolist()}), path)
        transform(hasher, path, output)
        before = stamps(output)
        pq.write_table(pa.table({"v": X[::-1].tolist()}), path)
        with pytest.raises(ValueError, match="check_input=False"):
            transform(hasher, path, output)
        transform(hasher, path, output, check_input=False)
        assert stamps(output) == before
        pq.write_table(pa.table({"w": X.tolist()}), path)
        with pytest.raises(ValueError, match=r"columns was \['v'\], now \['w'\]"):
            transform(hasher, path, output, check_input=False)

    def test_what_is_not_ours_stays(self, serial, hasher, X, tmp_path):
        data = da.from_array(X)
        (tmp_path / "file").write_text("mine")
        folder = tmp_path / "folder"
        folder.mkdir()
        (folder / "part-000000.parquet").write_text("mine")
        for overwrite in (False, True):
            with pytest.raises(ValueError, match="directory, got the file"):
                transform(hasher, data, tmp_path / "file", overwrite=overwrite)
            with pytest.raises(ValueError, match="empty or hold packed codes"):
                transform(hasher, data, folder, overwrite=overwrite)
        assert (folder / "part-000000.parquet").read_text() == "mine"

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"format": "something"}, "not a manifest of the format"),
            ({"version": 3}, "format version 3, and this skhash reads up to 2"),
            ({"version": 1}, "format version 1, which is no longer read"),
            ({"part_rows": ["all"]}, "damaged"),
            ({"part_rows": [500, -1]}, "damaged"),
            ({"part_rows": [500, 499]}, "1 of 2 parts"),
            ({"n_bits": 20}, "damaged"),
            ({"n_bits": 20, "n_bytes": 3}, "2 of 2 parts"),
            ({"run": "../../x"}, "2 of 2 parts"),
        ],
    )
    def test_manifest(self, serial, hasher, X, tmp_path, change, message):
        output = tmp_path / "codes"
        transform(hasher, da.from_array(X, chunks=(500, -1)), output)
        content = manifest(output) | change
        (output / MANIFEST).write_text(json.dumps(content | {"sha256": checksum(content)}))
        with pytest.raises(LoadError, match=message):
            open_codes(output)
        (output / MANIFEST).write_text('{"format": ')
        with pytest.raises(LoadError, match="not valid JSON"):
            open_codes(output)
        (output / MANIFEST).unlink()
        for path in (output, output / "part-000000.parquet", tmp_path / "nowhere"):
            with pytest.raises(LoadError, match="holds no packed codes"):
                open_codes(path)

    def test_every_flipped_bit_of_the_manifest_is_found(self, serial, hasher, X, tmp_path):
        output = tmp_path / "codes"
        transform(hasher, da.from_array(X, chunks=(500, -1)), output)
        content = (output / MANIFEST).read_bytes()
        for position in range(len(content)):
            flipped = bytearray(content)
            flipped[position] ^= 1 << position % 8
            (output / MANIFEST).write_bytes(flipped)
            try:
                open_codes(output)
            except LoadError:
                continue
            # white space may become another
            assert json.loads(flipped) == json.loads(content)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
    def test_pipes_are_not_waited_for(self, serial, hasher, X, tmp_path):
        output = tmp_path / "codes"
        transform(hasher, da.from_array(X, chunks=(500, -1)), output)
        for file, message in ((name(1), "1 of 2 parts"), (MANIFEST, "must be a file itself")):
            (output / file).unlink()
            os.mkfifo(output / file)
            with pytest.raises(LoadError, match=message):
                open_codes(output)


class TestFingerprint:
    @pytest.fixture
    def fitted(self, X):
        y = np.array(["apple", "bear", "bed", "bee", "whale"])[np.arange(len(X)) % 5]
        target = TaxonomySimilarity("cifar100")
        hasher = SemanticHasher(16, similarity=target, max_iter=1, device="cpu", random_state=0)
        return make_pipeline(StandardScaler(), hasher).fit(X, y)

    def test_copies_are_the_same(self, fitted, X, tmp_path):
        fingerprint = estimator_fingerprint(fitted)
        fitted.transform(X[:10])
        fitted[-1].similarity_(["apple"], ["bear"])
        joblib.dump(fitted, tmp_path / "model")
        mapped = joblib.load(tmp_path / "model", mmap_mode="r")
        fortran = copy.deepcopy(fitted)
        state = fortran[-1].network_state_
        state.update({key: np.asfortranarray(value) for key, value in state.items()})
        silent = copy.deepcopy(fitted)
        silent[-1].set_params(device="auto", verbose=1)
        for same in (fitted, pickle.loads(pickle.dumps(fitted)), mapped, fortran, silent):
            assert estimator_fingerprint(same) == fingerprint

    def test_another_process_agrees(self, fitted, tmp_path):
        joblib.dump(fitted, tmp_path / "model")
        script = (
            "import joblib\n"
            "from skhash.distributed._fingerprint import estimator_fingerprint\n"
            f"print(estimator_fingerprint(joblib.load({str(tmp_path / 'model')!r})))"
        )
        printed = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        )
        assert printed.stdout.strip() == estimator_fingerprint(fitted)

    def test_others_are_not(self, fitted):
        fingerprint = estimator_fingerprint(fitted)
        state = fitted[-1].network_state_
        key = max(state, key=lambda name: state[name].size)
        other = copy.deepcopy(fitted)
        weights = other[-1].network_state_[key]
        weights.flat[-1] = np.nextafter(weights.flat[-1], 1, dtype=weights.dtype)
        assert estimator_fingerprint(other) != fingerprint
        other = copy.deepcopy(fitted)
        other[0].scale_[0] *= 2
        assert estimator_fingerprint(other) != fingerprint


class TestRead:
    def test_parts_and_row_numbers(self, serial, hasher, X, tmp_path):
        expected = pack_codes(hasher.transform(X))
        output = tmp_path / "codes"
        codes = transform(hasher, da.from_array(X, chunks=(300, -1)), output)
        assert (len(codes), codes.n_bits, codes.n_bytes, codes.n_parts) == (1000, 21, 3, 4)
        packed, ids = zip(*codes)
        assert [len(part.data) for part in packed] == [300, 300, 300, 100]
        assert {part.n_bits for part in packed} == {21}
        np.testing.assert_array_equal(np.concatenate([part.data for part in packed]), expected)
        np.testing.assert_array_equal(np.concatenate(ids), np.arange(1000))
        np.testing.assert_array_equal(codes.part(2)[1], np.arange(600, 900))
        for index in (-1, 4):
            with pytest.raises(IndexError, match="from 0 to 3"):
                codes.part(index)

    def test_into_a_memory_map(self, serial, hasher, X, tmp_path):
        codes = transform(hasher, da.from_array(X, chunks=(300, -1)), tmp_path / "codes")
        path = tmp_path / "codes.npy"
        out = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(1000, 3))
        packed, _ = codes.read(out=out)
        assert packed.data is out
        out.flush()
        np.testing.assert_array_equal(np.load(path), pack_codes(hasher.transform(X)))
        with pytest.raises(ValueError, match=r"out must be uint8 of shape \(1000, 3\)"):
            codes.read(out=np.empty((1000, 3), np.int8))

    def test_parts_fill_an_index(self, serial, hasher, X, tmp_path):
        names = np.array([f"row {i}" for i in range(1000)])
        frame = pd.DataFrame(X).rename(columns=str).assign(name=names)
        columns = frame.columns[:-1].tolist()
        data = dd.from_pandas(frame, npartitions=3)
        codes = transform(hasher, data, tmp_path / "codes", columns=columns, ids="name")
        (first, *others) = codes
        index = HammingNeighbors(n_neighbors=4).fit(first[0], ids=first[1])
        for packed, ids in others:
            index.add(packed, ids)
        queries = hasher.transform(X[::50])
        whole = HammingNeighbors(n_neighbors=4).fit(hasher.transform(X), ids=names)
        for found, expected in zip(index.kneighbors(queries), whole.kneighbors(queries)):
            np.testing.assert_array_equal(found, expected)

    def test_other_readers_of_parquet(self, serial, hasher, X, tmp_path):
        transform(hasher, da.from_array(X, chunks=(300, -1)), tmp_path / "codes")
        expected = pack_codes(hasher.transform(X))
        column = pq.read_table(tmp_path / "codes")["code"]
        assert column.type == pa.binary(3)
        assert [bytes(row) for row in expected] == column.to_pylist()
        duckdb = pytest.importorskip("duckdb", reason="needs DuckDB")
        files = str(tmp_path / "codes" / "*.parquet")
        rows = duckdb.sql(f"select code from '{files}' order by filename").fetchall()
        assert sorted(row[0] for row in rows) == sorted(bytes(row) for row in expected)


def name(part):
    return f"part-{part:06d}.parquet"
