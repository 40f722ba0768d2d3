"""Directions that go with the labels, rotated so that thresholding loses least."""

from __future__ import annotations

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from scipy.linalg import LinAlgError, cholesky, solve_triangular, svd
from scipy.sparse import csr_array, issparse
from sklearn.utils import check_random_state, gen_batches
from sklearn.utils._param_validation import Interval

from skhash._closed_form.components import FEW_FEATURES, reduce_sparse
from skhash._closed_form.rotation import fit_rotation, random_orthogonal
from skhash.base import BaseHasher
from skhash.hashers._pca import project
from skhash.utils._labels import check_target, encode_classes

# rows a step, which are copied in double precision
_BATCH_ROWS = 4096
# a canonical correlation below is 0 but for rounding, such as the last one of classes, whose
# centred indicators sum to 0
_NO_CORRELATION = 1e-8


class CCAITQHasher(BaseHasher):
    """Iterative quantization of canonical correlations with the labels (CCA-ITQ).

    Canonical correlation analysis finds the directions of X that go with the labels most. Each
    projection is given its correlation as standard deviation, so that it counts by what it
    tells of the labels, and the projections are rotated to lie near the corners of a cube, as
    in `ITQHasher`.

    C classes have at most C - 1 such directions. Where ``n_bits`` is more, the rotation spreads
    the same directions over all bits: the codes resolve them more finely, but hold nothing
    else. For two classes there is one direction, and all bits are alike but for their sign.

    Parameters
    ----------
    n_bits : int, default=64
        Length of the codes; it may exceed the number of features and of classes.
    regularization : float, default=0.01
        Added to the diagonals of the covariances of X and of the labels, as a share of their
        means. The larger, the more a direction needs to vary to be taken.
    max_iter : int, default=50
        Number of rounds at most that the rotation takes.
    tol : float, default=1e-5
        Stop when a round raises the mean absolute value of the bits by less than this part of
        it; 0 goes on until the rotation no longer improves.
    random_state : int, RandomState instance or None, default=None
        Draws the rotation to start from. Give an int for the same codes in every call.
    store_codes : bool, default=False
        Whether to keep the codes of the training samples, packed, and the labels that ``fit``
        was given, for scorers that search them (``database="train"``).

    Attributes
    ----------
    components_ : ndarray of shape (n_bits, n_features)
        Canonical directions, scaled by their correlations. A row is all zeros where there is no
        further direction.
    correlations_ : ndarray of shape (n_directions,)
        Canonical correlations of the directions, falling; ``n_directions`` is at most
        ``n_bits``, ``n_features`` and the number of classes less one.
    rotation_ : ndarray of shape (n_bits, n_bits)
        Orthogonal; the values of the bits are ``(X - mean_) @ components_.T @ rotation_``.
    mean_ : ndarray of shape (n_features,)
        Mean of the training samples.
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted; only where y holds classes.
    quantization_error_ : ndarray of shape (n_iter_,)
        Squared Euclidean distance from a rotated sample to its nearest corner of
        ``{-1, 1}^n_bits``, mean over the training samples, after each round. Never increases.
    n_iter_ : int
        Number of rounds.
    training_codes_ : ndarray of shape (n_samples, ceil(n_bits / 8)), dtype uint8
        Codes of the training samples as `~skhash.neighbors.pack_codes` packs them, where
        ``store_codes=True``.
    training_labels_ : ndarray or sparse matrix, as y is
        Their labels, where ``store_codes=True``.
    training_keys_ : ndarray of shape (n_samples, 4)
        Numbers by which a scorer recognises the training samples, where ``store_codes=True``.
    n_bits_ : int
        Length of the codes.
    n_features_in_ : int
        Number of features seen during fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has them and all are strings.

    See Also
    --------
    ITQHasher : The same with principal components, without labels.

    References
    ----------
    Y. Gong, S. Lazebnik, A. Gordo and F. Perronnin, "Iterative quantization: a Procrustean
    approach to learning binary codes for large-scale image retrieval", IEEE Trans. Pattern
    Anal. Mach. Intell. 35(12), 2013. The authors' code adds 1e-4 to both diagonals, in the units
    of the data.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skhash import CCAITQHasher
    >>> X, y = load_digits(return_X_y=True)
    >>> hasher = CCAITQHasher(n_bits=16, random_state=0).fit(X, y)
    >>> hasher.transform(X).shape
    (1797, 16)
    >>> len(hasher.correlations_)  # ten digits have nine directions
    9
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        # the rotation has n_bits ** 2 numbers
        "n_bits": [Interval(Integral, 1, 2**13, closed="both")],
        "regularization": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
        "store_codes": ["boolean"],
    }

    def __init__(
        self,
        n_bits=64,
        *,
        regularization=0.01,
        max_iter=50,
        tol=1e-5,
        random_state=None,
        store_codes=False,
    ):
        self.n_bits = n_bits
        self.regularization = regularization
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state
        self.store_codes = store_codes

    def fit(self, X, y):
        """Find the canonical directions and the rotation.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples. Where sparse ones have more than 2,048 features, canonical directions
            are sought among their 256 leading principal components, or `n_bits` of them if that
            is more.
        y : {array-like, sparse matrix} of shape (n_samples,) or (n_samples, n_labels)
            The class of each sample, a multilabel indicator, or rows of real numbers such as
            embeddings of the labels.

        Returns
        -------
        self : CCAITQHasher
            The fitted hasher.

        Raises
        ------
        ValueError
            If X or y is the same for all samples, or the two are uncorrelated.
        """
        self._validate_params()
        n_bits = int(self.n_bits)
        random_state = check_random_state(self.random_state)
        X, y = self._validate(X, y, reset=True, ensure_min_samples=2, multi_output=True)
        classes, labels = _as_table(y)
        _check_varies(X, "X")
        _check_varies(labels, "y")
        reduction = None
        if X.shape[1] > FEW_FEATURES:
            reduction = reduce_sparse(X, n_bits)
        rows = X if reduction is None else reduction.values
        mean = rows.mean(axis=0, dtype=np.float64)
        directions, correlations = _canonical_directions(
            rows, labels, mean, float(self.regularization), n_bits
        )
        if reduction is not None:
            mean, directions = reduction.undone(mean, directions.T)
            directions = directions.T
        # a direction has two signs, and rounding shall not choose between them
        largest = np.abs(directions).argmax(axis=1)
        directions *= np.sign(directions[np.arange(len(directions)), largest])[:, np.newaxis]
        components = np.zeros((n_bits, X.shape[1]), dtype=X.dtype)
        components[: len(directions)] = directions * correlations[:, np.newaxis]
        self.mean_, self.components_ = mean.astype(X.dtype), components
        self.correlations_ = correlations
        start = random_orthogonal(n_bits, n_bits, random_state)
        projections = project(X, self.mean_, components.T, dtype=X.dtype)
        self.rotation_, errors = fit_rotation(projections, start, self.max_iter, self.tol)
        self.quantization_error_ = np.array(errors)
        self.n_iter_ = len(errors)
        self.__dict__.pop("classes_", None)
        if classes is not None:
            self.classes_ = classes
        self.n_bits_ = n_bits
        self._keep_training_codes(X, y)
        return self

    def _bit_values(self, X, dtype):
        return project(X, self.mean_, self.components_.T, self.rotation_, dtype=dtype)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags


def _as_table(y):
    """Return the classes, if y holds classes, and the labels as a matrix with a row a sample."""
    kind, y = check_target(y)
    if kind != "class":
        return None, csr_array(y, dtype=np.float64) if kind == "multilabel" else y
    classes, positions = encode_classes(kind, y, at_least=2)
    indicator = csr_array(
        (np.ones(len(y)), positions, np.arange(len(y) + 1)), shape=(len(y), len(classes))
    )
    return classes, indicator


def _check_varies(table, name):
    if isinstance(table, csr_array):
        varies = np.any(table.min(axis=0).toarray() != table.max(axis=0).toarray())
    else:
        varies = np.any(table != table[0])
    if not varies:
        raise ValueError(f"{name} must vary, but it is the same for all samples")


def _canonical_directions(X, labels, mean, regularization, n_directions):
    """Directions of X of unit variance and their correlations with the labels, best first.

    With the covariances factored as ``A @ A.T`` and ``B @ B.T``, the correlations are the
    singular values of ``inv(A) @ covariance(X, labels) @ inv(B).T``.
    """
    covariance_X, covariance_labels, cross = _covariances(X, labels, mean)
    factor_X = _factor(covariance_X, regularization, "X")
    factor_labels = _factor(covariance_labels, regularization, "y")
    whitened = solve_triangular(factor_X, cross, lower=True)
    whitened = solve_triangular(factor_labels, whitened.T, lower=True).T
    left, correlations, _ = svd(whitened, full_matrices=False)
    n_directions = min(n_directions, np.count_nonzero(correlations > _NO_CORRELATION))
    if n_directions == 0:
        raise ValueError("X and y are uncorrelated: no direction of X tells of the labels")
    directions = solve_triangular(factor_X, left[:, :n_directions], lower=True, trans="T")
    return directions.T, correlations[:n_directions]


def _covariances(X, labels, mean):
    """Covariances of X, of the labels and between them, without a centred copy of X."""
    n_samples, n_features = X.shape
    label_mean = labels.mean(axis=0, dtype=np.float64)
    covariance_X = np.zeros((n_features, n_features))
    covariance_labels = np.zeros((len(label_mean), len(label_mean)))
    cross = np.zeros((n_features, len(label_mean)))
    for rows in gen_batches(n_samples, _BATCH_ROWS):
        centred, batch = (X[rows].toarray() if issparse(X) else X[rows]) - mean, labels[rows]
        covariance_X += centred.T @ centred
        if isinstance(batch, csr_array):
            # sparse labels are centred by their sums
            covariance_labels += (batch.T @ batch).toarray()
            cross += (batch.T @ centred).T
        else:
            batch = batch - label_mean
            covariance_labels += batch.T @ batch
            cross += centred.T @ batch
    if isinstance(labels, csr_array):
        covariance_labels -= n_samples * np.outer(label_mean, label_mean)
    return covariance_X / n_samples, covariance_labels / n_samples, cross / n_samples


def _factor(covariance, regularization, name):
    """Cholesky factor of a covariance whose diagonal has been raised."""
    variance = np.trace(covariance) / len(covariance)
    covariance.flat[:: len(covariance) + 1] += regularization * variance
    try:
        return cholesky(covariance, lower=True)
    except LinAlgError as error:
        raise ValueError(
            f"regularization={regularization} is too small: {name} does not vary in all of "
            f"its {len(covariance)} directions"
        ) from error
