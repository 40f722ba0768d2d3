"""Codes whose Hamming distances follow a similarity."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, validate_parameter_constraints

from skhash.codebooks._checks import check_similarity_matrix, check_size
from skhash.codebooks._descent import descend, exchange_codes
from skhash.codebooks._random import balanced_codebook
from skhash.codebooks._stress import GAMMA, RHO, WEIGHTING, Stress

_OPTIONS = {**WEIGHTING, "max_sweeps": [Interval(Integral, 0, None, closed="left")]}


def semantic_codebook(
    similarity, n_bits, *, random_state=None, gamma=GAMMA, rho=RHO, max_sweeps=300
) -> np.ndarray:
    """Balanced codes whose Hamming distances follow the dissimilarities of classes.

    Looks for the codes of lowest stress: the sum over pairs a < b of ``w_ab * (h_ab / n_bits - c *
    d_ab) ** 2``, where h is the Hamming distance, ``d = 1 - similarity``, ``w = (gamma / (gamma +
    d)) ** rho``, and c the scale that minimises the stress. Each bit is 1 for half of the classes,
    rounded up or down, so the mean distance is that of `balanced_codebook`; distances rank as the
    dissimilarities do, as far as the bits allow. The minimum distance is intentionally small, but
    never 0: classes of similarity 1 get different codes.

    The search starts from a `balanced_codebook`. Two classes at a time exchange their bits of a
    column, the pair that helps most first, column after column until no exchange helps. Then a
    column of the best codes is shuffled and the descent repeated, as often as max_sweeps allows. If
    all pairs are equally similar, the codes become as equidistant as possible.

    Parameters
    ----------
    similarity : array-like of shape (n_classes, n_classes)
        Similarities of the classes, symmetric, in [0, 1], such as
        `skhash.similarity.class_similarity` returns. The diagonal does not matter.
    n_bits : int
        Length of the codes; ``2 ** n_bits`` must not be less than the number of classes.
    random_state : int, RandomState instance or None, default=None
        Draws the start and the shuffles. Give an int for the same codes in every call.
    gamma : float, default=0.1
        Dissimilarity at which a pair weighs ``2 ** -rho`` times as much as one of dissimilarity 0.
    rho : float, default=1.0
        How much more similar pairs weigh than others; 0 weighs all equally, which favours the order
        of far classes over that of near ones.
    max_sweeps : int, default=300
        Number of sweeps over the columns. The time is proportional to it: at 64 bits about a second
        for 100 classes and a quarter of a minute for 1,000.

    Returns
    -------
    codebook : ndarray of shape (n_classes, n_bits), dtype uint8
        Distinct rows of 0 and 1.

    Raises
    ------
    ValueError
        If similarity is not such a matrix, there are fewer codes of n_bits than classes, or an
        option is out of range.

    See Also
    --------
    codebook_report : How well the codes follow the similarity.

    Notes
    -----
    Memory is that of a few matrices of shape (n_classes, n_classes).

    Examples
    --------
    >>> from skhash.codebooks import codebook_rank_correlation, semantic_codebook
    >>> from skhash.similarity import TaxonomySimilarity, class_similarity, load_taxonomy
    >>> taxonomy = load_taxonomy("cifar100")
    >>> similarity = class_similarity(TaxonomySimilarity(taxonomy), taxonomy.leaves)
    >>> codebook = semantic_codebook(similarity, 32, random_state=0, max_sweeps=20)
    >>> codebook.sum(axis=0)[:4]
    array([50, 50, 50, 50], dtype=uint64)
    >>> codebook_rank_correlation(codebook, similarity) > 0.7
    True
    """
    similarity = check_similarity_matrix(similarity)
    n_classes, n_bits = check_size(len(similarity), n_bits)
    options = {"gamma": gamma, "rho": rho, "max_sweeps": max_sweeps}
    validate_parameter_constraints(_OPTIONS, options, "semantic_codebook")
    random_state = check_random_state(random_state)
    codebook = balanced_codebook(n_classes, n_bits, random_state)
    # two classes differ in every bit already
    if n_classes <= 2:
        return codebook
    codes = codebook.astype(np.float64) * 2 - 1
    codes = _search(Stress(similarity, gamma, rho), codes, int(max_sweeps), random_state)
    return (codes > 0).astype(np.uint8)


def _search(stress, codes, max_sweeps, random_state) -> np.ndarray:
    """Descend, then again from the best codes with something shuffled, until the sweeps end."""
    n_left = max_sweeps - _settle(stress, codes, max_sweeps, random_state)
    least = stress(codes)
    while n_left > 0:
        trial = _shuffled(codes, random_state)
        n_left -= _settle(stress, trial, n_left, random_state)
        value = stress(trial)
        if value < least:
            codes, least = trial, value
    return codes


def _settle(stress, codes, max_sweeps, random_state) -> int:
    """Exchange bits, and codes where these are scarce, until neither helps; return the sweeps."""
    n_classes, n_bits = codes.shape
    n_sweeps = descend(stress, codes, max_sweeps, random_state)
    # with more codes left over than this, exchanges of codes took their time to no effect
    if 2**n_bits > 16 * n_classes:
        return n_sweeps
    while n_sweeps < max_sweeps:
        n_exchanges = exchange_codes(stress, codes, max_sweeps - n_sweeps)
        n_sweeps += n_exchanges + 1
        if n_exchanges == 0 or n_sweeps >= max_sweeps:
            break
        n_sweeps += descend(stress, codes, max_sweeps - n_sweeps, random_state)
    return n_sweeps


def _shuffled(codes, random_state) -> np.ndarray:
    """A copy with a column shuffled, or three codes in turn where two would be the same."""
    trial = codes.copy()
    k = random_state.randint(codes.shape[1])
    trial[:, k] = random_state.permutation(trial[:, k])
    if len(np.unique(trial, axis=0)) < len(codes):
        rows = random_state.permutation(len(codes))[:3]
        trial = codes.copy()
        trial[rows] = codes[np.roll(rows, 1)]
    return trial
