"""The parts of docstrings that all ranking metrics share."""

from __future__ import annotations

from skhash.utils._docs import shared_docs as _shared_docs

_PARTS = {
    "rankings": """
query_codes : array-like of shape (n_queries, n_bits)
    Codes of the queries, bits of 0 and 1. Real vectors for ``metric="cosine"`` and
    ``"euclidean"``; the distances of shape (n_queries, n_database) for ``"precomputed"``.
query_labels : array-like of n_queries labels
    Classes, rows of multilabel indicators or real vectors. None where a matrix says what is
    relevant.
database_codes : array-like of shape (n_database, n_bits), default=None
    Codes of the items to find. By default the queries are ranked among themselves, which needs
    ``exclude_self=True``. None for ``metric="precomputed"``.
database_labels : array-like of n_database labels, default=None
    Labels of the items.
""",
    "relevance": """
relevance : {array-like, sparse matrix} of shape (n_queries, n_database), default=None
    1 where an item is relevant to a query, else 0. By default items of the same class are
    relevant, or items with a label in common.
similarity : callable or array-like of shape (n_queries, n_database), default=None
    A similarity target, or its values; needs ``threshold``.
threshold : float, default=None
    Items at least so similar to the query are relevant; rounding, of up to 1e-6, is forgiven.
""",
    "cutoffs": """
k : int or array-like of ints
    The cut-off, or several.
""",
    "any_cutoffs": """
k : int or array-like of ints, default=None
    The cut-off, or several; None for the whole database.
""",
    "graded": """
relevance : {array-like, sparse matrix} of shape (n_queries, n_database), default=None
    How relevant each item is to each query, not negative. By default the number of labels in
    common for multilabel indicators; for classes 1 where they are the same, else 0.
similarity : callable or array-like of shape (n_queries, n_database), default=None
    A similarity target, or its values, as the relevance.
""",
    "score": """
score : float or ndarray
    The mean over the queries, or with ``per_query`` the value of each, shape (n_queries,).
    Several cut-offs add an axis, the last one, of shape (n_cutoffs,).
""",
    "exclude": """
exclude_self : bool or array-like of shape (n_queries,), default=False
    Whether the queries are items of the database, to be left out of their own ranking and of
    the ideal one: True where query i is row i of the database, or the database row of each
    query, -1 for those that are not in it.
""",
    "metric": """
metric : {"hamming", "cosine", "euclidean", "precomputed"}, default="hamming"
    The distance to rank by. The others than Hamming are for the vectors that codes are made
    from, so that both are measured alike. Distances of vectors tie where they are equal but for
    rounding, precomputed ones where they are equal.
""",
    "ties": """
ties : {"expected", "optimistic", "pessimistic"}, default="expected"
    What to make of items at the same distance: the exact expectation over their random order,
    or the score of the best or the worst order there is. None depends on the order of the
    database.
""",
    "no_relevant": """
no_relevant : {"warn", "skip", "zero", "raise"}, default="warn"
    What to do about queries that nothing in the database is relevant to: leave them out of the
    mean with or without a warning (their own values are NaN), count them as 0, or raise.
""",
    "per_query": """
per_query : bool, default=False
    Whether to return the value of each query instead of their mean.
""",
    "machine": """
n_jobs : int, default=None
    Number of threads; None means 1 unless in a `joblib.parallel_config`, -1 all processors.
device : str, default=None
    Where to count Hamming distances with torch, such as ``"cuda"``, or ``"auto"`` for the
    fastest there is; None for numpy.
""",
    "raises": """
ValueError
    If codes are not bits, shapes or labels do not agree, a cut-off is more than the database
    holds, or no query has anything relevant.
""",
}

shared_docs = _shared_docs(_PARTS)
