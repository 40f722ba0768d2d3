"""What codes look like, whatever they are searched for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from scipy.stats import entropy, spearmanr

from skhash.similarity import class_similarity
from skhash.utils._arrays import as_array, check_table
from skhash.utils._labels import check_target
from skhash.utils._packing import check_codes, pack_codes
from skhash.utils._ranges import check_unmasked


def bit_balance(codes) -> np.ndarray:
    """Share of ones of each bit; a bit says most at 0.5, and nothing at 0 or 1.

    Parameters
    ----------
    codes : array-like of shape (n_samples, n_bits)
        Bits, 0 or 1.

    Returns
    -------
    balance : ndarray of shape (n_bits,)
        Means of the bits.

    Raises
    ------
    ValueError
        If codes are not bits.

    Examples
    --------
    >>> from skhash.metrics import bit_balance
    >>> bit_balance([[0, 1, 1], [1, 1, 0]])
    array([0.5, 1. , 0.5])
    """
    return check_codes(codes).mean(axis=0)


def bit_correlation(codes) -> np.ndarray:
    """Pearson correlation of every two bits.

    Parameters
    ----------
    codes : array-like of shape (n_samples, n_bits)
        Bits, 0 or 1.

    Returns
    -------
    correlation : ndarray of shape (n_bits, n_bits)
        Between -1 and 1. A bit that is always the same has 0 with the others, since it says
        nothing about them, and 1 with itself.

    Raises
    ------
    ValueError
        If codes are not bits.

    See Also
    --------
    mean_bit_correlation : The same in one number.

    Examples
    --------
    >>> from skhash.metrics import bit_correlation
    >>> bit_correlation([[0, 1, 1], [1, 0, 1], [0, 1, 1], [1, 0, 1]])
    array([[ 1., -1.,  0.],
           [-1.,  1.,  0.],
           [ 0.,  0.,  1.]])
    """
    codes = check_codes(codes).astype(np.float64)
    # sums of zeros and ones are exact, so the spread of a constant bit is exactly 0
    n_samples, ones = len(codes), codes.sum(axis=0)
    covariance = n_samples * (codes.T @ codes) - np.outer(ones, ones)
    spread = np.sqrt(np.diagonal(covariance))
    scale = np.outer(spread, spread)
    correlation = np.divide(covariance, scale, out=np.zeros_like(scale), where=scale > 0)
    np.fill_diagonal(correlation, 1)
    return correlation


def mean_bit_correlation(codes) -> float:
    """Mean absolute correlation of two different bits, 0 for independent ones.

    Parameters
    ----------
    codes : array-like of shape (n_samples, n_bits)
        Bits, 0 or 1; two bits at least.

    Returns
    -------
    correlation : float
        Between 0 and 1. Of n samples of independent bits, about ``0.8 / sqrt(n)``.

    Raises
    ------
    ValueError
        If codes are not bits, or there is but one.

    Examples
    --------
    >>> from skhash.metrics import mean_bit_correlation
    >>> mean_bit_correlation([[0, 1], [1, 0]])
    1.0
    """
    correlation = bit_correlation(codes)
    n_bits = len(correlation)
    if n_bits < 2:
        raise ValueError("codes must have at least two bits to be correlated, got one")
    return float(np.abs(correlation[np.triu_indices(n_bits, k=1)]).mean())


def n_distinct_codes(codes) -> int:
    """Number of different codes.

    Parameters
    ----------
    codes : array-like of shape (n_samples, n_bits)
        Bits, 0 or 1.

    Returns
    -------
    n_distinct : int
        From 1 to n_samples.

    Raises
    ------
    ValueError
        If codes are not bits.

    Examples
    --------
    >>> from skhash.metrics import n_distinct_codes
    >>> n_distinct_codes([[0, 1], [1, 1], [0, 1]])
    2
    """
    return len(_code_counts(codes))


def code_entropy(codes) -> float:
    """Entropy, in bits, of the distribution of codes among the samples.

    Parameters
    ----------
    codes : array-like of shape (n_samples, n_bits)
        Bits, 0 or 1.

    Returns
    -------
    entropy : float
        From 0 where all samples share one code to ``log2(n_samples)`` where all differ; that
        of one code for each of 100 equal classes is ``log2(100) = 6.64``.

    Raises
    ------
    ValueError
        If codes are not bits.

    Examples
    --------
    >>> from skhash.metrics import code_entropy
    >>> code_entropy([[0, 1], [1, 1], [0, 1], [0, 0]])
    1.5
    """
    return float(entropy(_code_counts(codes), base=2))


class ClassDistances(NamedTuple):
    """Classes and the mean Hamming distances between them."""

    classes: np.ndarray
    distances: np.ndarray


def class_distances(codes, labels) -> ClassDistances:
    """Mean Hamming distance between the codes of every two classes.

    Parameters
    ----------
    codes : array-like of shape (n_samples, n_bits)
        Bits, 0 or 1.
    labels : array-like of shape (n_samples,)
        Class labels.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
        The distinct labels, sorted.
    distances : ndarray of shape (n_classes, n_classes)
        In bits, over all pairs of two different samples. NaN on the diagonal for a class of one
        sample, which makes no pair.

    Raises
    ------
    ValueError
        If codes are not bits, or labels are not as many classes.

    Examples
    --------
    >>> from skhash.metrics import class_distances
    >>> class_distances([[0, 0], [0, 1], [1, 1], [1, 1]], ["cat", "cat", "dog", "dog"])
    ClassDistances(classes=array(['cat', 'dog'], dtype='<U3'), distances=array([[1. , 1.5],
           [1.5, 0. ]]))
    """
    codes = check_codes(codes)
    kind, labels = check_target(labels, "labels")
    if kind != "class" or len(labels) != len(codes):
        raise ValueError(
            f"labels must be {len(codes)} class labels, got {kind} labels of shape {labels.shape}"
        )
    classes, members, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    by_class = np.argsort(members, kind="stable")
    starts = np.cumsum(sizes) - sizes
    ones = np.add.reduceat(codes[by_class], starts, axis=0, dtype=np.float64)
    # two samples differ in a bit where it is 1 in one of them and 0 in the other
    zeros = sizes[:, None] - ones
    differing = ones @ zeros.T + zeros @ ones.T
    n_pairs = np.outer(sizes, sizes) - np.diag(sizes)
    return ClassDistances(classes, differing / np.where(n_pairs > 0, n_pairs, np.nan))


def distance_similarity_correlation(codes, labels, similarity: Callable) -> float:
    """Rank correlation of Hamming distance and dissimilarity over pairs of classes.

    Spearman's correlation between the mean Hamming distance of every two different classes and
    1 minus their similarity. It looks at the order of the classes alone, not at how well each
    is kept together.

    Parameters
    ----------
    codes : array-like of shape (n_samples, n_bits)
        Bits, 0 or 1.
    labels : array-like of shape (n_samples,)
        Class labels, of three classes at least.
    similarity : callable
        A similarity target.

    Returns
    -------
    correlation : float
        Between -1 and 1, which is best; 0 where all classes are equally far from each other.

    Raises
    ------
    ValueError
        If codes are not bits, or all pairs of classes are equally similar.

    Examples
    --------
    >>> from skhash.metrics import distance_similarity_correlation
    >>> from skhash.similarity import PrecomputedSimilarity
    >>> similarity = PrecomputedSimilarity(
    ...     [[1, 0.8, 0.2], [0.8, 1, 0.1], [0.2, 0.1, 1]], ["cat", "dog", "tree"]
    ... )
    >>> codes = [[0, 0, 0], [0, 0, 1], [1, 1, 0]]
    >>> distance_similarity_correlation(codes, ["cat", "dog", "tree"], similarity)
    1.0
    """
    classes, distances = class_distances(codes, labels)
    pairs = np.triu_indices(len(classes), k=1)
    dissimilarity = 1 - class_similarity(similarity, classes)[pairs]
    if np.unique(dissimilarity).size < 2:
        raise ValueError(
            f"all {len(dissimilarity)} pairs of the {len(classes)} classes are equally similar, "
            "so there is no order to compare the distances with"
        )
    # sums of counts over products of sizes: equal distances may differ in the last digits
    distances = distances[pairs].round(12)
    if np.ptp(distances) == 0:
        return 0.0
    return float(spearmanr(distances, dissimilarity).statistic)


def quantization_error(values, *, corners=(-1, 1)) -> float:
    """Mean distance of real bit values from the nearest corner, which they are rounded to.

    Parameters
    ----------
    values : array-like of shape (n_samples, n_bits)
        What is rounded to bits, such as the outputs of a network.
    corners : tuple of two floats, default=(-1, 1)
        What stands for the bits 0 and 1; (0, 1) for the outputs of a sigmoid.

    Returns
    -------
    error : float
        0 where all values are corners, 1 where all are halfway between them.

    Raises
    ------
    ValueError
        If values are not a finite table, or the corners not two rising numbers.

    Examples
    --------
    >>> from skhash.metrics import quantization_error
    >>> quantization_error([[0.0, 1.0], [0.5, 0.75]], corners=(0, 1))
    0.375
    """
    centred, reach = _centred(values, corners, "values")
    return float(np.abs(np.abs(centred) - reach).mean() / reach)


class QuantizationGap(NamedTuple):
    """A score of real bit values, the score of their codes, and what rounding cost."""

    continuous: float | Mapping
    binary: float | Mapping
    gap: float | dict[str, float]


def quantization_gap(
    query_values,
    query_labels,
    database_values=None,
    database_labels=None,
    *,
    score: Callable,
    corners=(-1, 1),
    **score_params,
) -> QuantizationGap:
    """What a score loses when real bit values are rounded to codes.

    The real values are ranked by cosine around the point midway between the corners, which for
    values at corners is the order by Hamming distance.

    Parameters
    ----------
    query_values : array-like of shape (n_queries, n_bits)
        Real bit values of the queries, such as ``hasher.decision_function(X)``.
    query_labels : array-like of n_queries labels
        Their labels.
    database_values : array-like of shape (n_database, n_bits), default=None
        Real bit values of the items.
    database_labels : array-like of n_database labels, default=None
        Their labels.
    score : callable
        A ranking metric of this package, such as `mean_average_hierarchical_precision_score`, or
        `retrieval_report`.
    corners : tuple of two floats, default=(-1, 1)
        What stands for the bits 0 and 1; a bit is 1 above the middle.
    **score_params
        Keyword arguments of the metric.

    Returns
    -------
    continuous, binary, gap : float
        The two scores, and the first minus the second; for reports both, and a dict of the
        differences of their scores.

    Raises
    ------
    ValueError
        If values are not finite tables, or what the metric raises.

    Examples
    --------
    >>> from skhash.metrics import mean_average_precision_score, quantization_gap
    >>> values, labels = [[0.1, 0.9], [0.2, 0.8], [0.9, 0.1], [0.9, 0.7]], [0, 0, 1, 1]
    >>> quantization_gap(
    ...     values, labels, score=mean_average_precision_score, corners=(0, 1), exclude_self=True
    ... )
    QuantizationGap(continuous=1.0, binary=0.902..., gap=0.097...)
    """
    queries, _ = _centred(query_values, corners, "query_values")
    items = None
    if database_values is not None:
        items, _ = _centred(database_values, corners, "database_values")
    continuous = score(
        queries, query_labels, items, database_labels, metric="cosine", **score_params
    )
    item_codes = None if items is None else items > 0
    binary = score(queries > 0, query_labels, item_codes, database_labels, **score_params)
    if isinstance(continuous, Mapping):
        gaps = {name: continuous[name] - binary[name] for name in continuous if name in binary}
        return QuantizationGap(continuous, binary, gaps)
    return QuantizationGap(continuous, binary, continuous - binary)


def _code_counts(codes) -> np.ndarray:
    """How often each distinct code occurs."""
    packed = pack_codes(codes)
    rows = packed.view(np.dtype((np.void, packed.shape[1])))
    return np.unique(rows, return_counts=True)[1]


def _centred(values, corners, name: str):
    """Values around the middle of the corners, and the distance from there to a corner."""
    ends = as_array(corners, "corners")
    if ends.shape != (2,) or ends.dtype.kind not in "iuf" or not ends[0] < ends[1]:
        raise ValueError(f"corners must be two increasing numbers, got {corners!r}")
    low, high = ends.tolist()
    check_unmasked(values, name)
    values = check_table(values, name, dtype=np.float64)
    return values - (low + high) / 2, (high - low) / 2
