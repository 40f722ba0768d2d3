"""Rankings with degrees of relevance: cumulative gain, discounted and weighted."""

from __future__ import annotations

import numpy as np

from skhash.metrics import _statistics as statistics
from skhash.metrics._docs import shared_docs
from skhash.metrics._gains import relevance_gains
from skhash.metrics._inputs import check_cutoffs, check_option, ranking_score

# 2 to this power can still be summed over any database
_LARGEST_EXPONENT = 512


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
    |any_cutoffs|
    gain : {"linear", "exponential"}, default="linear"
        The gain of an item of relevance r: r, or ``2 ** r - 1``, for which r is at most 512.
    |graded|
    |exclude|
    |ties|
    |metric|
    |no_relevant|
    |per_query|
    |machine|

    Returns
    -------
    |score|

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

    Label sets are graded by the labels that they share with the query:

    >>> query, database = [[1, 1, 0]], [[1, 0, 0], [1, 1, 1], [0, 0, 1]]
    >>> ndcg_score([[0, 0]], query, [[0, 0], [0, 1], [1, 1]], database)
    0.859...
    """
    check_option("gain", gain, ("linear", "exponential"))
    transform = None if gain == "linear" else _exponential
    return ranking_score(
        lambda evaluation: statistics.ndcg(check_cutoffs(k, evaluation, whole=True), "graded"),
        query_codes,
        query_labels,
        database_codes,
        database_labels,
        gains={"graded": lambda labels: relevance_gains(labels, relevance, similarity, transform)},
        similarity=similarity,
        exclude_self=exclude_self,
        ties=ties,
        metric=metric,
        no_relevant=no_relevant,
        per_query=per_query,
        n_jobs=n_jobs,
        device=device,
    )


@shared_docs
def average_cumulative_gain_score(
    query_codes,
    query_labels,
    database_codes=None,
    database_labels=None,
    *,
    k,
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
    """Mean relevance of the first k items, ACG@k.

    For label sets the mean number of labels that they share with the query, so it may be above 1.
    It is linear in the gains: the expectation over ties has the mean gain of each group.

    Parameters
    ----------
    |rankings|
    |cutoffs|
    |graded|
    |exclude|
    |ties|
    |metric|
    |no_relevant|
    |per_query|
    |machine|

    Returns
    -------
    |score|

    Raises
    ------
    |raises|

    References
    ----------
    Järvelin, K., & Kekäläinen, J. (2000). IR evaluation methods for retrieving highly relevant
    documents. SIGIR.

    Zhao, F., Huang, Y., Wang, L., & Tan, T. (2015). Deep semantic ranking based hashing for
    multi-label image retrieval. CVPR.

    Examples
    --------
    >>> from skhash.metrics import average_cumulative_gain_score
    >>> query, database = [[1, 1, 0]], [[1, 0, 0], [1, 1, 1], [0, 0, 1]]
    >>> codes = [[0, 0], [0, 1], [1, 1]]
    >>> average_cumulative_gain_score([[0, 0]], query, codes, database, k=[1, 2, 3])
    array([1. , 1.5, 1. ])
    """
    return ranking_score(
        lambda evaluation: statistics.average_cumulative_gain(
            check_cutoffs(k, evaluation), "graded"
        ),
        query_codes,
        query_labels,
        database_codes,
        database_labels,
        gains={"graded": lambda labels: relevance_gains(labels, relevance, similarity)},
        similarity=similarity,
        exclude_self=exclude_self,
        ties=ties,
        metric=metric,
        no_relevant=no_relevant,
        per_query=per_query,
        n_jobs=n_jobs,
        device=device,
    )


@shared_docs
def weighted_average_precision_score(
    query_codes,
    query_labels,
    database_codes=None,
    database_labels=None,
    *,
    k=None,
    normalizer="total",
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
    """Mean over the queries of their weighted average precision, WAP.

    Average precision with the mean relevance of the first t items, ACG@t, in place of the
    precision: its sum over the ranks t of the relevant items, divided by the normaliser. For label
    sets it may be above 1; for gains of 0 and 1 it is mAP. Of two items that tie, which comes
    first is a matter of chance, and the expectation is over both their ranks, as for mAP.

    Parameters
    ----------
    |rankings|
    |any_cutoffs|
    normalizer : {"total", "min"}, default="total"
        What the sum up to rank k is divided by: the number of relevant items in the database; or
        that or k, whichever is smaller.
    |graded|
    |exclude|
    |ties|
    |metric|
    |no_relevant|
    |per_query|
    |machine|

    Returns
    -------
    |score|

    Raises
    ------
    |raises|

    References
    ----------
    Zhao, F., Huang, Y., Wang, L., & Tan, T. (2015). Deep semantic ranking based hashing for
    multi-label image retrieval. CVPR.

    Examples
    --------
    One label in common with the nearest item, two with the next: ``(1 + 3 / 2) / 2``.

    >>> from skhash.metrics import weighted_average_precision_score
    >>> query, database = [[1, 1, 0]], [[1, 0, 0], [1, 1, 1], [0, 0, 1]]
    >>> weighted_average_precision_score([[0, 0]], query, [[0, 0], [0, 1], [1, 1]], database)
    1.25
    """
    check_option("normalizer", normalizer, ("total", "min"))
    return ranking_score(
        lambda evaluation: statistics.weighted_average_precision(
            check_cutoffs(k, evaluation, whole=True), normalizer, "graded"
        ),
        query_codes,
        query_labels,
        database_codes,
        database_labels,
        gains={"graded": lambda labels: relevance_gains(labels, relevance, similarity)},
        similarity=similarity,
        exclude_self=exclude_self,
        ties=ties,
        metric=metric,
        no_relevant=no_relevant,
        per_query=per_query,
        n_jobs=n_jobs,
        device=device,
    )


def _exponential(relevance: np.ndarray) -> np.ndarray:
    largest = relevance.max()
    if largest > _LARGEST_EXPONENT:
        raise ValueError(
            f"relevance must be at most {_LARGEST_EXPONENT} for gain='exponential', which is "
            f"2 ** relevance - 1, got {largest}"
        )
    return np.exp2(relevance) - 1
