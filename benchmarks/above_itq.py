"""KLBinaryHasher beside ITQ, at every length and on data of several kinds.

    export OMP_NUM_THREADS=1 SKHASH_DATA=...
    python benchmarks/above_itq.py [--bits 16 64 512] [--seeds 3] [--data digits captions]
    python benchmarks/above_itq.py --tables

Both with default parameters and the same `random_state`, fitted on the same rows. Recall of the 10
nearest by Euclidean distance (which on unit vectors is that by cosine) among the first 10 and 100,
by Hamming distance (exact expectation over ties) and by asymmetric distance to all codes.

- cifar100: the features of `load_cifar100_features`; the query rows search the training rows.
- digits: scikit-learn's 8 x 8 images; 497 of them, drawn by lot, search the others.
- flickr8k, captions, hwu64: vectors of all-MiniLM-L6-v2 (`flickr8k_devtest_minilm.npz`,
  `cc_val_minilm.npz`, `hwu64_minilm.npz` in the folder that SKHASH_DATA names; left out where
  unset). Fitted on the development captions, half of the captions, the training utterances. 1,000
  of the other captions search the rest of these; the test utterances search the training ones.

ITQ has no more bits than X has features: beyond that it is given as many, and the two are not of
the same size. Times to fit are those of the processor.
Every run is kept in benchmarks/results/above_itq.jsonl and is not made again. Prints
and writes docs/benchmarks/above_itq.md from there (`--tables`: and runs nothing).
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from _tables import write_table
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

from skhash import ITQHasher, KLBinaryHasher
from skhash.datasets import load_cifar100_features
from skhash.metrics import recall_at_k_score
from skhash.neighbors import asymmetric_distances

RESULTS = Path(__file__).parent / "results" / "above_itq.jsonl"
N_NEIGHBORS = 10
CUTOFFS = (10, 100)
N_QUERIES = 1000
MEASURES = [f"{kind} @{k}" for kind in ("Hamming", "asymmetric") for k in CUTOFFS]


class Task(NamedTuple):
    """Rows to fit on, to search, and to search for."""

    fitted: np.ndarray
    database: np.ndarray
    queries: np.ndarray


def cifar100():
    cifar = load_cifar100_features()
    train, queries = cifar.data[cifar.train_indices], cifar.data[cifar.query_indices]
    return Task(train, train, queries)


def digits():
    X = np.random.default_rng(0).permutation(load_digits().data.astype(np.float32))
    return Task(X[497:], X[497:], X[:497])


def vectors(name):
    return np.load(Path(os.environ["SKHASH_DATA"]) / f"{name}_minilm.npz")


def distinct(rows):
    """Without repeated sentences, in random order."""
    return np.random.default_rng(0).permutation(np.unique(rows.astype(np.float32), axis=0))


def flickr8k():
    archive = vectors("flickr8k_devtest")
    is_test = archive["is_test"].astype(bool)
    test = distinct(archive["x"][is_test])
    return Task(distinct(archive["x"][~is_test]), test[N_QUERIES:], test[:N_QUERIES])


def captions():
    X = distinct(vectors("cc_val")["x"])
    fitted, others = np.split(X, [len(X) // 2])
    return Task(fitted, others[N_QUERIES:], others[:N_QUERIES])


def hwu64():
    archive = vectors("hwu64")
    is_test = archive["is_test"].astype(bool)
    train = distinct(archive["x"][~is_test])
    return Task(train, train, distinct(archive["x"][is_test]))


SHIPPED = {"cifar100": cifar100, "digits": digits}
TASKS = SHIPPED | {"flickr8k": flickr8k, "captions": captions, "hwu64": hwu64}


def judge(hasher, task, rows, relevance):
    """Every measure of a fitted hasher."""
    codes, queries = (hasher.transform(X) for X in (task.database, task.queries))
    scores = {}
    for k in CUTOFFS:
        scores[f"Hamming @{k}"] = recall_at_k_score(
            queries, None, codes, None, k=k, relevance=relevance
        )
    distances = asymmetric_distances(hasher.decision_function(task.queries), codes)
    last = max(CUTOFFS)
    near = np.argpartition(distances, last, axis=1)[:, :last]
    order = np.argsort(np.take_along_axis(distances, near, axis=1), axis=1)
    near = np.take_along_axis(near, order, axis=1)
    for k in CUTOFFS:
        found = (near[:, :k, np.newaxis] == rows[:, np.newaxis]).any(axis=1)
        scores[f"asymmetric @{k}"] = found.mean()
    return scores


def timed_fit(hasher, X):
    started = time.process_time()
    hasher.fit(X)
    return time.process_time() - started


def results():
    lines = RESULTS.read_text().splitlines() if RESULTS.exists() else []
    return pd.DataFrame(map(json.loads, lines), columns=None if lines else ["data", "bits", "seed"])


def run(names, bits, n_seeds):
    """Make the runs that are not kept yet."""
    done = set(results()[["data", "bits", "seed"]].itertuples(index=False, name=None))
    RESULTS.parent.mkdir(exist_ok=True)
    tasks, truths = {}, {}
    for seed in range(n_seeds):
        for n_bits in bits:
            for name in names:
                if (name, n_bits, seed) in done:
                    continue
                if name not in tasks:
                    tasks[name] = task = TASKS[name]()
                    index = NearestNeighbors(n_neighbors=N_NEIGHBORS, algorithm="brute")
                    index.fit(task.database)
                    rows = index.kneighbors(task.queries, return_distance=False)
                    relevance = np.zeros((len(rows), len(task.database)), dtype=bool)
                    np.put_along_axis(relevance, rows, True, axis=1)
                    truths[name] = rows, relevance
                task = tasks[name]
                itq = ITQHasher(min(n_bits, task.fitted.shape[1]), random_state=seed)
                hasher = KLBinaryHasher(n_bits, random_state=seed)
                record = {"data": name, "bits": n_bits, "seed": seed}
                for prefix, made in (("ITQ", itq), ("KL", hasher)):
                    record[f"{prefix} fit, s"] = round(timed_fit(made, task.fitted), 2)
                    scores = judge(made, task, *truths[name])
                    record |= {f"{prefix} {k}": round(float(v), 5) for k, v in scores.items()}
                record["epoch kept"] = hasher.best_iter_
                with RESULTS.open("a") as file:
                    file.write(json.dumps(record) + "\n")
                gains = [f"{record[f'KL {m}'] - record[f'ITQ {m}']:+.4f}" for m in MEASURES]
                print(name, n_bits, seed, *gains, flush=True)


def table(runs):
    """Recall of ITQ, and what KLBinaryHasher has above it: mean and standard deviation."""
    rows = []
    order = {name: i for i, name in enumerate(TASKS)}
    runs = runs.sort_values("bits").sort_values("data", key=lambda d: d.map(order), kind="stable")
    for (name, n_bits), group in runs.groupby(["data", "bits"], sort=False):
        row = {"data": name, "bits": n_bits}
        for measure in MEASURES:
            itq, gain = group[f"ITQ {measure}"], group[f"KL {measure}"] - group[f"ITQ {measure}"]
            row[measure] = f"{itq.mean():.3f} {gain.mean():+.3f} ± {gain.std(ddof=0):.3f}"
        row["epochs kept"] = ", ".join(map(str, group.sort_values("seed")["epoch kept"]))
        times = [group[f"{name} fit, s"].mean() for name in ("ITQ", "KL")]
        row["fit, s"] = "–" if np.isnan(times).any() else "{:.1f}, {:.1f}".format(*times)
        rows.append(row)
    return pd.DataFrame(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bits", type=int, nargs="+", default=[16, 32, 64, 128, 256, 512])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--data", choices=TASKS, nargs="+", default=list(TASKS))
    parser.add_argument("--tables", action="store_true")
    options = parser.parse_args()
    if not options.tables:
        names = options.data
        if "SKHASH_DATA" not in os.environ:
            names = [name for name in names if name in SHIPPED]
        run(names, options.bits, options.seeds)
    shown = table(results())
    print(shown.to_string(index=False))
    write_table("above_itq", shown)


if __name__ == "__main__":
    main()
