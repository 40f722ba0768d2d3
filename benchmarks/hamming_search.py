"""Search among a million codes: recall, speed, and what `HammingNeighbors` adds to bare faiss.

    OMP_NUM_THREADS=1 python benchmarks/hamming_search.py [--codes 1000000] [--queries 1000]

Codes of 64 bits by `ITQHasher`, learned on the shipped CIFAR-100 features. A row of the database
is a random point between two training images of one class, 10 % of the standard deviation of each
feature added as noise; queries are query images as they are.

recall@10 goes by distance: what is found is right if it is no farther than the tenth neighbour.
"bare faiss" searches the same index for the same packed queries by itself (for "brute" an
``IndexBinaryFlat``), in turns with `HammingNeighbors`; "ratio" is the median over turns of its time
to that of bare faiss. All have the parameters that `HammingNeighbors` has by default; usearch, a
graph as "hnsw", has the same number of links and candidates. Slow ones get fewer queries.

Everything has one thread, and times are those of the processor, so that other work on the machine
does not count.
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import contextmanager

import faiss
import numpy as np
import pandas as pd
from _tables import write_table
from sklearn.neighbors import NearestNeighbors
from usearch.index import Index, MetricKind, ScalarKind

from skhash import ITQHasher
from skhash.datasets import load_cifar100_features
from skhash.neighbors import HammingNeighbors, pack_codes

N_BITS = 64
K = 10
N_SLOW = 10


def make_codes(n_codes, n_queries):
    """Packed codes of a database and of queries."""
    cifar = load_cifar100_features()
    X, y = cifar.data[cifar.train_indices], cifar.target[cifar.train_indices]
    hasher = ITQHasher(N_BITS, random_state=0).fit(X)
    random = np.random.default_rng(0)
    # rows class by class, so that another of the same class is a row of the same stretch
    order = np.argsort(y, kind="stable")
    starts = np.searchsorted(y[order], y)
    sizes = np.bincount(y)[y]
    parts = []
    for start in range(0, n_codes, 100_000):
        size = min(100_000, n_codes - start)
        one = random.integers(len(X), size=size)
        other = order[starts[one] + (random.random(size) * sizes[one]).astype(int)]
        share = random.uniform(size=(size, 1)).astype(np.float32)
        noise = random.standard_normal((size, X.shape[1]), dtype=np.float32)
        rows = share * X[one] + (1 - share) * X[other] + 0.1 * X.std(axis=0) * noise
        parts.append(pack_codes(hasher.transform(rows)))
    queries = cifar.data[cifar.query_indices[:n_queries]]
    return np.concatenate(parts), pack_codes(hasher.transform(queries))


def seconds(call):
    start = time.process_time()
    result = call()
    return time.process_time() - start, result


def recall(ids, queries, codes, farthest):
    """Share of what was found that is as near as the true neighbours."""
    distances = np.bitwise_count(codes[ids] ^ queries[:, np.newaxis]).sum(axis=2, dtype=int)
    return (distances <= farthest[: len(ids)]).mean()


@contextmanager
def without_faiss():
    module, sys.modules["faiss"] = sys.modules["faiss"], None
    try:
        yield
    finally:
        sys.modules["faiss"] = module


def time_neighbors(algorithm, codes, queries, repeats):
    """Build time, ids, and the times of `HammingNeighbors` and of bare faiss, turn by turn."""
    index = HammingNeighbors(K, algorithm=algorithm, n_bits=N_BITS, random_state=0)
    build, _ = seconds(lambda: index.fit(codes))
    bare = index._searcher.index
    if bare is None:
        bare = faiss.IndexBinaryFlat(N_BITS)
        bare.add(codes)
    # the first search sets what bare faiss then finds set, such as the number of probes
    ids = index.kneighbors(queries, return_distance=False)
    turns = []
    for _ in range(repeats):
        ours, _ = seconds(lambda: index.kneighbors(queries))
        theirs, _ = seconds(lambda: bare.search(queries, K))
        turns.append((ours, theirs))
    return build, ids, np.array(turns)


def time_numpy(codes, queries):
    index = HammingNeighbors(K, algorithm="brute", n_bits=N_BITS).fit(codes)
    with without_faiss():
        return 0.0, *seconds(lambda: index.kneighbors(queries, return_distance=False))


def time_usearch(codes, queries):
    options = HammingNeighbors()
    index = Index(
        ndim=N_BITS,
        metric=MetricKind.Hamming,
        dtype=ScalarKind.B1,
        connectivity=options.M,
        expansion_add=options.ef_construction,
        expansion_search=options.ef_search,
    )
    build, _ = seconds(lambda: index.add(np.arange(len(codes)), codes, threads=1))
    spent, matches = seconds(lambda: index.search(queries, K, threads=1))
    return build, spent, matches.keys.astype(np.int64)


def time_sklearn(codes, queries):
    bits, query_bits = (np.unpackbits(part, axis=1).astype(bool) for part in (codes, queries))
    index = NearestNeighbors(n_neighbors=K, metric="hamming", algorithm="brute")
    build, _ = seconds(lambda: index.fit(bits))
    return build, *seconds(lambda: index.kneighbors(query_bits, return_distance=False))


def row(name, build, speed, found, bare="", ratio=""):
    print(f"{name:<34} {build:>7.1f} s {speed:>10,.0f} /s  {found:.3f}  {bare:>9}  {ratio}")
    return {
        "search": name,
        "build": f"{build:.1f} s",
        "queries/s": f"{speed:,.0f}",
        f"recall@{K}": f"{found:.3f}",
        "bare faiss, queries/s": bare,
        "ratio": ratio,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--codes", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=1_000)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    faiss.omp_set_num_threads(1)
    codes, queries = make_codes(options.codes, options.queries)
    farthest = HammingNeighbors(K, n_bits=N_BITS).fit(codes).kneighbors(queries)[0][:, -1:]
    print(
        f"{len(codes):,} codes of {N_BITS} bits, {len(np.unique(codes.view(np.uint64))):,} of them "
        f"different; {len(queries):,} queries"
    )
    rows = []
    for algorithm in ("brute", "ivf", "hnsw", "multihash"):
        build, ids, turns = time_neighbors(algorithm, codes, queries, options.repeats)
        ours, theirs = len(queries) / np.median(turns, axis=0)
        ratio = np.median(turns[:, 0] / turns[:, 1])
        found = recall(ids, queries, codes, farthest)
        name = f'HammingNeighbors, "{algorithm}"'
        rows.append(row(name, build, ours, found, f"{theirs:,.0f}", f"{ratio:.3f}"))
    for name, measure, n_queries in (
        ('HammingNeighbors, "brute", no faiss', time_numpy, 10 * N_SLOW),
        ("usearch", time_usearch, len(queries)),
        ('NearestNeighbors(metric="hamming")', time_sklearn, N_SLOW),
    ):
        some = queries[:n_queries]
        build, spent, ids = measure(codes, some)
        rows.append(row(name, build, len(some) / spent, recall(ids, some, codes, farthest)))
    write_table("hamming_search", pd.DataFrame(rows))


if __name__ == "__main__":
    main()
