"""Principal components, rotated so that thresholding loses least."""

from __future__ import annotations

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from skhash._closed_form.components import principal_components
from skhash._closed_form.rotation import fit_rotation, random_orthogonal
from skhash.base import BaseHasher
from skhash.hashers._pca import check_n_components, project
from skhash.utils._ranges import MAX_BITS


class ITQHasher(BaseHasher):
    """Iterative quantization (ITQ) of the principal components.

    The samples are projected on their ``n_bits`` leading principal components and rotated so
    that they lie near the corners of a cube, where taking signs changes them least. Two steps
    take turns: with the rotation held, the nearest corners are the signs; with the corners held,
    the best rotation is an orthogonal Procrustes problem.

    Labels are not used. It is the usual yardstick for learned codes.

    Parameters
    ----------
    n_bits : int, default=64
        Length of the codes, at most ``min(n_samples, n_features)``.
    max_iter : int, default=50
        Number of rounds at most; the paper takes 50.
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
        Principal components.
    rotation_ : ndarray of shape (n_bits, n_bits)
        Orthogonal; the values of the bits are ``(X - mean_) @ components_.T @ rotation_``.
    mean_ : ndarray of shape (n_features,)
        Mean of the training samples.
    quantization_error_ : ndarray of shape (n_iter_,)
        Squared Euclidean distance from a rotated sample to its nearest corner of
        ``{-1, 1}^n_bits``, mean over the training samples, after each round. Never increases.
    n_iter_ : int
        Number of rounds.
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
    PCAHasher : The same components without the rotation.

    References
    ----------
    Y. Gong and S. Lazebnik, "Iterative quantization: a Procrustean approach to learning binary
    codes", CVPR 2011, equation 2 and section 2.2.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skhash import ITQHasher
    >>> X, _ = load_digits(return_X_y=True)
    >>> hasher = ITQHasher(n_bits=16, random_state=0).fit(X)
    >>> hasher.transform(X).shape
    (1797, 16)
    >>> bool(hasher.quantization_error_[-1] < hasher.quantization_error_[0])
    True
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        "n_bits": [Interval(Integral, 1, MAX_BITS, closed="both")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
        "store_codes": ["boolean"],
    }

    def __init__(self, n_bits=64, *, max_iter=50, tol=1e-5, random_state=None, store_codes=False):
        self.n_bits = n_bits
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state
        self.store_codes = store_codes

    def fit(self, X, y=None):
        """Find the principal components and the rotation.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples.
        y : array-like or None
            Not used to learn; kept beside the codes where ``store_codes=True``.

        Returns
        -------
        self : ITQHasher
            The fitted hasher.

        Raises
        ------
        ValueError
            If ``n_bits`` is more than ``min(n_samples, n_features)``.
        """
        self._validate_params()
        n_bits = int(self.n_bits)
        random_state = check_random_state(self.random_state)
        X = self._validate(X, reset=True, ensure_min_samples=2)
        check_n_components(n_bits, X)
        self.mean_, self.components_, projections = principal_components(X, n_bits, random_state)
        start = random_orthogonal(n_bits, n_bits, random_state)
        self.rotation_, errors = fit_rotation(projections, start, self.max_iter, self.tol)
        self.quantization_error_ = np.array(errors)
        self.n_iter_ = len(errors)
        self.n_bits_ = n_bits
        self._keep_training_codes(X, y)
        return self

    def _bit_values(self, X, dtype):
        return project(X, self.mean_, self.components_.T, self.rotation_, dtype=dtype)
