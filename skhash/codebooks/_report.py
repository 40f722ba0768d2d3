"""What can be said about a codebook before anything is learned."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr
from sklearn.utils import Bunch
from sklearn.utils._param_validation import validate_parameter_constraints

from skhash.codebooks._checks import check_codebook, check_similarity_matrix
from skhash.codebooks._stress import GAMMA, RHO, WEIGHTING, Stress


def codebook_rank_correlation(codebook, similarity) -> float:
    """Spearman's correlation of the Hamming distances of codes and the dissimilarities of classes.

    Ties, of which a taxonomy has many, share the mean of their ranks, so codes with several
    distances for one dissimilarity stay below 1.

    Parameters
    ----------
    codebook : array-like of shape (n_classes, n_bits)
        A different code for each class: 0 and 1, booleans, or -1 and 1.
    similarity : array-like of shape (n_classes, n_classes)
        Similarities of the classes, symmetric, in [0, 1].

    Returns
    -------
    correlation : float
        Between -1 and 1, which is best; 0 if all codes are equally far apart, NaN if all classes
        are equally similar, so that there is no order.

    Raises
    ------
    ValueError
        If the codebook or the similarity is not such an array.

    See Also
    --------
    skhash.metrics.distance_similarity_correlation : The same for the codes of samples.

    Examples
    --------
    >>> from skhash.codebooks import codebook_rank_correlation
    >>> similarity = [[1, 0.8, 0.2], [0.8, 1, 0.1], [0.2, 0.1, 1]]
    >>> codebook_rank_correlation([[0, 0, 0], [0, 0, 1], [1, 1, 0]], similarity)
    1.0
    """
    codebook = check_codebook(codebook)
    similarity = check_similarity_matrix(similarity, len(codebook))
    return _rank_correlation(_distances(codebook), similarity)


def codebook_report(codebook, similarity=None, *, gamma=GAMMA, rho=RHO) -> Bunch:
    """Distances and balance of a codebook, and how well it follows a similarity.

    Parameters
    ----------
    codebook : array-like of shape (n_classes, n_bits)
        A different code for each of at least two classes: 0 and 1, booleans, or -1 and 1.
    similarity : array-like of shape (n_classes, n_classes), default=None
        Similarities of the classes, symmetric, in [0, 1].
    gamma, rho : float
        Weights of the stress, see `semantic_codebook`.

    Returns
    -------
    report : `~sklearn.utils.Bunch`
        With the attributes

        - ``min_distance``, ``mean_distance``, ``max_distance``: Hamming distance over pairs of
          codes, in bits;
        - ``balance``: mean over the bits of ``abs(share of ones - 1 / 2)``: 0 where each bit
          is 1 for half of the classes, 0.5 where all bits are constant;
        - ``rank_correlation``: see `codebook_rank_correlation`; only with a similarity;
        - ``stress``: the weighted mean over pairs of ``(h / n_bits - c * d) ** 2``, which
          `semantic_codebook` minimises; only with a similarity.

    Raises
    ------
    ValueError
        If the codebook or the similarity is not such an array, or an option is out of range.

    Examples
    --------
    >>> from skhash.codebooks import codebook_report
    >>> report = codebook_report([[0, 0, 0], [0, 1, 1], [1, 1, 0]])
    >>> report.min_distance, report.mean_distance, report.max_distance
    (2, 2.0, 2)
    >>> round(report.balance, 3)
    0.167
    """
    codebook = check_codebook(codebook)
    if len(codebook) < 2:
        raise ValueError("codebook must have 2 classes or more, got 1")
    weighting = {"gamma": gamma, "rho": rho}
    validate_parameter_constraints(WEIGHTING, weighting, "codebook_report")
    distances = _distances(codebook)
    report = Bunch(
        min_distance=int(distances.min()),
        mean_distance=float(distances.mean()),
        max_distance=int(distances.max()),
        balance=float(np.abs(codebook.mean(axis=0) - 0.5).mean()),
    )
    if similarity is not None:
        similarity = check_similarity_matrix(similarity, len(codebook))
        report.rank_correlation = _rank_correlation(distances, similarity)
        report.stress = Stress(similarity, gamma, rho)(codebook.astype(np.float64) * 2 - 1)
    return report


def _distances(codebook) -> np.ndarray:
    """Hamming distances of all pairs, in bits, in the order of `pdist`."""
    return np.rint(pdist(codebook, "hamming") * codebook.shape[1]).astype(np.int64)


def _rank_correlation(distances, similarity) -> float:
    # similarities that differ only by rounding should tie
    dissimilarity = (1 - similarity)[np.triu_indices(len(similarity), 1)].round(12)
    if len(dissimilarity) == 0 or np.ptp(dissimilarity) == 0:
        return float("nan")
    if np.ptp(distances) == 0:
        return 0.0
    return float(spearmanr(distances, dissimilarity).statistic)
