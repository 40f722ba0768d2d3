"""Average precision of rankings with ties."""

from __future__ import annotations

from skhash.metrics import _statistics as statistics
from skhash.metrics._docs import shared_docs
from skhash.metrics._gains import binary_gains
from skhash.metrics._inputs import check_cutoffs, check_option, ranking_score


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
    |any_cutoffs|
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
    |score|

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
    return ranking_score(
        lambda evaluation: statistics.average_precision(
            check_cutoffs(k, evaluation, whole=True), normalizer
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
def mean_average_precision_at_r_score(
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
    """Mean over the queries of their average precision at R, mAP@R.

    R is the number of items that are relevant to the query, so that classes of unequal size are
    judged alike: the sum of the precisions at the ranks of the relevant items among the first R,
    divided by R. It is 1 only where these come before all others. Ties are taken as for mAP:
    each rank of a group of ties holds a relevant item with the same probability, and given that,
    the ranks of the group before it hold the mean share of the others.

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
    r_precision_score : The same without regard to the order within the first R.

    References
    ----------
    Musgrave, K., Belongie, S., & Lim, S.-N. (2020). A metric learning reality check. ECCV.

    Examples
    --------
    >>> from skhash.metrics import mean_average_precision_at_r_score
    >>> database = [[0, 0], [0, 1], [1, 1]]
    >>> mean_average_precision_at_r_score([[0, 0]], ["cat"], database, ["cat", "dog", "cat"])
    0.5
    """
    return ranking_score(
        lambda _: statistics.average_precision_at_r(),
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
