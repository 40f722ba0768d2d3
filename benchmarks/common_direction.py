"""Embeddings with a strong common direction: what one bit a dimension keeps of an exact search.

    SKHASH_DATA=... python benchmarks/common_direction.py [--seeds 3]

Some embedding models add nearly the same large vector to everything, and vary most in a few
dimensions. Plain sign bits then say little: those dimensions always have the same sign. Here the
vectors of the captions of Flickr8k (all-MiniLM-L6-v2, `flickr8k_devtest_minilm.npz` in the folder
that SKHASH_DATA names; without it there is nothing to do) are made such ones: unit vectors x become
x + u + e, with u a random vector of length 1.5 and e with 3 dimensions drawn from a normal
distribution of mean 1 and standard deviation 0.1, the others 0.

Hashers are fitted on the development captions. 1,000 test captions search the others: relevant are
those of the same image, and the exact search is by cosine. NDCG@10, and its share of that of the
exact search of the same vectors; mean and standard deviation over seeds, which draw the vectors
and seed the hashers. Writes docs/benchmarks/common_direction.md.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import pandas as pd
from _tables import write_table
from sklearn.metrics import ndcg_score
from sklearn.preprocessing import normalize

from skhash import ITQHasher, KLBinaryHasher
from skhash.neighbors import asymmetric_distances, asymmetric_factors

N_QUERIES, K = 1000, 10
OFFSET, N_DOMINANT, LEVEL, SPREAD = 1.5, 3, 1.0, 0.1


def with_common_direction(X, random):
    """The recipe of the module's docstring."""
    direction = random.normal(size=X.shape[1])
    offset = OFFSET * direction / np.linalg.norm(direction)
    extra = np.zeros(X.shape)
    dimensions = random.choice(X.shape[1], N_DOMINANT, replace=False)
    extra[:, dimensions] = random.normal(LEVEL, SPREAD, (len(X), N_DOMINANT))
    return (X + offset + extra).astype(np.float32)


def as_they_come(X, random):
    return X


def rankings(train, queries, database, seed):
    """Scores by which each method ranks the database for every query."""
    yield "exact search", "cosine", queries @ database.T
    means = {"signs of the floats": 0.0, "signs, centred": train.mean(axis=0)}
    fitted = {
        "ITQHasher": ITQHasher(train.shape[1], random_state=seed).fit(train),
        "KLBinaryHasher": KLBinaryHasher(train.shape[1], random_state=seed).fit(train),
    }
    values = {name: (queries - mean, database - mean) for name, mean in means.items()}
    values |= {
        name: (hasher.decision_function(queries), hasher.decision_function(database))
        for name, hasher in fitted.items()
    }
    for name, (asked, items) in values.items():
        yield name, "Hamming", np.sign(asked) @ np.sign(items).T
        yield name, "asymmetric", -asymmetric_distances(asked, items > 0)
        if name != "KLBinaryHasher":
            factors = asymmetric_factors(items)
            distances = asymmetric_distances(asked, items > 0, factors=factors)
            yield name, "asymmetric, factors", -distances


def run(n_seeds):
    archive = np.load(Path(os.environ["SKHASH_DATA"]) / "flickr8k_devtest_minilm.npz")
    X, image = archive["x"].astype(np.float32), archive["image"]
    is_test = archive["is_test"].astype(bool)
    rows = np.random.default_rng(0).permutation(np.flatnonzero(is_test))
    asked, searched = rows[:N_QUERIES], rows[N_QUERIES:]
    relevance = image[asked, np.newaxis] == image[searched]
    # a caption whose four others all ask as well has nothing to find
    answered = relevance.any(axis=1)
    runs = []
    for recipe in (as_they_come, with_common_direction):
        for seed in range(n_seeds):
            random = np.random.default_rng(seed)
            vectors = normalize(recipe(normalize(X), random))
            parts = vectors[~is_test], vectors[asked], vectors[searched]
            exact = None
            for method, distance, scores in rankings(*parts, seed):
                score = ndcg_score(relevance[answered], scores[answered], k=K)
                exact = score if exact is None else exact
                runs.append(
                    {
                        "vectors": recipe.__name__.replace("_", " "),
                        "method": method,
                        "distance": distance,
                        "NDCG@10": score,
                        "share of exact": score / exact,
                    }
                )
            print(recipe.__name__, seed, flush=True)
    return pd.DataFrame(runs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    if "SKHASH_DATA" not in os.environ:
        print("nothing to do: SKHASH_DATA names no folder with the embeddings")
        return
    grouped = run(options.seeds).groupby(["vectors", "method", "distance"], sort=False)
    mean, spread = grouped.mean(), grouped.std(ddof=0)
    table = mean.map("{:.3f}".format) + " ± " + spread.map("{:.3f}".format)
    table = table.reset_index()
    print(table.to_string(index=False))
    write_table("common_direction", table)


if __name__ == "__main__":
    main()
