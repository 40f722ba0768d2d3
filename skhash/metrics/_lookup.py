"""Lookup of all items within a Hamming radius, without a ranking."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skhash.metrics._docs import shared_docs
from skhash.metrics._gains import binary_gains
from skhash.metrics._inputs import check_option, make_evaluation
from skhash.metrics._policy import POLICIES, mean_over_queries, settle
from skhash.metrics._statistics import found_within

EMPTY = ("zero", "skip")


class Lookup(NamedTuple):
    """Precision within a radius, and the share of queries that found nothing there."""

    precision: float | np.ndarray
    empty: float | np.ndarray


class PrecisionRecallCurve(NamedTuple):
    """Precision and recall by Hamming radius."""

    precision: np.ndarray
    recall: np.ndarray
    radius: np.ndarray


@shared_docs
def precision_within_radius(
    query_codes,
    query_labels,
    database_codes=None,
    database_labels=None,
    *,
    radius=2,
    empty="zero",
    relevance=None,
    similarity=None,
    threshold=None,
    exclude_self=False,
    no_relevant="warn",
    per_query=False,
    n_jobs=None,
    device=None,
):
    """Precision of lookup: share of relevant items among all within a Hamming radius.

    Lookup ranks nothing, so ties do not matter to it. What does is how many queries find nothing
    at all, which is most of them for long codes: it is returned too.

    Parameters
    ----------
    |rankings|
    radius : int, default=2
        The largest Hamming distance, in bits, at which an item is found.
    empty : {"zero", "skip"}, default="zero"
        Whether queries that find nothing have a precision of 0, as is usual, or are left out of
        the mean.
    |relevance|
    |exclude|
    |no_relevant|
    |per_query|
    |machine|

    Returns
    -------
    precision : float or ndarray of shape (n_queries,)
        The mean precision, or that of each query, NaN for those left out.
    empty : float or ndarray of shape (n_queries,)
        The share of queries that find nothing; or, for each query, whether it does so.

    Raises
    ------
    |raises|

    Examples
    --------
    >>> from skhash.metrics import precision_within_radius
    >>> codes, labels = [[0, 0, 0], [0, 0, 1], [1, 0, 1]], [0, 0, 1]
    >>> precision_within_radius([[0, 0, 0], [1, 1, 0]], [0, 1], codes, labels, radius=1)
    Lookup(precision=0.5, empty=0.5)
    """
    check_option("empty", empty, EMPTY)
    counts, counted = _count_within(
        query_codes,
        query_labels,
        database_codes,
        database_labels,
        radius=check_radius(radius),
        relevance=(relevance, similarity, threshold),
        exclude_self=exclude_self,
        no_relevant=no_relevant,
        n_jobs=n_jobs,
        device=device,
    )
    precision, is_empty = lookup_of_counts(counts, counted, -1, empty)
    if per_query:
        return Lookup(precision, is_empty)
    if np.isnan(precision).all():
        raise ValueError(
            f"no query finds anything within radius {radius}; empty='zero' would score it as 0"
        )
    return Lookup(mean_over_queries(precision), float(is_empty[counted].mean()))


@shared_docs
def precision_recall_curve(
    query_codes,
    query_labels,
    database_codes=None,
    database_labels=None,
    *,
    average="macro",
    empty="zero",
    relevance=None,
    similarity=None,
    threshold=None,
    exclude_self=False,
    no_relevant="warn",
    n_jobs=None,
    device=None,
):
    """Precision and recall of lookup at every Hamming radius from 0 to n_bits.

    Parameters
    ----------
    |rankings|
    average : {"macro", "micro"}, default="macro"
        The mean over the queries of their precision and of their recall; or all pairs of a
        query and an item counted together.
    empty : {"zero", "skip"}, default="zero"
        Whether queries that find nothing have a precision of 0, or are left out of the mean
        (under ``"skip"``, radii within which no query finds anything are not returned). Without
        effect on micro averages, which lack such radii always.
    |relevance|
    |exclude|
    |no_relevant|
    |machine|

    Returns
    -------
    precision : ndarray of shape (n_radii,)
        Precision within each radius.
    recall : ndarray of shape (n_radii,)
        Recall within each radius, rising to 1.
    radius : ndarray of shape (n_radii,)
        The radii, in bits.

    Raises
    ------
    |raises|

    Examples
    --------
    >>> from skhash.metrics import precision_recall_curve
    >>> codes, labels = [[0, 0], [0, 1], [1, 1]], [0, 1, 0]
    >>> precision, recall, radius = precision_recall_curve([[0, 0]], [0], codes, labels)
    >>> precision.round(2), recall, radius
    (array([1.  , 0.5 , 0.67]), array([0.5, 0.5, 1. ]), array([0, 1, 2]))
    """
    check_option("average", average, ("macro", "micro"))
    check_option("empty", empty, EMPTY)
    counts, counted = _count_within(
        query_codes,
        query_labels,
        database_codes,
        database_labels,
        radius=None,
        relevance=(relevance, similarity, threshold),
        exclude_self=exclude_self,
        no_relevant=no_relevant,
        n_jobs=n_jobs,
        device=device,
    )
    return average_curve(counts, counted, average, empty)


def average_curve(
    counts: np.ndarray, counted: np.ndarray, average: str, empty: str
) -> PrecisionRecallCurve:
    """Precision and recall by radius of the queries that count."""
    size, found, total = (part[counted] for part in _split(counts))
    radius = np.arange(size.shape[1])
    if average == "micro" or empty == "skip":
        seen = size.any(axis=0)
        size, found, radius = size[:, seen], found[:, seen], radius[seen]
    if average == "micro":
        precision = found.sum(axis=0) / size.sum(axis=0)
        return PrecisionRecallCurve(precision, found.sum(axis=0) / max(total.sum(), 1), radius)
    precision = np.nanmean(_quotient(found, size, empty), axis=0)
    recall = np.mean(found / np.maximum(total, 1)[:, None], axis=0)
    return PrecisionRecallCurve(precision, recall, radius)


def lookup_of_counts(counts: np.ndarray, counted: np.ndarray, radius: int, empty: str):
    """Precision of each query within the radius, and whether it found nothing."""
    size, found, _ = _split(counts)
    precision = _quotient(found[:, radius], size[:, radius], empty)
    return np.where(counted, precision, np.nan), size[:, radius] == 0


def _split(counts: np.ndarray):
    """The parts of the values of `found_within`: all and relevant items by radius, total."""
    n_radii = counts.shape[1] // 2
    return counts[:, :n_radii], counts[:, n_radii:-1], counts[:, -1]


def has_relevant(counts: np.ndarray, no_relevant: str) -> np.ndarray:
    """Queries that count under the policy."""
    return ~np.isnan(settle(np.where(counts[:, -1] > 0, 1, np.nan), no_relevant))


def _count_within(
    query_codes,
    query_labels,
    database_codes,
    database_labels,
    *,
    radius: int | None,
    relevance: tuple,
    exclude_self,
    no_relevant: str,
    n_jobs: int | None,
    device: str | None,
):
    check_option("no_relevant", no_relevant, POLICIES)
    evaluation = make_evaluation(
        query_codes,
        query_labels,
        database_codes,
        database_labels,
        exclude_self=exclude_self,
        metric="hamming",
        device=device,
        binary=lambda labels: binary_gains(labels, *relevance),
    )
    n_bits = evaluation.ranking.n_bits
    statistic = found_within(n_bits if radius is None else min(radius, n_bits))
    values = evaluation.run([statistic], ties="expected", n_jobs=n_jobs)[statistic.name]
    return values, has_relevant(values, no_relevant)


def check_radius(radius) -> int:
    """A Hamming radius in whole bits."""
    if isinstance(radius, (bool, np.bool_)) or not isinstance(radius, (int, np.integer)):
        raise ValueError(f"radius must be an integer, got {radius!r}")
    if radius < 0:
        raise ValueError(f"radius must not be negative, got {radius}")
    return int(radius)


def _quotient(found: np.ndarray, size: np.ndarray, empty: str) -> np.ndarray:
    return np.where(size > 0, found / np.maximum(size, 1), 0 if empty == "zero" else np.nan)
