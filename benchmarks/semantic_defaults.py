"""How the defaults of SemanticHasher were chosen: one parameter varied at a time.

    python benchmarks/semantic_defaults.py [--seeds 3] [--only pair_rho ...]

Uses the 8,000 training rows of the shipped data only: 6,000 to fit, 2,000 to judge. Columns:
average hierarchical precision of the judged rows against the fitted ones (@25, @250), and
leave-one-out among themselves (@25, @100); then the same leave-one-out for the queries of 20
classes that a second fit never saw, among all judged rows and among the unseen ones alone.
Prints the table and writes it to docs/benchmarks/semantic_defaults.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from skhash import SemanticHasher
from skhash.datasets import load_cifar100_features
from skhash.metrics import average_hierarchical_precision_score
from skhash.similarity import TaxonomySimilarity, load_taxonomy

OUTPUT = Path(__file__).parents[1] / "docs" / "benchmarks" / "semantic_defaults.md"
ALTERNATIVES = {
    "pair_rho": [0.0, 1.0, 2.0, 3.0],
    "pair_gamma": [0.05, 0.2],
    "pair_form": ["manhattan"],
    "kl_weight": [0.0, 0.01, 0.1],
    "classification_weight": [0.0, 0.05, 0.4, 1.0],
    "network": ["linear"],
    "hidden_layer_sizes": [(256,), (1024, 1024)],
    "dropout": [0.3],
    "batch_size": [64, 256],
    "learning_rate": [1e-3, 1e-2],
    "max_iter": [20, 80],
    "weight_decay": [1e-2, 1e-1],
}


def split(seed=0):
    """Rows to fit and to judge, from the training rows of the shipped data."""
    cifar = load_cifar100_features()
    rows = cifar.train_indices
    X, y = cifar.data[rows], cifar.target_names[cifar.target[rows]]
    fit, judge = train_test_split(np.arange(len(X)), test_size=0.25, stratify=y, random_state=seed)
    return X[fit], y[fit], X[judge], y[judge]


def score(parameters, data, unseen, seed, similarity):
    """Both fits, seen and unseen, judged."""
    X, y, X_judge, y_judge = data
    hasher = SemanticHasher(similarity=similarity, random_state=seed, **parameters)
    target = {"similarity": similarity}
    hasher.fit(X, y)
    database, queries = hasher.transform(X), hasher.transform(X_judge)
    row = {}
    for k in (25, 250):
        row[f"train @{k}"] = average_hierarchical_precision_score(
            queries, y_judge, database, y, k=k, **target
        )
    for k in (25, 100):
        row[f"leave-one-out @{k}"] = average_hierarchical_precision_score(
            queries, y_judge, k=k, exclude_self=True, **target
        )
    seen = ~np.isin(y, unseen)
    codes = hasher.fit(X[seen], y[seen]).transform(X_judge)
    rows = np.flatnonzero(np.isin(y_judge, unseen))
    for name, database in (("all", np.arange(len(codes))), ("unseen", rows)):
        own = np.searchsorted(database, rows)
        for k in (25, 100):
            row[f"unseen@{name} @{k}"] = average_hierarchical_precision_score(
                codes[rows],
                y_judge[rows],
                codes[database],
                y_judge[database],
                k=k,
                exclude_self=own,
                **target,
            )
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="*", choices=sorted(ALTERNATIVES), default=None)
    options = parser.parse_args()
    data = split()
    similarity = TaxonomySimilarity(load_taxonomy("cifar100"))
    draws = [
        np.random.default_rng(seed).choice(np.unique(data[1]), 20, replace=False)
        for seed in range(options.seeds)
    ]
    settings = [("defaults", {})] + [
        (f"{name}={value!r}", {name: value})
        for name, values in ALTERNATIVES.items()
        if options.only is None or name in options.only
        for value in values
    ]
    table = {}
    for label, parameters in settings:
        runs = pd.DataFrame(
            score(parameters, data, draws[seed], seed, similarity) for seed in range(options.seeds)
        )
        runs["mean"] = runs.mean(axis=1)
        table[label] = runs.mean().map("{:.3f}".format)
        table[label]["spread of mean"] = f"{runs['mean'].std(ddof=0):.3f}"
        print(label, *table[label], sep="  ", flush=True)
    frame = pd.DataFrame(table).T
    print(frame.to_string())
    lines = ["| setting | " + " | ".join(frame.columns) + " |", "|---" * (frame.shape[1] + 1) + "|"]
    for label, row in zip(frame.index, frame.values):
        lines.append(f"| {label} | " + " | ".join(row) + " |")
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text("\n".join(lines) + "\n")
    print(f"wrote {OUTPUT.name}")


if __name__ == "__main__":
    main()
