"""CIFAR-100 from its images: codes learned end to end, in the form of Barz & Denzler (2019).

    SKHASH_DATA=... python benchmarks/cifar100_images.py --minutes ten     # one GPU
    SKHASH_DATA=... python benchmarks/cifar100_images.py --minutes thirty  # one GPU
    SKHASH_DATA=... OMP_NUM_THREADS=1 python benchmarks/cifar100_images.py \
        --minutes evening --seen-only --checkpoints FOLDER                 # one core of a CPU
    SKHASH_DATA=... OMP_NUM_THREADS=1 python benchmarks/cifar100_images.py --reduced

Images (`cifar100_all_jpeg95.npz`, found through SKHASH_DATA), similarity by the heights of the
CIFAR-100 tree. The presets say how long a fit shall take on one data-centre GPU, or all of them on
one core; a whole run fits each row to all classes, and once more without 20 of them. `--depth`,
`--width` and others change a preset, `--rows`, `--bits` and `--seen-only` leave parts out.

Rows: the method of Arponen & Bishop (2020) as published, and without its KL term; its losses as the
library balances them; the library's default for classes; class codes at distances that follow the
tree; and plain cross-entropy to one code a class, drawn at random, which is told nothing of the
tree.

- @250: the test images among themselves, the query left out, area under the curve of hierarchical
  precision by the trapezoidal rule (mAHP@250 of Barz & Denzler);
- train @2500: 2,000 test images search the training images, mean over cut-offs;
- accuracy: the class whose code, the majority of its training codes bit by bit, is nearest;
- unseen: fitted without 20 classes, whose test images search all test images (unseen@all) and each
  other (unseen@unseen), @250 as above;
- fit, processor: minutes of the fit by the clock, and of the processor.

"continuous" ranks the real values before their thresholds by their cosine, all else codes by
Hamming distance with exact expectations over ties. The network of `PosteriorEncoder` does not
depend on the length of the codes: it is trained once, and the bits are read off for each length.
Published with continuous features: Plain-11 82.05, ResNet-110w 83.29, PyramidNet-272-200 86.38
(% mAHP@250).

Each fit of a preset is kept as a line of benchmarks/results/cifar100_images.jsonl and is not made
again; docs/benchmarks/cifar100_images.md is written from these lines. A fit that was interrupted
goes on from `--checkpoints`, without minutes to tell. What says nothing of quality is only printed:
`--reduced`, every part with a few classes and a tiny network, and `--dry-run`, the network and all
parts of a preset for an epoch of a handful of images.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from copy import copy
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from _cifar100 import tree, unseen_classes
from _cifar100_images import judge_seen, judge_unseen, load
from _tables import write_table

from skhash import OrthoHasher, SemanticHasher
from skhash._torch.posterior import classifier_state
from skhash.encoders import PosteriorEncoder, RelationalEncoder
from skhash.networks import Augmentation, Training, resnet

RESULTS = Path(__file__).parent / "results" / "cifar100_images.jsonl"


class Preset(NamedTuple):
    depth: int
    width: float
    epochs: int
    batch: int
    precision: str = "bfloat16"
    cutout: int = 8
    ema_decay: float = 0.999
    bits: tuple[int, ...] = (16, 32, 64, 128)


PRESETS = {
    "ten": Preset(20, 6.0, 80, 256),
    "thirty": Preset(26, 10.0, 120, 256),
    "evening": Preset(8, 1.0, 12, 128, cutout=0, bits=(64,)),
    "reduced": Preset(8, 0.5, 12, 64, "float32", ema_decay=0.9),
}
ROWS = {
    "as published": partial(SemanticHasher, encoder=RelationalEncoder.as_published()),
    "as published, without KL": partial(
        SemanticHasher, encoder=RelationalEncoder.as_published(kl_weight=0)
    ),
    "RelationalEncoder": partial(SemanticHasher, encoder=RelationalEncoder()),
    "PosteriorEncoder": partial(SemanticHasher, encoder=PosteriorEncoder()),
    "OrthoHasher, semantic": partial(OrthoHasher, codebook="semantic"),
    "cross-entropy, one code a class": partial(OrthoHasher, codebook="bernoulli", margin=0),
}
# what tells the runs of one table from others
KEY = ["preset", "depth", "width", "epochs", "batch", "cutout", "precision"]
KEY += ["learning_rate", "weight_decay"]
COLUMNS = ["row", "ranked by", "@250", "train @2500", "accuracy", "unseen@all", "unseen@unseen"]
MINUTES = ["fit, min", "processor, min"]


def fit(row, part, data, n_bits, options):
    """A fitted hasher, and how long it took; nothing where it went on from a checkpoint."""
    checkpoint = options.checkpoints and options.checkpoints / f"{row}-{part}.pt"
    goes_on = checkpoint is not None and checkpoint.exists()
    training = Training(
        augmentation=Augmentation(crop=4, cutout=options.cutout),
        ema_decay=options.ema_decay,
        mixed_precision=options.precision == "bfloat16",
        checkpoint=checkpoint,
    )
    clock, cpu = time.perf_counter(), time.process_time()
    hasher = ROWS[row](
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
    ).fit(data.X, data.y)
    if goes_on:
        return hasher, {}
    spent = time.perf_counter() - clock, time.process_time() - cpu
    return hasher, {name: round(seconds / 60, 1) for name, seconds in zip(MINUTES, spent)}


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

    def decision_function(self, X):
        return np.random.default_rng(len(X)).normal(size=(len(X), 64))


def judged(hasher, data, fitted_on, bits, judge):
    """Scores by version: real values, and codes of each length that costs no other fit."""
    versions = ["continuous", f"{hasher.n_bits_} bits"]
    scores = judge(hasher, data, versions)
    if isinstance(getattr(hasher, "encoder_", None), PosteriorEncoder):
        for n_bits in (n for n in bits if n != hasher.n_bits_):
            scores |= judge(with_bits(hasher, fitted_on, n_bits), data, [f"{n_bits} bits"])
    return scores


def run(options):
    data = load(*options.sizes)
    settings = {name: getattr(options, name) for name in KEY}
    records = kept() if options.keeps else []
    done = {(r["row"], r["part"]) for r in records if settings.items() <= r.items()}
    try:
        for record in runs(data, options, done):
            records.append({**settings, **record})
            print(record, flush=True)
            if options.keeps:
                keep(records[-1])
    finally:
        blocks = tables(records)
        for block in blocks:
            print(block if isinstance(block, str) else block.to_string(index=False))
        if options.keeps:
            write_table("cifar100_images", *blocks)


def runs(data, options, done):
    """Fit and judge the rows that were not done, one after the other."""
    unseen = unseen_classes(data.y, seed=0)[: len(np.unique(data.y)) // 5]
    parts = {"seen": (data, judge_seen)}
    if not options.seen_only:
        parts["unseen"] = data.without(unseen), partial(judge_unseen, unseen=unseen)
    n_bits = 64 if 64 in options.bits else options.bits[0]
    for part, (fitted_on, judge) in parts.items():
        for row in ["chance", *options.rows]:
            if (row, part) in done:
                continue
            if row == "chance":
                spent, scores = {}, judge(Chance(), data, ["64 bits"])
            else:
                hasher, spent = fit(row, part, fitted_on, n_bits, options)
                scores = judged(hasher, data, fitted_on, options.bits, judge)
                spent["processor"] = processor(hasher.device_)
                spent["threads"] = torch.get_num_threads()
            yield {"row": row, "part": part, **spent, "scores": scores}


def kept():
    lines = RESULTS.read_text().splitlines() if RESULTS.exists() else []
    return [json.loads(line) for line in lines]


def keep(record):
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("a") as file:
        file.write(json.dumps(record) + "\n")


def processor(device):
    """The name of what computed."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(": ")[1] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def tables(records):
    """A note and a table for each group of runs with the same settings."""
    groups = {}
    for record in records:
        groups.setdefault(tuple(record[name] for name in KEY), []).append(record)
    return [block for group in groups.values() for block in (note(group), table(group))]


def note(records):
    """What was run, where, and what is missing."""
    run, found = records[-1], {record["row"] for record in records}
    places = {(r["processor"], r["threads"]) for r in records if "processor" in r}
    places = [f"{name}, {n} thread{'s' if n > 1 else ''}" for name, n in sorted(places)]
    missing = ", ".join(row for row in ROWS if row not in found)
    return (
        f"**{run['preset']}**: resnet({run['depth']}, {run['width']:g}), {run['epochs']} epochs, "
        f"batches of {run['batch']}, {run['precision']}, {'; '.join(places)}. Scores in percent."
        + (f" Rows that were not run: {missing}." if missing else "")
    )


def table(records):
    order, rows = ["chance", *ROWS], {}
    for record in sorted(records, key=lambda record: order.index(record["row"])):
        for version, scores in record["scores"].items():
            row = rows.setdefault((record["row"], version), {})
            row |= {name: f"{100 * value:.2f}" for name, value in scores.items()}
            if record["part"] == "seen":
                row |= {name: f"{record[name]:.1f}" for name in MINUTES if name in record}
    made = pd.DataFrame([{"row": a, "ranked by": b, **row} for (a, b), row in rows.items()])
    return made[[name for name in COLUMNS + MINUTES if name in made]].fillna("")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", choices=["ten", "thirty", "evening"])
    parser.add_argument("--reduced", action="store_true")
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--depth", type=int)
    parser.add_argument("--width", type=float)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--precision", choices=["float32", "bfloat16"])
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--weight-decay", type=float, default=0.05)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--bits", type=int, nargs="+")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW")
    parser.add_argument("--seen-only", action="store_true")
    parser.add_argument("--checkpoints", type=Path)
    parser.add_argument("--verbose", type=int, default=0)
    options = parser.parse_args()
    if "SKHASH_DATA" not in os.environ:
        print("SKHASH_DATA is not set: nothing to do")
        return
    if not (options.minutes or options.reduced or torch.cuda.is_available()):
        print("no CUDA: the reduced run; --minutes evening makes a full one")
        options.reduced = True
    options.preset = "reduced" if options.reduced else options.minutes or "ten"
    for name, value in PRESETS[options.preset]._asdict().items():
        if getattr(options, name, None) is None:
            setattr(options, name, value)
    options.sizes = (25, 120, 40) if options.reduced else (100, 500, 100)
    if options.dry_run:
        options.sizes, options.epochs = (25, 1, 2), 1
    options.keeps = not (options.reduced or options.dry_run)
    if options.checkpoints is not None:
        options.checkpoints.mkdir(parents=True, exist_ok=True)
    run(options)


if __name__ == "__main__":
    main()
