"""Time and memory of graded metrics where similarity comes from embeddings.

    python benchmarks/graded_metrics.py [--n-queries 10000] [--n-database 100000]

Every item has a vector of its own, so there is no table of classes to look similarities up in: each
of the n_queries x n_database pairs is a cosine. Vectors are Gaussian about 1,000 centres, codes the
signs of random projections of them. Each metric runs by itself, in one thread unless the BLAS takes
more. Prints the table and writes it to docs/benchmarks/graded_metrics.md: processor time, the most
memory allocated at once over that of the data, and what a matrix of all similarities would take.
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
from functools import partial

import numpy as np
import pandas as pd
from _tables import write_table

from skhash.metrics import (
    hierarchical_precision_score,
    mean_average_hierarchical_precision_score,
    ndcg_score,
)
from skhash.similarity import EmbeddingSimilarity

N_CENTRES = 1000
METRICS = {
    "HP@100": partial(hierarchical_precision_score, k=100),
    "mAHP@2500": partial(mean_average_hierarchical_precision_score, k=2500),
    "NDCG@100": partial(ndcg_score, k=100),
    "NDCG": ndcg_score,
}


def main() -> None:
    options = parse_arguments()
    query, database = make_data(options)
    columns = (
        "queries",
        "database",
        "metric",
        "value",
        "CPU time",
        "peak memory",
        "all similarities",
    )
    rows = []
    print(*columns, sep="  ")
    for n_queries in (options.n_queries // 10, options.n_queries):
        part = tuple(array[:n_queries] for array in query)
        for name, metric in METRICS.items():
            value, seconds, peak = measure(
                partial(metric, *part, *database, similarity=EmbeddingSimilarity())
            )
            matrix = 8 * n_queries * options.n_database
            cells = [f"{n_queries:,}", f"{options.n_database:,}", name, f"{value:.4f}"]
            cells += [f"{seconds:.0f} s", f"{peak / 2**20:.0f} MiB", f"{matrix / 2**20:,.0f} MiB"]
            rows.append(cells)
            print(*cells, sep="  ", flush=True)
    header = (
        f"Vectors of {options.n_features} float32, codes of {options.n_bits} bits; a copy of all "
        f"vectors at unit length is {4 * options.n_features * options.n_database / 2**20:.0f} MiB "
        "of the peak memory."
    )
    write_table("graded_metrics", header, pd.DataFrame(rows, columns=columns))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--n-queries", type=int, default=10_000)
    parser.add_argument("--n-database", type=int, default=100_000)
    parser.add_argument("--n-features", type=int, default=384)
    parser.add_argument("--n-bits", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def make_data(options) -> tuple:
    """Codes and vectors of the queries and of the database."""
    rng = np.random.default_rng(options.seed)
    shape = (options.n_queries + options.n_database, options.n_features)
    vectors = rng.standard_normal(shape, dtype=np.float32)
    vectors += rng.standard_normal((N_CENTRES, shape[1]), dtype=np.float32)[
        rng.integers(0, N_CENTRES, shape[0])
    ]
    planes = rng.standard_normal((shape[1], options.n_bits), dtype=np.float32)
    codes = (vectors @ planes > 0).astype(np.uint8)
    n_queries = options.n_queries
    return (codes[:n_queries], vectors[:n_queries]), (codes[n_queries:], vectors[n_queries:])


def measure(function) -> tuple[float, float, int]:
    """Value of a call, its seconds, and the most bytes that it had allocated at any time."""
    tracemalloc.start()
    try:
        started = time.process_time()
        value = function()
        return value, time.process_time() - started, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


if __name__ == "__main__":
    main()
