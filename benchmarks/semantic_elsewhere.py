"""The defaults of SemanticHasher on other labels and other data, beside ridge-ITQ and ITQ.

    SKHASH_DATA=... python benchmarks/semantic_elsewhere.py [--seeds 3] [--only TASK ...]

64 bits, and for every task `SemanticHasher(64, similarity=...)` with nothing else changed:

- superclasses: all of CIFAR-100 with the 20 superclasses as labels, of which none is nearer to one
  than another (`LabelSimilarity`);
- WordNet: the 100 classes, and the Wu-Palmer similarity of their synsets (`WordNetSimilarity`) in
  place of the tree, in training and in judging;
- captions: Flickr8k as in benchmarks/captions.py, y being sentence embeddings.

ridge-ITQ maps X by ridge regression (the penalty chosen by leave-one-out among seven) to vectors
whose inner products are the similarity: those of the classes, or the sentence embeddings. mAHP@k
with exact expectations over ties; for superclasses it is precision, averaged up to k. "unseen" is
fitted without a fifth of the classes, another draw for each seed. Mean and standard deviation over
seeds; writes docs/benchmarks/semantic_elsewhere.md.
"""

from __future__ import annotations

import argparse
import json
import os
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from _cifar100 import judge_seen, judge_unseen, official_split
from _tables import mean_and_spread, write_table
from captions import load_captions
from scipy.linalg import eigh
from sklearn.linear_model import RidgeCV

from skhash import ITQHasher, SemanticHasher
from skhash.similarity import (
    EmbeddingSimilarity,
    LabelSimilarity,
    TaxonomySimilarity,
    class_similarity,
    load_taxonomy,
)

N_BITS = 64
ALPHAS = np.logspace(-3, 3, 7)


def itq(X, y, similarity, seed):
    return ITQHasher(N_BITS, random_state=seed).fit(X).transform


def ridge_itq(X, y, similarity, seed, n_bits=N_BITS):
    vectors = y if y.ndim == 2 else _class_vectors(y, similarity)[:, :n_bits]
    ridge = RidgeCV(alphas=ALPHAS * X.var(axis=0).sum()).fit(X, vectors)
    values = ridge.predict(X)
    n_bits = min(n_bits, values.shape[1])
    hasher = ITQHasher(n_bits, random_state=seed).fit(values)
    return lambda X: hasher.transform(ridge.predict(X))


def _class_vectors(y, similarity):
    classes, labels = np.unique(y, return_inverse=True)
    values, vectors = eigh(class_similarity(similarity, classes))
    return (vectors * np.sqrt(values.clip(min=0)))[labels, ::-1]


def semantic(X, y, similarity, seed):
    return SemanticHasher(N_BITS, similarity=similarity, random_state=seed).fit(X, y).transform


METHODS = {"ITQ": itq, "ridge-ITQ": ridge_itq, "SemanticHasher": semantic}


@cache
def tasks():
    return {
        "superclasses": (official_split("coarse"), LabelSimilarity()),
        "WordNet": (
            official_split(),
            TaxonomySimilarity(load_taxonomy("cifar100-wordnet"), "wu_palmer"),
        ),
    }


def judge_classes(method, task, seed):
    data, similarity = tasks()[task]
    encode = METHODS[method](data.X, data.y, similarity, seed)
    row = judge_seen(encode, data, similarity=similarity)
    classes = np.unique(data.y)
    unseen = np.random.default_rng(seed).choice(classes, len(classes) // 5, replace=False)
    known = ~np.isin(data.y, unseen)
    encode = METHODS[method](data.X[known], data.y[known], similarity, seed)
    row |= judge_unseen(encode, data, unseen, similarity=similarity)
    return {name: value for name, value in row.items() if not name.startswith("seen@all")}


@cache
def captions():
    return load_captions(Path(os.environ["SKHASH_DATA"]))


def judge_captions(method, seed):
    train, test = captions()
    encode = METHODS[method](train.X, train.y, EmbeddingSimilarity(), seed)
    return test.judge(encode(test.X))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    choices = ["superclasses", "WordNet", "captions"]
    parser.add_argument("--only", nargs="+", choices=choices, default=choices)
    options = parser.parse_args()
    if "SKHASH_DATA" not in os.environ:
        print("SKHASH_DATA is not set: nothing to do")
        return
    parts: list = []
    for task in options.only:
        rows = []
        for method in METHODS:
            for seed in range(options.seeds):
                if task == "captions":
                    scores = judge_captions(method, seed)
                else:
                    scores = judge_classes(method, task, seed)
                rows.append({"method": method, **scores})
                print(task, seed, json.dumps(rows[-1]), flush=True)
        table = mean_and_spread(pd.DataFrame(rows), "method")
        print(table.to_string(index=False))
        parts += [f"{task}:", table]
    write_table("semantic_elsewhere", *parts)


if __name__ == "__main__":
    main()
