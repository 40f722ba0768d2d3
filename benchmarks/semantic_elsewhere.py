"""The defaults of SemanticHasher where there are no classes, beside ridge-ITQ and ITQ.

    SKHASH_DATA=... python benchmarks/semantic_elsewhere.py [--seeds 3]

Flickr8k's captions as in benchmarks/captions.py, y being sentence embeddings; 64 bits, and
`SemanticHasher(64, similarity=...)` with nothing else changed. ridge-ITQ maps X by ridge regression
(the penalty chosen by leave-one-out among seven) to the embeddings. Mean and standard deviation
over seeds; writes docs/benchmarks/semantic_elsewhere.md.
"""

from __future__ import annotations

import argparse
import json
import os
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from _tables import mean_and_spread, write_table
from captions import load_captions
from scipy.linalg import eigh
from sklearn.linear_model import RidgeCV

from skhash import ITQHasher, SemanticHasher
from skhash.similarity import EmbeddingSimilarity, class_similarity

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
def captions():
    return load_captions(Path(os.environ["SKHASH_DATA"]))


def judge_captions(method, seed):
    train, test = captions()
    encode = METHODS[method](train.X, train.y, EmbeddingSimilarity(), seed)
    return test.judge(encode(test.X))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    if "SKHASH_DATA" not in os.environ:
        print("SKHASH_DATA is not set: nothing to do")
        return
    rows = []
    for method in METHODS:
        for seed in range(options.seeds):
            rows.append({"method": method, **judge_captions(method, seed)})
            print(seed, json.dumps(rows[-1]), flush=True)
    table = mean_and_spread(pd.DataFrame(rows), "method")
    print(table.to_string(index=False))
    write_table("semantic_elsewhere", table)


if __name__ == "__main__":
    main()
