"""Codes from the eigenfunctions of a box: spectral hashing."""

from __future__ import annotations

from numbers import Integral
from typing import ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from skhash._closed_form.components import principal_components
from skhash.base import BaseHasher
from skhash.hashers._pca import project
from skhash.utils._ranges import MAX_BITS


class SpectralHasher(BaseHasher):
    r"""Spectral hashing: signs of the smoothest functions on a box around the samples.

    Bits that are balanced, uncorrelated and alike for near samples would be thresholded
    eigenvectors of a graph Laplacian, which says nothing of samples outside the graph. For
    samples spread evenly over a box these vectors become functions known in closed form: along
    a side from a to b,

    .. math:: \Phi_m(x) = \cos\left(\frac{m \pi (x - a)}{b - a}\right), \quad m = 1, 2, \dots

    with the eigenvalue :math:`(m \pi / (b - a))^2`. The box is that of the principal
    components of the training samples, and the bits are the ``n_bits`` functions of least
    eigenvalue among all sides: a long side gets several bits, a short one none. Functions of
    two sides and more are left out, since their bits follow from those of each side.

    Labels are not used. Real data are far from even over a box, and it shows: `ITQHasher` keeps
    neighbours much better. It serves comparisons.

    Parameters
    ----------
    n_bits : int, default=64
        Length of the codes; it may exceed the number of features.
    store_codes : bool, default=False
        Whether to keep the codes of the training samples, packed, and the labels that ``fit``
        was given, for scorers that search them (``database="train"``).

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        Principal components, ``min(n_bits, n_samples, n_features)`` of them at most.
    box_ : ndarray of shape (2, n_components)
        Least and greatest projection of the training samples on each component.
    directions_ : ndarray of shape (n_bits,)
        The component that each bit looks along.
    modes_ : ndarray of shape (n_bits,)
        How often the function of each bit changes its sign from one end of the box to the
        other, m in the formula.
    eigenvalues_ : ndarray of shape (n_bits,)
        Eigenvalue of each function, rising; in units of X to the power -2.
    mean_ : ndarray of shape (n_features,)
        Mean of the training samples.
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
    PCAHasher : One bit for each principal component.
    ITQHasher : Rotates the components, so that bits carry the same.

    References
    ----------
    Y. Weiss, A. Torralba and R. Fergus, "Spectral hashing", NIPS 2008, the eigenfunctions of
    the uniform distribution and the algorithm made of them. Its eigenvalues are
    ``1 - exp(-epsilon ** 2 / 2 * eigenvalue)`` of ours, in the same order for every epsilon.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash import SpectralHasher
    >>> X = [[x, y] for x in range(7) for y in range(4)]
    >>> hasher = SpectralHasher(n_bits=3).fit(X)

    The first side is twice as long as the second. It is halved by the first bit; the other two
    bits, equally smooth, cut it at its quarters and halve the second side.

    >>> np.sqrt(hasher.eigenvalues_ / hasher.eigenvalues_[0]).round(6)
    array([1., 2., 2.])
    >>> sorted(zip(hasher.directions_.tolist(), hasher.modes_.tolist()))
    [(0, 1), (0, 2), (1, 1)]
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        "n_bits": [Interval(Integral, 1, MAX_BITS, closed="both")],
        "store_codes": ["boolean"],
    }

    def __init__(self, n_bits=64, *, store_codes=False):
        self.n_bits = n_bits
        self.store_codes = store_codes

    def fit(self, X, y=None):
        """Find the box and the smoothest functions on it.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples.
        y : array-like or None
            Not used to learn; kept beside the codes where ``store_codes=True``.

        Returns
        -------
        self : SpectralHasher
            The fitted hasher.

        Raises
        ------
        ValueError
            If all samples are the same.
        """
        self._validate_params()
        n_bits = int(self.n_bits)
        X = self._validate(X, reset=True, ensure_min_samples=2)
        # a fixed seed: the solver's randomness is below what a user would want to control
        mean, components, projections = principal_components(
            X, min(n_bits, *X.shape), random_state=0
        )
        box = np.stack([projections.min(axis=0), projections.max(axis=0)])
        # components along which X does not vary are all zeros, and no side of the box
        varying = box[0] < box[1]
        if not varying.any():
            raise ValueError("X must vary for a box, but all samples are the same")
        self.mean_, self.components_, self.box_ = mean, components[varying], box[:, varying]
        sides = self.box_[1] - self.box_[0]
        self.directions_, self.modes_, self.eigenvalues_ = _smoothest(sides, n_bits)
        self.n_bits_ = n_bits
        self._keep_training_codes(X, y)
        return self

    def _bit_values(self, X, dtype):
        projections = project(X, self.mean_, self.components_.T, dtype=dtype)
        from_end = projections - self.box_[0].astype(dtype)
        return np.cos(from_end[:, self.directions_] * np.sqrt(self.eigenvalues_).astype(dtype))


def _smoothest(sides, n_functions):
    """Side, mode and eigenvalue of the functions of least eigenvalue on a box."""
    modes = np.arange(1, n_functions + 1)
    eigenvalues = np.square(np.pi * modes / sides[:, np.newaxis].astype(np.float64))
    # stable, so that equal sides take turns in the order of their variance
    least = np.argsort(eigenvalues, axis=None, kind="stable")[:n_functions]
    directions, positions = np.divmod(least, n_functions)
    return directions, modes[positions], eigenvalues.ravel()[least]
