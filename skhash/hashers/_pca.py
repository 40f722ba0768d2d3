"""Codes from the signs of principal components."""

from __future__ import annotations

import warnings
from functools import reduce
from numbers import Integral
from typing import ClassVar

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import gen_batches
from sklearn.utils._param_validation import Interval

from skhash._closed_form.components import principal_components
from skhash.base import BaseHasher
from skhash.utils._ranges import MAX_BITS

# rows projected at once: their centred copy stays in a processor's cache
_BLOCK_ROWS = 2048


def project(X, mean, *matrices, dtype):
    """Centred rows times one matrix after the other, computed in one type, block by block.

    Parameters
    ----------
    X : array-like or CSR matrix of shape (n_samples, n_features)
    mean : ndarray of shape (n_features,)
    *matrices : ndarray
        The first has n_features rows, each other as many as the one before it has columns.
    dtype : dtype
        float32 or float64.

    Returns
    -------
    projections : ndarray of shape (n_samples, n_columns of the last matrix)
    """
    mean, matrices = mean.astype(dtype), [matrix.astype(dtype) for matrix in matrices]
    projections = np.empty((X.shape[0], matrices[-1].shape[1]), dtype)
    for rows in gen_batches(X.shape[0], _BLOCK_ROWS):
        block = X[rows].astype(dtype, copy=False)
        if issparse(block):
            block = block @ matrices[0] - mean @ matrices[0]
        else:
            block = (block - mean) @ matrices[0]
        projections[rows] = reduce(np.matmul, matrices[1:], block)
    return projections


def check_n_components(n_bits, X):
    """Raise if X has fewer principal components than there are bits."""
    n_samples, n_features = X.shape
    if n_bits > min(n_samples, n_features):
        raise ValueError(
            f"n_bits={n_bits} is more than the number of principal components, "
            f"min(n_samples, n_features), with n_samples={n_samples} and n_features={n_features}"
        )


class PCAHasher(BaseHasher):
    """Signs of the leading principal components.

    Bit k tells on which side of the mean a sample lies along the k-th direction of greatest
    variance. The bits are uncorrelated before they are thresholded, but the first ones carry
    far more of the variance than the last ones, which count as much in a Hamming distance;
    `ITQHasher` mends that with a rotation.

    Parameters
    ----------
    n_bits : int, default=64
        Length of the codes, at most ``min(n_samples, n_features)``.
    store_codes : bool, default=False
        Whether to keep the codes of the training samples, packed, and the labels that ``fit``
        was given, for scorers that search them (``database="train"``).

    Attributes
    ----------
    components_ : ndarray of shape (n_bits, n_features)
        Principal components. A row is all zeros, and its bit always 0, where X varies in fewer
        than ``n_bits`` directions.
    mean_ : ndarray of shape (n_features,)
        Mean of the training samples.
    training_codes_ : ndarray of shape (n_samples, ceil(n_bits / 8)), dtype uint8
        Codes of the training samples as `~skhash.neighbors.pack_codes` packs them, where
        ``store_codes=True``.
    training_labels_ : ndarray of shape (n_samples,) or (n_samples, n_columns)
        Their labels, where ``store_codes=True`` and ``fit`` was given y.
    training_keys_ : ndarray of shape (n_samples, 4)
        Numbers by which a scorer knows the training samples again, where ``store_codes=True``.
    n_bits_ : int
        Length of the codes.
    n_features_in_ : int
        Number of features seen during fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has them and all are strings.

    See Also
    --------
    ITQHasher : Rotates the components so that thresholding them loses less.
    RandomProjectionHasher : Directions that do not depend on the data.

    References
    ----------
    X.-J. Wang, L. Zhang, F. Jing and W.-Y. Ma, "AnnoSearch: image auto-annotation by search",
    CVPR 2006.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skhash import PCAHasher
    >>> X, _ = load_digits(return_X_y=True)
    >>> codes = PCAHasher(n_bits=12).fit_transform(X)
    >>> codes.shape, codes.dtype
    ((1797, 12), dtype('uint8'))
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        "n_bits": [Interval(Integral, 1, MAX_BITS, closed="both")],
        "store_codes": ["boolean"],
    }

    def __init__(self, n_bits=64, *, store_codes=False):
        self.n_bits = n_bits
        self.store_codes = store_codes

    def fit(self, X, y=None):
        """Find the principal components.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples.
        y : array-like or None
            Not used to learn; kept beside the codes where ``store_codes=True``.

        Returns
        -------
        self : PCAHasher
            The fitted hasher.

        Raises
        ------
        ValueError
            If ``n_bits`` is more than ``min(n_samples, n_features)``.
        """
        self._validate_params()
        n_bits = int(self.n_bits)
        X = self._validate(X, reset=True, ensure_min_samples=2)
        check_n_components(n_bits, X)
        # a fixed seed: the solver's randomness is below what a user would want to control
        self.mean_, self.components_, _ = principal_components(X, n_bits, random_state=0)
        self.n_bits_ = n_bits
        n_directions = np.count_nonzero(self.components_.any(axis=1))
        if 0 < n_directions < n_bits:
            warnings.warn(
                f"X varies in {n_directions} directions only, so that of n_bits={n_bits} the last "
                f"{n_bits - n_directions} are always 0",
                UserWarning,
                stacklevel=2,
            )
        self._keep_training_codes(X, y)
        return self

    def _bit_values(self, X, dtype):
        return project(X, self.mean_, self.components_.T, dtype=dtype)
