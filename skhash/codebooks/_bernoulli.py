"""Codes of fair coins."""

from __future__ import annotations

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.random import sample_without_replacement

from skhash.codebooks._checks import check_size

# up to here all codes are numbers that scikit-learn samples from; above, two codes drawn
# alike are so rare that drawing again costs nothing
_ENUMERABLE_BITS = 30


def bernoulli_codebook(n_classes, n_bits, random_state=None) -> np.ndarray:
    """Codes whose bits are fair coins, drawn again where two classes got the same.

    The Hamming distance of two codes is binomial: ``n_bits / 2`` on average, with a standard
    deviation of ``sqrt(n_bits) / 2``. The least distance among all pairs is much less, and no
    bit is balanced but by chance; `maxhd_codebook` and `balanced_codebook` see to one of them
    each.

    Parameters
    ----------
    n_classes : int
        Number of codes.
    n_bits : int
        Length of the codes; ``2 ** n_bits`` must not be less than n_classes.
    random_state : int, RandomState instance or None, default=None
        Tosses the coins. Give an int for the same codes in every call.

    Returns
    -------
    codebook : ndarray of shape (n_classes, n_bits), dtype uint8
        Distinct rows of 0 and 1.

    Raises
    ------
    ValueError
        If there are fewer than n_classes codes of n_bits.

    References
    ----------
    Hoe, J. T., Ng, K. W., Zhang, T., Chan, C. S., Song, Y.-Z., & Xiang, T. (2021). One loss for
    all: deep hashing with a single cosine similarity based learning objective. NeurIPS.

    Examples
    --------
    >>> from skhash.codebooks import bernoulli_codebook
    >>> bernoulli_codebook(100, 64, random_state=0).shape
    (100, 64)
    """
    n_classes, n_bits = check_size(n_classes, n_bits)
    random_state = check_random_state(random_state)
    if n_bits <= _ENUMERABLE_BITS:
        numbers = sample_without_replacement(2**n_bits, n_classes, random_state=random_state)
        codebook = (numbers[:, np.newaxis] >> np.arange(n_bits) & 1).astype(np.uint8)
        return codebook[random_state.permutation(n_classes)]
    codebook = random_state.randint(2, size=(n_classes, n_bits)).astype(np.uint8)
    while True:
        _, first = np.unique(codebook, axis=0, return_index=True)
        repeated = np.setdiff1d(np.arange(n_classes), first)
        if len(repeated) == 0:
            return codebook
        codebook[repeated] = random_state.randint(2, size=(len(repeated), n_bits))
