"""From the arguments of a metric to a checked evaluation; bad input is refused here."""

from __future__ import annotations

import numpy as np
from sklearn.utils import check_array

from skhash.metrics._evaluation import Evaluation
from skhash.metrics._gains import Labels
from skhash.metrics._hamming import HammingRanking
from skhash.metrics._vectors import DistanceRanking, VectorRanking
from skhash.neighbors._packing import check_codes

METRICS = ("hamming", "cosine", "euclidean", "precomputed")
TIES = ("expected", "optimistic", "pessimistic")


def make_evaluation(
    query_codes,
    query_labels,
    database_codes,
    database_labels,
    *,
    exclude_self,
    metric: str,
    gains: dict,
) -> Evaluation:
    """Check the arguments that all ranking metrics have in common.

    ``gains`` maps names to functions that take `Labels` and return ClassGains or PairGains.
    """
    check_option("metric", metric, METRICS)
    same_items = database_codes is None and (metric != "precomputed" or database_labels is None)
    if same_items and database_labels is not None:
        raise ValueError("database_labels came without database_codes.")
    if same_items and exclude_self is False:
        raise ValueError(
            "Without a database the queries are ranked among themselves, and each would find "
            "itself first: say exclude_self=True. To count a query as its own neighbour, pass "
            "the queries as the database too."
        )
    ranking = _make_ranking(query_codes, database_codes, metric)
    if same_items:
        database_labels = query_labels
    labels = Labels(query_labels, database_labels, ranking.n_queries, ranking.n_database)
    own = _check_exclude_self(exclude_self, ranking)
    labels.check_own(own)
    return Evaluation(ranking, {name: make(labels) for name, make in gains.items()}, own)


def check_option(name: str, value, options) -> None:
    """Refuse a value that is not among the options."""
    if value not in options:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, options))}, got {value!r}.")


def check_ranks(k, evaluation: Evaluation, name: str = "k") -> np.ndarray:
    """One or several cut-offs as an integer array, none beyond the ranking."""
    ranks = np.asarray(k)
    if ranks.dtype.kind not in "iu" or ranks.ndim > 1 or ranks.size == 0:
        raise ValueError(f"{name} must be an integer or a list of integers, got {k!r}.")
    if ranks.min() < 1:
        raise ValueError(f"{name} must be at least 1, got {ranks.min()}.")
    if ranks.max() > evaluation.n_ranked:
        excluded = evaluation.ranking.n_database - evaluation.n_ranked
        raise ValueError(
            f"{name}={ranks.max()} is more than the {evaluation.n_ranked} items of the database"
            + (" without the query itself." if excluded else ".")
        )
    return ranks


def _make_ranking(query_codes, database_codes, metric: str):
    if metric == "precomputed":
        if database_codes is not None:
            raise ValueError(
                "metric='precomputed' takes the distances of shape (n_queries, n_database) in "
                "place of query_codes and no database_codes."
            )
        return DistanceRanking(check_array(query_codes, input_name="query_codes"))
    if database_codes is None:
        database_codes = query_codes
    if metric == "hamming":
        queries = check_codes(query_codes, "query_codes")
        items = check_codes(database_codes, "database_codes")
        _check_widths(queries, items)
        return HammingRanking(queries, items)
    queries = check_array(query_codes, dtype=np.float64, input_name="query_codes")
    items = check_array(database_codes, dtype=np.float64, input_name="database_codes")
    _check_widths(queries, items)
    return VectorRanking(queries, items, metric)


def _check_widths(queries: np.ndarray, items: np.ndarray) -> None:
    if queries.shape[1] != items.shape[1]:
        raise ValueError(
            "query_codes and database_codes must have the same number of columns, "
            f"got {queries.shape[1]} and {items.shape[1]}."
        )


def _check_exclude_self(exclude_self, ranking) -> np.ndarray:
    n_queries, n_database = ranking.n_queries, ranking.n_database
    if isinstance(exclude_self, (bool, np.bool_)):
        if not exclude_self:
            return np.full(n_queries, -1)
        if n_queries != n_database:
            raise ValueError(
                "exclude_self=True says that query i is row i of the database, but there are "
                f"{n_queries} queries and {n_database} items. Pass the database row of each "
                "query (-1 for none) instead."
            )
        return np.arange(n_queries)
    own = np.asarray(exclude_self)
    if own.dtype.kind not in "iu" or own.shape != (n_queries,):
        raise ValueError(
            "exclude_self must be True, False or the database row of each query, integers of "
            f"shape ({n_queries},); got {own.dtype} of shape {own.shape}."
        )
    if own.min() < -1 or own.max() >= n_database:
        raise ValueError(
            f"exclude_self must hold rows of the database, -1 to {n_database - 1}; "
            f"got {own.min()} to {own.max()}."
        )
    return own.astype(np.intp)
