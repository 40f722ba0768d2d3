"""Hierarchical precision: how similar in meaning the nearest items are."""

from __future__ import annotations

from skhash.metrics import _statistics as statistics
from skhash.metrics._docs import shared_docs
from skhash.metrics._gains import graded_gains
from skhash.metrics._inputs import check_cutoffs, check_option, check_rank, ranking_score


@shared_docs
def hierarchical_precision_score(
    query_codes,
    query_labels,
    database_codes=None,
    database_labels=None,
    *,
    similarity,
    k,
    exclude_self=False,
    ties="expected",
    metric="hamming",
    no_relevant="warn",
    per_query=False,
    n_jobs=None,
    device=None,
):
    """Hierarchical precision of the first k items, HP@k.

    The sum of the similarities of the first k items to the query, over the sum of the k largest
    similarities in the database. 1 where nothing more similar could have been returned.

    Parameters
    ----------
    |rankings|
    similarity : callable or array-like of shape (n_queries, n_database)
        A similarity target, called as ``similarity(labels_a, labels_b)``, or its values.
    k : int or array-like of ints
        The cut-off, or several. At most as many as there are items of a class, it says no more
        than precision does.
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
    mean_average_hierarchical_precision_score : The mean over all cut-offs up to k.
    HierarchicalPrecisionDisplay : The curve over cut-offs, drawn with its tie bounds.

    References
    ----------
    Deng, J., Berg, A., & Fei-Fei, L. (2011). Hierarchical semantic indexing for large scale
    image retrieval. CVPR.

    Examples
    --------
    A tie at distance 1 between an item of the class of the query and one that is half as
    similar:

    >>> from skhash.metrics import hierarchical_precision_score
    >>> from skhash.similarity import PrecomputedSimilarity
    >>> similarity = PrecomputedSimilarity([[1, 0.5], [0.5, 1]], ["cat", "dog"])
    >>> query, database = [[0, 0]], [[0, 1], [1, 0], [1, 1]]
    >>> hierarchical_precision_score(
    ...     query, ["cat"], database, ["cat", "dog", "cat"], similarity=similarity, k=[1, 2, 3]
    ... )
    array([0.75, 0.75, 1.  ])
    """
    return ranking_score(
        lambda evaluation: statistics.hierarchical_precision(check_cutoffs(k, evaluation)),
        query_codes,
        query_labels,
        database_codes,
        database_labels,
        gains={"graded": lambda labels: graded_gains(labels, similarity)},
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
def mean_average_hierarchical_precision_score(
    query_codes,
    query_labels,
    database_codes=None,
    database_labels=None,
    *,
    similarity,
    k,
    average="mean",
    exclude_self=False,
    ties="expected",
    metric="hamming",
    no_relevant="warn",
    per_query=False,
    n_jobs=None,
    device=None,
):
    """Mean average hierarchical precision of the first k items, mAHP@k.

    The mean of HP@1, ..., HP@k, averaged over the queries.

    Parameters
    ----------
    |rankings|
    similarity : callable or array-like of shape (n_queries, n_database)
        A similarity target, called as ``similarity(labels_a, labels_b)``, or its values.
    k : int
        The cut-off. It must exceed the number of items of a class for the score to see more
        than the classes: below, one arbitrary code for each class is perfect.
    average : {"mean", "trapezoid"}, default="mean"
        The mean, at most 1; or the area under the curve by the trapezoidal rule with steps of
        1 / k, as in the code of Barz & Denzler (2019), at most 1 - 1 / k.
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
    Deng, J., Berg, A., & Fei-Fei, L. (2011). Hierarchical semantic indexing for large scale
    image retrieval. CVPR.

    Barz, B., & Denzler, J. (2019). Hierarchy-based image embeddings for semantic image
    retrieval. WACV.

    Examples
    --------
    >>> from skhash.metrics import mean_average_hierarchical_precision_score
    >>> from skhash.similarity import PrecomputedSimilarity
    >>> similarity = PrecomputedSimilarity([[1, 0.5], [0.5, 1]], ["cat", "dog"])
    >>> codes = [[0, 0], [0, 1], [1, 1], [1, 1]]
    >>> mean_average_hierarchical_precision_score(
    ...     codes, ["cat", "dog", "cat", "dog"], similarity=similarity, k=2, exclude_self=True
    ... )  # HP@1 and HP@2 of the queries: 1/2, 5/6; 2/3, 8/9; 1/2, 2/3; 1/2, 1
    0.694...
    """
    check_option("average", average, ("mean", "trapezoid"))
    return ranking_score(
        lambda evaluation: statistics.average_hierarchical_precision(
            check_rank(k, evaluation), average
        ),
        query_codes,
        query_labels,
        database_codes,
        database_labels,
        gains={"graded": lambda labels: graded_gains(labels, similarity)},
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
def hierarchical_average_precision_score(
    query_codes,
    query_labels,
    database_codes=None,
    database_labels=None,
    *,
    similarity,
    exclude_self=False,
    ties="expected",
    metric="hamming",
    no_relevant="warn",
    per_query=False,
    n_jobs=None,
    device=None,
):
    """Hierarchical average precision, H-AP: average precision graded by similarity.

    The sum over all items k of ``H-rank(k) / rank(k)``, where H-rank(k) is the similarity of k to
    the query and, for each item before it, the lesser of its similarity and that of k; divided by
    the sum of the similarities. It is the mean of the average precisions at all thresholds of
    similarity, each weighted by the number of items that reach it and the step from the
    threshold below; for similarities of 0 and 1 it is average precision. The paper derives its
    similarities (relevances) from the depth of the common ancestor; here any target serves.

    Exact over ties: two items at different distances are in a known order, and of two at the
    same distance either is the later one, at a rank whose distribution is known. The best and
    the worst order are those by similarity. Where similarities take many values (embeddings), it
    takes longer than the other metrics: n log(n)^2 for a database of n items.

    Parameters
    ----------
    |rankings|
    similarity : callable or array-like of shape (n_queries, n_database)
        A similarity target, called as ``similarity(labels_a, labels_b)``, or its values.
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
    mean_average_hierarchical_precision_score : The mean of HP@1 to HP@k.

    References
    ----------
    Ramzi, E., Audebert, N., Thome, N., Rambour, C., & Bitot, X. (2022). Hierarchical average
    precision training for pertinent image retrieval. ECCV.

    Examples
    --------
    An item that is half as similar before one of the class of the query:
    ``(0.5 / 1 + (1 + 0.5) / 2) / 1.5``.

    >>> from skhash.metrics import hierarchical_average_precision_score
    >>> from skhash.similarity import PrecomputedSimilarity
    >>> similarity = PrecomputedSimilarity([[1, 0.5], [0.5, 1]], ["cat", "dog"])
    >>> hierarchical_average_precision_score(
    ...     [[0, 0]], ["cat"], [[0, 1], [1, 1]], ["dog", "cat"], similarity=similarity
    ... )
    0.833...
    """
    return ranking_score(
        lambda _: statistics.hierarchical_average_precision(),
        query_codes,
        query_labels,
        database_codes,
        database_labels,
        gains={"graded": lambda labels: graded_gains(labels, similarity)},
        similarity=similarity,
        exclude_self=exclude_self,
        ties=ties,
        metric=metric,
        no_relevant=no_relevant,
        per_query=per_query,
        n_jobs=n_jobs,
        device=device,
    )
