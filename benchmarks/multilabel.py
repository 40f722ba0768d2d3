"""Multilabel retrieval on real data: captions whose images show several things.

    python benchmarks/multilabel.py [--bits 16 32 64] [--seeds 3]

The data are made of Flickr8k (from the folder that SKHASH_DATA names): X are the sentence
embeddings of single captions of the development and test images, five an image
(`flickr8k_devtest_minilm.npz`). The labels are of the image, not of the caption: those of the nouns
below that at least two of its five captions have (`flickr8k_captions.tsv.gz`), so that much of what
is asked for is not said in the caption at hand. The nouns are the people, animals, things and
places among the words of the development captions that name at least ten images so; numbers,
colours, participles and words that are mostly not nouns are left out, and so are captions of
images without any label.

Split by image: the 1,000 development images train; of the 1,000 test images, 300 drawn by lot are
queries that search the other 700. Prints mean and standard deviation over seeds of

- mAP over the whole database, an item relevant where it shares a label;
- NDCG@100 with the overlap of the label sets (Jaccard) as the gain;

both exact expectations over ties. Parameters are the defaults of the hashers, but for 20 epochs of
training. Writes docs/benchmarks/multilabel.md.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
import re
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from _tables import mean_and_spread, write_table

import skhash
from skhash import ITQHasher, KLBinaryHasher, OrthoHasher, RandomProjectionHasher, SemanticHasher
from skhash.metrics import mean_average_precision_score, ndcg_score
from skhash.similarity import MultilabelSimilarity

N_QUERY_IMAGES = 300
N_NAMING = 2
# half of the default: enough for 4,885 rows, and a run takes less than an hour on one core
MAX_ITER = 20
_WORDS = (
    "baby ball basketball beach bench bicycle bike boat boy building camera car child crowd "
    "dirt dog dress field frisbee girl glass grass hand hat head hill jacket lake man "
    "mountain mouth ocean park path people person player pool ramp rock sand shirt sidewalk "
    "sign skateboard skateboarder snow soccer stick street tennis toy tree wall water wave "
    "woman wood"
)
NOUNS = _WORDS.split()
IRREGULAR = {"babies": "baby", "children": "child", "men": "man", "women": "woman"}
SINGULAR = {noun + ending: noun for noun in NOUNS for ending in ("", "s", "es")} | IRREGULAR


@dataclass(frozen=True)
class Rows:
    """Captions: their embeddings, and the labels of their images."""

    X: np.ndarray
    y: np.ndarray

    def take(self, rows):
        return Rows(self.X[rows], self.y[rows])


@dataclass(frozen=True)
class Task:
    """What to train on, what to ask, and what to search."""

    train: Rows
    query: Rows
    database: Rows

    def judge(self, query, database, metric="hamming"):
        """Every measure of the codes (or vectors) of queries and database."""
        labelled = (query, self.query.y, database, self.database.y)
        return {
            "mAP": mean_average_precision_score(*labelled, metric=metric),
            "NDCG@100": ndcg_score(
                *labelled, k=100, similarity=MultilabelSimilarity(), metric=metric
            ),
        }


def nouns_of(text):
    return {SINGULAR[word] for word in re.findall("[a-z]+", text.lower()) if word in SINGULAR}


def image_labels(folder, names):
    """Indicators of the nouns that enough captions of an image have, (n_images, n_nouns)."""
    naming = defaultdict(Counter)
    with gzip.open(folder / "flickr8k_captions.tsv.gz", "rt", encoding="utf-8") as file:
        for image, _, _, text in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            naming[image].update(nouns_of(text))
    counts = [[naming[name][noun] for noun in NOUNS] for name in names]
    return (np.array(counts) >= N_NAMING).astype(np.uint8)


def load_captions(folder):
    """All labelled captions, the number of the image of each, and whether it is a test image."""
    archive = np.load(folder / "flickr8k_devtest_minilm.npz")
    image, is_test = archive["image"], archive["is_test"].astype(bool)
    labels = image_labels(folder, archive["images"])[image]
    labelled = labels.any(axis=1)
    rows = Rows(archive["x"].astype(np.float32), labels)
    return rows.take(labelled), image[labelled], is_test[labelled]


def split_images(image, n_images, seed=0):
    """Whether the image of each row is one of n_images drawn by lot."""
    chosen = np.random.default_rng(seed).choice(np.unique(image), n_images, replace=False)
    return np.isin(image, chosen)


def load_task(folder):
    captions, image, is_test = load_captions(folder)
    test = captions.take(is_test)
    asked = split_images(image[is_test], N_QUERY_IMAGES)
    return Task(captions.take(~is_test), test.take(asked), test.take(~asked))


class RandomCodes:
    """Fair coins for every row, whatever it is: what chance gives."""

    def __init__(self, n_bits, random_state):
        self.n_bits, self.random = n_bits, np.random.default_rng(random_state)

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return self.random.integers(0, 2, (len(X), self.n_bits), dtype=np.uint8)


UNSUPERVISED = {
    "random codes": RandomCodes,
    "random projection": RandomProjectionHasher,
    "ITQ": ITQHasher,
    "KLBinaryHasher": KLBinaryHasher,
}
SUPERVISED = {
    "KLBinaryHasher, with y": partial(KLBinaryHasher, classification_weight=1.0),
    "OrthoHasher": OrthoHasher,
    'OrthoHasher, codebook="semantic"': partial(OrthoHasher, codebook="semantic"),
    "SemanticHasher": partial(SemanticHasher, similarity=MultilabelSimilarity()),
    **{
        name: getattr(skhash, name)
        for name in (
            "ClassAnchorHasher",
            "RankConsistencyHasher",
            "CSQHasher",
            "DPNHasher",
            "GreedyHasher",
            "HashNetHasher",
            "DPSHHasher",
        )
        if hasattr(skhash, name)
    },
}


def run(task, bits, n_seeds):
    """One row for each number of bits, hasher and seed."""
    exact = task.judge(task.query.X, task.database.X, metric="cosine")
    rows = [{"bits": "384 floats", "method": "cosine of the embeddings", **exact}]
    for n_bits in bits:
        for method, make in (UNSUPERVISED | SUPERVISED).items():
            labels = task.train.y if method in SUPERVISED else None
            for seed in range(n_seeds):
                hasher = make(n_bits, random_state=seed)
                if hasattr(hasher, "learning_rate"):
                    hasher.max_iter = MAX_ITER
                started = time.perf_counter()
                hasher.fit(task.train.X, labels)
                seconds = time.perf_counter() - started
                codes = (hasher.transform(part.X) for part in (task.query, task.database))
                scores = task.judge(*codes)
                rows.append({"bits": n_bits, "method": method, **scores})
            print(f"{n_bits:>4} bits  {method}  {scores}  {seconds:.1f} s", flush=True)
    return pd.DataFrame(rows)


def describe(task):
    """One sentence on the sizes."""
    labels = np.vstack([task.train.y, task.query.y, task.database.y])
    relevant = (task.query.y.astype(int) @ task.database.y.T > 0).mean()
    sizes = [f"{len(rows.X):,}" for rows in (task.train, task.query, task.database)]
    return (
        f"{sizes[0]} captions train, {sizes[1]} ask, {sizes[2]} are searched; {labels.shape[1]} "
        f"labels, {labels.sum(axis=1).mean():.1f} a caption; a query shares a label with "
        f"{relevant:.0%} of the database."
    )


def write(table, task, options):
    """Write the table with the command and the sizes above it."""
    command = (
        f"`python benchmarks/multilabel.py --bits {' '.join(map(str, options.bits))} "
        f"--seeds {options.seeds}`: mean ± standard deviation over seeds 0 to "
        f"{options.seeds - 1}. "
    )
    write_table("multilabel", command + describe(task), table)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bits", type=int, nargs="+", default=[16, 32, 64])
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    task = load_task(Path(os.environ["SKHASH_DATA"]))
    print(describe(task))
    table = mean_and_spread(run(task, options.bits, options.seeds), ["bits", "method"])
    print(table.to_string(index=False))
    write(table, task, options)


if __name__ == "__main__":
    main()
