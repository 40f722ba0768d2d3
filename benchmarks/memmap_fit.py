"""Memory and speed of fitting on a memory map.

    python benchmarks/memmap_fit.py [--rows 1000000] [--features 256] [--bits 64] [--epochs 1]

Writes random clusters to a temporary file of float32, fits `KLBinaryHasher` on the map of it, once
by ``fit`` and once by ``partial_fit`` over chunks, and encodes all rows chunk by chunk. Prints rows
per second, and the most memory beyond that before the fit: "own" is what the process allocated
(anonymous pages), "file" the pages of the map, which the system takes back when it needs them.
Linux only: it reads /proc/self/status.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from _memory import PeakMemory
from sklearn.utils import gen_batches

from skhash import KLBinaryHasher

CHUNK_ROWS = 100_000


def write_clusters(path, n_rows, n_features, n_clusters=1000):
    """Write rows around random centres, chunk by chunk; return a map of the file to read."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(n_clusters, n_features)).astype(np.float32)
    rows = np.memmap(path, dtype=np.float32, mode="w+", shape=(n_rows, n_features))
    for chunk in gen_batches(n_rows, CHUNK_ROWS):
        size = chunk.stop - chunk.start
        noise = random.standard_normal((size, n_features), dtype=np.float32)
        rows[chunk] = centres[random.integers(n_clusters, size=size)] + noise
    rows.flush()
    return np.memmap(path, dtype=np.float32, mode="r", shape=(n_rows, n_features))


def report(step, n_rows, peak):
    print(
        f"{step:<14} {n_rows / peak.seconds:>10,.0f} rows/s   peak own {peak.own:>7.0f} MiB   "
        f"file {peak.file:>7.0f} MiB",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--features", type=int, default=256)
    parser.add_argument("--bits", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--network", choices=["linear", "mlp"], default="linear")
    options = parser.parse_args()
    hasher = KLBinaryHasher(
        options.bits,
        network=options.network,
        max_iter=options.epochs,
        early_stopping=False,
        random_state=0,
    )
    # torch and its threads are no part of what is measured
    hasher.fit(np.random.default_rng(0).normal(size=(2000, 32)))
    with tempfile.TemporaryDirectory() as folder:
        X = write_clusters(Path(folder) / "rows", options.rows, options.features)
        print(f"{options.rows:,} rows of {options.features} float32: {X.nbytes / 2**20:,.0f} MiB")
        with PeakMemory() as peak:
            hasher.fit(X)
        report("fit, an epoch", options.rows * options.epochs, peak)
        del hasher.network_state_
        with PeakMemory() as peak:
            for chunk in gen_batches(len(X), CHUNK_ROWS):
                hasher.partial_fit(X[chunk])
        report("partial_fit", options.rows, peak)
        with PeakMemory() as peak:
            for chunk in gen_batches(len(X), CHUNK_ROWS):
                hasher.transform(X[chunk])
        report("transform", options.rows, peak)


if __name__ == "__main__":
    main()
