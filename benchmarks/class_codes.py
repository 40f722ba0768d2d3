"""Hashers that learn from classes, on seen and on unseen classes of CIFAR-100.

    python benchmarks/class_codes.py [--bits 16 32 64 128] [--seeds 3] [--jobs 2]

OrthoHasher with each codebook, the related deep-hashing objectives over the same features and the
same network, `SemanticHasher` with fixed settings, and rows that learn nothing from the tree, all
else at their defaults.
The data are `load_cifar100_features`: 8,000 training and 2,000 query rows; the similarity is
`sim_lcs` of the CIFAR-100 tree.

- seen: fitted on all training rows; the query rows search each other (mAHP@25, mAHP@100, class
  mAP over all of them);
- unseen: fitted on the training rows of 80 classes, another draw of 20 left out for each seed;
  query rows of the 20 search all query rows (unseen@all) and each other (unseen@unseen).

Every measure is the exact expectation over ties. Prints the table, mean and standard deviation over
seeds, and writes it to docs/benchmarks/class_codes.md.
"""

from __future__ import annotations

import argparse
from functools import partial

import numpy as np
import pandas as pd
from _prototypes import FIXED
from _tables import mean_and_spread, write_table
from joblib import Parallel, delayed

import skhash
from skhash.datasets import load_cifar100_features
from skhash.encoders import PosteriorEncoder
from skhash.metrics import mean_average_hierarchical_precision_score, mean_average_precision_score
from skhash.similarity import TaxonomySimilarity, load_taxonomy

N_UNSEEN = 20
TREE = TaxonomySimilarity(load_taxonomy("cifar100"))
ORTHO = {
    f"OrthoHasher, {codebook}": partial(skhash.OrthoHasher, codebook=codebook, similarity=TREE)
    for codebook in ("bernoulli", "maxhd", "hadamard", "balanced", "semantic")
}
RELATED = {
    name: getattr(skhash, name)
    for name in (
        "CSQHasher",
        "DPNHasher",
        "GreedyHasher",
        "HashNetHasher",
        "DPSHHasher",
        "ClassAnchorHasher",
        "RankConsistencyHasher",
    )
}
HASHERS = {
    "random projection": skhash.RandomProjectionHasher,
    "ITQ": skhash.ITQHasher,
    "class codes": skhash.ClassCodeHasher,
    **RELATED,
    **ORTHO,
    "SemanticHasher, fixed settings": partial(
        skhash.SemanticHasher, similarity=TREE, encoder=PosteriorEncoder(**FIXED)
    ),
}


def mahp(codes, labels, k):
    return mean_average_hierarchical_precision_score(
        codes, labels, k=k, similarity=TREE, exclude_self=True
    )


def unseen_scores(codes, labels, unseen):
    """Queries of unseen classes among all query rows, and among themselves."""
    rows = np.flatnonzero(np.isin(labels, unseen))
    among = {"similarity": TREE, "exclude_self": rows}
    scores = {
        f"unseen@all @{k}": mean_average_hierarchical_precision_score(
            codes[rows], labels[rows], codes, labels, k=k, **among
        )
        for k in (25, 100)
    }
    scores["unseen@unseen @25"] = mahp(codes[rows], labels[rows], 25)
    return scores


def judge(method, n_bits, seed):
    """One row: a hasher of some bits and a seed, fitted with and without the unseen classes."""
    cifar = load_cifar100_features()
    names = cifar.target_names[cifar.target]
    train, query = cifar.train_indices, cifar.query_indices
    X, y, X_query, y_query = cifar.data[train], names[train], cifar.data[query], names[query]
    unseen = np.random.default_rng(seed).choice(cifar.target_names, N_UNSEEN, replace=False)
    seen = ~np.isin(y, unseen)

    def fitted_codes(rows, labels):
        hasher = HASHERS[method](n_bits, random_state=seed)
        return hasher.fit(rows, labels).transform(X_query)

    row = {"bits": n_bits, "method": method}
    try:
        codes = fitted_codes(X, y)
    except ValueError as error:
        if "adamard" not in str(error):
            raise
        return None  # fewer rows in the matrix than classes
    row |= {f"seen @{k}": mahp(codes, y_query, k) for k in (25, 100)}
    row["seen mAP"] = mean_average_precision_score(codes, y_query, exclude_self=True)
    row |= unseen_scores(fitted_codes(X[seen], y[seen]), y_query, unseen)
    print(f"{n_bits:>4} bits  seed {seed}  {method}", flush=True)
    return row


def run(bits, n_seeds, n_jobs):
    cells = [(method, b, seed) for b in bits for method in HASHERS for seed in range(n_seeds)]
    rows = Parallel(n_jobs)(delayed(judge)(*cell) for cell in cells)
    return pd.DataFrame([row for row in rows if row is not None])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bits", type=int, nargs="+", default=[16, 32, 64, 128])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    table = mean_and_spread(run(options.bits, options.seeds, options.jobs), ["bits", "method"])
    print(table.to_string(index=False))
    write_table("class_codes", table)


if __name__ == "__main__":
    main()
