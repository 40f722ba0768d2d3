"""Codebooks of every kind: how far apart the codes are, and how well they follow a hierarchy.

    python benchmarks/codebooks.py [--bits 16 32 64 128] [--seeds 3] [--data cifar100 random-1000]

No classifier takes part: the table is of the codes alone. Means over seeds of

- the seconds that it took one core (of processor time);
- the least and mean Hamming distance of two codes, in bits, and the balance of the bits, the mean
  of |share of ones - 1/2|;
- the rank correlation of Hamming distance and dissimilarity, and the stress;
- average hierarchical precision at 5 items for each class, as a perfect classifier would reach it
  with 20 items for each.

cifar100 is the tree of Barz & Denzler with the heights of its nodes as similarity; random-1000 is a
random tree over 1,000 classes, in which each node passes its classes on to 2 to 4 children at
random. Hadamard codebooks are left out where there are none. Writes docs/benchmarks/codebooks.md.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd
from _tables import write_table

from skhash.codebooks import codebook_report, make_codebook
from skhash.metrics import mean_average_hierarchical_precision_score
from skhash.similarity import Taxonomy, TaxonomySimilarity, class_similarity, load_taxonomy

KINDS = ("bernoulli", "balanced", "maxhd", "hadamard", "semantic")
ITEMS = 20
FORMATS = {
    "s": "{:.2f}",
    "min": "{:.1f}",
    "mean": "{:.2f}",
    "balance": "{:.3f}",
    "rank corr.": "{:.3f}",
    "stress": "{:.4f}",
    "mAHP": "{:.3f}",
}


def cifar100():
    return load_taxonomy("cifar100")


def random_1000():
    random_state = np.random.RandomState(0)
    paths: list = [("root",) for _ in range(1000)]
    open_nodes = [np.arange(1000)]
    while open_nodes:
        classes = open_nodes.pop()
        child = random_state.randint(random_state.randint(2, 5), size=len(classes))
        groups = [classes[child == value] for value in np.unique(child)]
        # all in one child: draw again
        if len(groups) == 1:
            open_nodes.append(classes)
            continue
        for number, group in enumerate(groups):
            name = f"{paths[group[0]][-1]}.{number}"
            for row in group:
                paths[row] = (*paths[row], name)
            if len(group) > 1:
                open_nodes.append(group)
    return Taxonomy.from_paths(paths)


DATA = {"cifar100": cifar100, "random-1000": random_1000}


def judge(codebook, similarity):
    report = codebook_report(codebook, similarity)
    classes = np.arange(len(codebook))
    items = np.repeat(classes, ITEMS)
    precision = mean_average_hierarchical_precision_score(
        codebook,
        classes,
        codebook[items],
        items,
        similarity=similarity[:, items],
        k=5 * ITEMS,
    )
    return {
        "min": report.min_distance,
        "mean": report.mean_distance,
        "balance": report.balance,
        "rank corr.": report.rank_correlation,
        "stress": report.stress,
        "mAHP": precision,
    }


def run(names, bits, n_seeds):
    """One row for each hierarchy, number of bits, kind and seed."""
    rows = []
    for name in names:
        taxonomy = DATA[name]()
        similarity = class_similarity(TaxonomySimilarity(taxonomy), list(taxonomy.leaves))
        n_classes = len(similarity)
        for n_bits in bits:
            for kind in KINDS:
                if kind == "hadamard" and (n_bits & (n_bits - 1) or n_classes > 2 * n_bits):
                    continue
                for seed in range(n_seeds):
                    started = time.process_time()
                    codebook = make_codebook(
                        kind, n_classes, n_bits, similarity=similarity, random_state=seed
                    )
                    seconds = time.process_time() - started
                    scores = judge(codebook, similarity)
                    rows.append(
                        {"data": name, "bits": n_bits, "kind": kind, "s": seconds, **scores}
                    )
                print(f"{name}  {n_bits:>4} bits  {kind}  {seconds:.2f} s", flush=True)
    return pd.DataFrame(rows)


def summary(runs):
    """Means over seeds."""
    mean = runs.groupby(["data", "bits", "kind"], sort=False).mean()
    return pd.DataFrame({name: mean[name].map(form.format) for name, form in FORMATS.items()})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bits", type=int, nargs="+", default=[16, 32, 64, 128])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--data", choices=DATA, nargs="+", default=list(DATA))
    options = parser.parse_args()
    table = summary(run(options.data, options.bits, options.seeds)).reset_index()
    print(table.to_string(index=False))
    write_table("codebooks", table)


if __name__ == "__main__":
    main()
