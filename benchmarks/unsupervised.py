"""Unsupervised hashers on real features: neighbours kept, and meaning kept.

    python benchmarks/unsupervised.py [--bits 16 32 64] [--seeds 5] [--data cifar100 flickr8k]

Fits every unsupervised hasher with default parameters, faiss's ITQ, and for comparison CCA-ITQ,
which is told the labels: the class of an image, the image of a caption. Prints mean and standard
deviation over seeds of

- recall of the 10 true nearest neighbours (Euclidean, in the features) among the first 10 and
  100 by Hamming distance, as exact expectations over ties;
- average hierarchical precision: `sim_lcs` of the CIFAR-100 tree, or for captions whether they
  describe the same image.

cifar100 is `load_cifar100_features`: the query rows search the training rows. flickr8k are sentence
embeddings of captions (`flickr8k_devtest_minilm.npz` in the folder that SKHASH_DATA names; left out
where unset): fitted on the development captions, the test captions search each other. Writes
docs/benchmarks/unsupervised.md.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np
import pandas as pd
from _tables import write_table
from sklearn.neighbors import NearestNeighbors

from skhash import (
    CCAITQHasher,
    ITQHasher,
    KLBinaryHasher,
    PCAHasher,
    RandomProjectionHasher,
    SpectralHasher,
)
from skhash.datasets import load_cifar100_features
from skhash.metrics import mean_average_hierarchical_precision_score, recall_at_k_score
from skhash.similarity import LabelSimilarity, TaxonomySimilarity, load_taxonomy

N_NEIGHBORS = 10


class FaissITQ:
    """faiss's ITQ, which centres X, scales its rows to length 1, and then does PCA and ITQ."""

    def __init__(self, n_bits, random_state):
        self.n_bits, self.random_state = n_bits, random_state

    def fit(self, X, y=None):
        self.transform_ = faiss.ITQTransform(X.shape[1], self.n_bits, True)
        self.transform_.itq.seed = self.random_state
        # by default it learns from ten rows a feature
        self.transform_.max_train_per_dim = len(X)
        self.transform_.train(np.ascontiguousarray(X))
        return self

    def transform(self, X):
        return (self.transform_.apply(np.ascontiguousarray(X)) > 0).view(np.uint8)


HASHERS = {
    "random projection": RandomProjectionHasher,
    "PCA": lambda n_bits, random_state: PCAHasher(n_bits),
    "spectral": lambda n_bits, random_state: SpectralHasher(n_bits),
    "ITQ of faiss": FaissITQ,
    "ITQ": ITQHasher,
    "KLBinaryHasher, linear": lambda n_bits, random_state: KLBinaryHasher(
        n_bits, network="linear", random_state=random_state
    ),
    "KLBinaryHasher": KLBinaryHasher,
}
# told the labels of the fitted rows
SUPERVISED = {"CCA-ITQ (supervised)": CCAITQHasher}


@dataclass(frozen=True)
class Task:
    """Features to fit on, queries, and what they search: the fitted rows or each other."""

    fitted: np.ndarray
    fitted_labels: np.ndarray
    queries: np.ndarray
    query_labels: np.ndarray
    similarity: object
    among_themselves: bool

    def true_neighbors(self):
        """Whether an item of the database is one of the nearest of a query in the features."""
        database = self.queries if self.among_themselves else self.fitted
        index = NearestNeighbors(n_neighbors=N_NEIGHBORS, algorithm="brute").fit(database)
        # without X, a row is no neighbour of its own
        queries = None if self.among_themselves else self.queries
        return index.kneighbors_graph(queries).toarray().astype(bool)

    def judge(self, hasher, neighbors):
        """Every measure of a fitted hasher."""
        query = hasher.transform(self.queries)
        if self.among_themselves:
            database, options = (), {"exclude_self": True}
            unlabelled = database
        else:
            codes = hasher.transform(self.fitted)
            database, unlabelled, options = (codes, self.fitted_labels), (codes, None), {}
        scores = {
            f"recall {N_NEIGHBORS}@{k}": recall_at_k_score(
                query, None, *unlabelled, k=k, relevance=neighbors, **options
            )
            for k in (10, 100)
        }
        for k in (25, 250):
            scores[f"mAHP@{k}"] = mean_average_hierarchical_precision_score(
                query, self.query_labels, *database, k=k, similarity=self.similarity, **options
            )
        return scores


def cifar100():
    cifar = load_cifar100_features()
    names = cifar.target_names[cifar.target]
    train, query = cifar.train_indices, cifar.query_indices
    similarity = TaxonomySimilarity(load_taxonomy("cifar100"))
    return Task(cifar.data[train], names[train], cifar.data[query], names[query], similarity, False)


def flickr8k():
    archive = np.load(Path(os.environ["SKHASH_DATA"]) / "flickr8k_devtest_minilm.npz")
    vectors = archive["x"].astype(np.float32)
    image, is_test = archive["image"], archive["is_test"].astype(bool)
    return Task(
        vectors[~is_test],
        image[~is_test],
        vectors[is_test],
        image[is_test],
        LabelSimilarity(),
        True,
    )


TASKS = {"cifar100": cifar100, "flickr8k": flickr8k}


def run(names, bits, n_seeds):
    """One row for each data set, number of bits, hasher and seed."""
    rows = []
    for name in names:
        task = TASKS[name]()
        neighbors = task.true_neighbors()
        for n_bits in bits:
            for method, make in (HASHERS | SUPERVISED).items():
                labels = task.fitted_labels if method in SUPERVISED else None
                for seed in range(n_seeds):
                    hasher = make(n_bits, random_state=seed)
                    started = time.perf_counter()
                    hasher.fit(task.fitted, labels)
                    seconds = time.perf_counter() - started
                    scores = task.judge(hasher, neighbors)
                    rows.append(
                        {
                            "data": name,
                            "bits": n_bits,
                            "method": method,
                            **scores,
                            "fit, s": seconds,
                        }
                    )
                print(f"{name}  {n_bits:>4} bits  {method}  {seconds:.1f} s", flush=True)
    return pd.DataFrame(rows)


def summary(runs):
    """Mean and standard deviation over seeds."""
    grouped = runs.groupby(["data", "bits", "method"], sort=False)
    mean, spread = grouped.mean(), grouped.std(ddof=0)
    scores = [column for column in mean.columns if column != "fit, s"]
    table = mean[scores].map("{:.3f}".format) + " ± " + spread[scores].map("{:.3f}".format)
    table["fit, s"] = mean["fit, s"].map("{:.1f}".format)
    return table.reset_index()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bits", type=int, nargs="+", default=[16, 32, 64])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--data", choices=TASKS, nargs="+", default=list(TASKS))
    options = parser.parse_args()
    names = [name for name in options.data if name != "flickr8k" or "SKHASH_DATA" in os.environ]
    table = summary(run(names, options.bits, options.seeds))
    print(table.to_string(index=False))
    write_table("unsupervised", table)


if __name__ == "__main__":
    main()
