"""Images hashed by what is said about them: sentences in place of classes.

    python benchmarks/sentences_as_target.py [--rows 50] [--bits 64] [--seeds 3]

X is CIFAR-100 as features, y the sentence embedding of what is said about an image: "a photo of
a ..." with its class, or "name: gloss" with WordNet's gloss of it
(`cifar100_features_efflite0_pca256.npz` and `cifar100_sentences_minilm.npz`, in the folder that
SKHASH_DATA names). There are two sentences for each class, but the hasher is told neither that nor
which images share a class: `SemanticHasher` takes y as vectors, and its encoder is then
`RelationalEncoder` without a classifier. Beside it are hashers that are told the classes, with the
tree or with the sentences of the classes as similarity.

For each seed 20 classes are left out, others for each seed, and `--rows` of the training images of
each of the 80 others train. 2,000 test images of unseen classes and 2,000 of seen ones search all
10,000 test images. Prints, with mean and standard deviation over seeds,

- mAHP@250 by the sentences: the similarity of two images is the mean cosine, cut at 0, of both
  sentences of their classes;
- mAHP@250 by the tree of the classes, with its heights;
- mAP of the images of an unseen class, all test images being searched with the code of its sentence
  or its name (`transform_labels`).

All are exact expectations over ties. Writes docs/benchmarks/sentences_as_target.md.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
from _cifar100 import judge_unseen, official_split, sample_rows, tree, unseen_classes
from _prototypes import FIXED
from _tables import mean_and_spread, write_table

from skhash import ITQHasher, SemanticHasher
from skhash.encoders import PosteriorEncoder, RelationalEncoder
from skhash.metrics import mean_average_precision_score
from skhash.similarity import EmbeddingSimilarity, MappedSimilarity, WeightedSimilarity

K = 250


class Sentences:
    """Vectors of what is said about each class, by its name."""

    def __init__(self):
        archive = np.load(Path(os.environ["SKHASH_DATA"]) / "cifar100_sentences_minilm.npz")
        names = archive["names"].astype(str)
        self.photo, self.gloss = (
            dict(zip(names, archive[key].astype(np.float32), strict=True))
            for key in ("photo", "gloss")
        )
        of_classes = [MappedSimilarity(EmbeddingSimilarity(), v) for v in (self.photo, self.gloss)]
        self.similarity = WeightedSimilarity([(target, 0.5) for target in of_classes])
        self.glosses_similarity = of_classes[1]

    def said(self, y, kind, seed=0):
        """A vector for each label: of one sentence, or of either by the toss of a coin."""
        if kind == "either":
            coins = np.random.default_rng(seed).integers(2, size=len(y))
            return np.stack([(self.photo, self.gloss)[coin][c] for c, coin in zip(y, coins)])
        return np.stack([getattr(self, kind)[label] for label in y])


class OfSentences:
    """A hasher that is given sentences for class labels."""

    def __init__(self, hasher, sentences, kind, seed):
        self.hasher, self.sentences, self.kind, self.seed = hasher, sentences, kind, seed

    def fit(self, X, y):
        self.hasher.fit(X, self.sentences.said(y, self.kind, self.seed))
        return self

    def transform(self, X):
        return self.hasher.transform(X)

    def transform_labels(self, labels):
        kind = "gloss" if self.kind == "either" else self.kind
        return self.hasher.transform_labels(self.sentences.said(labels, kind))


class RealValues:
    """X itself."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X


def make_methods(sentences, n_bits, seed):
    options = {"random_state": seed, "device": "cpu"}

    def told_sentences(kind):
        return OfSentences(SemanticHasher(n_bits, **options), sentences, kind, seed)

    def told_classes(target, encoder=None):
        encoder = PosteriorEncoder(**FIXED) if encoder is None else encoder
        return SemanticHasher(n_bits, similarity=target, encoder=encoder, **options)

    return {
        "features, cosine of floats": RealValues(),
        "ITQ": ITQHasher(n_bits, random_state=seed),
        'sentences, "a photo of a ..."': told_sentences("photo"),
        'sentences, "name: gloss"': told_sentences("gloss"),
        "sentences, one of the two": told_sentences("either"),
        "classes by their glosses": told_classes(sentences.glosses_similarity),
        "classes by the tree": told_classes(tree()),
        "classes by the tree, RelationalEncoder": told_classes(tree(), RelationalEncoder()),
    }


def judge(method, sentences, data, unseen):
    """Scores of codes of the test images, by both similarities."""
    metric = "cosine" if isinstance(method, RealValues) else "hamming"
    codes, row = method.transform(data.X_test), {}
    for name, target in (("sentences", sentences.similarity), ("tree", tree())):
        scores = judge_unseen(
            lambda X: codes, data, unseen, ks=(K,), similarity=target, metric=metric
        )
        row |= {f"{name}: {group}": value for group, value in scores.items()}
    if hasattr(method, "transform_labels"):
        row["found by name: unseen, mAP"] = mean_average_precision_score(
            method.transform_labels(unseen), unseen, codes, data.y_test
        )
    return row


def run(n_bits, per_class, seeds):
    """One row for each method and seed."""
    data, sentences, rows = official_split(), Sentences(), []
    for seed in seeds:
        unseen = unseen_classes(data.y, seed)
        chosen = sample_rows(data.y, per_class, seed)
        chosen = chosen[~np.isin(data.y[chosen], unseen)]
        for name, method in make_methods(sentences, n_bits, seed).items():
            started = time.perf_counter()
            method.fit(data.X[chosen], data.y[chosen])
            rows.append({"y": name, **judge(method, sentences, data, unseen)})
            print(f"{time.perf_counter() - started:6.0f} s  {rows[-1]}", flush=True)
    return pd.DataFrame(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=50, help="training rows of each class")
    parser.add_argument("--bits", type=int, default=64)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    table = mean_and_spread(run(options.bits, options.rows, range(options.seeds)), ["y"])
    table = table.replace("nan ± nan", "")
    print(table.to_string(index=False))
    write_table(
        "sentences_as_target",
        f"`python benchmarks/sentences_as_target.py --rows {options.rows} --bits {options.bits} "
        f"--seeds {options.seeds}`: mean ± standard deviation over seeds 0 to {options.seeds - 1}.",
        table,
    )


if __name__ == "__main__":
    main()
