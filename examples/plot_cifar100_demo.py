"""
Codes that follow meaning, on CIFAR-100
=======================================

A hash code is a few bytes that stand for an image; two codes are compared by counting the bits that
differ. This example learns codes from the features of 8,000 images, so that images of related
classes get near codes, and compares them with the features themselves and with codes learned
without labels.

``make demo`` runs it. It needs no download and takes about a minute on two processor cores. It
prints a table and writes a picture to ``demo_output/cifar100_demo.png``.
"""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
import time
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch  # noqa: F401  # now, so that no hasher's time to fit includes it

from skhash import ITQHasher, PCAHasher, RandomProjectionHasher, SemanticHasher
from skhash.datasets import load_cifar100_features
from skhash.metrics import ClassDistanceDisplay, mean_average_hierarchical_precision_score
from skhash.similarity import TaxonomySimilarity, load_taxonomy

OUTPUT = Path("demo_output") / "cifar100_demo.png"
CUTOFFS = (25, 500)

# %%
# The data
# --------
# The features come from a pretrained network. A taxonomy of the classes says what is similar: the
# lower in the tree two classes have a common ancestor, the more similar they are. A maple and an
# oak are both woody plants; a maple and a bus meet only at the root.


class Data:
    """Training items to learn from and to search, and queries that are not trained on."""

    def __init__(self):
        cifar = load_cifar100_features()
        names = cifar.target_names[cifar.target]
        self.X_train, self.y_train = cifar.data[cifar.train_indices], names[cifar.train_indices]
        self.X_query, self.y_query = cifar.data[cifar.query_indices], names[cifar.query_indices]
        self.thumbnails = cifar.thumbnails
        self.taxonomy = load_taxonomy("cifar100")
        self.similarity = TaxonomySimilarity(self.taxonomy, measure="lcs_height")


# %%
# The contestants
# ---------------
# All hashers are scikit-learn transformers: ``fit``, then ``transform`` to bits. Only
# `SemanticHasher` looks at the labels.


def make_hashers(n_bits, similarity, seed, max_iter=None):
    """The hashers of one code length, by the name in the table."""
    semantic = SemanticHasher(n_bits, similarity=similarity, random_state=seed)
    if max_iter is not None:
        semantic.set_params(max_iter=max_iter)
    return {
        "random projection": RandomProjectionHasher(n_bits, random_state=seed),
        "PCA": PCAHasher(n_bits),
        "ITQ": ITQHasher(n_bits, random_state=seed),
        "SemanticHasher": semantic,
    }


# %%
# The measure
# -----------
# Hierarchical precision at k adds up the similarities of the first k items to the query, and
# divides by the largest sum that k items of the database could have. Its average over all cut-offs
# up to k is AHP@k. Codes tie often; the score is the exact expectation over the order of ties.
#
# Every query is searched for twice: among the training items, and among the other queries, none
# of which was trained on.


@dataclass
class Row:
    """A line of the table; no bits and no time to fit stand for the raw features."""

    method: str
    n_bits: int | None
    n_bytes: int
    fit_seconds: float | None
    scores: tuple[float, ...]


def score_codes(query_codes, train_codes, data, metric="hamming"):
    """AHP at each cut-off, first against the training items and then among the queries."""
    options = {"similarity": data.similarity, "metric": metric}
    databases = (
        {"database_codes": train_codes, "database_labels": data.y_train},
        {"exclude_self": True},
    )
    return tuple(
        mean_average_hierarchical_precision_score(
            query_codes, data.y_query, k=k, **database, **options
        )
        for database in databases
        for k in CUTOFFS
    )


def compare(data, n_bits, seed, max_iter):
    """Fit and score everything; the rows of the table and the last SemanticHasher."""
    contestants = [
        (name, hasher)
        for bits in n_bits
        for name, hasher in make_hashers(bits, data.similarity, seed, max_iter).items()
    ]
    total = len(contestants) + 1

    def announce(number, what):
        print(f"[{number:>2}/{total}] {what} ...", end="", flush=True)

    announce(1, "raw features by cosine")
    started = time.perf_counter()
    scores = score_codes(data.X_query, data.X_train, data, metric="cosine")
    print(f" scored in {time.perf_counter() - started:.1f} s")
    rows = [Row("raw features, cosine", None, data.X_train[0].nbytes, None, scores)]
    for number, (name, hasher) in enumerate(contestants, start=2):
        announce(number, f"{name}, {hasher.n_bits} bits")
        started = time.perf_counter()
        hasher.fit(data.X_train, data.y_train)
        seconds = time.perf_counter() - started
        scores = score_codes(hasher.transform(data.X_query), hasher.transform(data.X_train), data)
        print(f" fitted in {seconds:.1f} s")
        rows.append(Row(name, hasher.n_bits, -(-hasher.n_bits // 8), seconds, scores))
    return rows, hasher


# %%
# The table
# ---------


def format_table(rows, in_color=False):
    """The rows as aligned text, the best of each column of scores marked by an asterisk."""
    best = [max(column) for column in zip(*(row.scores for row in rows), strict=True)]
    heads = "".join(f"{f'AHP@{k}':>9} " for k in CUTOFFS)
    groups = "".join(f"{name:>{len(heads) - 1}} " for name in ("training items", "other queries"))
    lines = [
        f"{'searched among':<41}{groups}",
        f"{'method':<22}{'bits':>5}{'bytes':>7}{'fit s':>7}{heads * 2}",
    ]
    rule = "-" * len(lines[-1])
    for _, block in groupby(rows, key=lambda row: row.n_bits):
        lines += [rule, *(format_row(row, best, in_color) for row in block)]
    return "\n".join(line.rstrip() for line in [*lines, rule])


def format_row(row, best, in_color):
    """A line of the table."""
    bits = row.n_bits or "-"
    seconds = "-" if row.fit_seconds is None else f"{row.fit_seconds:.1f}"
    cells = "".join(
        format_score(score, score == top, in_color)
        for score, top in zip(row.scores, best, strict=True)
    )
    return f"{row.method:<22}{bits:>5}{row.n_bytes:>7,}{seconds:>7}{cells}"


def format_score(score, is_best, in_color):
    """A cell of the table."""
    if not is_best:
        return f"{score:9.3f} "
    return f"\033[1;32m{score:9.3f}*\033[0m" if in_color else f"{score:9.3f}*"


def explain(rows, data):
    """What the table says, in a paragraph made from its numbers."""
    raw, longest = rows[0], rows[-1].n_bits
    at_longest = {row.method: row for row in rows if row.n_bits == longest}
    semantic = at_longest.pop("SemanticHasher")
    rival = max(at_longest.values(), key=lambda row: sum(row.scores))
    small, large = CUTOFFS
    per_class = len(data.y_train) // len(np.unique(data.y_train))

    def scores(row):
        return f"{row.scores[0]:.3f} and {row.scores[1]:.3f}"

    gain_small, gain_large = np.subtract(semantic.scores[:2], raw.scores[:2])
    text = (
        f"How to read it: AHP is 1 where nothing more similar could have been found. Against "
        f"the training items, at the cut-offs {small} and {large}, SemanticHasher reaches "
        f"{scores(semantic)} with {semantic.n_bytes} bytes an image; the raw features "
        f"{scores(raw)} with {raw.n_bytes:,} bytes; {rival.method}, the best of the codes without "
        f"labels at that length, {scores(rival)}. A class has {per_class} training items, so "
        f"AHP@{small} asks mostly for images of the same class, AHP@{large} for those of related "
        f"classes too: learned codes minus raw features make {gain_small:+.3f} on the first and "
        f"{gain_large:+.3f} on the second. The queries are new images of classes that were "
        f"trained on. Classes never trained on are a harder test, which this is not."
    )
    return textwrap.fill(text, width=81, break_on_hyphens=False)


# %%
# The picture
# -----------
# On the left, images and their nearest neighbours among the queries. The images to search for are
# drawn at random, not hand-picked. Neighbours at the same distance are in the order of the data
# set.

N_SHOWN, N_NEIGHBORS = 8, 8
GROUPS = ("food", "artifact", "vegetation", "animal", "people", "natural_scenes")
COLORS = {
    "random projection": "#56B4E9",
    "PCA": "#CC79A7",
    "ITQ": "#D55E00",
    "SemanticHasher": "#0072B2",
}


def nearest_rows(codes, rows, n_neighbors):
    """Rows of the codes nearest to those of the given rows, excluding themselves."""
    distances = (codes[rows, None] != codes).sum(axis=2)
    distances[np.arange(len(rows)), rows] = codes.shape[1] + 1
    return np.argsort(distances, axis=1, kind="stable")[:, :n_neighbors]


def draw_neighbors(figure, codes, data, seed):
    """Thumbnails of random queries and their neighbours, framed by similarity."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.patches import Rectangle

    queries = np.sort(np.random.default_rng(seed).choice(len(codes), N_SHOWN, replace=False))
    neighbors = nearest_rows(codes, queries, N_NEIGHBORS)
    scale = ScalarMappable(plt.Normalize(0, 1), "RdYlBu")
    ax = figure.subplots()

    def draw_image(row, x, y, color):
        ax.imshow(data.thumbnails[row], extent=(x, x + 1, y + 1, y), interpolation="bicubic")
        for edge, width in (("#888888", 5), (color, 4)):
            ax.add_patch(Rectangle((x, y), 1, 1, fill=False, edgecolor=edge, linewidth=width))
        name = data.y_query[row].replace("_", " ")
        ax.text(x + 0.5, y + 1.07, name, ha="center", va="top", fontsize=8)

    for i, (query, found) in enumerate(zip(queries, neighbors, strict=True)):
        y = 1.36 * i
        similarity = data.similarity(data.y_query[[query]], data.y_query[found])[0]
        draw_image(query, 0, y, "#666666")
        for j, (row, value) in enumerate(zip(found, similarity, strict=True)):
            draw_image(row, 1.5 + 1.2 * j, y, scale.to_rgba(value))
    right, bottom = 1.5 + 1.2 * N_NEIGHBORS - 0.2, 1.36 * N_SHOWN
    ax.text(0.5, -0.15, "query", ha="center", fontsize=11, fontweight="bold")
    header = "nearest among the other queries (ties in the order of the data set)"
    ax.text(1.5, -0.15, header, fontsize=11, fontweight="bold")
    ax.set(xlim=(-0.1, right + 0.1), ylim=(bottom, -0.4), aspect="equal")
    ax.axis("off")
    bar = figure.colorbar(scale, ax=ax, location="bottom", shrink=0.6, aspect=40, pad=0.01)
    bar.set_label("frame: similarity of the classes in the taxonomy (1 = the same class)")
    figure.suptitle(
        f"{N_SHOWN} queries drawn at random and their neighbours at {codes.shape[1]} bits",
        fontsize=14,
        fontweight="bold",
    )


# %%
# On the right, the scores of the table against code length; below, the mean Hamming distance
# between the classes of the queries beside the distances in the taxonomy.


def draw_scores(figure, rows):
    """AHP against the training items over the number of bits."""
    raw, *others = rows
    axes = figure.subplots(1, len(CUTOFFS), sharey=True)
    for i, (ax, k) in enumerate(zip(axes, CUTOFFS, strict=True)):
        for method, color in COLORS.items():
            points = [(row.n_bits, row.scores[i]) for row in others if row.method == method]
            ax.plot(*zip(*points, strict=True), "o-", color=color, linewidth=2, label=method)
        ax.axhline(raw.scores[i], color="black", linestyle="--", label=raw.method)
        ax.set(title=f"AHP@{k}", xlabel="bits", xticks=sorted({row.n_bits for row in others}))
        ax.grid(color="#dddddd")
        ax.spines[["top", "right"]].set_visible(False)
    handles, labels = ax.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    figure.suptitle(
        "Average hierarchical precision, training items searched", fontsize=14, fontweight="bold"
    )


def draw_classes(figure, codes, data):
    """Distances between classes in the codes and in the taxonomy."""
    groups = {
        leaf: next(name for name in data.taxonomy.ancestors(leaf) if name in GROUPS)
        for leaf in data.taxonomy.leaves
    }
    ClassDistanceDisplay.from_predictions(
        codes,
        data.y_query,
        similarity=data.similarity,
        order=data.taxonomy.leaves,
        groups={leaf: name.removeprefix("natural_") for leaf, name in groups.items()},
        name=f"SemanticHasher, {codes.shape[1]} bits",
        ax=figure.subplots(1, 2),
    )
    figure.suptitle("Distances between the 100 classes", fontsize=14, fontweight="bold")


def draw(rows, codes, data, seed, output):
    """The whole picture, written to a file."""
    figure = plt.figure(figsize=(16, 9), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.08)
    left, right = figure.subfigures(1, 2, width_ratios=(1, 1))
    above, below = right.subfigures(2, 1, height_ratios=(0.95, 1))
    draw_neighbors(left, codes, data, seed)
    draw_scores(above, rows)
    draw_classes(below, codes, data)
    output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(output, dpi=150)


# %%
# The whole demo
# --------------


def main(seed=0, output=OUTPUT, n_bits=(16, 32, 64), max_iter=None):
    """Run the demo; return the rows of its table.

    ``max_iter`` is the number of epochs of SemanticHasher, None for its default.
    """
    started = time.perf_counter()
    output = Path(output)
    data = Data()
    print(
        f"CIFAR-100: {len(data.X_train):,} training items, {len(data.X_query):,} queries, "
        f"{data.X_train.shape[1]} features, {len(data.taxonomy.leaves)} classes"
    )
    rows, hasher = compare(data, n_bits, seed, max_iter)
    in_color = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    print(f"\n{format_table(rows, in_color)}\n* the best of its column\n\n{explain(rows, data)}\n")
    draw(rows, hasher.transform(data.X_query), data, seed, output)
    print(f"Picture: {output} ({time.perf_counter() - started:.0f} s in all)")
    return rows


def parse_arguments():
    """Options of the command line."""
    parser = argparse.ArgumentParser(description="Learn codes from CIFAR-100 and compare them.")
    parser.add_argument("--seed", type=int, default=0, help="of everything random (default 0)")
    parser.add_argument("--output", type=Path, default=OUTPUT, help=f"default {OUTPUT}")
    return parser.parse_args()


if __name__ == "__main__":
    main(**vars(parse_arguments()))
