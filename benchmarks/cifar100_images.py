"""CIFAR-100 from its images: codes learned end to end, in the form of Barz & Denzler (2019).

    SKHASH_DATA=... python benchmarks/cifar100_images.py --minutes ten       # one GPU
    SKHASH_DATA=... python benchmarks/cifar100_images.py --minutes thirty    # one GPU
    SKHASH_DATA=... OMP_NUM_THREADS=1 python benchmarks/cifar100_images.py --reduced

Images (`cifar100_all_jpeg95.npz`, found through SKHASH_DATA), similarity by the heights of the
CIFAR-100 tree. The presets say how long one fit shall take on one data-centre GPU; a whole run has
one fit of each hasher for all classes, and one more without 20 of them. `--depth`, `--width`,
`--epochs` change a preset, `--hashers`, `--bits` and `--seen-only` leave parts out.
`--checkpoints` names a folder from which an interrupted run goes on.

- @250: the test images among themselves, the query left out, area under the curve of hierarchical
  precision by the trapezoidal rule (mAHP@250 of Barz & Denzler);
- train @2500: 2,000 test images search the training images, mean over cut-offs;
- accuracy: the class whose code, the majority of its training codes bit by bit, is nearest;
- unseen: fitted without 20 classes, whose test images search all test images (unseen@all) and each
  other (unseen@unseen), @250 as above.

"continuous" ranks the real values before their thresholds by their cosine, all else codes by
Hamming distance with exact expectations over ties. The network of `SemanticHasher` does not depend
on the length of the codes: it is trained once, and the bits are read off for each length.
`--reduced` is a run on a few classes with a tiny network that goes through every part on a CPU; its
numbers say nothing else. Published with continuous features: Plain-11 82.05, ResNet-110w 83.29,
PyramidNet-272-200 86.38 (% mAHP@250). Prints the table and writes it to
docs/benchmarks/cifar100_images.md, after each fit.
"""

from __future__ import annotations

import argparse
import os
import time
from copy import copy
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from _cifar100 import N_QUERIES, tree, unseen_classes
from _tables import write_table

from skhash import OrthoHasher, SemanticHasher
from skhash._torch.posterior import classifier_state
from skhash.datasets._mosaic import read_packed_images
from skhash.metrics import mean_average_hierarchical_precision_score
from skhash.networks import Augmentation, Training, resnet

IMAGES = "cifar100_all_jpeg95.npz"
BITS = (16, 32, 64, 128)
COLUMNS = ["hasher", "ranked by", "@250", "train @2500", "accuracy", "unseen@all", "unseen@unseen"]
COLUMNS += ["fit, s"]


class Preset(NamedTuple):
    depth: int
    width: float
    epochs: int
    batch: int


PRESETS = {
    "ten": Preset(20, 6.0, 80, 256),
    "thirty": Preset(26, 10.0, 120, 256),
    "reduced": Preset(8, 0.5, 12, 64),
}


class Images(NamedTuple):
    """Images to fit and to judge, with the names of their classes."""

    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray

    def without(self, classes):
        keep = ~np.isin(self.y, classes)
        return self._replace(X=self.X[keep], y=self.y[keep])


def load(*, reduced):
    """All images; or, reduced, 25 classes with 120 images to fit and 40 to judge of each."""
    arrays = read_packed_images(Path(os.environ["SKHASH_DATA"]) / IMAGES)
    X, y = arrays["images"], arrays["fine_names"].astype(str)[arrays["fine"]]
    data = Images(X[:50_000], y[:50_000], X[50_000:], y[50_000:])
    if not reduced:
        return data
    classes = np.unique(y)[::4]
    fit, judge = (_first(labels, classes, n) for labels, n in ((data.y, 120), (data.y_test, 40)))
    return Images(data.X[fit], data.y[fit], data.X_test[judge], data.y_test[judge])


def _first(labels, classes, n):
    return np.concatenate([np.flatnonzero(labels == name)[:n] for name in classes])


def fit(make, data, n_bits, options, checkpoint):
    """A fitted hasher, and the seconds that it took."""
    training = Training(
        augmentation=Augmentation(crop=4, cutout=8),
        ema_decay=0.9 if options.reduced else 0.999,
        checkpoint=None if options.checkpoints is None else options.checkpoints / checkpoint,
    )
    semantic = {"codebook": "semantic"} if make is OrthoHasher else {}
    started = time.perf_counter()
    hasher = make(
        n_bits,
        similarity=tree(),
        network=resnet(options.depth, options.width),
        training=training,
        batch_size=options.batch,
        max_iter=options.epochs,
        learning_rate=options.learning_rate,
        weight_decay=options.weight_decay,
        device=options.device,
        random_state=0,
        verbose=options.verbose,
        **semantic,
    ).fit(data.X, data.y)
    return hasher, time.perf_counter() - started


def with_bits(hasher, data, n_bits):
    """The hasher with codes of another length, read off the same network."""
    other = copy(hasher).set_params(n_bits=n_bits)
    labels = np.searchsorted(other.classes_, data.y)
    task = other.encoder_._task(other._problem(data.X, data.y, "class", labels))
    other.architecture_, other.network_state_ = task.complete(
        data.X, task.architecture(hasher._architecture()), classifier_state(hasher.network_state_)
    )
    other.n_bits_ = n_bits
    return other


class Chance:
    """Codes without any meaning."""

    def transform(self, X):
        return np.random.default_rng(len(X)).integers(2, size=(len(X), 64), dtype=np.uint8)


def class_accuracy(codes, y, database, y_database):
    """How often the nearest class code, by majority of the database, is that of the class."""
    classes, labels = np.unique(y_database, return_inverse=True)
    sums = np.stack(
        [database[labels == k].mean(axis=0, dtype=np.float32) for k in range(len(classes))]
    )
    signs = np.where(sums > 0.5, 1, -1)
    return float((classes[((2.0 * codes - 1) @ signs.T).argmax(axis=1)] == y).mean())


def ahp(*arrays, k, continuous=False, average="trapezoid", **options):
    return mean_average_hierarchical_precision_score(
        *arrays,
        k=k,
        similarity=tree(),
        average=average,
        metric="cosine" if continuous else "hamming",
        **options,
    )


def encoder(hasher, continuous):
    return hasher.decision_function if continuous else hasher.transform


def judge(hasher, data, *, continuous):
    """What the columns for classes seen in training say."""
    encode = encoder(hasher, continuous)
    codes, database = encode(data.X_test), encode(data.X)
    n_queries = min(N_QUERIES, len(codes))
    queries = np.random.default_rng(0).choice(len(codes), n_queries, replace=False)
    row = {
        "@250": ahp(codes, data.y_test, k=250, exclude_self=True, continuous=continuous),
        "train @2500": ahp(
            codes[queries],
            data.y_test[queries],
            database,
            data.y,
            k=2500,
            continuous=continuous,
            average="mean",
        ),
    }
    if not continuous:
        row["accuracy"] = class_accuracy(codes, data.y_test, database, data.y)
    return row


def judge_unseen(hasher, data, *, unseen, continuous):
    """What they say for classes left out of training."""
    codes, y = encoder(hasher, continuous)(data.X_test), data.y_test
    rows = np.flatnonzero(np.isin(y, unseen))
    options = {"k": min(250, len(rows) - 1), "continuous": continuous}
    return {
        "unseen@all": ahp(codes[rows], y[rows], codes, y, exclude_self=rows, **options),
        "unseen@unseen": ahp(codes[rows], y[rows], exclude_self=True, **options),
    }


def versions(hasher, data, bits):
    """What one fit has rows for: real values, and codes of each length that costs no other fit."""
    yield "continuous", hasher, True
    for n_bits in bits if isinstance(hasher, SemanticHasher) else [hasher.n_bits_]:
        made = hasher if n_bits == hasher.n_bits_ else with_bits(hasher, data, n_bits)
        yield f"{n_bits} bits", made, False


def run(options):
    data = load(reduced=options.reduced)
    n_unseen = 5 if options.reduced else 20
    unseen = unseen_classes(data.y, seed=0)[:n_unseen]
    parts = [("seen", data, judge)]
    if not options.seen_only:
        parts.append(("unseen", data.without(unseen), partial(judge_unseen, unseen=unseen)))
    rows: dict[tuple[str, str], dict] = {}
    for _, _, score in parts:
        note_scores(rows, ("chance", "64 bits"), score(Chance(), data, continuous=False))
    n_bits = 64 if 64 in options.bits else options.bits[0]
    for part, fitted_on, score in parts:
        for make in options.hashers:
            name = make.__name__
            hasher, seconds = fit(make, fitted_on, n_bits, options, f"{name}-{part}.pt")
            print(f"{name} {part}: {seconds:.0f} s", flush=True)
            for version, made, continuous in versions(hasher, fitted_on, options.bits):
                key = (name, version)
                note_scores(rows, key, score(made, fitted_on, continuous=continuous))
                if part == "seen":
                    rows[key]["fit, s"] = f"{seconds:.0f}"
            table = as_table(rows)
            print(table.to_string(index=False), flush=True)
            write_table("cifar100_images", note(options, data), table)


def note_scores(rows, key, found):
    row = rows.setdefault(key, {})
    row.update({name: f"{100 * value:.2f}" for name, value in found.items()})


def as_table(rows):
    table = pd.DataFrame([{"hasher": a, "ranked by": b, **row} for (a, b), row in rows.items()])
    return table[[column for column in COLUMNS if column in table]].fillna("")


def note(options, data):
    import torch

    place = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    reduced = (
        "**The reduced run**: 25 classes, 5 of them unseen, a tiny network. It shows that every "
        "part works, and says nothing of quality. "
        if options.reduced
        else ""
    )
    return (
        f"{reduced}All in percent; resnet({options.depth}, {options.width:g}), "
        f"{options.epochs} epochs of {len(data.X):,} images, batches of {options.batch}, {place}."
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", choices=["ten", "thirty"], default="ten")
    parser.add_argument("--reduced", action="store_true")
    parser.add_argument("--depth", type=int)
    parser.add_argument("--width", type=float)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--weight-decay", type=float, default=0.05)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--bits", type=int, nargs="+", default=BITS)
    parser.add_argument("--hashers", nargs="+", default=["SemanticHasher", "OrthoHasher"])
    parser.add_argument("--seen-only", action="store_true")
    parser.add_argument("--checkpoints", type=Path)
    parser.add_argument("--verbose", type=int, default=0)
    options = parser.parse_args()
    if "SKHASH_DATA" not in os.environ:
        print("SKHASH_DATA is not set: nothing to do")
        return
    if options.device == "auto" and not torch.cuda.is_available():
        print("no CUDA: the reduced run; --device cpu makes the full one")
        options.reduced = True
    made = {make.__name__: make for make in (SemanticHasher, OrthoHasher)}
    options.hashers = [made[name] for name in options.hashers]
    preset = PRESETS["reduced" if options.reduced else options.minutes]
    for name, value in preset._asdict().items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    if options.checkpoints is not None:
        options.checkpoints.mkdir(parents=True, exist_ok=True)
    run(options)


if __name__ == "__main__":
    main()
