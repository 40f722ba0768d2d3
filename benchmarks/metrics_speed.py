"""Time of exact mean average hierarchical precision beside that of faiss's ranking alone.

    python benchmarks/metrics_speed.py
    python benchmarks/metrics_speed.py --n-queries 2000 --n-database 8000 --k 250

Three kinds of codes: independent random bits, codes scattered about one centre for each class,
and, where SKHASH_DATA names the folder of the CIFAR-100 features, the signs of their principal
components. faiss only ranks (``IndexBinaryFlat.search``, first as it comes, then with
``use_heap=False``); ours counts and scores. Both use all processors, one after the other.
Prints the table and writes it to docs/benchmarks/metrics_speed.md.
"""

from __future__ import annotations

import argparse
import os
import time
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import faiss
import numpy as np
import pandas as pd
from _tables import write_table

from skhash.metrics import mean_average_hierarchical_precision_score, retrieval_report
from skhash.neighbors import pack_codes
from skhash.similarity import TaxonomySimilarity, load_taxonomy

FEATURES = "cifar100_features_efflite0_pca256.npz"


def main() -> None:
    arguments = parse_arguments()
    taxonomy = load_taxonomy("cifar100")
    similarity = TaxonomySimilarity(taxonomy)
    classes = np.array(sorted(taxonomy.leaves))
    columns = ("codes", "faiss", "faiss, no heap", "ours", "ratio", "report", "memory")
    print(
        f"{arguments.n_queries} queries, {arguments.n_database} items, {arguments.n_bits} bits, "
        f"k = {arguments.k}, {faiss.omp_get_max_threads()} threads; best of {arguments.repeats}"
    )
    print("".join(f"{column:>16}" for column in columns))
    rows = []
    for name, data in make_cases(arguments, classes):
        options = {"similarity": similarity, "k": arguments.k, "n_jobs": -1}
        score = partial(mean_average_hierarchical_precision_score, *data, **options)
        with_heap, without = (
            best_time(make_search(data[0], data[2], arguments.k, use_heap), arguments.repeats)
            for use_heap in (True, False)
        )
        ours = best_time(score, arguments.repeats)
        report = best_time(partial(retrieval_report, *data, **options), 1)
        cells = [name, *(f"{seconds:.2f} s" for seconds in (with_heap, without, ours))]
        cells += [f"{ours / with_heap:.2f}", f"{report:.2f} s"]
        cells += [f"{peak_memory(score) / 2**20:.0f} MiB"]
        print("".join(f"{cell:>16}" for cell in cells))
        rows.append(cells)
    print(
        "ratio: ours to faiss as it comes. report: all metrics of retrieval_report in one pass, "
        "with the whole ranking. memory: the most that ours allocates."
    )
    write_table("metrics_speed", pd.DataFrame(rows, columns=columns))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--n-queries", type=int, default=10_000)
    parser.add_argument("--n-database", type=int, default=50_000)
    parser.add_argument("--n-bits", type=int, default=64)
    parser.add_argument("--k", type=int, default=2500)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def make_cases(arguments: argparse.Namespace, classes: np.ndarray) -> Iterator[tuple[str, tuple]]:
    """Names of kinds of codes, with queries, their labels, items and theirs."""
    rng = np.random.default_rng(arguments.seed)
    n_queries, n_bits = arguments.n_queries, arguments.n_bits
    n_samples = n_queries + arguments.n_database
    labels = rng.integers(0, len(classes), n_samples)
    centres = rng.integers(0, 2, (len(classes), n_bits), dtype=np.uint8)
    noise = rng.random((n_samples, n_bits)) < 0.15
    for name, codes in [
        ("random", rng.integers(0, 2, (n_samples, n_bits), dtype=np.uint8)),
        ("clustered", centres[labels] ^ noise),
    ]:
        names = classes[labels]
        yield name, (codes[:n_queries], names[:n_queries], codes[n_queries:], names[n_queries:])
    folder = os.environ.get("SKHASH_DATA")
    if folder is None:
        print(f"{'CIFAR-100':>16}  skipped: SKHASH_DATA is not set")
        return
    with np.load(Path(folder) / FEATURES) as data:
        names = data["fine_names"].astype(str)
        query = (data["x_test"][:n_queries, :n_bits] > 0).astype(np.uint8)
        items = (data["x_train"][: arguments.n_database, :n_bits] > 0).astype(np.uint8)
        query_labels = names[data["y_test"][:n_queries]]
        item_labels = names[data["y_train"][: arguments.n_database]]
    yield "CIFAR-100", (query, query_labels, items, item_labels)


def make_search(query: np.ndarray, database: np.ndarray, k: int, use_heap: bool) -> Callable:
    """faiss's search as a function without arguments."""
    index = faiss.IndexBinaryFlat(8 * pack_codes(database[:1]).shape[1])
    index.add(pack_codes(database))
    index.use_heap = use_heap
    return partial(index.search, pack_codes(query), k)


def best_time(function: Callable, repeats: int) -> float:
    """Least wall-clock time of a call, in seconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def peak_memory(function: Callable) -> int:
    """Most bytes allocated at any time during a call."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


if __name__ == "__main__":
    main()
