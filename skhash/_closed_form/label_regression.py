"""From the similarities of a label to the code that its samples are expected to have."""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh

# variances of what similarity does not tell, to choose from; that of a label is 1
_NOISES = np.logspace(-2, 2, 13)
# errors nearer to each other than this are alike, and their differences are rounding
_ALIKE = 1e-6
# eigenvalues that are 0 but for rounding
_NOTHING = 1e-9


def label_weights(similarity, codes) -> np.ndarray:
    r"""Weights by which similarities to known labels give the expected code of any label.

    The code of a label is taken for a Gaussian process whose covariance is the similarity
    :math:`s`, plus noise. With :math:`S` the similarities of the known labels, :math:`C` their
    codes and :math:`\bar c` the mean of these, the expected code of a label :math:`l` is

    .. math:: \bar c + s(l)\, W, \qquad W = (S + \lambda I)^{-1} (C - \bar c)

    where the variance :math:`\lambda` of the noise is the one under which each known label is
    predicted best from the others.

    Parameters
    ----------
    similarity : ndarray of shape (n_labels, n_labels)
        Similarities of the known labels.
    codes : ndarray of shape (n_labels, n_bits)
        Their codes, or means of codes.

    Returns
    -------
    weights : ndarray of shape (n_labels, n_bits), float64

    Notes
    -----
    A similarity that is no inner product has eigenvalues below 0; they are left out.

    References
    ----------
    Rasmussen & Williams (2006), "Gaussian processes for machine learning", MIT Press: the
    expectation is equation 2.25, the errors of leaving one out equation 5.12.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash._closed_form.label_regression import label_weights
    >>> similarity = np.array([[1, 0.9, 0, 0], [0.9, 1, 0, 0], [0, 0, 1, 0.9], [0, 0, 0.9, 1]])
    >>> codes = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 1]])
    >>> weights = label_weights(similarity, codes)
    >>> (codes.mean(axis=0) + [[0.9, 0.9, 0, 0]] @ weights).round(1)
    array([[0.7, 0.5, 0.3]])
    """
    residuals = codes - codes.mean(axis=0, dtype=np.float64)
    values, vectors = eigh((similarity + similarity.T) / 2)
    kept = values > _NOTHING * max(values[-1], 1)
    values, vectors = values[kept], vectors[:, kept]
    projected = vectors.T @ residuals
    errors = np.array([_left_out(values, vectors, projected, residuals, x) for x in _NOISES])
    # where similarity says nothing of other labels, all are alike: a label then keeps its code
    noise = _NOISES[np.argmax(errors <= errors.min() * (1 + _ALIKE))]
    return vectors @ (projected / (values + noise)[:, np.newaxis])


def _left_out(values, vectors, projected, residuals, noise):
    """Mean squared error of each label's code as predicted from the others."""
    shares = values / (values + noise)
    leverage = np.square(vectors) @ shares
    errors = residuals - (vectors * shares) @ projected
    return np.square(errors / (1 - leverage)[:, np.newaxis]).mean()
