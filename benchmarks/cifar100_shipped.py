"""Quality of SemanticHasher and its yardsticks on the shipped data: mean and spread over seeds.

    python benchmarks/cifar100_shipped.py [--bits 16 32 64 128] [--seeds 3]

Fits on the 8,000 training rows of `load_cifar100_features` with default parameters and the
similarity `sim_lcs` of the CIFAR-100 tree, and judges the 2,000 query rows by average hierarchical
precision with exact expectations over ties: against the training rows, and leave-one-out among
themselves. Prints the table and writes it to docs/benchmarks/cifar100_shipped.md.
"""

from __future__ import annotations

import argparse

import pandas as pd
from _tables import write_table

from skhash import (
    ClassCodeHasher,
    ITQHasher,
    PCAHasher,
    RandomProjectionHasher,
    SemanticHasher,
)
from skhash.datasets import load_cifar100_features
from skhash.metrics import mean_average_hierarchical_precision_score
from skhash.similarity import TaxonomySimilarity, load_taxonomy

TRAIN, AMONG = "train @{}", "leave-one-out @{}"


def judge(query, query_labels, database, database_labels, *, similarity, metric="hamming"):
    """Average hierarchical precision in both protocols at both depths."""
    options = {"similarity": similarity, "metric": metric}
    scores = {}
    for k in (25, 500):
        scores[TRAIN.format(k)] = mean_average_hierarchical_precision_score(
            query, query_labels, database, database_labels, k=k, **options
        )
    for k in (25, 100, 500):
        scores[AMONG.format(k)] = mean_average_hierarchical_precision_score(
            query, query_labels, k=k, exclude_self=True, **options
        )
    return scores


def hashers(n_bits, similarity, seed):
    """SemanticHasher and what it is compared with, at their defaults."""
    return {
        "random projection": RandomProjectionHasher(n_bits, random_state=seed),
        "PCA": PCAHasher(n_bits),
        "ITQ": ITQHasher(n_bits, random_state=seed),
        "class codes": ClassCodeHasher(n_bits, random_state=seed),
        "SemanticHasher, linear": SemanticHasher(
            n_bits, similarity=similarity, network="linear", random_state=seed
        ),
        "SemanticHasher": SemanticHasher(n_bits, similarity=similarity, random_state=seed),
    }


def run(bits, n_seeds):
    """One row for each hasher, number of bits and seed."""
    cifar = load_cifar100_features()
    names = cifar.target_names[cifar.target]
    train, query = cifar.train_indices, cifar.query_indices
    X, y, X_query, y_query = cifar.data[train], names[train], cifar.data[query], names[query]
    similarity = TaxonomySimilarity(load_taxonomy("cifar100"))
    rows = [
        {
            "method": "raw features, cosine",
            "bits": 32 * X.shape[1],
            "seed": 0,
            **judge(X_query, y_query, X, y, similarity=similarity, metric="cosine"),
        }
    ]
    for n_bits in bits:
        for seed in range(n_seeds):
            for name, hasher in hashers(n_bits, similarity, seed).items():
                codes = hasher.fit(X, y).transform(X)
                scores = judge(hasher.transform(X_query), y_query, codes, y, similarity=similarity)
                rows.append({"method": name, "bits": n_bits, "seed": seed, **scores})
                print(f"{n_bits:>4} bits  seed {seed}  {name}", flush=True)
    return pd.DataFrame(rows)


def summary(runs):
    """Mean over seeds, and the standard deviation over seeds where there are several."""
    columns = [c for c in runs.columns if c not in ("method", "bits", "seed")]
    grouped = runs.groupby(["bits", "method"], sort=False)
    mean, spread = grouped[columns].mean(), grouped[columns].std(ddof=0)
    table = mean.map("{:.3f}".format) + " ± " + spread.map("{:.3f}".format)
    single = grouped.size() == 1
    table[single] = mean[single].map("{:.3f}".format)
    return table.reset_index()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bits", type=int, nargs="+", default=[16, 32, 64, 128])
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    table = summary(run(options.bits, options.seeds))
    print(table.to_string(index=False))
    write_table("cifar100_shipped", table)


if __name__ == "__main__":
    main()
