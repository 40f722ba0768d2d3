"""Retrieval of sentences that mean the same, from the words they are made of.

    python benchmarks/captions.py [--bits 32 64 128] [--seeds 3]

The data are Flickr8k's captions, five an image, and the sentence embeddings of those of the
development and test images (`flickr8k_captions.tsv.gz` and `flickr8k_devtest_minilm.npz`, in the
folder that SKHASH_DATA names). X is made of the words of a caption: TF-IDF reduced to 256 columns
of unit rows (latent semantic analysis), fitted on the captions of the training and development
images. y, for training only, is the mean of the sentence embeddings of the other four captions of
the image: a hasher that follows it learns what is meant from what is said.

The captions of the 1,000 development images train. Each of the 5,000 captions of the 1,000 test
images searches the others. Prints mean and standard deviation over seeds of

- recall@10 and mAP, the four other captions of the image being relevant;
- NDCG@100 and mAHP@100, the similarity of the captions' own sentence embeddings
  (`EmbeddingSimilarity()`) being the degree of relevance;

all exact expectations over ties. Parameters are the defaults. The second table, of calibrations of
the target, is of 700 development images to train and the other 300 to judge. Writes
docs/benchmarks/captions.md.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from _tables import write_table
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, normalize

from skhash import ITQHasher, KLBinaryHasher, RandomProjectionHasher, SemanticHasher
from skhash.metrics import (
    mean_average_hierarchical_precision_score,
    mean_average_precision_score,
    ndcg_score,
    recall_at_k_score,
)
from skhash.similarity import EmbeddingSimilarity

N_COMPONENTS = 256
N_VALIDATION_IMAGES = 300
CALIBRATION_BITS = 64
CALIBRATIONS = [
    {},
    {"temperature": 1.0},
    {"temperature": 0.5},
    {"temperature": 0.3},
    {"floor": 0.1},
    {"floor": 0.3},
    {"floor": -1.0},
]


@dataclass(frozen=True)
class Captions:
    """Features of the words, sentence embeddings, and the number of the image of each caption."""

    X: np.ndarray
    vectors: np.ndarray
    image: np.ndarray

    def take(self, rows):
        return Captions(self.X[rows], self.vectors[rows], self.image[rows])

    @property
    def y(self):
        """Mean embedding of the other captions of the image, as a unit vector."""
        _, image = np.unique(self.image, return_inverse=True)
        sums = np.zeros((image.max() + 1, self.vectors.shape[1]))
        np.add.at(sums, image, self.vectors)
        return normalize(sums[image] - self.vectors).astype(np.float32)

    def judge(self, codes, metric="hamming"):
        """Every measure of the codes (or vectors) of these captions, each asked for among all."""
        options = {"exclude_self": True, "metric": metric}
        graded = {"similarity": EmbeddingSimilarity(), "k": 100, **options}
        return {
            "recall@10": recall_at_k_score(codes, self.image, k=10, **options),
            "mAP": mean_average_precision_score(codes, self.image, **options),
            "NDCG@100": ndcg_score(codes, self.vectors, **graded),
            "mAHP@100": mean_average_hierarchical_precision_score(codes, self.vectors, **graded),
        }


def read_texts(folder):
    """Texts of each image, and the names of the training images."""
    texts, training = {}, {}
    with gzip.open(folder / "flickr8k_captions.tsv.gz", "rt", encoding="utf-8") as file:
        for image, _, split, text in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            texts.setdefault(image, []).append(text)
            if split == "train":
                training[image] = None
    return texts, list(training)


def load_captions(folder):
    """Captions of the development and of the test images."""
    with np.load(folder / "flickr8k_devtest_minilm.npz") as archive:
        vectors, image = archive["x"].astype(np.float32), archive["image"].astype(int)
        is_test, names = archive["is_test"].astype(bool), archive["images"]
    by_image, training = read_texts(folder)
    texts = np.array([text for name in names for text in by_image[name]])
    model = make_pipeline(
        TfidfVectorizer(sublinear_tf=True, min_df=2),
        TruncatedSVD(N_COMPONENTS, random_state=0),
        Normalizer(),
    )
    model.fit([text for name in training for text in by_image[name]] + texts[~is_test].tolist())
    captions = Captions(model.transform(texts).astype(np.float32), vectors, image)
    return captions.take(~is_test), captions.take(is_test)


def split_development(captions, seed=0):
    """Captions to train on and captions to judge by, of different images."""
    images = np.unique(captions.image)
    chosen = np.random.default_rng(seed).choice(images, N_VALIDATION_IMAGES, replace=False)
    held_out = np.isin(captions.image, chosen)
    return captions.take(~held_out), captions.take(held_out)


class RandomCodes:
    """Fair coins for every row, whatever it is: what chance gives."""

    def __init__(self, n_bits, random_state):
        self.n_bits, self.random = n_bits, np.random.default_rng(random_state)

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return self.random.integers(0, 2, (len(X), self.n_bits), dtype=np.uint8)


def make_semantic(n_bits, random_state, **calibration):
    target = EmbeddingSimilarity(**calibration)
    return SemanticHasher(n_bits, similarity=target, random_state=random_state)


UNSUPERVISED = {
    "random codes": RandomCodes,
    "random projection": RandomProjectionHasher,
    "ITQ": ITQHasher,
    "KLBinaryHasher": KLBinaryHasher,
}
SEMANTIC = {
    "SemanticHasher": make_semantic,
    "SemanticHasher, temperature 0.5": partial(make_semantic, temperature=0.5),
}


def fit_and_judge(hasher, train, test, with_y):
    started = time.perf_counter()
    hasher.fit(train.X, train.y if with_y else None)
    seconds = time.perf_counter() - started
    return test.judge(hasher.transform(test.X)) | {"fit, s": seconds}


def run(train, test, bits, n_seeds):
    """One row for each number of bits, method and seed."""
    upper = test.judge(test.vectors, metric="cosine")
    words = test.judge(test.X, metric="cosine")
    rows = [
        {"bits": "384 floats", "method": "cosine of the sentence embeddings", **upper},
        {"bits": "256 floats", "method": "cosine of X", **words},
    ]
    for n_bits in bits:
        for method, make in (UNSUPERVISED | SEMANTIC).items():
            for seed in range(n_seeds):
                scores = fit_and_judge(
                    make(n_bits, random_state=seed), train, test, method in SEMANTIC
                )
                rows.append({"bits": n_bits, "method": method, **scores})
            print(f"{n_bits:>4} bits  {method}  {scores}", flush=True)
    return pd.DataFrame(rows)


def calibrate(train, validation, n_seeds):
    """One row for each calibration of the target and seed."""
    rows = []
    for calibration in CALIBRATIONS:
        for seed in range(n_seeds):
            hasher = make_semantic(CALIBRATION_BITS, seed, **calibration)
            scores = fit_and_judge(hasher, train, validation, True)
            rows.append({"target": repr(EmbeddingSimilarity(**calibration)), **scores})
        print(calibration, scores, flush=True)
    return pd.DataFrame(rows)


def summary(runs, by):
    """Mean and standard deviation over seeds."""
    grouped = runs.groupby(by, sort=False)
    seconds = grouped["fit, s"].mean().map(lambda value: "" if np.isnan(value) else f"{value:.0f}")
    mean, spread = (part.drop(columns="fit, s") for part in (grouped.mean(), grouped.std(ddof=0)))
    table = mean.map("{:.3f}".format) + " ± " + spread.map("{:.3f}".format)
    return table.assign(**{"fit, s": seconds}).reset_index()


def write(table, calibrations, sizes, options):
    """Write both tables with the command and the sizes above them."""
    command = (
        f"`python benchmarks/captions.py --bits {' '.join(map(str, options.bits))} "
        f"--seeds {options.seeds}`: mean ± standard deviation over seeds 0 to "
        f"{options.seeds - 1}; {sizes[0]:,} captions train, {sizes[1]:,} search each other."
    )
    calibration = (
        f"Calibrations of the target at {CALIBRATION_BITS} bits: {sizes[2]:,} captions of the "
        f"development images train, the other {sizes[3]:,} search each other. The degrees of "
        "relevance are those of the first row for all."
    )
    write_table("captions", command, table, calibration, calibrations)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bits", type=int, nargs="+", default=[32, 64, 128])
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    development, test = load_captions(Path(os.environ["SKHASH_DATA"]))
    train, validation = split_development(development)
    calibrations = summary(calibrate(train, validation, options.seeds), ["target"])
    table = summary(run(development, test, options.bits, options.seeds), ["bits", "method"])
    print(table.to_string(index=False), calibrations.to_string(index=False), sep="\n\n")
    sizes = [len(part.X) for part in (development, test, train, validation)]
    write(table, calibrations, sizes, options)


if __name__ == "__main__":
    main()
