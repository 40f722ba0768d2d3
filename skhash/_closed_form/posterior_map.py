"""From the posterior of a classifier, and the features themselves, to bits: in closed form."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import eigh
from scipy.sparse import issparse
from scipy.special import softmax

from skhash._closed_form.components import reduce_sparse
from skhash._closed_form.linear_start import linear_start
from skhash.codebooks import semantic_codebook
from skhash.utils._ranges import power_of_two_unit

# how much the class means that the posterior expects count beside the features themselves:
# they have no noise within classes, but say nothing of what is no class
_EXPECTED_SHARE = 0.5
# classes in class codes, the search for which takes a time quadratic in them, and its sweeps
_MOST_CODED = 1024
_CODEBOOK_SWEEPS = 100
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


class PosteriorMaps:
    r"""Maps to bits from samples, their classes and a classifier's posterior, by settings.

    Three representations of a sample are joined, reduced to `n_bits` principal components and
    rotated towards the corners of the cube (ITQ):

    - the expected embedding of its class, :math:`\sum_c p_c e_c`. Where there are no more classes
      than bits, :math:`e_c \cdot e_{c'} = s(c, c')`, which follows the similarity of the classes.
      Of more classes the principal components would merge some: the embedding is then the
      `semantic_codebook` of the classes, and the rotation starts at its columns;
    - the features, where directions that vary within classes count less: they are whitened by
      their covariance within classes, shrunk towards a multiple of the identity, and reduced to
      `n_bits` dimensions;
    - the expected class mean of these features, added to them at half weight.

    The first has unit mean square; the others together have that of ``feature_weight ** 2``.

    Parameters
    ----------
    X : ndarray or CSR array of shape (n_samples, n_features)
        A sample of the training rows. Large sparse ones count as far as their principal
        components go, see `reduce_sparse`.
    labels : ndarray of shape (n_samples,) of int
        Their classes.
    similarity : ndarray of shape (n_classes, n_classes)
        The similarity of the classes.
    n_bits : int
    seed : int
    """

    def __init__(self, X, labels, similarity, n_bits, seed):
        self._reduction = reduce_sparse(X, n_bits)
        X = dense_rows(X, n_bits, self._reduction)
        self._mean = X.mean(axis=0, dtype=np.float64)
        self._centred = X - self._mean.astype(X.dtype)
        self._unit = power_of_two_unit(self._centred)
        self._centred /= X.dtype.type(self._unit)
        self._n_bits, self._seed = n_bits, seed
        n_classes = len(similarity)
        self._coded = n_bits < n_classes <= min(2**n_bits, _MOST_CODED)
        if self._coded:
            codes = semantic_codebook(
                similarity, n_bits, random_state=seed, max_sweeps=_CODEBOOK_SWEEPS
            )
            self._embedding = 2.0 * codes - 1
        else:
            self._embedding = _embed(similarity)
        self._covariances = _Covariances.of(self._centred, labels, n_classes)
        self._features: dict[float, tuple] = {}

    def find(self, posterior, *, feature_weight, shrinkage) -> PosteriorMap:
        """The map of these settings.

        Parameters
        ----------
        posterior : ndarray of shape (n_samples, n_classes)
            What the classifier says of the samples.
        feature_weight : float
            0 leaves the features out.
        shrinkage : float in (0, 1]
            Of the covariance within classes; 1 leaves the features as they are.

        Returns
        -------
        map : PosteriorMap
        """
        if shrinkage not in self._features:
            found, means = self._covariances.discriminative(shrinkage, self._n_bits)
            directions = found.astype(self._centred.dtype)
            self._features[shrinkage] = directions, means, self._centred @ directions
        directions, class_means, projected = self._features[shrinkage]
        embedding = _unit_energy(self._embedding, posterior)
        values = projected + _EXPECTED_SHARE * posterior @ class_means
        scale = feature_weight / _root_mean_square(values)
        joined = np.hstack([posterior @ embedding, scale * values])
        joined = joined.astype(self._centred.dtype, copy=False)
        n_embedding = embedding.shape[1]
        axes = np.eye(joined.shape[1], n_embedding) if self._coded else None
        random_state = np.random.RandomState(self._seed)
        joined_mean, rotation = linear_start(joined, self._n_bits, random_state, axes=axes)
        on_embedding, on_features = rotation[:n_embedding], scale * rotation[n_embedding:]
        mean, features = self._mean, directions @ on_features / self._unit
        if self._reduction is not None:
            mean, features = self._reduction.undone(mean, features)
        return PosteriorMap(
            mean=mean,
            classes=embedding @ on_embedding + _EXPECTED_SHARE * class_means @ on_features,
            features=features,
            offset=-joined_mean @ rotation,
        )


def dense_rows(X, n_bits, reduction=None):
    """Rows as a dense array; large sparse ones as far as their principal components go."""
    reduction = reduce_sparse(X, n_bits) if reduction is None else reduction
    if reduction is not None:
        return reduction.values
    return X.toarray() if issparse(X) else np.asarray(X)


def sample_rows(n_samples, random_state):
    """Numbers of the rows to find the map from: all, or a random sample in order."""
    if n_samples <= _SAMPLE_ROWS:
        return slice(None)
    return np.sort(random_state.choice(n_samples, _SAMPLE_ROWS, replace=False))


def class_means(values, labels, n_classes):
    """Mean of the rows of each class, (n_classes, n_values) in float64; 0 where there are none."""
    count = np.bincount(labels, minlength=n_classes)
    # sums class by class: no loop, no n x n_classes array
    order = np.argsort(labels, kind="stable")
    present = np.flatnonzero(count)
    starts = np.concatenate([[0], np.cumsum(count[present])[:-1]])
    means = np.zeros((n_classes, values.shape[1]))
    means[present] = np.add.reduceat(values[order], starts, axis=0, dtype=np.float64)
    means[present] /= count[present, np.newaxis]
    return means


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


class _Covariances(NamedTuple):
    """Means and covariances of centred features, in all and within classes."""

    means: np.ndarray
    total: np.ndarray
    within: np.ndarray

    @classmethod
    def of(cls, centred, labels, n_classes):
        """Those of rows and their classes."""
        count = np.bincount(labels, minlength=n_classes)
        means = class_means(centred, labels, n_classes)
        total = (centred.T @ centred).astype(np.float64) / len(centred)
        within = total - (means.T * count) @ means / len(centred)
        return cls(means, total, within)

    def discriminative(self, shrinkage, n_components):
        """Principal directions of features whitened within classes, and the class means."""
        total, (values, vectors) = self.total, eigh(self.within)
        noise = max(values.mean(), np.finfo(np.float32).eps * np.trace(total))
        if noise > 0:
            shrunk = (1 - shrinkage) * values.clip(min=0) + shrinkage * noise
            whiten = (vectors / np.sqrt(shrunk)) @ vectors.T
        else:
            whiten = np.eye(len(values))
        n_components = min(n_components, len(values))
        _, components = eigh(whiten @ total @ whiten)
        components = components[:, ::-1][:, :n_components]
        # an eigenvector has two signs, and rounding must not choose between them
        largest = np.abs(components).argmax(axis=0)
        components *= np.sign(components[largest, np.arange(n_components)])
        directions = whiten @ components
        return directions, self.means @ directions


def _unit_energy(embedding, posterior):
    """Scale the embedding of classes such that its expectations vary with unit mean square."""
    return embedding / _root_mean_square(posterior @ (embedding - embedding.mean(axis=0)))


def _root_mean_square(values):
    """Root of the mean squared length of rows about their mean; 1 where they do not vary."""
    energy = np.square(values - values.mean(axis=0), dtype=np.float64).sum(axis=1).mean()
    return np.sqrt(energy) if energy > 0 else 1.0
