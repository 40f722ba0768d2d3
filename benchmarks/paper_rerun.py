"""The method of Arponen & Bishop (2020) as published, and what each of its parts does here.

    python benchmarks/paper_rerun.py [--seeds 3] [--only ROW ...]

64 bits, 20 epochs, on the shipped data: fits on the 8,000 training rows of
`load_cifar100_features` and judges the 2,000 query rows, by the tree of CIFAR-100. Columns:

- train @25, among @25, among @100: average hierarchical precision of the codes against the
  training rows, and leave-one-out among the queries;
- real values: among @25 of the real values of the bits, ranked by cosine; gap: what rounding
  loses of it;
- error: mean distance of the outputs (after the sigmoid; at the scale of their own mean size for
  the rows that have none) from the bit that they are rounded to, of at most 1;
- class mAP: mean average precision among the queries where only the own class counts.

Every run is kept in benchmarks/results/paper_rerun.jsonl, and is not run again; prints the table
and writes it to docs/benchmarks/paper_rerun.md.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
from _prototypes import FIXED
from _tables import mean_and_spread, write_table

from skhash import ClassCodeHasher, SemanticHasher
from skhash.datasets import load_cifar100_features
from skhash.encoders import PosteriorEncoder, RelationalEncoder
from skhash.metrics import (
    mean_average_hierarchical_precision_score,
    mean_average_precision_score,
    quantization_error,
    quantization_gap,
)
from skhash.similarity import TaxonomySimilarity

TREE = TaxonomySimilarity("cifar100")
published = RelationalEncoder.as_published
# the terms of the paper, balanced as the defaults of the library are
BALANCED = {"pair_normalizer": "weights", "classification_weight": 0.2}
ENCODERS = {
    "as published": published(),
    "k 1": published(kl_n_neighbors=1),
    "k 10": published(kl_n_neighbors=10),
    "without KL": published(kl_weight=0),
    "KL weight 0.003": published(kl_weight=0.003),
    "KL weight 1": published(kl_weight=1.0),
    "Bernoulli": published(kl_target="bernoulli"),
    "annealed from uniform": published(kl_alpha=(1.0, 0.1)),
    "without classification": published(classification_weight=0),
    "balanced, KL weight 0.1, k 1": published(**BALANCED, kl_n_neighbors=1),
    "balanced, KL weight 0.1, k 3": published(**BALANCED),
    "balanced, KL weight 0.003, k 1": published(**BALANCED, kl_n_neighbors=1, kl_weight=0.003),
    "balanced, without KL": published(**BALANCED, kl_weight=0),
    "RelationalEncoder": RelationalEncoder(),
    "PosteriorEncoder": PosteriorEncoder(**FIXED),
}
EQUALITY = {
    "equality in place of the tree": published(),
    "balanced, equality in place of the tree": published(**BALANCED),
}
ROWS = [*ENCODERS, *EQUALITY, "one code per class"]
RESULTS = Path(__file__).parent / "results" / "paper_rerun.jsonl"


def make(row, seed):
    """The hasher of a row."""
    if row == "one code per class":
        return ClassCodeHasher(64, random_state=seed)
    similarity = "auto" if row in EQUALITY else TREE
    encoder = (ENCODERS | EQUALITY)[row]
    return SemanticHasher(
        64, similarity=similarity, encoder=encoder, max_iter=20, random_state=seed
    )


def judge(hasher, X, y, X_query, y_query):
    """One row of the table."""
    score, among = mean_average_hierarchical_precision_score, {"exclude_self": True}
    codes, values = hasher.transform(X_query), hasher.decision_function(X_query)
    found = {
        "train @25": score(codes, y_query, hasher.transform(X), y, similarity=TREE, k=25),
        "among @25": score(codes, y_query, similarity=TREE, k=25, **among),
        "among @100": score(codes, y_query, similarity=TREE, k=100, **among),
    }
    gap = quantization_gap(values, y_query, score=score, similarity=TREE, k=25, **among).gap
    found |= {"real values @25": found["among @25"] + gap, "gap @25": gap}
    relational = isinstance(getattr(hasher, "encoder_", None), RelationalEncoder)
    outputs = np.tanh(values / 2) if relational else values / np.abs(values).mean()
    found["error"] = quantization_error(outputs)
    found["class mAP"] = mean_average_precision_score(codes, y_query, **among)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=ROWS, default=ROWS)
    options = parser.parse_args()
    cifar = load_cifar100_features()
    names, train, query = cifar.target_names[cifar.target], cifar.train_indices, cifar.query_indices
    data = cifar.data[train], names[train], cifar.data[query], names[query]
    lines = RESULTS.read_text().splitlines() if RESULTS.exists() else []
    done = {(run["row"], run["seed"]) for run in map(json.loads, lines)}
    for seed in range(options.seeds):
        for row in options.only:
            if (row, seed) in done:
                continue
            scores = judge(make(row, seed).fit(*data[:2]), *data)
            scores = {name: round(float(value), 3) for name, value in scores.items()}
            with RESULTS.open("a") as file:
                file.write(json.dumps({"row": row, "seed": seed, **scores}) + "\n")
            print(f"seed {seed}  {row}", *scores.values(), flush=True)
    runs = pd.DataFrame(map(json.loads, RESULTS.read_text().splitlines()))
    runs = runs.sort_values("row", key=lambda c: c.map({row: i for i, row in enumerate(ROWS)}))
    seeds = runs.groupby("row", sort=False).size().to_numpy()
    table = mean_and_spread(runs.drop(columns="seed"), "row").assign(seeds=seeds)
    print(table.to_string(index=False))
    write_table("paper_rerun", table)


if __name__ == "__main__":
    main()
