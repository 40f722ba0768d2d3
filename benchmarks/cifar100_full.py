"""Codes of all of CIFAR-100: seen and unseen classes, every hasher, and what one would try by hand.

    SKHASH_DATA=... python benchmarks/cifar100_full.py [--seeds 3] [--bits 64] [--only ROW ...]
    python benchmarks/cifar100_full.py --tables

Features of 50,000 training and 10,000 test images (`cifar100_features_efflite0_pca256.npz`, found
through SKHASH_DATA), similarity `sim_lcs` of the CIFAR-100 tree, average hierarchical precision
with exact expectations over ties.

- train: 2,000 test rows query the training rows;
- among: the 10,000 test rows query each other;
- unseen: fitted without 20 classes, another draw for each seed; test rows of these classes query
  all test rows (unseen@all) and each other (unseen@unseen), those of the others all (seen@all).

Every run of a row is kept in benchmarks/results/cifar100_full.jsonl and is not made again; the
tables in docs/benchmarks are written from there (`--tables`: and from nothing else), of rows that
have at least three seeds.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
from _cifar100 import judge_seen, judge_unseen, official_split, tree, unseen_classes
from _prototypes import ROWS, Fit
from _tables import mean_and_spread, write_table

RESULTS = Path(__file__).parent / "results" / "cifar100_full.jsonl"
TARGETS = [
    f"{name} @{k}"
    for name, ks in (
        ("train", (250, 2500)),
        ("among", (25, 500)),
        ("unseen@all", (25, 500)),
        ("unseen@unseen", (25, 500)),
    )
    for k in ks
]
KEY = ["row", "bits", "seed"]
# what is compared with the best of all others: the first of these that was run
OURS = ("SemanticHasher", "SemanticHasher, fixed settings")
# rows run less often are not shown
MIN_SEEDS = 3


def results():
    if not RESULTS.exists():
        return pd.DataFrame(columns=[*KEY, "part"])
    lines = RESULTS.read_text().splitlines()
    return pd.DataFrame(map(json.loads, lines))


def keep(record):
    """One line, in one write: several processes may add to the file."""
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("a") as file:
        file.write(json.dumps(record) + "\n")


def run(names, bits, seed, part):
    """Fit and judge rows for one seed, with all classes ("seen") or without 20 ("unseen")."""
    done = results()
    done = {tuple(r) for r in done[[*KEY, "part"]].itertuples(index=False)}
    data = official_split()
    unseen = unseen_classes(data.y, seed)
    rows = slice(None) if part == "seen" else ~np.isin(data.y, unseen)
    fit = Fit(data.X[rows], data.y[rows], tree(), seed)
    for name in names:
        for n_bits in bits:
            if (name, n_bits, seed, part) in done:
                continue
            started = time.perf_counter()
            encode = ROWS[name](fit, n_bits)
            seconds = time.perf_counter() - started
            if part == "seen":
                scores = judge_seen(encode, data, similarity=tree())
            else:
                scores = judge_unseen(encode, data, unseen, similarity=tree())
            scores = {column: round(float(score), 5) for column, score in scores.items()}
            keep({"row": name, "bits": n_bits, "seed": seed, "part": part, **scores})
            print(f"seed {seed}  {n_bits} bits  {name}  fit {seconds:.0f} s", *scores.values())


def both_parts(frame):
    """Runs of which both parts are there, in the order of ROWS, with the mean of the columns."""
    merged = frame.groupby(KEY, sort=False).first().drop(columns="part").dropna().reset_index()
    merged["mean"] = merged[TARGETS].mean(axis=1)
    order = {name: i for i, name in enumerate(ROWS)}
    return merged.sort_values(["row", "seed"], key=lambda c: c.map(order) if c.name == "row" else c)


def tables():
    runs = both_parts(results())
    runs = runs[runs.groupby(["row", "bits"])["seed"].transform("size") >= MIN_SEEDS]
    for n_bits, part in runs.groupby("bits"):
        table = mean_and_spread(part.drop(columns=["seed", "bits"]), "row")
        table.insert(1, "seeds", table["row"].map(part.groupby("row").size()))
        print(f"\n{n_bits} bits")
        print(table.to_string(index=False))
        write_table(f"cifar100_full_{n_bits}", table)
    rows = set(runs["row"][runs["bits"] == 64])
    own = next((row for row in OURS if row in rows), None)
    if own is None:
        return
    behind = distances_to_the_best(runs[runs["bits"] == 64], own)
    print(behind.to_string(index=False))
    write_table("cifar100_full_targets", behind)


def distances_to_the_best(runs, own):
    """Where the row `own` stands beside the best other row of each column, in points.

    Rows are compared by the seeds that both have: another draw of unseen classes is another task.
    """
    columns = [*TARGETS, "mean"]
    ours = runs[runs["row"] == own].set_index("seed")[columns]
    ahead, theirs = {}, {}
    for name, part in runs.groupby("row"):
        if name.startswith("SemanticHasher"):
            continue
        other = part.set_index("seed")[columns]
        shared = ours.index.intersection(other.index)
        ahead[name] = (ours.loc[shared] - other.loc[shared]).mean()
        theirs[name] = other.loc[shared].mean()
    ahead, theirs = pd.DataFrame(ahead).T, pd.DataFrame(theirs).T
    best = ahead.idxmin()
    return pd.DataFrame(
        {
            "column": columns,
            "best other row": best,
            "its score": [f"{theirs.loc[best[c], c]:.3f}" for c in columns],
            f"{own} is ahead by (points)": [f"{100 * ahead.loc[best[c], c]:+.1f}" for c in columns],
        }
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bits", type=int, nargs="+", default=[64])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--parts", nargs="+", choices=["seen", "unseen"], default=["seen", "unseen"]
    )
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW")
    parser.add_argument("--tables", action="store_true", help="write the tables, run nothing")
    options = parser.parse_args()
    if not options.tables:
        if "SKHASH_DATA" not in os.environ:
            print("SKHASH_DATA is not set: nothing to do")
            return
        for seed in options.seeds:
            for part in options.parts:
                run(options.only, options.bits, seed, part)
    tables()


if __name__ == "__main__":
    main()
