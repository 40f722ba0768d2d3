"""Memory and speed of fitting and encoding sparse rows.

    python benchmarks/sparse.py [--rows 1000000] [--features 50000] [--nonzeros 50] [--bits 64]

Draws rows as a bag of words would have them: words of Zipf's frequencies, and in each of 20 topics
a thousand words that are more frequent there. Each hasher is fitted on all of them and encodes
them. Prints rows per second, and the most memory that the process allocated beyond that before,
which holds the rows; what the rows would take if they were dense, in float32, is in the first line.
`SemanticHasher` has a linear network here, whose batches of rows are made dense. Linux only.
"""

from __future__ import annotations

import argparse

import numpy as np
from _memory import PeakMemory
from scipy.sparse import csr_array

from skhash import (
    CCAITQHasher,
    ITQHasher,
    KLBinaryHasher,
    PCAHasher,
    RandomProjectionHasher,
    SemanticHasher,
)

N_TOPICS, TOPIC_WORDS = 20, 1000
TOPIC_SHARE = 0.3


def draw_rows(n_rows, n_features, n_nonzeros):
    """Word counts, and the topic of each row."""
    random = np.random.default_rng(0)
    topics = random.integers(N_TOPICS, size=n_rows)
    frequencies = np.cumsum(1 / np.arange(1, n_features + 1))
    drawn = random.uniform(high=frequencies[-1], size=(n_rows, n_nonzeros))
    words = np.searchsorted(frequencies, drawn).astype(np.int32)
    own = random.integers(n_features, size=(N_TOPICS, TOPIC_WORDS), dtype=np.int32)
    for word in range(round(TOPIC_SHARE * n_nonzeros)):
        words[:, word] = own[topics, random.integers(TOPIC_WORDS, size=n_rows)]
    starts = np.arange(0, words.size + 1, n_nonzeros)
    ones = np.ones(words.size, dtype=np.float32)
    X = csr_array((ones, words.ravel(), starts), shape=(n_rows, n_features))
    X.sum_duplicates()
    return X, topics


def hashers(n_bits, n_epochs):
    """The hashers by name, those without training first."""
    trained = {"network": "linear", "max_iter": n_epochs, "random_state": 0}
    return {
        "random projection": RandomProjectionHasher(n_bits, random_state=0),
        "PCA": PCAHasher(n_bits),
        "ITQ": ITQHasher(n_bits, random_state=0),
        "CCA-ITQ": CCAITQHasher(n_bits, random_state=0),
        f"KLBinary, {n_epochs} epochs": KLBinaryHasher(n_bits, **trained),
        f"Semantic, {n_epochs} epochs": SemanticHasher(n_bits, **trained),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--features", type=int, default=50_000)
    parser.add_argument("--nonzeros", type=int, default=50)
    parser.add_argument("--bits", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--hashers", nargs="*", help="names, such as ITQ; all where left out")
    options = parser.parse_args()
    # torch and its threads are no part of what is measured
    SemanticHasher(8, max_iter=1).fit(np.random.default_rng(0).normal(size=(200, 8)), [0, 1] * 100)
    X, y = draw_rows(options.rows, options.features, options.nonzeros)
    size = (X.data.nbytes + X.indices.nbytes + X.indptr.nbytes) / 2**20
    print(
        f"{options.rows:,} rows of {options.features:,} features, {X.nnz / options.rows:.0f} of "
        f"them not 0: {size:,.0f} MiB, dense {4 * options.rows * options.features / 2**20:,.0f} MiB"
    )
    for name, hasher in hashers(options.bits, options.epochs).items():
        if options.hashers and name.split(",")[0] not in options.hashers:
            continue
        with PeakMemory() as fitting:
            hasher.fit(X, y)
        with PeakMemory() as encoding:
            hasher.transform(X)
        print(
            f"{name:<20} fit {options.rows / fitting.seconds:>9,.0f} rows/s, peak "
            f"{fitting.own:>6,.0f} MiB   transform {options.rows / encoding.seconds:>9,.0f} "
            f"rows/s, peak {encoding.own:>6,.0f} MiB",
            flush=True,
        )


if __name__ == "__main__":
    main()
