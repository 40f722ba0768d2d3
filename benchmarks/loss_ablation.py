"""What each term of the losses does: alone, left out, and at other weights.

    SKHASH_DATA=... python benchmarks/loss_ablation.py [--seeds 3] [--only SETTING ...]

64 bits, on training rows of CIFAR-100 alone (see `_cifar100.validation_split`): 20,000 to fit,
5,000 to judge. The columns are those of benchmarks/cifar100_full.py, with k in proportion, and

- gap: the score of the real bit values, ranked by cosine, less that of the codes, for "among" and
  for "unseen@unseen";
- error: mean distance of the outputs (after the sigmoid; at the scale of their own mean size for
  `PosteriorEncoder`, which has none) from the bit that they are rounded to, of at most 1.

All settings of `RelationalEncoder` train for 20 epochs in batches of 256. A second table leaves out
the parts of the posterior encoder one by one. Every run is kept in
benchmarks/results/loss_ablation.jsonl; prints and writes docs/benchmarks/loss_ablation_*.md.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
from _cifar100 import judge_seen, judge_unseen, tree, unseen_classes, validation_split
from _prototypes import FIXED
from _tables import mean_and_spread, write_table

from skhash import SemanticHasher
from skhash.encoders import PosteriorEncoder, RelationalEncoder
from skhash.metrics import (
    mean_average_hierarchical_precision_score,
    quantization_error,
    quantization_gap,
)

RESULTS = Path(__file__).parent / "results" / "loss_ablation.jsonl"
N_BITS = 64
SHORT = {"max_iter": 20, "batch_size": 256}
WEIGHTS = {
    "defaults": (1.0, 0.003, 0.2),
    "relational alone": (1.0, 0.0, 0.0),
    "KL alone": (0.0, 1.0, 0.0),
    "classification alone": (0.0, 0.0, 1.0),
    "without relational": (0.0, 0.003, 0.2),
    "without KL": (1.0, 0.0, 0.2),
    "without classification": (1.0, 0.003, 0.0),
    "KL weight 0.01": (1.0, 0.01, 0.2),
    "KL weight 0.03": (1.0, 0.03, 0.2),
    "KL weight 0.1": (1.0, 0.1, 0.2),
    "KL weight 0.3": (1.0, 0.3, 0.2),
    "classification weight 0.05": (1.0, 0.003, 0.05),
    "classification weight 0.5": (1.0, 0.003, 0.5),
    "classification weight 1": (1.0, 0.003, 1.0),
    "relational weight 0.3": (0.3, 0.003, 0.2),
    "relational weight 3": (3.0, 0.003, 0.2),
}
SETTINGS = {
    name: {
        "encoder": RelationalEncoder(
            similarity_weight=similarity, kl_weight=kl, classification_weight=classification
        ),
        **SHORT,
    }
    for name, (similarity, kl, classification) in WEIGHTS.items()
}
POSTERIOR = {
    name: {"encoder": PosteriorEncoder(**FIXED | changes)}
    for name, changes in {
        "posterior encoder": {},
        "no label smoothing": {"label_smoothing": 0.0},
        "no mixup": {"mixup": 0.0},
        "temperature 1.25": {"temperature": 1.25},
        "no features": {"feature_weight": 0.0},
        "half features": {"feature_weight": 0.5},
        "half more features": {"feature_weight": 1.5},
    }.items()
}
POSTERIOR["no dropout"] = POSTERIOR["posterior encoder"] | {"dropout": 0.0}
SETTINGS |= {name: {**SHORT, **parameters} for name, parameters in POSTERIOR.items()}


def gap_among(hasher, X, y, k):
    values = hasher.decision_function(X)
    return quantization_gap(
        values,
        y,
        score=mean_average_hierarchical_precision_score,
        similarity=tree(),
        k=k,
        exclude_self=True,
    ).gap


def outputs(hasher, X):
    """Between -1 and 1: what the threshold at 0 rounds."""
    values = hasher.decision_function(X)
    if isinstance(hasher.encoder_, RelationalEncoder):
        return np.tanh(values / 2)
    return values / np.abs(values).mean()


def judge(setting, seed):
    data = validation_split()
    unseen = unseen_classes(data.y, seed)
    hasher = SemanticHasher(N_BITS, similarity=tree(), random_state=seed, **SETTINGS[setting])
    hasher.fit(data.X, data.y)
    row = judge_seen(hasher.transform, data, (100, 1000), (25, 250), similarity=tree())
    gap = {"gap among @25": gap_among(hasher, data.X_test, data.y_test, 25)}
    gap["error"] = quantization_error(outputs(hasher, data.X_test))
    known, is_unseen = ~np.isin(data.y, unseen), np.isin(data.y_test, unseen)
    hasher.fit(data.X[known], data.y[known])
    row |= judge_unseen(hasher.transform, data, unseen, (25, 250), similarity=tree())
    row = {name: value for name, value in row.items() if not name.startswith("seen@all")}
    row["mean"] = np.mean(list(row.values()))
    gap["gap unseen@unseen @25"] = gap_among(
        hasher, data.X_test[is_unseen], data.y_test[is_unseen], 25
    )
    return row | gap


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    options = parser.parse_args()
    if "SKHASH_DATA" not in os.environ:
        print("SKHASH_DATA is not set: nothing to do")
        return
    RESULTS.parent.mkdir(exist_ok=True)
    lines = RESULTS.read_text().splitlines() if RESULTS.exists() else []
    done = {(r["setting"], r["seed"]) for r in map(json.loads, lines)}
    for seed in options.seeds:
        for setting in options.only:
            if (setting, seed) in done:
                continue
            scores = {k: round(float(v), 5) for k, v in judge(setting, seed).items()}
            with RESULTS.open("a") as file:
                file.write(json.dumps({"setting": setting, "seed": seed, **scores}) + "\n")
            print(f"seed {seed}  {setting}", *scores.values(), flush=True)
    runs = pd.DataFrame(map(json.loads, RESULTS.read_text().splitlines()))
    for name, settings in (("losses", WEIGHTS), ("posterior", POSTERIOR)):
        part = runs[runs["setting"].isin(settings)].sort_values(
            "setting", key=lambda c: c.map({s: i for i, s in enumerate(SETTINGS)})
        )
        if part.empty:
            continue
        table = mean_and_spread(part.drop(columns="seed"), "setting")
        print(table.to_string(index=False))
        write_table(f"loss_ablation_{name}", table)


if __name__ == "__main__":
    main()
