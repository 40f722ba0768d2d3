"""Codes for sets of classes."""

from __future__ import annotations

import numpy as np

from skhash.codebooks._checks import check_codebook


def majority_codes(codebook, indicators, ties) -> np.ndarray:
    """A code for each set of classes: the majority of their codes, bit by bit.

    It has the smallest possible sum of Hamming distances to the codes of the set. Equal sets get
    equal codes, and a set of one class gets the code of that class.

    Parameters
    ----------
    codebook : array-like of shape (n_classes, n_bits)
        Class codes: 0 and 1, or -1 and 1.
    indicators : array-like of shape (n_samples, n_classes)
        1 for the classes in each set, 0 for the others.
    ties : array-like of shape (n_bits,)
        Bits of 0 and 1, such as fair coins: what to take where the codes of a set of even size tie,
        and hence also the code of the empty set.

    Returns
    -------
    codes : ndarray of shape (n_samples, n_bits), dtype uint8
        Rows of 0 and 1.

    Raises
    ------
    ValueError
        If the sizes do not match, or the codebook is not valid.

    References
    ----------
    Yuan, L., Wang, T., Zhang, X., Tay, F. E., Jie, Z., Liu, W., & Feng, J. (2020). Central
    similarity quantization for efficient image and video retrieval. CVPR. There
    it is the hash centre of a sample of several labels.

    Examples
    --------
    >>> from skhash.codebooks import majority_codes
    >>> codebook = [[0, 0, 0, 0], [0, 0, 1, 1], [0, 1, 0, 1]]
    >>> majority_codes(codebook, [[1, 1, 1], [1, 1, 0]], ties=[1, 1, 1, 0])
    array([[0, 0, 0, 1],
           [0, 0, 1, 0]], dtype=uint8)
    """
    codebook = check_codebook(codebook)
    indicators = np.asarray(indicators, dtype=np.float32)
    ties = np.asarray(ties, dtype=np.uint8)
    n_classes, n_bits = codebook.shape
    if indicators.ndim != 2 or indicators.shape[1] != n_classes:
        raise ValueError(
            f"indicators must have shape (n_samples, {n_classes}), as the codebook has "
            f"{n_classes} codes; got {indicators.shape}"
        )
    if ties.shape != (n_bits,):
        raise ValueError(f"ties must have shape ({n_bits},), got {ties.shape}")
    # sums of small whole numbers, which float32 holds exactly
    votes = indicators @ (codebook * np.float32(2) - np.float32(1))
    return np.where(votes == 0, ties, votes > 0).astype(np.uint8)
