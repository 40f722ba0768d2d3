"""Codes of 64 bits on all of CIFAR-100: seen and unseen classes, and what each of our parts does.

    SKHASH_DATA=... python benchmarks/cifar100_full.py [--seeds 3] [--bits 64] [--only ROW ...]

Features of 50,000 training and 10,000 test images (`cifar100_features_efflite0_pca256.npz`, found
through SKHASH_DATA), similarity `sim_lcs` of the CIFAR-100 tree, average hierarchical precision
with exact expectations over ties.

- train: 2,000 test rows query the training rows;
- among: the 10,000 test rows query each other;
- unseen: fitted without 20 classes, another draw for each seed; test rows of these classes query
  all test rows (unseen@all) and each other (unseen@unseen), those of the others all (seen@all).

Besides the hashers of the library there are rows that a practitioner would try: ridge regression
onto the embedding of the classes and ITQ; codes of the classes weighed by a posterior; such a
posterior beside the features, with ITQ. They share one classifier: the network of `SemanticHasher`
trained by plain cross-entropy. Prints the table, mean and standard deviation over the seeds that
are done, and writes it to docs/benchmarks/cifar100_full.md, after each seed.
"""

from __future__ import annotations

import argparse
import os
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.linalg import eigh
from scipy.special import softmax
from sklearn.linear_model import Ridge

from skhash import ITQHasher, OrthoHasher, SemanticHasher
from skhash._torch.posterior import classifier_state
from skhash.codebooks import semantic_codebook
from skhash.metrics import average_hierarchical_precision_score
from skhash.similarity import TaxonomySimilarity, class_similarity, load_taxonomy

OUTPUT = Path(__file__).parents[1] / "docs" / "benchmarks" / "cifar100_full.md"
TREE = TaxonomySimilarity(load_taxonomy("cifar100"))
N_UNSEEN, N_QUERIES = 20, 2000


class Fit:
    """Training rows of one fit, and what several methods make of them once."""

    def __init__(self, X, y, n_bits, seed):
        self.X, self.y, self.n_bits, self.seed = X, y, n_bits, seed
        self.classes, self.labels = np.unique(y, return_inverse=True)
        self.similarity = class_similarity(TREE, self.classes)
        self._logits = None

    def logits(self, X):
        """Logits of a plain classifier."""
        if self._logits is None:
            plain = SemanticHasher(
                encoder="posterior", label_smoothing=0, mixup=0, dropout=0, random_state=self.seed
            ).fit(self.X, self.y)
            architecture = {
                name: value
                for name, value in plain.architecture_.items()
                if name not in ("n_classes", "temperature")
            }
            self._logits = partial(
                plain._network_outputs,
                architecture=architecture,
                state=classifier_state(plain.network_state_),
                n_outputs=len(self.classes),
                device="auto",
            )
        return self._logits(X)

    def embedding(self):
        values, vectors = eigh(self.similarity)
        return (vectors * np.sqrt(values.clip(min=0)))[:, ::-1]


def itq(fit):
    return ITQHasher(fit.n_bits, random_state=fit.seed).fit(fit.X).transform


def ridge_itq(fit):
    embedding = fit.embedding()[:, : fit.n_bits]
    ridge = Ridge(alpha=100.0).fit(fit.X, embedding[fit.labels])
    values = ridge.predict(fit.X)
    hasher = ITQHasher(min(fit.n_bits, values.shape[1]), random_state=fit.seed).fit(values)
    return lambda X: hasher.transform(ridge.predict(X))


def posterior_codes(fit, temperature):
    codebook = 2.0 * semantic_codebook(fit.similarity, fit.n_bits, random_state=fit.seed) - 1
    values = softmax(fit.logits(fit.X) / temperature, axis=1) @ codebook
    mean = values.mean(axis=0)
    return lambda X: (softmax(fit.logits(X) / temperature, axis=1) @ codebook > mean).astype(
        np.uint8
    )


def joined(fit, temperature, weight):
    embedding = fit.embedding()

    def unscaled(X):
        return softmax(fit.logits(X) / temperature, axis=1) @ embedding

    def moments(values):
        mean = values.mean(axis=0)
        return mean, np.sqrt(np.square(values - mean).sum(axis=1).mean())

    (mean, scale), (x_mean, x_scale) = moments(unscaled(fit.X)), moments(fit.X)

    def values(X):
        return np.hstack([(unscaled(X) - mean) / scale, weight * (X - x_mean) / x_scale])

    hasher = ITQHasher(fit.n_bits, random_state=fit.seed).fit(values(fit.X))
    return lambda X: hasher.transform(values(X))


def ours(hasher, fit, **parameters):
    options = {"similarity": TREE, "random_state": fit.seed}
    return hasher(fit.n_bits, **options, **parameters).fit(fit.X, fit.y).transform


METHODS = {
    "ITQ": itq,
    "ridge-ITQ": ridge_itq,
    "posterior codes, T 1": partial(posterior_codes, temperature=1),
    "posterior codes, T 2": partial(posterior_codes, temperature=2),
    "posterior T 1 + half features, ITQ": partial(joined, temperature=1, weight=0.5),
    "posterior T 1 + features, ITQ": partial(joined, temperature=1, weight=1.0),
    "posterior T 3 + half features, ITQ": partial(joined, temperature=3, weight=0.5),
    "SemanticHasher": partial(ours, SemanticHasher),
    "SemanticHasher, direct": partial(ours, SemanticHasher, encoder="direct"),
    "OrthoHasher, semantic": partial(ours, OrthoHasher, codebook="semantic"),
    "OrthoHasher, maxhd": partial(ours, OrthoHasher, codebook="maxhd"),
}


def data():
    archive = np.load(Path(os.environ["SKHASH_DATA"]) / "cifar100_features_efflite0_pca256.npz")
    names = archive["fine_names"].astype(str)
    return (
        archive["x_train"].astype(np.float32),
        names[archive["y_train"]],
        archive["x_test"].astype(np.float32),
        names[archive["y_test"]],
    )


def mahp(*arrays, **options):
    return average_hierarchical_precision_score(*arrays, similarity=TREE, **options)


def judge_seen(encode, X, X_test, y_test, y):
    test, train = encode(X_test), encode(X)
    queries = np.random.default_rng(0).choice(len(test), N_QUERIES, replace=False)
    row = {f"train @{k}": mahp(test[queries], y_test[queries], train, y, k=k) for k in (250, 2500)}
    return row | {f"among @{k}": mahp(test, y_test, k=k, exclude_self=True) for k in (25, 500)}


def judge_unseen(encode, X_test, y_test, unseen):
    codes, row = encode(X_test), {}
    is_unseen = np.isin(y_test, unseen)
    for name, rows in (("unseen", is_unseen), ("seen", ~is_unseen)):
        queries = np.flatnonzero(rows)[:N_QUERIES]
        for k in (25, 500):
            row[f"{name}@all @{k}"] = mahp(
                codes[queries], y_test[queries], codes, y_test, k=k, exclude_self=queries
            )
    for k in (25, 500):
        row[f"unseen@unseen @{k}"] = mahp(
            codes[is_unseen], y_test[is_unseen], k=k, exclude_self=True
        )
    return row


def run(methods, n_bits, seed):
    """One row for each method."""
    X, y, X_test, y_test = data()
    unseen = np.random.default_rng(seed).choice(np.unique(y), N_UNSEEN, replace=False)
    known = ~np.isin(y, unseen)
    seen_fit, unseen_fit = (Fit(X[r], y[r], n_bits, seed) for r in (slice(None), known))
    for method in methods:
        started = time.perf_counter()
        encode = METHODS[method](seen_fit)
        seconds = time.perf_counter() - started
        row = judge_seen(encode, X, X_test, y_test, y)
        row |= judge_unseen(METHODS[method](unseen_fit), X_test, y_test, unseen)
        print(f"seed {seed}  {method}  fit {seconds:.0f} s  ", end="")
        print(*(f"{value:.3f}" for value in row.values()), flush=True)
        yield {"method": method, **row}


def summary(runs):
    """Mean over seeds, and the standard deviation over seeds; the mean of the target columns."""
    targets = [c for c in runs.columns if c != "method" and not c.startswith("seen@all")]
    runs = runs.assign(mean=runs[targets].mean(axis=1))
    grouped = runs.groupby("method", sort=False)
    mean, spread = grouped.mean(), grouped.std(ddof=0)
    return (mean.map("{:.3f}".format) + " ± " + spread.map("{:.3f}".format)).reset_index()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bits", type=int, default=64)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=METHODS, default=list(METHODS))
    options = parser.parse_args()
    if "SKHASH_DATA" not in os.environ:
        print("SKHASH_DATA is not set: nothing to do")
        return
    runs: list[dict] = []
    for seed in range(options.seeds):
        runs += run(options.only, options.bits, seed)
        table = summary(pd.DataFrame(runs))
        print(table.to_string(index=False))
        write(table, seed + 1)


def write(table, n_seeds):
    header = ["| " + " | ".join(table.columns) + " |", "|" + "---|" * len(table.columns)]
    body = ["| " + " | ".join(map(str, row)) + " |" for row in table.itertuples(index=False)]
    lines = [f"{n_seeds} seed{'s' if n_seeds > 1 else ''}.", "", *header, *body]
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text("\n".join(lines) + "\n")
    print(f"wrote {OUTPUT.name}")


if __name__ == "__main__":
    main()
