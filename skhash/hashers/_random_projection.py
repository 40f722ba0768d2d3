"""Codes from the signs of random projections, which do not depend on the data."""

from __future__ import annotations

from numbers import Integral
from typing import ClassVar

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from skhash._closed_form.rotation import random_orthogonal
from skhash.base import BaseHasher
from skhash.hashers._pca import project
from skhash.utils._ranges import MAX_BITS


class RandomProjectionHasher(BaseHasher):
    """Signs of random projections: locality-sensitive hashing for cosine similarity.

    Two samples at an angle t, seen from the centre, differ in each bit with probability
    ``t / pi``, so the Hamming distance between codes estimates the angle; no other structure
    of the data is used. A code needs many bits to be precise.

    Parameters
    ----------
    n_bits : int, default=64
        Length of the codes; it may exceed the number of features.
    orthogonal : bool, default=False
        Make the directions orthogonal to each other, in blocks of ``n_features`` where there
        are more bits than features. The estimated angle stays unbiased and varies less.
    center : bool, default=True
        Measure angles from the mean of the training samples instead of the origin. Sparse X is
        centred without being made dense.
    random_state : int, RandomState instance or None, default=None
        Draws the directions. Give an int for the same codes in every call.
    store_codes : bool, default=False
        Whether to keep the codes of the training samples, packed, and the labels that ``fit``
        was given, for scorers that search them (``database="train"``).

    Attributes
    ----------
    components_ : ndarray of shape (n_bits, n_features)
        Random directions.
    mean_ : ndarray of shape (n_features,)
        The point from which angles are measured; zeros without centring.
    training_codes_ : ndarray of shape (n_samples, ceil(n_bits / 8)), dtype uint8
        Codes of the training samples as `~skhash.neighbors.pack_codes` packs them, where
        ``store_codes=True``.
    training_labels_ : ndarray of shape (n_samples,) or (n_samples, n_columns)
        Their labels, where ``store_codes=True`` and ``fit`` was given y.
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
    PCAHasher : Directions of greatest variance.

    References
    ----------
    M. S. Charikar, "Similarity estimation techniques from rounding algorithms", STOC 2002,
    section 3.

    J. Ji, J. Li, S. Yan, B. Zhang and Q. Tian, "Super-bit locality-sensitive hashing",
    NIPS 2012, for orthogonal directions.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skhash import RandomProjectionHasher
    >>> X, _ = load_digits(return_X_y=True)
    >>> RandomProjectionHasher(n_bits=100, random_state=0).fit_transform(X).shape
    (1797, 100)
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        "n_bits": [Interval(Integral, 1, MAX_BITS, closed="both")],
        "orthogonal": ["boolean"],
        "center": ["boolean"],
        "random_state": ["random_state"],
        "store_codes": ["boolean"],
    }

    def __init__(
        self, n_bits=64, *, orthogonal=False, center=True, random_state=None, store_codes=False
    ):
        self.n_bits = n_bits
        self.orthogonal = orthogonal
        self.center = center
        self.random_state = random_state
        self.store_codes = store_codes

    def fit(self, X, y=None):
        """Draw the directions and find the centre.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples.
        y : array-like or None
            Not used to learn; kept beside the codes where ``store_codes=True``.

        Returns
        -------
        self : RandomProjectionHasher
            The fitted hasher.
        """
        self._validate_params()
        n_bits = int(self.n_bits)
        random_state = check_random_state(self.random_state)
        X = self._validate(X, reset=True)
        n_features = X.shape[1]
        if self.orthogonal:
            directions = random_orthogonal(n_bits, n_features, random_state)
        else:
            directions = random_state.normal(size=(n_bits, n_features))
        self.components_ = directions.astype(X.dtype)
        mean = X.mean(axis=0, dtype=np.float64) if self.center else np.zeros(n_features)
        self.mean_ = mean.astype(X.dtype)
        self.n_bits_ = n_bits
        self._keep_training_codes(X, y)
        return self

    def _bit_values(self, X, dtype):
        return project(X, self.mean_, self.components_.T, dtype=dtype)
