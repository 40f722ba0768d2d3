"""Labels of neighbours, and what they vote for."""

from __future__ import annotations

import numpy as np
from sklearn.utils import gen_batches

from skhash.utils._labels import encode_classes

#: Label of a row that has none.
UNKNOWN = -1

# shares of queries for classes that are held at a time: 32 MiB
_BLOCK_SHARES = 2**22


def append_labels(
    classes: np.ndarray, labels: np.ndarray, kind: str | None, y, n_new: int
) -> tuple[np.ndarray, np.ndarray]:
    """Classes and labels with those of new rows after them; y is None where these have none."""
    if y is None:
        return classes, np.concatenate(
            [labels, np.full((n_new, *labels.shape[1:]), UNKNOWN, dtype=labels.dtype)]
        )
    if kind != ("class" if labels.ndim == 1 else "multilabel"):
        raise ValueError(f"y must hold labels like those of fit, got labels of kind {kind!r}")
    new_classes, new = encode_classes(kind, y, dtype=np.int8)
    if kind == "multilabel":
        if new.shape[1] != labels.shape[1]:
            raise ValueError(f"y must have {labels.shape[1]} labels, got {new.shape[1]}")
        return classes, np.concatenate([labels, new])
    if (classes.dtype.kind in "OUT") != (new_classes.dtype.kind in "OUT"):
        raise TypeError(f"y must be of the type of classes_, {classes.dtype}, got {y.dtype}")
    together = np.union1d(classes, new_classes)
    # one place more, so that a label of -1 finds itself at the end
    places = np.append(np.searchsorted(together, classes), UNKNOWN)
    new = np.searchsorted(together, new_classes)[new]
    return together, np.concatenate([places[labels], new])


def neighbor_weights(distances: np.ndarray, weights: str) -> np.ndarray:
    """Weight of each neighbour; by distance, those at distance 0 count alone where there are."""
    if weights == "uniform":
        return np.ones(distances.shape)
    with np.errstate(divide="ignore"):
        inverse = 1 / distances.astype(np.float64)
    at_zero = np.isinf(inverse)
    return np.where(at_zero.any(axis=1, keepdims=True), at_zero, inverse)


def vote_shares(labels: np.ndarray, rows: np.ndarray, weights: np.ndarray, n_classes: int):
    """Blocks of queries, and the share of each label in the weights of their neighbours.

    Neighbours without a label have no vote. Where none has one, shares are those of all rows.

    Yields
    ------
    block : slice
    shares : ndarray of shape (n_block, n_classes)
    """
    is_known = labels.reshape(len(labels), -1)[:, 0] != UNKNOWN
    weights = weights * is_known[rows]
    prior = _prior(labels[is_known], n_classes)
    for block in gen_batches(len(rows), max(1, _BLOCK_SHARES // (n_classes * rows.shape[1]))):
        near, weight = labels[rows[block]], weights[block]
        if labels.ndim == 1:
            shares = _sums(near, weight, n_classes)
        else:
            shares = np.einsum("qk,qkl->ql", weight, near)
        total = weight.sum(axis=1, keepdims=True)
        yield block, np.where(total > 0, shares / np.where(total > 0, total, 1), prior)


def _sums(near, weight, n_classes):
    # labels of -1 have weight 0, so that it does not matter where they count
    bins = np.arange(len(near))[:, np.newaxis] * n_classes + np.maximum(near, 0)
    sums = np.bincount(bins.ravel(), weight.ravel(), minlength=len(near) * n_classes)
    return sums.reshape(len(near), n_classes)


def _prior(labels, n_classes):
    if len(labels) == 0:
        return np.full(n_classes, 1 / n_classes)
    if labels.ndim == 1:
        return np.bincount(labels, minlength=n_classes) / len(labels)
    return labels.mean(axis=0)
