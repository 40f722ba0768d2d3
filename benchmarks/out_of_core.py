"""Encode more rows than memory holds: rows per second and memory of a Dask cluster.

    python benchmarks/out_of_core.py [--rows 10000000] [--features 128] [--bits 64] [--workers 2]

A cluster of processes of one thread each on this machine encodes rows around random centres, as
float32: an array that is drawn chunk by chunk when it is needed, and a Parquet data set that is
written first. Two models: a linear `KLBinaryHasher`, and `SemanticHasher` with its defaults, whose
network has a hidden layer of 1,024 units, on a tenth of the rows. Codes are written by
`skhash.distributed.transform`. A row of the table without a model draws a tenth of the rows
and drops them, for what the data alone cost.

"rows/s" goes by the clock, with all workers together; where other work runs on the machine, the
processor time of the workers says more, of which each has a second a second. "peak" is the most
resident memory of a worker, "beyond" what of it came on top of the imported libraries. Linux only:
it reads /proc.

The second table searches all of the codes of the first model: seconds to fit an index, queries per
second, both of the processor and on one thread, and recall@10 by distance: what is found is right
if it is no farther than the tenth neighbour. The third is what an index takes for each code, ids of
8 bytes included: the size of its files, measured on 100,000 random codes.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from _tables import write_table

from skhash import KLBinaryHasher, SemanticHasher, save
from skhash.distributed import transform
from skhash.neighbors import HammingNeighbors

CHUNK_ROWS = 100_000
N_CENTRES = 100
INDEX_CODES = 100_000
N_QUERIES = 200


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


def spent_by_worker():
    """Processor seconds, and the most resident memory in MiB, so far."""
    import pyarrow.parquet  # noqa: F401

    import skhash._torch.networks  # noqa: F401 - what every worker imports

    # getrusage would begin at the memory of the process that has started this one
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return np.array([time.process_time(), int(peak) / 1024])


@contextmanager
def measured(n_workers, n_rows, record):
    """A fresh cluster; its time and memory are put into a record of the table."""
    from distributed import Client, LocalCluster

    options = {"n_workers": n_workers, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        before = client.run(spent_by_worker)
        start = time.perf_counter()
        yield
        seconds = time.perf_counter() - start
        after = client.run(spent_by_worker)
    spent = np.array([after[worker] - before[worker] for worker in after])
    peak = max(memory for _, memory in after.values())
    record |= {
        "rows": f"{n_rows:,}",
        "seconds": f"{seconds:.0f}",
        "rows/s": f"{n_rows / seconds:,.0f}",
        "rows/s of processor time": f"{n_rows / spent[:, 0].sum():,.0f}",
        "peak of a worker, MiB": f"{peak:.0f}",
        "beyond libraries, MiB": f"{spent[:, 1].max():.0f}",
    }
    print(record, flush=True)


def models(n_features, n_bits):
    """Fitted models, and how many times fewer rows each is given."""
    X, y = draw(20_000, n_features, seed=0)
    options = {"device": "cpu", "random_state": 0}
    linear = KLBinaryHasher(n_bits, network="linear", max_iter=1, **options).fit(X)
    return [(linear, 1), (SemanticHasher(n_bits, max_iter=3, **options).fit(X, y), 10)]


def encode_all(options, folder):
    """The first two tables; `SemanticHasher` gets a tenth of the rows."""
    records, searched = [], None
    record = {"data": "array, drawn", "model": "none"}
    with measured(options.workers, options.rows // 10, record):
        lazy_rows(options.rows // 10, options.features).max().compute()
    records.append(record)
    for hasher, fewer in models(options.features, options.bits):
        name = type(hasher).__name__
        n_drawn, n_written = options.rows // fewer, options.parquet_rows // fewer
        files = write_parquet(folder / f"{name} rows", n_written, options.features)
        for source, data, n_rows, columns in (
            ("array, drawn", lazy_rows(n_drawn, options.features), n_drawn, {}),
            ("Parquet", files, n_written, {"ids": "id"}),
        ):
            record = {"data": source, "model": name}
            with measured(options.workers, n_rows, record):
                output = folder / f"{name} {source}"
                codes = transform(hasher, data, output, verbose=True, **columns)
            assert len(codes) == n_rows
            records.append(record)
            if searched is None:
                queries = hasher.transform(draw(N_QUERIES, options.features, seed=0)[0])
                searched = search(codes, queries)
    return pd.DataFrame(records), pd.DataFrame(searched)


def search(codes, queries):
    """Records of the second table."""
    packed, ids = codes.read()
    farthest = None
    records = []
    for algorithm in ("brute", "ivf"):
        index = HammingNeighbors(10, algorithm=algorithm, random_state=0, n_jobs=1)
        start = time.process_time()
        index.fit(packed, ids=ids)
        fitted = time.process_time()
        distances, _ = index.kneighbors(queries)
        searched = time.process_time()
        # the first search is exact
        farthest = distances[:, -1:] if farthest is None else farthest
        record = {
            "search": algorithm,
            "codes": f"{len(ids):,}",
            "seconds to fit": f"{fitted - start:.1f}",
            "queries/s": f"{len(queries) / (searched - fitted):,.0f}",
            "recall@10": f"{(distances <= farthest).mean():.3f}",
        }
        print(record, flush=True)
        records.append(record)
    return records


def index_sizes(n_bits):
    """Records of the third table."""
    random = np.random.default_rng(0)
    codes = random.integers(0, 2, size=(INDEX_CODES, n_bits), dtype=np.uint8)
    for algorithm in ("brute", "ivf", "hnsw", "multihash"):
        index = HammingNeighbors(algorithm=algorithm, random_state=0, n_jobs=1).fit(codes)
        with tempfile.TemporaryDirectory() as folder:
            save(index, Path(folder) / "index")
            files = [file for file in Path(folder).rglob("*") if file.is_file()]
            n_bytes = sum(file.stat().st_size for file in files)
        yield {"algorithm": algorithm, "bytes per code": f"{n_bytes / INDEX_CODES:.1f}"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--parquet-rows", type=int, default=2_000_000)
    parser.add_argument("--features", type=int, default=128)
    parser.add_argument("--bits", type=int, default=64)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        encoded, searched = encode_all(options, Path(folder))
    sizes = pd.DataFrame(index_sizes(options.bits))
    for table in (encoded, searched, sizes):
        print(table.to_string(index=False))
    write_table("out_of_core", encoded, searched, sizes)


if __name__ == "__main__":
    main()
