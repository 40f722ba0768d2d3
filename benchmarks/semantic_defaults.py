"""How the defaults of SemanticHasher were chosen: one parameter varied at a time.

    python benchmarks/semantic_defaults.py [--encoder posterior] [--seeds 3] [--only network ...]

Uses the 8,000 training rows of the shipped data only: 6,000 to fit, 2,000 to judge. Columns:
average hierarchical precision of the judged rows against the fitted ones (@25, @250), and
leave-one-out among themselves (@25, @100); then the same leave-one-out for the queries of 20
classes that a second fit never saw, among all judged rows and among the unseen ones alone.
Prints a table for each encoder and writes it to docs/benchmarks/semantic_defaults_<encoder>.md.
"""

from __future__ import annotations

import argparse
from functools import partial

import numpy as np
import pandas as pd
from _prototypes import FIXED
from _tables import write_table
from sklearn.model_selection import train_test_split

from skhash import SemanticHasher
from skhash.datasets import load_cifar100_features
from skhash.encoders import PosteriorEncoder, RelationalEncoder
from skhash.metrics import mean_average_hierarchical_precision_score
from skhash.similarity import TaxonomySimilarity, load_taxonomy

# settings that adapt stay the same here, but for the one that is varied
ENCODERS = {"posterior": partial(PosteriorEncoder, **FIXED), "relational": RelationalEncoder}
ALTERNATIVES = {
    "posterior": {
        "encoder__label_smoothing": [0.0, 0.2],
        "encoder__mixup": [0.0, 0.4],
        "encoder__temperature": [0.5, 0.7, 1.0, 1.5],
        "encoder__feature_weight": [0.0, 0.5, 0.7, 1.4],
        "dropout": [0.0, 0.3],
        "network": ["linear"],
        "batch_size": [256],
        "max_iter": [20],
    },
    "relational": {
        "encoder__pair_rho": [0.0, 1.0, 2.0, 3.0],
        "encoder__pair_gamma": [0.05, 0.2],
        "encoder__pair_distance": ["manhattan"],
        "encoder__kl_weight": [0.0, 0.01, 0.1],
        "encoder__classification_weight": [0.0, 0.05, 0.4, 1.0],
        "network": ["linear"],
        "hidden_layer_sizes": [(256,), (1024, 1024)],
        "dropout": [0.3],
        "batch_size": [64, 256],
        "learning_rate": [1e-3, 1e-2],
        "max_iter": [20, 80],
        "weight_decay": [1e-2, 1e-1],
    },
}


def split(seed=0):
    """Rows to fit and to judge, from the training rows of the shipped data."""
    cifar = load_cifar100_features()
    rows = cifar.train_indices
    X, y = cifar.data[rows], cifar.target_names[cifar.target[rows]]
    fit, judge = train_test_split(np.arange(len(X)), test_size=0.25, stratify=y, random_state=seed)
    return X[fit], y[fit], X[judge], y[judge]


def score(encoder, parameters, data, unseen, seed, similarity):
    """Both fits, seen and unseen, judged."""
    X, y, X_judge, y_judge = data
    hasher = SemanticHasher(
        similarity=similarity, encoder=ENCODERS[encoder](), random_state=seed
    ).set_params(**parameters)
    target = {"similarity": similarity}
    hasher.fit(X, y)
    database, queries = hasher.transform(X), hasher.transform(X_judge)
    row = {}
    for k in (25, 250):
        row[f"train @{k}"] = mean_average_hierarchical_precision_score(
            queries, y_judge, database, y, k=k, **target
        )
    for k in (25, 100):
        row[f"leave-one-out @{k}"] = mean_average_hierarchical_precision_score(
            queries, y_judge, k=k, exclude_self=True, **target
        )
    seen = ~np.isin(y, unseen)
    codes = hasher.fit(X[seen], y[seen]).transform(X_judge)
    rows = np.flatnonzero(np.isin(y_judge, unseen))
    for name, database in (("all", np.arange(len(codes))), ("unseen", rows)):
        own = np.searchsorted(database, rows)
        for k in (25, 100):
            row[f"unseen@{name} @{k}"] = mean_average_hierarchical_precision_score(
                codes[rows],
                y_judge[rows],
                codes[database],
                y_judge[database],
                k=k,
                exclude_self=own,
                **target,
            )
    return row


def run(encoder, names, data, n_seeds):
    """One row for the defaults, and for each other value of a parameter."""
    similarity = TaxonomySimilarity(load_taxonomy("cifar100"))
    draws = [
        np.random.default_rng(seed).choice(np.unique(data[1]), 20, replace=False)
        for seed in range(n_seeds)
    ]
    settings = [("defaults", {})] + [
        (f"{name.removeprefix('encoder__')}={value!r}", {name: value})
        for name, values in ALTERNATIVES[encoder].items()
        if names is None or name in names
        for value in values
    ]
    table = {}
    for label, parameters in settings:
        runs = pd.DataFrame(
            score(encoder, parameters, data, draws[seed], seed, similarity)
            for seed in range(n_seeds)
        )
        runs["mean"] = runs.mean(axis=1)
        table[label] = runs.mean().map("{:.3f}".format)
        table[label]["spread of mean"] = f"{runs['mean'].std(ddof=0):.3f}"
        print(label, *table[label], sep="  ", flush=True)
    return pd.DataFrame(table).T


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encoder", nargs="+", choices=ALTERNATIVES, default=list(ALTERNATIVES))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=None, help="names of parameters")
    options = parser.parse_args()
    data = split()
    for encoder in options.encoder:
        frame = run(encoder, options.only, data, options.seeds)
        print(frame.to_string())
        write_table(f"semantic_defaults_{encoder}", frame.reset_index(names="setting"))


if __name__ == "__main__":
    main()
