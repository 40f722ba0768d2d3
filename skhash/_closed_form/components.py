"""The principal components of rows."""

from __future__ import annotations

import numpy as np
from sklearn.decomposition import PCA

from skhash.utils._ranges import power_of_two_unit


def principal_components(X, n_components, random_state):
    """Find the leading principal components of X.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), float32 or float64
        The samples; left as they are.
    n_components : int
        How many components, at most ``min(n_samples, n_features)``.
    random_state : int or RandomState instance
        Seeds the randomized solver, which scikit-learn takes for large X.

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
