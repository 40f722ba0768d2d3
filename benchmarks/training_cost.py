"""What a fit of SemanticHasher costs beside plain cross-entropy training of the same network.

    SKHASH_DATA=... python benchmarks/training_cost.py [--rows 50000] [--epochs 40]

Features of CIFAR-100 (`cifar100_features_efflite0_pca256.npz`, found through SKHASH_DATA), 64 bits.
The yardstick is written in torch alone: the layers, optimizer, batches and number of steps of
SemanticHasher, and nothing but the cross-entropy of the classes; the last two rows have no dropout,
which is a good part of the time on a CPU. All run in this process, one after the other. Prints
the table and writes it to docs/benchmarks/training_cost.md.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from _tables import write_table
from torch import nn

from skhash import OrthoHasher, SemanticHasher
from skhash.encoders import RelationalEncoder
from skhash.similarity import TaxonomySimilarity, load_taxonomy

BATCH, HIDDEN = 128, 1024


def cross_entropy(X, y, n_epochs):
    """Train a classifier, as anyone would write it."""
    X, y = torch.from_numpy((X - X.mean(axis=0)) / X.std()), torch.from_numpy(y)
    network = nn.Sequential(
        nn.Linear(X.shape[1], HIDDEN),
        nn.BatchNorm1d(HIDDEN),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(HIDDEN, int(y.max()) + 1),
    )
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=1e-4)
    n_steps = n_epochs * -(-len(X) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=n_steps)
    for _ in range(n_epochs):
        for batch in torch.randperm(len(X)).split(BATCH):
            loss = nn.functional.cross_entropy(network(X[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--epochs", type=int, default=40)
    options = parser.parse_args()
    if "SKHASH_DATA" not in os.environ:
        print("SKHASH_DATA is not set: nothing to do")
        return
    archive = np.load(Path(os.environ["SKHASH_DATA"]) / "cifar100_features_efflite0_pca256.npz")
    X = archive["x_train"][: options.rows].astype(np.float32)
    labels = archive["y_train"][: options.rows].astype(np.int64)
    names = archive["fine_names"].astype(str)[labels]
    tree = TaxonomySimilarity(load_taxonomy("cifar100"))
    shared = {"similarity": tree, "max_iter": options.epochs, "random_state": 0, "device": "cpu"}
    fits = {
        "cross-entropy, torch alone": lambda: cross_entropy(X, labels, options.epochs),
        "SemanticHasher": lambda: SemanticHasher(**shared).fit(X, names),
        "SemanticHasher, relational": lambda: SemanticHasher(
            encoder=RelationalEncoder(), **shared
        ).fit(X, names),
        "OrthoHasher, semantic": lambda: OrthoHasher(codebook="semantic", **shared).fit(X, names),
    }
    rows = []
    for name, fit in fits.items():
        started = time.perf_counter()
        fit()
        seconds = time.perf_counter() - started
        rows.append(
            {"fit": name, "s": seconds, "ratio": seconds / (rows or [{"s": seconds}])[0]["s"]}
        )
        print(f"{name}  {seconds:.1f} s", flush=True)
    table = pd.DataFrame(rows)
    table["s"], table["ratio"] = (
        table["s"].map("{:.0f}".format),
        table["ratio"].map("{:.2f}".format),
    )
    print(table.to_string(index=False))
    sizes = f"{options.rows:,} rows, {options.epochs} epochs, {torch.get_num_threads()} threads."
    write_table("training_cost", sizes, table)


if __name__ == "__main__":
    main()
