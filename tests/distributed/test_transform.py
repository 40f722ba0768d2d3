"""Lazy and written codes of arrays, frames and Parquet files are those of `transform`."""

from __future__ import annotations

import re
from itertools import pairwise

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skhash import ITQHasher, KLBinaryHasher
from skhash.distributed import _parquet as parquet_module
from skhash.distributed import open_codes, transform
from skhash.neighbors import pack_codes, unpack_codes

CHUNKS = (300, -1)


def vectors(X, *, fixed=True):
    """Rows of X as an Arrow column."""
    values = pa.array(X.ravel())
    if fixed:
        return pa.FixedSizeListArray.from_arrays(values, X.shape[1])
    offsets = np.arange(0, X.size + 1, X.shape[1], dtype=np.int32)
    return pa.ListArray.from_arrays(offsets, values)


def write_files(folder, table, n_files=3, **options):
    folder.mkdir()
    bounds = np.linspace(0, len(table), n_files + 1).astype(int)
    for i, (start, stop) in enumerate(pairwise(bounds)):
        pq.write_table(table[start:stop], folder / f"{i}.parquet", **options)
    return folder


def names(n):
    return [f"x{i}" for i in range(n)]


@pytest.fixture
def table(X):
    ids = pa.array([f"row {i}" for i in range(len(X))])
    return pa.table({"name": ids, "embedding": vectors(X), "length": np.square(X).sum(axis=1)})


@pytest.fixture
def nothing_runs(monkeypatch):
    """Fail where a task is computed."""

    def refuse(*args, **kwargs):
        raise AssertionError("work has begun")

    with dask.config.set(scheduler=refuse):
        yield


class TestArray:
    def test_lazy_codes(self, client, hasher, X):
        expected = hasher.transform(X)
        data = da.from_array(X, chunks=CHUNKS)
        codes = transform(hasher, data)
        assert codes.shape == (1000, 3)
        assert codes.chunks[0] == (300, 300, 300, 100)
        np.testing.assert_array_equal(codes, pack_codes(expected))
        bits = transform(hasher, data, packed=False)
        assert bits.dtype == np.uint8
        np.testing.assert_array_equal(bits, expected)

    def test_chunks_of_unknown_size_and_of_some_columns(self, client, hasher, X, tmp_path):
        data = da.from_array(X, chunks=(300, 10))
        data = data[data[:, 0] > 0]
        assert np.isnan(data.shape[0])
        expected = pack_codes(hasher.transform(X[X[:, 0] > 0]))
        np.testing.assert_array_equal(transform(hasher, data).compute(), expected)
        codes = transform(hasher, data, tmp_path / "codes")
        np.testing.assert_array_equal(codes.read()[0].data, expected)

    def test_pipeline_that_computes_with_torch(self, X):
        hasher = KLBinaryHasher(n_bits=16, network="linear", max_iter=1, random_state=0)
        pipeline = make_pipeline(StandardScaler(), hasher).fit(X)
        codes = transform(pipeline, da.from_array(X, chunks=CHUNKS))
        expected = pack_codes(pipeline.transform(X))
        np.testing.assert_array_equal(codes.compute(scheduler="threads"), expected)

    def test_a_part_of_the_codes_needs_a_part_of_the_rows(self, serial, hasher, X):
        def block(number):
            assert number == 1
            return X[300:600]

        blocks = [dask.delayed(block)(i) for i in range(3)]
        data = da.concatenate([da.from_delayed(b, (300, 32), dtype=np.float32) for b in blocks])
        some = transform(hasher, data)[350:500].compute()
        np.testing.assert_array_equal(some, pack_codes(hasher.transform(X[350:500])))

    def test_empty_partitions(self, serial, hasher, X, tmp_path):
        data = da.from_array(X, chunks=CHUNKS)
        data = data[da.from_array((np.arange(1000) < 400) & (X[:, 0] > 0), chunks=300)]
        expected = pack_codes(hasher.transform(X[:400][X[:400, 0] > 0]))
        np.testing.assert_array_equal(transform(hasher, data).compute(), expected)
        codes = transform(hasher, data, tmp_path / "codes")
        assert codes.part_rows[2:].tolist() == [0, 0]
        np.testing.assert_array_equal(codes.read()[0].data, expected)


class TestFrame:
    def test_numeric_columns(self, client, X, tmp_path):
        frame = pd.DataFrame(X, columns=names(32))
        hasher = ITQHasher(n_bits=12, random_state=0).fit(frame)
        frame["id"] = np.arange(1000) * 7
        data = dd.from_pandas(frame.sample(frac=1, axis=1, random_state=0), npartitions=3)
        # the columns that the hasher was fitted on, in its order
        codes = transform(hasher, data, tmp_path / "codes", ids="id")
        packed, ids = codes.read()
        np.testing.assert_array_equal(packed.data, pack_codes(hasher.transform(frame[names(32)])))
        np.testing.assert_array_equal(ids, frame["id"])
        np.testing.assert_array_equal(transform(hasher, data).compute(), packed.data)

    @pytest.mark.filterwarnings("error:X has feature names")
    def test_hasher_that_was_fitted_without_names(self, serial, hasher, X):
        data = dd.from_pandas(pd.DataFrame(X, columns=names(32)), npartitions=3)
        expected = pack_codes(hasher.transform(X))
        np.testing.assert_array_equal(transform(hasher, data).compute(), expected)
        hasher = ITQHasher(n_bits=6, random_state=0).fit(X[:, [3, 5, 7, 9, 11, 13]])
        chosen = transform(hasher, data, columns=["x3", "x5", "x7", "x9", "x11", "x13"])
        expected = pack_codes(hasher.transform(X[:, [3, 5, 7, 9, 11, 13]]))
        np.testing.assert_array_equal(chosen.compute(), expected)

    @pytest.mark.parametrize("backend", ["object", "pyarrow"])
    def test_column_of_vectors(self, client, hasher, X, table, tmp_path, backend):
        write_files(tmp_path / "data", table)
        options = {} if backend == "object" else {"dtype_backend": "pyarrow"}
        data = dd.read_parquet(tmp_path / "data", **options)
        codes = transform(hasher, data, tmp_path / "codes", columns="embedding", ids="name")
        packed, ids = codes.read()
        np.testing.assert_array_equal(packed.data, pack_codes(hasher.transform(X)))
        assert ids.tolist() == table["name"].to_pylist()


class TestParquet:
    @pytest.mark.parametrize("fixed", [True, False])
    def test_column_of_vectors(self, client, hasher, X, table, tmp_path, fixed):
        table = table.set_column(1, "embedding", vectors(X, fixed=fixed))
        path = write_files(tmp_path / "data", table, row_group_size=70)
        codes = transform(
            hasher, path, tmp_path / "codes", columns="embedding", ids="name", block_rows=64
        )
        packed, ids = codes.read()
        np.testing.assert_array_equal(packed.data, pack_codes(hasher.transform(X)))
        assert ids.tolist() == table["name"].to_pylist()
        lazy = transform(hasher, path, columns="embedding")
        assert lazy.chunks[0] == (333, 333, 334)
        np.testing.assert_array_equal(lazy, packed.data)

    def test_numeric_columns_of_one_file(self, client, X, tmp_path):
        frame = pd.DataFrame(X, columns=names(32))
        hasher = ITQHasher(n_bits=12, random_state=0).fit(frame)
        frame.assign(id=np.arange(1000)[::-1]).to_parquet(tmp_path / "data.parquet")
        codes = transform(hasher, str(tmp_path / "data.parquet"), tmp_path / "codes", ids="id")
        packed, ids = codes.read()
        np.testing.assert_array_equal(packed.data, pack_codes(hasher.transform(frame)))
        assert ids.tolist() == list(range(999, -1, -1))

    def test_relative_paths(self, client, hasher, X, table, tmp_path, monkeypatch):
        write_files(tmp_path / "data", table)
        monkeypatch.chdir(tmp_path)
        codes = transform(hasher, "data", "codes", columns="embedding")
        np.testing.assert_array_equal(codes.read()[0].data, pack_codes(hasher.transform(X)))

    def test_row_groups_are_joined_up_to_a_bound(self, serial, hasher, X, tmp_path, monkeypatch):
        monkeypatch.setattr(parquet_module, "_PARTITION_ROWS", 250)
        table = pa.table({"embedding": vectors(X)})
        path = write_files(tmp_path / "data", table, n_files=2, row_group_size=100)
        codes = transform(hasher, path)
        assert codes.chunks[0] == (200, 200, 100, 200, 200, 100)
        np.testing.assert_array_equal(codes, pack_codes(hasher.transform(X)))


class TestBlocks:
    @pytest.mark.parametrize("kind", ["array", "frame", "parquet"])
    def test_no_block_is_larger_than_asked_for(self, serial, X, tmp_path, kind):
        hasher = Watched(n_bits=10, random_state=0).fit(X)
        hasher.sizes.clear()
        table = pa.table({"embedding": vectors(X)})
        path = write_files(tmp_path / "data", table, n_files=2)
        data = {
            "array": lambda: da.from_array(X, chunks=(500, -1)),
            "frame": lambda: dd.read_parquet(path),
            "parquet": lambda: path,
        }[kind]()
        codes = transform(hasher, data, tmp_path / "codes", block_rows=64)
        # a row to try, then 500 rows twice
        assert hasher.sizes[0] == 1
        assert max(hasher.sizes) == 64
        assert sum(hasher.sizes) == 1001
        assert codes.part_rows.tolist() == [500, 500]

    def test_tasks_run_on_one_thread_and_threads_are_given_back(self, hasher, X):
        hasher = Watched(n_bits=10, random_state=0).fit(X)
        before = torch.get_num_threads()
        torch.set_num_threads(3)
        try:
            for scheduler in ("synchronous", "threads", "synchronous"):
                with dask.config.set(scheduler=scheduler, num_workers=4):
                    transform(hasher, da.from_array(X, chunks=(50, -1))).compute()
                assert torch.get_num_threads() == 3
        finally:
            torch.set_num_threads(before)
        # a row is tried before any task
        tried = [threads for size, threads in zip(hasher.sizes, hasher.threads) if size == 1]
        assert tried == [3, 3, 3]
        assert hasher.threads.count(1) == len(hasher.threads) - 3 == 60


class TestRefusals:
    def data(self, X, kind, tmp_path):
        if kind == "array":
            return da.from_array(X, chunks=CHUNKS)
        frame = pd.DataFrame(X, columns=names(X.shape[1]))
        if kind == "frame":
            return dd.from_pandas(frame, npartitions=2)
        frame.to_parquet(tmp_path / "data.parquet")
        return tmp_path / "data.parquet"

    @pytest.mark.parametrize("kind", ["array", "frame", "parquet"])
    def test_estimator_and_data(self, nothing_runs, hasher, X, tmp_path, kind):
        output = tmp_path / "codes"
        data = self.data(X, kind, tmp_path)
        with pytest.raises(NotFittedError):
            transform(ITQHasher(), data, output)
        narrow = self.data(X[:, :7], kind, tmp_path)
        with pytest.raises(ValueError, match="7 features, but ITQHasher is expecting 32"):
            transform(hasher, narrow, output)
        with pytest.raises(ValueError, match="only 0 and 1"):
            transform(PCA(2).fit(X), self.data(X, kind, tmp_path), output)
        assert not output.exists()

    def test_columns(self, nothing_runs, hasher, X, table, tmp_path):
        path = write_files(tmp_path / "data", table)
        for data in (path, dd.read_parquet(path)):
            with pytest.raises(ValueError, match=r"'name' \(string\)"):
                transform(hasher, data)
            with pytest.raises(ValueError, match=r"columns \['nothing'\] not found"):
                transform(hasher, data, columns="nothing")
            with pytest.raises(ValueError, match=r"ids \['nothing'\] not found"):
                transform(hasher, data, tmp_path / "codes", columns="embedding", ids="nothing")
        with pytest.raises(ValueError, match="columns of a table"):
            transform(hasher, da.from_array(X), columns="embedding")
        wide = pa.table({"embedding": vectors(X[:, :8], fixed=False)})
        pq.write_table(wide, tmp_path / "wide.parquet")
        with pytest.raises(ValueError, match="vectors of 32 numbers, got 8 to 8"):
            transform(hasher, tmp_path / "wide.parquet")

    def test_arguments(self, nothing_runs, hasher, X, tmp_path):
        with pytest.raises(TypeError, match=r"Dask array.*got ndarray"):
            transform(hasher, X)
        with pytest.raises(TypeError, match="transform method"):
            transform(None, da.from_array(X))
        with pytest.raises(ValueError, match="block_rows"):
            transform(hasher, da.from_array(X), block_rows=0)
        with pytest.raises(ValueError, match="packed=False"):
            transform(hasher, da.from_array(X), tmp_path / "codes", packed=False)
        with pytest.raises(ValueError, match="shape"):
            transform(hasher, da.from_array(X[:, 0]))
        with pytest.raises(ValueError, match="dtype <U"):
            transform(hasher, da.from_array(X.astype(str)))

    def test_vectors_and_ids_that_are_missing(self, serial, hasher, X, tmp_path):
        rows = [*X[:5].tolist(), None]
        path = tmp_path / "data.parquet"
        pq.write_table(pa.table({"id": [0, 1, 2, 3, 4, 5], "v": rows}), path)
        with pytest.raises(ValueError, match="'v' has missing vectors"):
            transform(hasher, path, columns="v").compute()
        pq.write_table(pa.table({"id": [0, 1, 2, 3, 4, None], "v": X[:6].tolist()}), path)
        with pytest.raises(ValueError, match="'id' has 1 missing values") as raised:
            transform(hasher, path, tmp_path / "codes", ids="id")
        assert "part-000000.parquet" in raised.value.__notes__[0]


class Watched(ITQHasher):
    """Notes how many rows it is given, and how many threads torch may use."""

    def fit(self, X, y=None):
        self.sizes, self.threads = [], []
        return super().fit(X, y)

    def transform(self, X):
        self.sizes.append(len(X))
        self.threads.append(torch.get_num_threads())
        return super().transform(X)


def test_progress_bar_is_that_of_dask(client, hasher, X, tmp_path, capsys):
    data = da.from_array(X, chunks=CHUNKS)
    transform(hasher, data, tmp_path / "cluster", verbose=True)
    assert re.search(r"100%", capsys.readouterr().out)
    with dask.config.set(scheduler="threads"):
        transform(hasher, data, tmp_path / "threads", verbose=True)
    assert re.search(r"\[#+\] \| 100% Completed", capsys.readouterr().out)
    transform(hasher, data, tmp_path / "quiet")
    assert capsys.readouterr().out == ""
    quiet, cluster = (open_codes(tmp_path / name).read()[0].data for name in ("quiet", "cluster"))
    np.testing.assert_array_equal(unpack_codes(quiet, 21), hasher.transform(X))
    np.testing.assert_array_equal(cluster, quiet)
