"""CIFAR-100 as images: what is fitted, what is judged, and how codes of images are judged."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from _cifar100 import N_QUERIES, tree

from skhash.datasets._mosaic import read_packed_images
from skhash.metrics import mean_average_hierarchical_precision_score

IMAGES = "cifar100_all_jpeg95.npz"


class Images(NamedTuple):
    """Images to fit and to judge, with the names of their classes."""

    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray

    def without(self, classes):
        keep = ~np.isin(self.y, classes)
        return self._replace(X=self.X[keep], y=self.y[keep])


def load(n_classes=100, n_fit=500, n_judge=100):
    """The official split, or a part: evenly spaced classes, so many images of each."""
    arrays = read_packed_images(Path(os.environ["SKHASH_DATA"]) / IMAGES)
    X, y = arrays["images"], arrays["fine_names"].astype(str)[arrays["fine"]]
    classes = np.unique(y)[:: 100 // n_classes]
    fit = _first(y[:50_000], classes, n_fit)
    test = 50_000 + _first(y[50_000:], classes, n_judge)
    return Images(X[fit], y[fit], X[test], y[test])


def _first(labels, classes, n):
    return np.concatenate([np.flatnonzero(labels == name)[:n] for name in classes])


def judge_seen(hasher, data, versions):
    """Scores for classes seen in training, of each version of the real values of the bits."""
    values, database = hasher.decision_function(data.X_test), hasher.decision_function(data.X)
    n_queries = min(N_QUERIES, len(values))
    queries = np.random.default_rng(0).choice(len(values), n_queries, replace=False)
    scores = {}
    for version in versions:
        codes, base = _version(values, version), _version(database, version)
        scores[version] = {
            "@250": _ahp(version, codes, data.y_test, k=250, exclude_self=True),
            "train @2500": _ahp(
                version, codes[queries], data.y_test[queries], base, data.y, k=2500, average="mean"
            ),
        }
        if version != "continuous":
            scores[version]["accuracy"] = _class_accuracy(codes, data.y_test, base, data.y)
    return scores


def judge_unseen(hasher, data, versions, *, unseen):
    """Scores for classes left out of training."""
    values, y = hasher.decision_function(data.X_test), data.y_test
    rows = np.flatnonzero(np.isin(y, unseen))
    scores = {}
    for version in versions:
        codes = _version(values, version)
        scores[version] = {
            "unseen@all": _ahp(version, codes[rows], y[rows], codes, y, exclude_self=rows, k=250),
            "unseen@unseen": _ahp(version, codes[rows], y[rows], exclude_self=True, k=250),
        }
    return scores


def _version(values, version):
    return values if version == "continuous" else (values > 0).astype(np.uint8)


def _ahp(version, *arrays, k, average="trapezoid", **options):
    most = len(arrays[2] if len(arrays) > 2 else arrays[0]) - ("exclude_self" in options)
    score = mean_average_hierarchical_precision_score(
        *arrays,
        k=min(k, most),
        similarity=tree(),
        average=average,
        metric="cosine" if version == "continuous" else "hamming",
        **options,
    )
    return round(float(score), 5)


def _class_accuracy(codes, y, database, y_database):
    """How often the nearest class code, by majority of the database, is that of the class."""
    classes, labels = np.unique(y_database, return_inverse=True)
    sums = np.stack(
        [database[labels == k].mean(axis=0, dtype=np.float32) for k in range(len(classes))]
    )
    signs = np.where(sums > 0.5, 1, -1)
    nearest = classes[((2.0 * codes - 1) @ signs.T).argmax(axis=1)]
    return round(float((nearest == y).mean()), 5)
