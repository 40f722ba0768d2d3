"""Codes that are rows of a Hadamard matrix."""

from __future__ import annotations

import numpy as np
from scipy.linalg import hadamard
from sklearn.utils import check_random_state

from skhash.codebooks._checks import check_size


def hadamard_codebook(n_classes, n_bits, random_state=None) -> np.ndarray:
    """Rows of a Hadamard matrix and their complements.

    Any two codes differ in exactly ``n_bits / 2`` bits, or in all of them if one is the other's
    complement, which happens only if ``n_classes > n_bits``. The matrix is Sylvester's. Rows are
    drawn at random, and half of those that do not come with their complement are complemented: a
    column of the matrix is constant, which would waste a bit.

    Parameters
    ----------
    n_classes : int
        Number of codes, at most ``2 * n_bits``.
    n_bits : int
        Length of the codes, a power of two.
    random_state : int, RandomState instance or None, default=None
        Draws the rows. Give an int for the same codes in every call.

    Returns
    -------
    codebook : ndarray of shape (n_classes, n_bits), dtype uint8
        Distinct rows of 0 and 1.

    Raises
    ------
    ValueError
        If n_bits is not a power of two or too small.

    References
    ----------
    Yuan, L., Wang, T., Zhang, X., Tay, F. E., Jie, Z., Liu, W., & Feng, J. (2020). Central
    similarity quantization for efficient image and video retrieval. CVPR.

    Examples
    --------
    >>> from scipy.spatial.distance import pdist
    >>> from skhash.codebooks import hadamard_codebook
    >>> pdist(hadamard_codebook(4, 8, random_state=0), "cityblock")
    array([4., 4., 4., 4., 4., 4.])
    """
    n_classes, n_bits = check_size(n_classes, n_bits)
    power = 1 << (n_bits - 1).bit_length()
    needed = max(power, 1 << (-(-n_classes // 2) - 1).bit_length())
    if power != n_bits or n_classes > 2 * n_bits:
        raise ValueError(
            "a Hadamard codebook needs n_bits to be a power of two and n_classes <= 2 * n_bits, "
            f"got n_classes={n_classes} and n_bits={n_bits}; n_bits={needed} would do"
        )
    random_state = check_random_state(random_state)
    rows = (hadamard(n_bits) > 0).astype(np.uint8)
    rows = rows[random_state.permutation(n_bits)[:n_classes]]
    n_pairs = n_classes - len(rows)
    complements = 1 - rows[:n_pairs]
    rows[n_pairs::2] ^= 1
    codebook = np.concatenate([rows, complements])
    return codebook[random_state.permutation(n_classes)]
