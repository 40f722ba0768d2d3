"""Precision, recall and the first hit of rankings with ties."""

from __future__ import annotations

from skhash.metrics import _statistics as statistics
from skhash.metrics._docs import shared_docs
from skhash.metrics._gains import binary_gains
from skhash.metrics._inputs import check_cutoffs, check_rank, ranking_score


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
    |cutoffs|
    |relevance|
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
    McSherry, F., & Najork, M. (2008). Computing information retrieval performance measures
    efficiently in the presence of tied scores. ECIR.

    Examples
    --------
    Two of the three items at distance 1 take the ranks 2 and 3:

    >>> from skhash.metrics import precision_at_k_score
    >>> database = [[0, 0], [0, 1], [1, 0], [1, 0]]
    >>> labels = ["cat", "dog", "cat", "dog"]
    >>> precision_at_k_score([[0, 0]], ["cat"], database, labels, k=3)
    0.555...
    >>> precision_at_k_score([[0, 0]], ["cat"], database, labels, k=[1, 4])
    array([1. , 0.5])
    """
    return ranking_score(
        lambda evaluation: statistics.precision(check_cutoffs(k, evaluation)),
        query_codes,
        query_labels,
        database_codes,
        database_labels,
        gains={"binary": lambda labels: binary_gains(labels, relevance, similarity, threshold)},
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

    What metric learning calls recall@k, whether any of the first k items is relevant, is
    `hit_rate_score`.

    Parameters
    ----------
    |rankings|
    |cutoffs|
    |relevance|
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
    McSherry, F., & Najork, M. (2008). Computing information retrieval performance measures
    efficiently in the presence of tied scores. ECIR.

    Examples
    --------
    >>> from skhash.metrics import recall_at_k_score
    >>> database = [[0, 0], [0, 1], [1, 0], [1, 1]]
    >>> recall_at_k_score([[0, 0]], ["cat"], database, ["cat", "dog", "cat", "dog"], k=2)
    0.75
    """
    return ranking_score(
        lambda evaluation: statistics.recall(check_cutoffs(k, evaluation)),
        query_codes,
        query_labels,
        database_codes,
        database_labels,
        gains={"binary": lambda labels: binary_gains(labels, relevance, similarity, threshold)},
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
def hit_rate_score(
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
    """Share of the queries with a relevant item among the first k, success@k.

    Metric learning calls it recall@k. A tie makes a hit a matter of chance: none of q items drawn
    from n is one of the n+ relevant ones with probability
    ``(n - n+ choose q) / (n choose q)``, which is exact.

    Parameters
    ----------
    |rankings|
    |cutoffs|
    |relevance|
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
    Jégou, H., Douze, M., & Schmid, C. (2011). Product quantization for nearest neighbor search.
    IEEE Transactions on Pattern Analysis and Machine Intelligence, 33(1).

    Musgrave, K., Belongie, S., & Lim, S.-N. (2020). A metric learning reality check. ECCV.

    Examples
    --------
    One of the two items at distance 1 is relevant:

    >>> from skhash.metrics import hit_rate_score
    >>> database = [[0, 0], [0, 1], [1, 0], [1, 1]]
    >>> labels = ["dog", "cat", "dog", "cat"]
    >>> hit_rate_score([[0, 0]], ["cat"], database, labels, k=[1, 2, 3])
    array([0. , 0.5, 1. ])
    """
    return ranking_score(
        lambda evaluation: statistics.hit_rate(check_cutoffs(k, evaluation)),
        query_codes,
        query_labels,
        database_codes,
        database_labels,
        gains={"binary": lambda labels: binary_gains(labels, relevance, similarity, threshold)},
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
def mean_reciprocal_rank_score(
    query_codes,
    query_labels,
    database_codes=None,
    database_labels=None,
    *,
    k=None,
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
    """Mean over the queries of 1 over the rank of the first relevant item, MRR.

    In expectation over the order of ties: a sum over the ranks that the first relevant item can
    have, each with its probability.

    Parameters
    ----------
    |rankings|
    k : int, default=None
        The cut-off, beyond which an item counts as not found; None for the whole database.
    |relevance|
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
    Voorhees, E. M. (1999). The TREC-8 question answering track report. TREC.

    Examples
    --------
    The first relevant item is at rank 2 or, as likely, at rank 3:

    >>> from skhash.metrics import mean_reciprocal_rank_score
    >>> database = [[0, 0], [0, 1], [1, 0], [1, 1]]
    >>> mean_reciprocal_rank_score([[0, 0]], ["cat"], database, ["dog", "cat", "dog", "dog"])
    0.416...
    """
    return ranking_score(
        lambda evaluation: statistics.mean_reciprocal_rank(
            None if k is None else check_rank(k, evaluation)
        ),
        query_codes,
        query_labels,
        database_codes,
        database_labels,
        gains={"binary": lambda labels: binary_gains(labels, relevance, similarity, threshold)},
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
def r_precision_score(
    query_codes,
    query_labels,
    database_codes=None,
    database_labels=None,
    *,
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
    """Precision at R, the number of items that are relevant to the query.

    A cut-off for each query: classes of unequal size are judged alike. Of the items at the
    distance of rank R, those ranks hold the mean share of relevant ones in expectation.

    Parameters
    ----------
    |rankings|
    |relevance|
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

    See Also
    --------
    mean_average_precision_at_r_score : The same, which minds the order within the first R.

    References
    ----------
    Manning, C. D., Raghavan, P., & Schütze, H. (2008). Introduction to information retrieval,
    section 8.4. Cambridge University Press.

    Examples
    --------
    >>> from skhash.metrics import r_precision_score
    >>> database = [[0, 0], [0, 1], [1, 0], [1, 1]]
    >>> r_precision_score([[0, 0]], ["cat"], database, ["cat", "dog", "cat", "dog"])
    0.75
    """
    return ranking_score(
        lambda _: statistics.r_precision(),
        query_codes,
        query_labels,
        database_codes,
        database_labels,
        gains={"binary": lambda labels: binary_gains(labels, relevance, similarity, threshold)},
        similarity=similarity,
        exclude_self=exclude_self,
        ties=ties,
        metric=metric,
        no_relevant=no_relevant,
        per_query=per_query,
        n_jobs=n_jobs,
        device=device,
    )
