"""Rotations: random ones, and that of iterative quantization (ITQ)."""

from __future__ import annotations

import numpy as np
from scipy.linalg import qr, svd
from sklearn.utils import gen_batches

from skhash.utils._ranges import power_of_two_unit

# rows a step: what fits into the processor's cache
_BATCH_ROWS = 2048


def random_orthogonal(n_rows, n_columns, random_state):
    """Draw random directions that are orthonormal in blocks of ``n_columns`` rows.

    Parameters
    ----------
    n_rows, n_columns : int
        Number of directions and their dimension.
    random_state : RandomState instance
        Source of the draws.

    Returns
    -------
    directions : ndarray of shape (n_rows, n_columns)
        Each row is a uniformly distributed unit vector.
    """
    blocks = []
    for first in range(0, n_rows, n_columns):
        block = random_state.normal(size=(n_columns, min(n_columns, n_rows - first)))
        # the signs that LAPACK prefers are left: which side of a plane is 1 means nothing
        blocks.append(qr(block, mode="economic")[0].T)
    return np.concatenate(blocks)


def fit_rotation(projections, rotation, max_iter=50, tol=1e-5):
    """Alternate between corners and rotation; return the rotation and the error of each round."""
    n_samples, n_bits = projections.shape
    unit = power_of_two_unit(projections)
    projections = projections / projections.dtype.type(unit)
    # ||B - VR||^2 = ||B||^2 + ||V||^2 - 2 <B, VR>, of which only the last term changes
    energy = n_bits + unit**2 * np.square(projections, dtype=np.float64).sum() / n_samples
    agreement, errors = 0.0, []
    correlation = _correlate_corners(projections, rotation)
    for _ in range(max_iter):
        left, _, right = svd(correlation)
        rotation = (left @ right).T
        correlation = _correlate_corners(projections, rotation)
        # <B, VR> = trace(B^T V R)
        previous, agreement = agreement, unit * np.vdot(correlation.T, rotation) / n_samples
        errors.append(energy - 2 * agreement)
        if agreement - previous <= tol * agreement:
            break
    return rotation.astype(projections.dtype), errors


def _correlate_corners(projections, rotation):
    """Return ``B.T @ V``, with B the corners nearest to the rotated projections V."""
    rotation = rotation.astype(projections.dtype)
    correlation = np.zeros(rotation.shape)
    for rows in gen_batches(len(projections), _BATCH_ROWS):
        batch = projections[rows]
        bits = (batch @ rotation > 0).astype(projections.dtype)
        correlation += bits.T @ batch
    # a corner is 2 * bits - 1
    return 2 * correlation - projections.sum(axis=0, dtype=np.float64)
