"""Encode more rows than memory holds: rows per second and memory of a Dask cluster.

    python benchmarks/out_of_core.py [--rows 10000000] [--features 128] [--bits 64] [--workers 2]

A cluster of processes of one thread each on this machine encodes rows around random centres, as
float32: an array that is drawn chunk by chunk when it is needed, and a Parquet data set that is
written first. Two models: `SemanticHasher` with its defaults, whose network has a hidden layer of
1,024 units, and a linear `KLBinaryHasher`. Codes are written by `skhash.distributed.transform`. A
row of the table without a model draws the rows and drops them, for what the data alone cost.

"peak" is the most resident memory of a worker, "beyond" what of it came on top of the imported
libraries. Linux and macOS only: the system counts it.

The second table is what an index of `HammingNeighbors` takes for each code, ids of 8 bytes
included: the size of its files, measured on 100,000 random codes.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from _tables import write_table

from skhash import KLBinaryHasher, SemanticHasher
from skhash.distributed import transform
from skhash.neighbors import HammingNeighbors

CHUNK_ROWS = 100_000
N_CENTRES = 100
INDEX_CODES = 100_000


def centres(n_features):
    return np.random.default_rng(0).normal(size=(N_CENTRES, n_features)).astype(np.float32)


def draw(n_rows, n_features, seed):
    """Rows around the centres, and their centres."""
    random = np.random.default_rng(seed)
    labels = random.integers(N_CENTRES, size=n_rows)
    rows = random.standard_normal((n_rows, n_features), dtype=np.float32)
    rows += centres(n_features)[labels]
    return rows, labels


def draw_block(n_features, block_info=None):
    (start, stop), _ = block_info[None]["array-location"]
    return draw(stop - start, n_features, seed=start + 1)[0]


def lazy_rows(n_rows, n_features):
    """A Dask array whose chunks are drawn when they are computed."""
    import dask.array as da

    sizes = [CHUNK_ROWS] * (n_rows // CHUNK_ROWS)
    if n_rows % CHUNK_ROWS:
        sizes.append(n_rows % CHUNK_ROWS)
    chunks = (tuple(sizes), (n_features,))
    return da.map_blocks(draw_block, n_features, chunks=chunks, dtype=np.float32, meta=np.empty(0))


def write_parquet(folder, n_rows, n_features, rows_per_file=500_000):
    """Write rows as a column of vectors, in files of half a million rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kind = pa.list_(pa.float32(), n_features)
    schema = pa.schema({"id": pa.int64(), "embedding": kind})
    folder.mkdir()
    for first in range(0, n_rows, rows_per_file):
        last = min(first + rows_per_file, n_rows)
        with pq.ParquetWriter(folder / f"{first:012d}.parquet", schema) as writer:
            for start in range(first, last, CHUNK_ROWS):
                size = min(CHUNK_ROWS, last - start)
                values = pa.array(draw(size, n_features, seed=start + 1)[0].ravel())
                vectors = pa.FixedSizeListArray.from_arrays(values, type=kind)
                ids = pa.array(np.arange(start, start + size))
                writer.write_table(pa.table([ids, vectors], schema))
    return folder


def memory_of_worker():
    """The most resident memory so far, in MiB; linux counts KiB, macOS bytes."""
    import skhash._torch.networks  # noqa: F401 - what every worker imports

    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


@contextmanager
def measured(n_workers, n_rows, record):
    """A fresh cluster; its time and memory are put into a record of the table."""
    from distributed import Client, LocalCluster

    options = {"n_workers": n_workers, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        before = client.run(memory_of_worker)
        start = time.perf_counter()
        yield
        seconds = time.perf_counter() - start
        after = client.run(memory_of_worker)
    beyond = max(after[worker] - before[worker] for worker in after)
    record |= {
        "rows": f"{n_rows:,}",
        "seconds": f"{seconds:.0f}",
        "rows/s": f"{n_rows / seconds:,.0f}",
        "rows/s of a worker": f"{n_rows / seconds / n_workers:,.0f}",
        "peak of a worker, MiB": f"{max(after.values()):.0f}",
        "beyond libraries, MiB": f"{beyond:.0f}",
    }
    print(record, flush=True)


def models(n_features, n_bits):
    X, y = draw(20_000, n_features, seed=0)
    options = {"device": "cpu", "random_state": 0}
    return {
        "SemanticHasher": SemanticHasher(n_bits, max_iter=3, **options).fit(X, y),
        "KLBinaryHasher, linear": KLBinaryHasher(
            n_bits, network="linear", max_iter=1, **options
        ).fit(X),
    }


def encode_all(options, folder):
    """Records of the first table."""
    rows = lazy_rows(options.rows, options.features)
    record = {"data": "array, drawn", "model": "none"}
    with measured(options.workers, options.rows, record):
        rows.max().compute()
    yield record
    files = write_parquet(folder / "rows", options.parquet_rows, options.features)
    sources = {
        "array, drawn": (rows, options.rows, {}),
        "Parquet": (files, options.parquet_rows, {"ids": "id"}),
    }
    for name, hasher in models(options.features, options.bits).items():
        for source, (data, n_rows, columns) in sources.items():
            record = {"data": source, "model": name}
            output = folder / f"{name} {source}"
            with measured(options.workers, n_rows, record):
                codes = transform(hasher, data, output, verbose=True, **columns)
            assert len(codes) == n_rows
            yield record


def index_sizes(n_bits):
    """Records of the second table."""
    random = np.random.default_rng(0)
    codes = random.integers(0, 2, size=(INDEX_CODES, n_bits), dtype=np.uint8)
    for algorithm in ("brute", "ivf", "hnsw", "multihash"):
        index = HammingNeighbors(algorithm=algorithm, random_state=0, n_jobs=1)
        start = time.perf_counter()
        index.fit(codes)
        seconds = time.perf_counter() - start
        with tempfile.TemporaryDirectory() as folder:
            index.save(Path(folder) / "index")
            files = [file for file in Path(folder).rglob("*") if file.is_file()]
            n_bytes = sum(file.stat().st_size for file in files)
        yield {
            "algorithm": algorithm,
            "bytes per code": f"{n_bytes / INDEX_CODES:.1f}",
            "seconds to fit": f"{seconds:.1f}",
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--parquet-rows", type=int, default=2_000_000)
    parser.add_argument("--features", type=int, default=128)
    parser.add_argument("--bits", type=int, default=64)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        encoded = pd.DataFrame(encode_all(options, Path(folder)))
    print(encoded.to_string(index=False))
    sizes = pd.DataFrame(index_sizes(options.bits))
    print(sizes.to_string(index=False))
    write_table("out_of_core", encoded, sizes)


if __name__ == "__main__":
    main()
