"""Where gradient descent on codes begins: ITQ on a sample of rows, sparse or dense."""

from __future__ import annotations

import numpy as np
from scipy.linalg import svd
from scipy.sparse import issparse

from skhash._closed_form import components
from skhash._closed_form.rotation import fit_rotation, random_orthogonal

# as many rows as principal components and a rotation need; more would only cost memory
_SAMPLE_ROWS = 2**14
# root mean square of the outputs: their sigmoids are nearly binary, and still have gradients
_SPREAD = 6.0


def linear_start(X, n_bits, random_state, *, axes=None, as_itq=False):
    """Find a mean and directions with the signs of ``(X - mean) @ directions`` those of ITQ.

    Parameters
    ----------
    X : ndarray, memmap or CSR matrix of shape (n_samples, n_features)
        At least two rows, of which a sample is read.
    n_bits : int
        Bits beyond the number of principal components get random directions.
    random_state : RandomState instance
    axes : ndarray of shape (n_features, n_bits) or None
        Directions near which the rotation starts; None draws it.
    as_itq : bool, default=False
        Whether the signs are those of `ITQHasher` with this `random_state`, where X is read whole;
        more of X is read then.

    Returns
    -------
    mean : ndarray of shape (n_features,), float32
    directions : ndarray of shape (n_features, n_bits), float32
        Scaled so that the root mean square of all values is 6.
    """
    most = max(_SAMPLE_ROWS, components.DENSE_ELEMENTS // X.shape[1]) if as_itq else _SAMPLE_ROWS
    X = _sample(X, random_state, most)
    if issparse(X) and X.shape[0] * X.shape[1] <= components.DENSE_ELEMENTS:
        X = X.toarray()  # to begin exactly as dense rows do
    draws = random_state
    if not as_itq:
        draws = np.random.RandomState(random_state.randint(np.iinfo(np.int32).max))
    mean, directions = _itq(X, n_bits, draws, axes)
    missing = n_bits - directions.shape[1]
    if missing:
        padding = random_orthogonal(missing, X.shape[1], random_state).T
        directions = np.hstack([directions, padding])
    if issparse(X):
        values = X @ directions - mean @ directions
    else:  # centred before: a large mean would leave nothing but rounding
        values = (X - mean.astype(X.dtype)) @ directions
    spread = np.sqrt(np.square(values, dtype=np.float64).mean())
    if spread > 0:
        directions = directions * (_SPREAD / spread)
    return mean.astype(np.float32), directions.astype(np.float32)


def pixel_mean(X, random_state):
    """Mean of images as rows of pixels, bytes as 255ths.

    Parameters
    ----------
    X : ndarray or memmap of shape (n_samples, height, width, n_channels)
        A sample of rows is read.
    random_state : RandomState instance

    Returns
    -------
    mean : ndarray of shape (height * width * n_channels,), float32
    """
    sample = _sample(X, random_state, _SAMPLE_ROWS)
    mean = sample.mean(axis=0, dtype=np.float64).ravel()
    return (mean / 255 if X.dtype == np.uint8 else mean).astype(np.float32)


def _sample(X, random_state, most):
    n_samples = X.shape[0]
    if n_samples <= most:
        return X
    # in order: a memory map is read from front to back
    return X[np.sort(random_state.choice(n_samples, most, replace=False))]


def _itq(X, n_bits, random_state, axes=None):
    n_components = min(n_bits, *X.shape)
    mean, principal, projections = components.principal_components(X, n_components, random_state)
    if axes is None or n_components < n_bits:
        start = random_orthogonal(n_components, n_components, random_state)
    else:
        # the rotation that brings the components nearest to the axes
        left, _, right = svd(principal @ axes)
        start = left @ right
    rotation, _ = fit_rotation(projections, start)
    return mean, principal.T @ rotation
