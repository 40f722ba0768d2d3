"""The principal components of rows, dense or sparse."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.decomposition import PCA

from skhash.utils._ranges import power_of_two_unit

#: Sparse rows of no more numbers than these are made dense, and have the codes of dense rows.
DENSE_ELEMENTS = 2**24
#: Sparse rows of no more features have a covariance matrix to work with.
FEW_FEATURES = 2**11
# how many dimensions of others are worked with: latent semantic analysis takes 100 to 300
_REDUCED_DIMENSIONS = 256


class Reduction(NamedTuple):
    """Rows as ``(X - mean) @ components.T``, with orthonormal components."""

    values: np.ndarray
    mean: np.ndarray
    components: np.ndarray

    def undone(self, mean, directions):
        """Mean and directions among the features, from those among the components."""
        return self.mean + mean @ self.components, self.components.T @ directions


def principal_components(X, n_components, random_state):
    """Find the leading principal components of X.

    Parameters
    ----------
    X : ndarray or CSR array of shape (n_samples, n_features), float32 or float64
        The samples; left as they are.
    n_components : int
        How many components, at most ``min(n_samples, n_features)``.
    random_state : int or RandomState instance
        Seeds the randomized solver, which scikit-learn takes for large dense X.

    Returns
    -------
    mean : ndarray of shape (n_features,)
        The mean of the samples.
    components : ndarray of shape (n_components, n_features)
        Orthonormal rows, those of most variance first. A row is all zeros where X does not
        vary in any further direction: what is left there is rounding noise, and codes made of
        it would not be reproducible.
    projections : ndarray of shape (n_samples, n_components)
        ``(X - mean) @ components.T``.
    """
    if issparse(X) and X.shape[0] * X.shape[1] > DENSE_ELEMENTS:
        return _sparse_components(X, n_components)
    X = X.toarray() if issparse(X) else X
    # PCA's own centring happens after X.T @ X, where float32 loses a variance beside a large mean
    mean = X.mean(axis=0, dtype=np.float64).astype(X.dtype)
    centred = X - mean
    # squares of X in any unit shall neither overflow nor vanish
    unit = power_of_two_unit(centred)
    centred /= X.dtype.type(unit)
    with np.errstate(invalid="ignore"):  # shares of variance, where there is none
        # copy=False would let the randomized solver leave other numbers in `centred`
        pca = PCA(n_components, random_state=random_state).fit(centred)
    components = pca.components_
    variance = pca.explained_variance_
    # an eigenvalue of the covariance is known to a few roundings of the largest one
    components[variance <= 10 * np.finfo(X.dtype).eps * variance[0]] = 0
    return mean, components, (centred @ components.T) * X.dtype.type(unit)


def reduce_sparse(X, n_components) -> Reduction | None:
    """Principal components of large sparse X, for what needs dense rows or covariances.

    Parameters
    ----------
    X : ndarray or CSR array of shape (n_samples, n_features)
    n_components : int
        How many there must be, where X has as many; mostly there are more.

    Returns
    -------
    reduction : Reduction or None
        None where X is dense, or has few enough features and numbers to be made dense.
    """
    n_elements = X.shape[0] * X.shape[1]
    if not issparse(X) or (n_elements <= DENSE_ELEMENTS and X.shape[1] <= FEW_FEATURES):
        return None
    n_components = min(max(n_components, _REDUCED_DIMENSIONS), *X.shape)
    mean, components, values = _sparse_components(X, n_components)
    return Reduction(values, mean, components)


def _sparse_components(X, n_components):
    """`principal_components` of sparse rows, which are centred without being made dense."""
    n_samples, n_features = X.shape
    unit = power_of_two_unit(X)
    scaled = X.astype(np.float64)
    scaled.data /= unit
    few = n_features <= FEW_FEATURES
    # arpack finds all but one at most; the last of all has no variance where rows are few
    n_found = n_components if few else min(n_components, n_samples - 1, n_features - 1)
    solver = "covariance_eigh" if few else "arpack"
    # where an exact solver begins does not matter
    pca = PCA(n_found, svd_solver=solver, random_state=0).fit(scaled)
    variance = pca.explained_variance_
    components = np.zeros((n_components, n_features), X.dtype)
    components[:n_found] = pca.components_
    components[:n_found][variance <= 10 * np.finfo(X.dtype).eps * variance[0]] = 0
    mean = X.mean(axis=0, dtype=np.float64)
    projections = X @ components.T - mean @ components.T
    return mean.astype(X.dtype), components, projections.astype(X.dtype)
