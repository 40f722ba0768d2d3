"""Pictures found by a name: of a class, of a class never trained on, and of an inner node.

    python benchmarks/label_search.py [--rows 100] [--bits 64] [--seeds 3]

CIFAR-100 as features (`cifar100_features_efflite0_pca256.npz`, in the folder that SKHASH_DATA
names). For each seed 20 classes are left out, others for each seed, and `--rows` of the training
images of each of the 80 others train. Then the code of a name (`transform_labels`) searches all
10,000 test images. Prints, with mean and standard deviation over seeds,

- mAP, the images of the class being relevant, and mAHP@250 with the heights of the tree, for the
  names of the 80 classes seen and for those of the 20 unseen;
- mAP for the inner nodes of the tree other than its root, the images of the classes below the node
  being relevant. A fifth of them are of unseen classes.

All are exact expectations over ties. The comparison in real numbers is a ridge regression of the
features onto vectors of the classes whose inner products are the similarities in the tree, its
penalty chosen by leave-one-out on the training rows; images are ranked by the cosine with the
vector of the name, which is known for unseen classes and inner nodes too. Writes
docs/benchmarks/label_search.md.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd
from _cifar100 import official_split, sample_rows, tree, unseen_classes
from _prototypes import FIXED
from _tables import mean_and_spread, write_table
from scipy.linalg import eigh
from sklearn.linear_model import RidgeCV

from skhash import OrthoHasher, SemanticHasher
from skhash.encoders import PosteriorEncoder, RelationalEncoder
from skhash.metrics import (
    mean_average_hierarchical_precision_score,
    mean_average_precision_score,
)

K = 250
OPTIONS = {"similarity": tree(), "device": "cpu"}


class RidgeIntoTree:
    """Real vectors: those of names have the similarities as inner products, X is regressed."""

    def __init__(self, similarity):
        self.similarity = similarity

    def fit(self, X, y):
        nodes = self.similarity.taxonomy.nodes
        values, vectors = eigh(self.similarity(nodes, nodes))
        embedding = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
        self._vector_of = dict(zip(nodes, embedding, strict=True))
        penalties = np.logspace(-3, 3, 13) * X.var(axis=0).sum()
        self._ridge = RidgeCV(alphas=penalties).fit(X, self.transform_labels(y))
        return self

    def transform(self, X):
        return self._ridge.predict(X)

    def transform_labels(self, labels):
        return np.stack([self._vector_of[label] for label in labels])


def make_methods(n_bits, seed):
    """Each method, and the metric by which its codes are compared."""
    options = OPTIONS | {"random_state": seed}
    posterior, relational = PosteriorEncoder(**FIXED), RelationalEncoder()
    return {
        "ridge regression into the tree, cosine of floats": (RidgeIntoTree(tree()), "cosine"),
        "SemanticHasher, PosteriorEncoder": (
            SemanticHasher(n_bits, encoder=posterior, **options),
            "hamming",
        ),
        "SemanticHasher, RelationalEncoder": (
            SemanticHasher(n_bits, encoder=relational, **options),
            "hamming",
        ),
        "OrthoHasher, semantic codebook": (
            OrthoHasher(n_bits, codebook="semantic", **options),
            "hamming",
        ),
    }


def judge(method, metric, data, seen, unseen):
    """Scores of the codes of names among the test images."""
    database, row = method.transform(data.X_test), {}
    for group, names in (("seen", seen), ("unseen", unseen)):
        arrays = (method.transform_labels(names), names, database, data.y_test)
        row[f"{group}: mAP"] = mean_average_precision_score(*arrays, metric=metric)
        row[f"{group}: mAHP@{K}"] = mean_average_hierarchical_precision_score(
            *arrays, similarity=tree(), k=K, metric=metric
        )
    taxonomy = tree().taxonomy
    inner = [node for node in taxonomy.nodes if node not in {*taxonomy.leaves, taxonomy.root}]
    below = {leaf: set(taxonomy.ancestors(leaf)) for leaf in taxonomy.leaves}
    row["inner nodes: mAP"] = np.mean(
        [
            mean_average_precision_score(
                code[np.newaxis],
                [True],
                database,
                np.array([node in below[name] for name in data.y_test]),
                metric=metric,
            )
            for node, code in zip(inner, method.transform_labels(inner), strict=True)
        ]
    )
    return row


def run(n_bits, per_class, n_seeds):
    """One row for each method and seed."""
    data, rows = official_split(), []
    for seed in range(n_seeds):
        unseen = unseen_classes(data.y, seed)
        seen = np.setdiff1d(data.y, unseen)
        chosen = sample_rows(data.y, per_class, seed)
        chosen = chosen[np.isin(data.y[chosen], seen)]
        for name, (method, metric) in make_methods(n_bits, seed).items():
            started = time.perf_counter()
            method.fit(data.X[chosen], data.y[chosen])
            scores = judge(method, metric, data, seen, unseen)
            rows.append({"method": name, **scores})
            print(f"{time.perf_counter() - started:6.0f} s  {rows[-1]}", flush=True)
    return pd.DataFrame(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100, help="training rows of each class")
    parser.add_argument("--bits", type=int, default=64)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    table = mean_and_spread(run(options.bits, options.rows, options.seeds), ["method"])
    print(table.to_string(index=False))
    write_table(
        "label_search",
        f"`python benchmarks/label_search.py --rows {options.rows} --bits {options.bits} "
        f"--seeds {options.seeds}`: mean ± standard deviation over seeds 0 to {options.seeds - 1}.",
        table,
    )


if __name__ == "__main__":
    main()
