"""Random codes: of fair coins, and with bits that are balanced over the classes."""

from __future__ import annotations

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.random import sample_without_replacement

from skhash.codebooks._checks import check_size

# up to here all codes are numbers that scikit-learn samples from; above, equal codes are so rare
# that drawing again costs nothing
_ENUMERABLE_BITS = 30


def bernoulli_codebook(n_classes, n_bits, random_state=None) -> np.ndarray:
    """Codes whose bits are fair coins, drawn again if two classes get the same code.

    The Hamming distance of two codes is binomial: ``n_bits / 2`` on average, with a standard
    deviation of ``sqrt(n_bits) / 2``. The minimum distance among all pairs is much smaller, and
    bits are balanced only by chance; `maxhd_codebook` and `balanced_codebook` each improve one of
    these.

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


def balanced_codebook(n_classes, n_bits, random_state=None) -> np.ndarray:
    """Random codes such that each bit is 1 for half of the classes, rounded up or down.

    Balance makes the mean distance of two codes the largest possible, ``n_bits * n_classes / (2 *
    (n_classes - 1))`` for an even number of classes: a little above ``n_bits / 2``. Every code
    comes with its complement, except for one if the number of classes is odd. The minimum distance
    is about that of `bernoulli_codebook`.

    Parameters
    ----------
    n_classes : int
        Number of codes.
    n_bits : int
        Length of the codes; ``2 ** n_bits`` must not be less than n_classes.
    random_state : int, RandomState instance or None, default=None
        Draws the codes. Give an int for the same codes in every call.

    Returns
    -------
    codebook : ndarray of shape (n_classes, n_bits), dtype uint8
        Distinct rows of 0 and 1.

    Raises
    ------
    ValueError
        If there are fewer than n_classes codes of n_bits.

    Examples
    --------
    >>> from skhash.codebooks import balanced_codebook
    >>> balanced_codebook(6, 4, random_state=0).sum(axis=0)
    array([3, 3, 3, 3], dtype=uint64)
    """
    n_classes, n_bits = check_size(n_classes, n_bits)
    random_state = check_random_state(random_state)
    # Codes that begin with 0, each with its complement: distinct and balanced by construction,
    # even where all 2 ** n_bits codes are needed. 30 bits suffice to tell the codes apart.
    n_pairs = (n_classes + 1) // 2
    n_leading = min(n_bits - 1, 30)
    numbers = sample_without_replacement(2**n_leading, n_pairs, random_state=random_state)
    half = np.zeros((n_pairs, n_bits), dtype=np.uint8)
    half[:, 1 : n_leading + 1] = numbers[:, np.newaxis] >> np.arange(n_leading) & 1
    half[:, n_leading + 1 :] = random_state.randint(2, size=(n_pairs, n_bits - n_leading - 1))
    codebook = np.concatenate([half, 1 - half])[:n_classes]
    return codebook[random_state.permutation(n_classes)]
