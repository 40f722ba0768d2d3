"""Defaults of SemanticHasher that adapt: images and texts, seen and unseen classes.

    SKHASH_DATA=... python benchmarks/semantic_adapts.py [--seeds 0 1 2] [--only TASK ...]
    python benchmarks/semantic_adapts.py --tables

Five tasks, small enough for a laptop:

- tree, WordNet: CIFAR-100 features, 40 training rows and 20 test rows of each class, similarity
  `sim_lcs` in the tree, or Wu-Palmer in WordNet;
- superclasses: the same rows with the 20 superclasses as labels, all equally dissimilar;
- intents: the 64 intents of `hwu64_minilm.npz` (Liu et al. 2019), sentence embeddings of what is
  said to a home assistant, 50 training rows of each or fewer; a taxonomy of scenario > intent;
- captions: sentence embeddings of Flickr8k's captions; a class is a set of nouns (those of
  benchmarks/multilabel.py) that 20 captions or more have, and similarity the overlap of the sets
  (Jaccard). The captions of a quarter of the images are judged.

Each is fitted without a fifth of the classes, another draw for each seed. Judged rows query each
other, leave-one-out: mAHP of queries of seen classes and of unseen ones among all, and of unseen
ones among themselves, at half the number of rows a class and at 2.5 times that number. All rows
have their defaults; "constants" is temperature 0.85, feature weight 1 and shrinkage 0.5 for all
data; ridge-ITQ chooses its penalty among seven by leave-one-out. Every run is a line of
benchmarks/results/semantic_adapts.jsonl and is not made again.

The defaults were developed on other rows: validation rows of the training rows of each task.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import time
from collections import Counter
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
from _cifar100 import Data, judge_unseen, official_split, tree
from _prototypes import FIXED, ROWS, Fit
from _tables import write_table
from multilabel import nouns_of
from semantic_elsewhere import ridge_itq

from skhash.encoders import PosteriorEncoder
from skhash.similarity import LabelSimilarity, Taxonomy, TaxonomySimilarity, load_taxonomy

RESULTS = Path(__file__).parent / "results" / "semantic_adapts.jsonl"
N_FIT, N_JUDGE = 40, 20
N_FIT_INTENTS = 50
FEWEST_CAPTIONS, TEST_IMAGES = 20, 0.25
CUT_OFFS = {"half a class": 0.5, "2.5 classes": 2.5}


def cifar(labels, similarity):
    X, y, X_test, y_test = official_split()
    fit, judge = first_rows(y, N_FIT), first_rows(y_test, N_JUDGE)
    if labels == "coarse":
        _, y, _, y_test = official_split("coarse")
    return Data(X[fit], y[fit], X_test[judge], y_test[judge]), similarity


def first_rows(y, n):
    """The first n rows of each class, in order."""
    rank = pd.Series(y).groupby(y).cumcount()
    return np.flatnonzero(rank < n)


def intents():
    archive = np.load(Path(os.environ["SKHASH_DATA"]) / "hwu64_minilm.npz")
    names, scenarios = archive["intents"].astype(str), archive["scenarios"].astype(str)
    paths = [
        (f"scenario {scenarios[scenario]}", name)
        for scenario, name in zip(archive["intent_scenario"], names)
    ]
    X, y = archive["x"].astype(np.float32), names[archive["intent"]]
    is_test = archive["is_test"].astype(bool)
    taxonomy = TaxonomySimilarity(Taxonomy.from_paths(paths))
    fit = np.flatnonzero(~is_test)[first_rows(y[~is_test], N_FIT_INTENTS)]
    return Data(X[fit], y[fit], X[is_test], y[is_test]), taxonomy


def overlap(sets, others):
    """Jaccard similarity of sets of words, given as text."""
    a, b = ([set(text.split()) for text in texts] for texts in (sets, others))
    return np.array([[len(one & two) / len(one | two) for two in b] for one in a])


def captions():
    folder = Path(os.environ["SKHASH_DATA"])
    archive = np.load(folder / "flickr8k_devtest_minilm.npz")
    nouns: dict = {}
    with gzip.open(folder / "flickr8k_captions.tsv.gz", "rt", encoding="utf-8") as file:
        for image, _, _, text in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            nouns.setdefault(image, []).append(" ".join(sorted(nouns_of(text))))
    image = archive["image"]
    number = pd.Series(image).groupby(image).cumcount()
    sets = np.array([nouns[archive["images"][i]][n] for i, n in zip(image, number)])
    counts = Counter(sets.tolist())
    rows = np.array([bool(text) and counts[text] >= FEWEST_CAPTIONS for text in sets])
    is_test = np.random.default_rng(3).random(len(archive["images"]))[image] < TEST_IMAGES
    X = archive["x"].astype(np.float32)
    fit, judge = rows & ~is_test, rows & is_test
    return Data(X[fit], sets[fit], X[judge], sets[judge]), overlap


TASKS = {
    "tree": lambda: cifar("fine", tree()),
    "WordNet": lambda: cifar(
        "fine", TaxonomySimilarity(load_taxonomy("cifar100-wordnet"), "wu_palmer")
    ),
    "superclasses": lambda: cifar("coarse", LabelSimilarity()),
    "intents": intents,
    "captions": captions,
}
task_of = cache(lambda name: TASKS[name]())


def semantic(fit, n_bits, **parameters):
    return fit.semantic_hasher(n_bits, PosteriorEncoder(**parameters)).transform


DEFAULT, BEFORE = "SemanticHasher", "SemanticHasher, constants"
METHODS = {
    DEFAULT: semantic,
    BEFORE: partial(semantic, **FIXED),
    'SemanticHasher, emphasis "seen"': partial(semantic, emphasis="seen"),
    'SemanticHasher, emphasis "unseen"': partial(semantic, emphasis="unseen"),
    "ITQ": ROWS["ITQ"],
    "CCA-ITQ": ROWS["CCA-ITQ"],
    "ridge-ITQ": lambda fit, n_bits: ridge_itq(fit.X, fit.y, fit.target, fit.seed, n_bits),
    "posterior codes": ROWS["posterior codes, T 1, MLP"],
    "OrthoHasher, semantic": ROWS["OrthoHasher, semantic"],
}
OTHERS = ["ITQ", "CCA-ITQ", "ridge-ITQ", "posterior codes", "OrthoHasher, semantic"]
# the others are made at 64 bits alone
ALL_SIZES = [DEFAULT, "ITQ", "ridge-ITQ", "posterior codes"]
KEY = ["task", "row", "bits", "seed"]


def results():
    lines = RESULTS.read_text().splitlines() if RESULTS.exists() else []
    return pd.DataFrame(map(json.loads, lines), columns=None if lines else KEY)


def keep(record):
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("a") as file:
        file.write(json.dumps(record) + "\n")


def run(name, seed, bits):
    done = set(results()[KEY].itertuples(index=False, name=None))
    data, similarity = task_of(name)
    classes = np.unique(data.y)
    random = np.random.default_rng(seed)
    unseen = random.choice(classes, round(len(classes) / 5), replace=False)
    known = ~np.isin(data.y, unseen)
    fit = Fit(data.X[known], data.y[known], similarity, seed)
    size = len(data.y_test) / len(np.unique(data.y_test))
    ks = {title: max(1, round(share * size)) for title, share in CUT_OFFS.items()}
    for row, method in METHODS.items():
        for n_bits in bits:
            if (name, row, n_bits, seed) in done or (row not in ALL_SIZES and n_bits != 64):
                continue
            started = time.process_time()
            encode = method(fit, n_bits)
            seconds = time.process_time() - started
            options = {"similarity": similarity, "no_relevant": "skip"}
            scores = judge_unseen(encode, data, unseen, ks=ks.values(), **options)
            scores = {
                f"{kind} {title}": round(float(scores[f"{kind} @{k}"]), 5)
                for kind in ("seen@all", "unseen@all", "unseen@unseen")
                for title, k in ks.items()
            }
            keep({"task": name, "row": row, "bits": n_bits, "seed": seed, **scores})
            print(name, seed, n_bits, row, f"{seconds:.0f} s", *scores.values(), flush=True)


def tables():
    runs = results()
    columns = [c for c in runs.columns if c not in KEY]
    runs["mean"] = runs[columns].mean(axis=1)
    columns.append("mean")
    at_64 = runs[runs["bits"] == 64]
    parts = []
    for name in TASKS:
        means = at_64[at_64["task"] == name].groupby("row")[columns].mean().reindex(METHODS)
        spread = at_64[at_64["task"] == name].groupby("row")["mean"].std(ddof=0)
        table = means.map("{:.3f}".format)
        table["mean"] += " ± " + spread.reindex(METHODS).map("{:.3f}".format)
        best = means.loc[OTHERS].max()
        table.loc["SemanticHasher is ahead of the best of the last five by (points)"] = [
            f"{100 * (means.loc[DEFAULT, c] - best[c]):+.1f}" for c in columns
        ]
        parts += [f"{name}:", table.reset_index(names="row")]
    write_table("semantic_adapts", *parts)
    means = runs[runs["row"].isin(ALL_SIZES)].pivot_table(
        index=["task", "row"], columns="bits", values="mean"
    )
    shown = means.map("{:.3f}".format).replace("nan", "").reset_index()
    order = {key: i for i, key in enumerate([*TASKS, *METHODS])}
    shown = shown.sort_values(["task", "row"], key=lambda column: column.map(order))
    titles = {c: f"{c} bits" for c in means.columns}
    write_table("semantic_adapts_bits", shown.rename(columns=titles))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--bits", type=int, nargs="+", default=[16, 32, 64, 128])
    parser.add_argument("--only", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--tables", action="store_true", help="write the tables, run nothing")
    options = parser.parse_args()
    if not options.tables:
        if "SKHASH_DATA" not in os.environ:
            print("SKHASH_DATA is not set: nothing to do")
            return
        for seed in options.seeds:
            for name in options.only:
                run(name, seed, options.bits)
    tables()


if __name__ == "__main__":
    main()
