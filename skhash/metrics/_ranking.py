"""Precision, recall, average precision and NDCG of rankings with ties."""

from __future__ import annotations

import numpy as np

from skhash.metrics import _statistics as statistics
from skhash.metrics._docs import shared_docs
from skhash.metrics._gains import binary_gains, graded_gains, matrix_gains
from skhash.metrics._inputs import check_option, check_rank, make_evaluation, score
from skhash.similarity import takes_levels

# 2 to this power can still be summed over any database
_LARGEST_EXPONENT = 512


@shared_docs
def precision_at_k_score(
    query_codes,
    query_labels,
    database_codes=None,
    database_labels=None,
    *,
    k,
    relevance=None,
    similarity=None,
    threshold=None,
    exclude_self=False,
    ties="expected",
    metric="hamming",
    no_relevant="warn",
    per_query=False,
    n_jobs=None,
    device=None,
):
    """Share of relevant items among the first k, P@k.

    Parameters
    ----------
    |rankings|
    k : int
        The cut-off.
    |relevance|
    |exclude|
    |ties|
    |metric|
    |no_relevant|
    |per_query|
    |machine|

    Returns
    -------
    score : float or ndarray of shape (n_queries,)
        The mean over the queries, or the value of each.

    Raises
    ------
    |raises|

    References
    ----------
    McSherry, F., & Najork, M. (2008). Computing information retrieval performance measures
    efficiently in the presence of tied scores. ECIR.

    Examples
    --------
    Two of the three items at distance 1 take the ranks 2 and 3:

    >>> from skhash.metrics import precision_at_k_score
    >>> database = [[0, 0], [0, 1], [1, 0], [1, 0]]
    >>> precision_at_k_score([[0, 0]], ["cat"], database, ["cat", "dog", "cat", "dog"], k=3)
    0.555...
    """
    evaluation = make_evaluation(
        query_codes,
        query_labels,
        database_codes,
        database_labels,
        exclude_self=exclude_self,
        metric=metric,
        levels=takes_levels(similarity),
        device=device,
        binary=lambda labels: binary_gains(labels, relevance, similarity, threshold),
    )
    return score(
        evaluation,
        statistics.precision(check_rank(k, evaluation)),
        ties=ties,
        no_relevant=no_relevant,
        per_query=per_query,
        n_jobs=n_jobs,
    )


@shared_docs
def recall_at_k_score(
    query_codes,
    query_labels,
    database_codes=None,
    database_labels=None,
    *,
    k,
    relevance=None,
    similarity=None,
    threshold=None,
    exclude_self=False,
    ties="expected",
    metric="hamming",
    no_relevant="warn",
    per_query=False,
    n_jobs=None,
    device=None,
):
    """Share of the relevant items that are among the first k, R@k.

    Parameters
    ----------
    |rankings|
    k : int
        The cut-off.
    |relevance|
    |exclude|
    |ties|
    |metric|
    |no_relevant|
    |per_query|
    |machine|

    Returns
    -------
    score : float or ndarray of shape (n_queries,)
        The mean over the queries, or the value of each.

    Raises
    ------
    |raises|

    References
    ----------
    McSherry, F., & Najork, M. (2008). Computing information retrieval performance measures
    efficiently in the presence of tied scores. ECIR.

    Examples
    --------
    >>> from skhash.metrics import recall_at_k_score
    >>> database = [[0, 0], [0, 1], [1, 0], [1, 1]]
    >>> recall_at_k_score([[0, 0]], ["cat"], database, ["cat", "dog", "cat", "dog"], k=2)
    0.75
    """
    evaluation = make_evaluation(
        query_codes,
        query_labels,
        database_codes,
        database_labels,
        exclude_self=exclude_self,
        metric=metric,
        levels=takes_levels(similarity),
        device=device,
        binary=lambda labels: binary_gains(labels, relevance, similarity, threshold),
    )
    return score(
        evaluation,
        statistics.recall(check_rank(k, evaluation)),
        ties=ties,
        no_relevant=no_relevant,
        per_query=per_query,
        n_jobs=n_jobs,
    )


@shared_docs
def mean_average_precision_score(
    query_codes,
    query_labels,
    database_codes=None,
    database_labels=None,
    *,
    k=None,
    normalizer="total",
    relevance=None,
    similarity=None,
    threshold=None,
    exclude_self=False,
    ties="expected",
    metric="hamming",
    no_relevant="warn",
    per_query=False,
    n_jobs=None,
    device=None,
):
    """Mean over the queries of their average precision, mAP or mAP@k.

    The average precision of a query is the sum of the precisions at the ranks of the relevant
    items, divided by the normaliser.

    Parameters
    ----------
    |rankings|
    k : int, default=None
        The cut-off; None for the whole database.
    normalizer : {"total", "min", "hits"}, default="total"
        What the sum up to rank k is divided by: the number of relevant items in the database;
        that or k, whichever is smaller; or the number of relevant items up to rank k. The last
        is common in papers on hashing, though it ranks one hit followed by two misses above a
        hit, a miss and a hit. Without a cut-off they are the same.
    |relevance|
    |exclude|
    |ties|
    |metric|
    |no_relevant|
    |per_query|
    |machine|

    Returns
    -------
    score : float or ndarray of shape (n_queries,)
        The mean over the queries, or the value of each.

    Raises
    ------
    |raises|

    References
    ----------
    McSherry, F., & Najork, M. (2008). Computing information retrieval performance measures
    efficiently in the presence of tied scores. ECIR.

    He, K., Cakir, F., Bargal, S. A., & Sclaroff, S. (2018). Hashing as tie-aware learning to
    rank. CVPR.

    Examples
    --------
    >>> from skhash.metrics import mean_average_precision_score
    >>> database = [[0, 0], [0, 1], [1, 0], [1, 1]]
    >>> labels = ["cat", "dog", "cat", "dog"]
    >>> # (1 + 1) / 2 or (1 + 2/3) / 2
    >>> mean_average_precision_score([[0, 0]], ["cat"], database, labels)
    0.9166666666666666
    """
    check_option("normalizer", normalizer, statistics.NORMALIZERS)
    evaluation = make_evaluation(
        query_codes,
        query_labels,
        database_codes,
        database_labels,
        exclude_self=exclude_self,
        metric=metric,
        levels=takes_levels(similarity),
        device=device,
        binary=lambda labels: binary_gains(labels, relevance, similarity, threshold),
    )
    k = k if k is None else check_rank(k, evaluation)
    return score(
        evaluation,
        statistics.average_precision(k, normalizer),
        ties=ties,
        no_relevant=no_relevant,
        per_query=per_query,
        n_jobs=n_jobs,
    )


@shared_docs
def ndcg_score(
    query_codes,
    query_labels,
    database_codes=None,
    database_labels=None,
    *,
    k=None,
    gain="linear",
    relevance=None,
    similarity=None,
    exclude_self=False,
    ties="expected",
    metric="hamming",
    no_relevant="warn",
    per_query=False,
    n_jobs=None,
    device=None,
):
    """Normalised discounted cumulative gain, NDCG or NDCG@k.

    The sum of the gains of the first k items, each divided by ``log2(rank + 1)``, over that of
    the best ranking.

    Parameters
    ----------
    |rankings|
    k : int, default=None
        The cut-off; None for the whole database.
    gain : {"linear", "exponential"}, default="linear"
        The gain of an item of relevance r: r, or ``2 ** r - 1``, for which r is at most 512.
    relevance : array-like of shape (n_queries, n_database), default=None
        How relevant each item is to each query, not negative. By default 1 for items of the
        same class, or with a label in common, else 0.
    similarity : callable or array-like of shape (n_queries, n_database), default=None
        A similarity target, or its values, as the relevance.
    |exclude|
    |ties|
    |metric|
    |no_relevant|
    |per_query|
    |machine|

    Returns
    -------
    score : float or ndarray of shape (n_queries,)
        The mean over the queries, or the value of each.

    Raises
    ------
    |raises|

    References
    ----------
    Järvelin, K., & Kekäläinen, J. (2002). Cumulated gain-based evaluation of IR techniques.
    ACM Transactions on Information Systems, 20(4).

    McSherry, F., & Najork, M. (2008). Computing information retrieval performance measures
    efficiently in the presence of tied scores. ECIR.

    Examples
    --------
    >>> from skhash.metrics import ndcg_score
    >>> ndcg_score([[0, 0]], None, [[0, 1], [1, 1]], relevance=[[1, 3]])
    0.7967...
    """
    check_option("gain", gain, ("linear", "exponential"))
    transform = np.asarray if gain == "linear" else _exponential

    def make_gains(labels):
        if relevance is not None and similarity is not None:
            raise ValueError("Relevance comes from relevance or from similarity, got both.")
        if relevance is not None:
            return matrix_gains(labels, relevance, transform)
        if similarity is not None:
            return graded_gains(labels, similarity, transform)
        # 2 ** r - 1 is r for 0 and 1
        return binary_gains(labels)

    evaluation = make_evaluation(
        query_codes,
        query_labels,
        database_codes,
        database_labels,
        exclude_self=exclude_self,
        metric=metric,
        levels=takes_levels(similarity),
        device=device,
        graded=make_gains,
    )
    k = k if k is None else check_rank(k, evaluation)
    return score(
        evaluation,
        statistics.ndcg(k, "graded"),
        ties=ties,
        no_relevant=no_relevant,
        per_query=per_query,
        n_jobs=n_jobs,
    )


def _exponential(relevance: np.ndarray) -> np.ndarray:
    largest = relevance.max()
    if largest > _LARGEST_EXPONENT:
        raise ValueError(
            f"relevance must be at most {_LARGEST_EXPONENT} for gain='exponential', which is "
            f"2 ** relevance - 1, got {largest}"
        )
    return np.exp2(relevance) - 1
