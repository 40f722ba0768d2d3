"""All of CIFAR-100 as features: the rows to fit and to judge, and the columns of the study."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from skhash.metrics import mean_average_hierarchical_precision_score
from skhash.similarity import TaxonomySimilarity, load_taxonomy

FEATURES = "cifar100_features_efflite0_pca256.npz"
N_UNSEEN, N_QUERIES = 20, 2000


class Data(NamedTuple):
    """Rows to fit, and rows to judge, with the names of their classes."""

    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray


@cache
def tree(name="cifar100"):
    return TaxonomySimilarity(load_taxonomy(name))


@cache
def official_split(labels="fine"):
    """50,000 training rows and 10,000 test rows, with names of classes or of superclasses."""
    archive = np.load(Path(os.environ["SKHASH_DATA"]) / FEATURES)
    names = archive["fine_names"].astype(str)
    if labels == "coarse":
        names = archive["coarse_names"].astype(str)[archive["fine_to_coarse"]]
    return Data(
        archive["x_train"].astype(np.float32),
        names[archive["y_train"]],
        archive["x_test"].astype(np.float32),
        names[archive["y_test"]],
    )


@cache
def validation_split(n_fit=20_000, n_judge=5_000):
    """Rows to fit and rows to judge, both from the training rows."""
    X, y, _, _ = official_split()
    fit, judge = train_test_split(
        np.arange(len(X)), train_size=n_fit, test_size=n_judge, stratify=y, random_state=0
    )
    return Data(X[fit], y[fit], X[judge], y[judge])


def unseen_classes(y, seed):
    return np.random.default_rng(seed).choice(np.unique(y), N_UNSEEN, replace=False)


def sample_rows(y, per_class, seed):
    """Row numbers, so many of each class, drawn at random."""
    order = np.random.default_rng(seed).permutation(len(y))
    place = pd.Series(y[order]).groupby(y[order]).cumcount().to_numpy()
    return np.sort(order[place < per_class])


def judge_seen(encode, data, ks_train=(250, 2500), ks_among=(25, 500), **options):
    """Test rows query the rows that were fitted, and each other."""

    def mahp(*arrays, k, **rest):
        return mean_average_hierarchical_precision_score(*arrays, k=k, **rest, **options)

    codes, database = encode(data.X_test), encode(data.X)
    n_queries = min(N_QUERIES, len(codes))
    queries = np.random.default_rng(0).choice(len(codes), n_queries, replace=False)
    row = {
        f"train @{k}": mahp(codes[queries], data.y_test[queries], database, data.y, k=k)
        for k in ks_train
    }
    return row | {f"among @{k}": mahp(codes, data.y_test, k=k, exclude_self=True) for k in ks_among}


def judge_unseen(encode, data, unseen, ks=(25, 500), **options):
    """Test rows of unseen classes query all test rows and each other; those of seen ones, all."""

    def mahp(*arrays, k, **rest):
        return mean_average_hierarchical_precision_score(*arrays, k=k, **rest, **options)

    codes, y, row = encode(data.X_test), data.y_test, {}
    is_unseen = np.isin(y, unseen)
    for name, rows in (("unseen", is_unseen), ("seen", ~is_unseen)):
        queries = np.flatnonzero(rows)[:N_QUERIES]
        for k in ks:
            row[f"{name}@all @{k}"] = mahp(
                codes[queries], y[queries], codes, y, k=k, exclude_self=queries
            )
    for k in ks:
        row[f"unseen@unseen @{k}"] = mahp(codes[is_unseen], y[is_unseen], k=k, exclude_self=True)
    return row
