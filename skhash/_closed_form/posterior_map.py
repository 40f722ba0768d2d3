"""From the posterior of a classifier, and the features themselves, to bits: in closed form."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import eigh
from scipy.sparse import issparse
from scipy.special import softmax

from skhash._closed_form.components import reduce_sparse
from skhash._closed_form.linear_start import linear_start
from skhash.utils._ranges import power_of_two_unit

# how much the class means that the posterior expects count beside the features themselves:
# they have no noise within classes, but say nothing of what is no class
_EXPECTED_SHARE = 0.5


# rows that the closed form looks at; more would change the codes little
_SAMPLE_ROWS = 2**16
# how fast a smoothed label falls off with dissimilarity
_SMOOTHING_SCALE = 0.15


class PosteriorMap(NamedTuple):
    """Bits as an affine function: ``posterior @ classes + (X - mean) @ features + offset``."""

    mean: np.ndarray
    classes: np.ndarray
    features: np.ndarray
    offset: np.ndarray


def posterior_map(
    X, labels, posterior, similarity, n_bits, *, feature_weight, random_state
) -> PosteriorMap:
    r"""Find the map to bits from samples, their classes and a classifier's posterior.

    Three representations of a sample are joined, reduced to `n_bits` principal components and
    rotated towards the corners of the cube (ITQ):

    - the expected embedding of its class, :math:`\sum_c p_c e_c` with
      :math:`e_c \cdot e_{c'} = s(c, c')`, which follows the similarity of the classes;
    - the features, where directions that vary within classes count less (their covariance is
      shrunk half way to a multiple of the identity), reduced to `n_bits` dimensions;
    - the expected class mean of these features, added to them at half weight.

    The first has unit mean square; the others together have that of ``feature_weight ** 2``.

    Parameters
    ----------
    X : ndarray or CSR array of shape (n_samples, n_features)
        A sample of the training rows. Large sparse ones count as far as their principal
        components go, see `reduce_sparse`.
    labels : ndarray of shape (n_samples,) of int
        Their classes.
    posterior : ndarray of shape (n_samples, n_classes)
        What the classifier says of them.
    similarity : ndarray of shape (n_classes, n_classes)
        The similarity of the classes.
    n_bits : int
    feature_weight : float
        0 leaves the features out.
    random_state : RandomState instance

    Returns
    -------
    map : PosteriorMap
    """
    reduction = reduce_sparse(X, n_bits)
    if reduction is not None:
        X = reduction.values
    elif issparse(X):
        X = X.toarray()
    mean = X.mean(axis=0, dtype=np.float64)
    centred = X - mean.astype(X.dtype)
    unit = power_of_two_unit(centred)
    centred /= X.dtype.type(unit)
    embedding = _unit_energy(_embed(similarity), posterior)
    directions, class_means = _discriminative(centred, labels, len(similarity), n_bits)
    values = centred @ directions + _EXPECTED_SHARE * posterior @ class_means
    scale = feature_weight / _root_mean_square(values)
    joined = np.hstack([posterior @ embedding, scale * values]).astype(X.dtype, copy=False)
    joined_mean, rotation = linear_start(joined, n_bits, random_state)
    n_embedding = embedding.shape[1]
    on_embedding, on_features = rotation[:n_embedding], scale * rotation[n_embedding:]
    features = directions @ on_features / unit
    if reduction is not None:
        mean, features = reduction.undone(mean, features)
    return PosteriorMap(
        mean=mean,
        classes=embedding @ on_embedding + _EXPECTED_SHARE * class_means @ on_features,
        features=features,
        offset=-joined_mean @ rotation,
    )


def sample_rows(n_samples, random_state):
    """Numbers of the rows to find the map from: all, or a random sample in order."""
    if n_samples <= _SAMPLE_ROWS:
        return slice(None)
    return np.sort(random_state.choice(n_samples, _SAMPLE_ROWS, replace=False))


def smoothed_labels(similarity, share):
    r"""Distributions that the posterior of each class should match.

    A share of the label goes to the other classes c', in proportion to
    :math:`\exp((s(c, c') - 1) / 0.15)`.

    Parameters
    ----------
    similarity : ndarray of shape (n_classes, n_classes)
    share : float in [0, 1)

    Returns
    -------
    targets : ndarray of shape (n_classes, n_classes), float32
        Rows sum to 1.
    """
    n_classes = len(similarity)
    if n_classes == 1:
        return np.ones((1, 1), dtype=np.float32)
    others = similarity / _SMOOTHING_SCALE
    np.fill_diagonal(others, -np.inf)
    targets = share * softmax(others, axis=1) + (1 - share) * np.eye(n_classes)
    return targets.astype(np.float32)


def _embed(similarity):
    """Vectors of the classes with the inner products of the similarity, as far as it has any.

    The symmetric root: classes in another order have the same vectors in that order.
    """
    values, vectors = eigh(similarity)
    return (vectors * np.sqrt(values.clip(min=0))) @ vectors.T


def _discriminative(centred, labels, n_classes, n_components):
    """Principal directions of features whitened half way within classes, and the class means."""
    count = np.bincount(labels, minlength=n_classes)
    # a matrix product with the indicators, class by class: no loop, no n x n_classes array
    order = np.argsort(labels, kind="stable")
    present = np.flatnonzero(count)
    starts = np.concatenate([[0], np.cumsum(count[present])[:-1]])
    means = np.zeros((n_classes, centred.shape[1]))
    means[present] = np.add.reduceat(centred[order], starts, axis=0, dtype=np.float64)
    means[present] /= count[present, np.newaxis]
    total = (centred.T @ centred).astype(np.float64) / len(centred)
    within = total - (means.T * count) @ means / len(centred)
    values, vectors = eigh(within)
    noise = max(values.mean(), np.finfo(centred.dtype).eps * np.trace(total))
    if noise > 0:
        shrunk = values.clip(min=0) + noise
        whiten = (vectors / np.sqrt(shrunk)) @ vectors.T
    else:
        whiten = np.eye(len(values))
    n_components = min(n_components, len(values))
    _, components = eigh(whiten @ total @ whiten)
    components = components[:, ::-1][:, :n_components]
    # an eigenvector has two signs, and rounding must not choose between them
    largest = np.abs(components).argmax(axis=0)
    components *= np.sign(components[largest, np.arange(n_components)])
    directions = (whiten @ components).astype(centred.dtype)
    return directions, means @ directions


def _unit_energy(embedding, posterior):
    """Scale the embedding of classes such that its expectations vary with unit mean square."""
    return embedding / _root_mean_square(posterior @ (embedding - embedding.mean(axis=0)))


def _root_mean_square(values):
    """Root of the mean squared length of rows about their mean; 1 where they do not vary."""
    energy = np.square(values - values.mean(axis=0), dtype=np.float64).sum(axis=1).mean()
    return np.sqrt(energy) if energy > 0 else 1.0
