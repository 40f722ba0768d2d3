"""From a fitted estimator and a fold to scores: plan and check, encode once, rank."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from skhash.metrics._scorer_rows import FoldRows, fitted_attribute, select_rows
from skhash.metrics._scorer_run import ScoringOptions, check_depth, mean_scores
from skhash.metrics._statistics import Statistic
from skhash.similarity import resolve_similarity, takes_levels
from skhash.utils._labels import check_target
from skhash.utils._packing import check_codes, unpack_codes

if TYPE_CHECKING:
    from skhash.metrics._scorer import RetrievalScorer


@dataclass(frozen=True)
class _Plan:
    """Scores that rank the same rows in the same way, by the keys of their results."""

    statistics: dict[str, Statistic]
    rows: FoldRows
    options: ScoringOptions


def score_fold(scorers: dict[str, RetrievalScorer], estimator, X, y) -> dict[str, float]:
    """Scores of an estimator on a fold, by the keys of the scorers.

    All that can be refused is refused before X is encoded.
    """
    if not hasattr(estimator, "transform"):
        raise TypeError(
            f"A retrieval scorer scores what transform returns, which {_name(estimator)} lacks."
        )
    if y is None:
        raise ValueError("A retrieval scorer needs y: labels say what is relevant.")
    statistics = {key: scorer._validate() for key, scorer in scorers.items()}
    kind, y = check_target(y, levels=_any_takes_levels(scorers.values(), estimator))
    plans = [
        _make_plan(scorers[keys[0]], {key: statistics[key] for key in keys}, estimator, kind, y)
        for keys in _alike(scorers)
    ]
    codes = estimator.transform(X)
    codes = {
        metric: _check_codes(codes, metric, estimator)
        for metric in {plan.options.metric for plan in plans}
    }
    scores: dict[str, float] = {}
    for plan in plans:
        scores |= _run(plan, codes[plan.options.metric], y, estimator)
    return {key: scores[key] for key in scorers}


def _any_takes_levels(scorers, estimator) -> bool:
    targets = [scorer.similarity for scorer in scorers]
    return any(map(takes_levels, [*targets, fitted_attribute(estimator, "similarity_")]))


def _alike(scorers: dict[str, RetrievalScorer]) -> list[list[str]]:
    """Keys of scorers that differ in the name of the score only."""
    groups: dict[tuple, list[str]] = {}
    for key, scorer in scorers.items():
        params = scorer.get_params(deep=False) | {"name": None}
        # targets need not be hashable
        params["similarity"] = id(scorer.similarity)
        groups.setdefault(tuple(params.values()), []).append(key)
    return list(groups.values())


def _make_plan(
    scorer: RetrievalScorer, statistics: dict[str, Statistic], estimator, kind: str, y
) -> _Plan:
    """Plan the scores of the scorers that are like ``scorer``."""
    needs_similarity = scorer.threshold is not None or any(
        statistic.gains == "graded" for statistic in statistics.values()
    )
    seen_classes = None
    if scorer.queries in ("seen", "unseen"):
        seen_classes = fitted_attribute(estimator, "classes_")
        if seen_classes is None:
            raise ValueError(
                f"queries={scorer.queries!r} goes by the classes_ of the fitted estimator, which "
                f"{_name(estimator)} does not keep. To score it on unseen classes, use "
                "queries='all' with UnseenClassSplit(seen_size=0), or retrieval_evaluate."
            )
    rows = select_rows(kind, y, scorer.queries, scorer.database, seen_classes)
    if rows.database is None:
        n_ranked = len(_training(estimator)[1])
    else:
        n_ranked = len(rows.database) - bool(np.any(rows.own >= 0))
    where = f"fold of {y.shape[0]} rows, queries={scorer.queries!r}, database={scorer.database!r}"
    check_depth(list(statistics.values()), n_ranked, where)
    options = ScoringOptions(
        similarity=_similarity(scorer, estimator, y) if needs_similarity else None,
        **{
            name: getattr(scorer, name)
            for name in ScoringOptions.__dataclass_fields__
            if name != "similarity"
        },
    )
    return _Plan(statistics, rows, options)


def _similarity(scorer: RetrievalScorer, estimator, y):
    if not (isinstance(scorer.similarity, str) and scorer.similarity == "estimator"):
        return resolve_similarity(scorer.similarity, y)
    similarity = fitted_attribute(estimator, "similarity_")
    if similarity is None:
        raise ValueError(
            f"{scorer.name!r} grades by similarity, but {_name(estimator)} has no similarity_ to "
            "take; give the scorer a target: similarity=..."
        )
    return similarity


def _run(plan: _Plan, codes: np.ndarray, y, estimator) -> dict[str, float]:
    rows, own = plan.rows, plan.rows.own
    if rows.database is None:
        packed, database_labels = _training(estimator)
        database = unpack_codes(packed, codes.shape[1])
        if _are_same(codes, y, database, database_labels):
            own = rows.queries
            n_others = len(database_labels) - 1
            check_depth(list(plan.statistics.values()), n_others, "training rows among themselves")
    else:
        database, database_labels = codes[rows.database], y[rows.database]
    scores = mean_scores(
        list(plan.statistics.values()),
        codes[rows.queries],
        y[rows.queries],
        database,
        database_labels,
        own,
        plan.options,
    )
    return {key: scores[statistic.name] for key, statistic in plan.statistics.items()}


def _training(estimator) -> tuple[Any, Any]:
    codes = fitted_attribute(estimator, "training_codes_")
    labels = fitted_attribute(estimator, "training_labels_")
    if codes is None or labels is None:
        raise ValueError(
            f"database='train' searches the training codes, which {_name(estimator)} has not "
            "kept: a hasher keeps them under store_codes=True."
        )
    return codes, check_target(labels, "training_labels_")[1]


def _are_same(codes, labels, database, database_labels) -> bool:
    """Whether the fold is the training set, where each row would find itself."""
    return (
        codes.shape == database.shape
        and np.array_equal(codes, database)
        and not np.any(labels != database_labels)
    )


def _check_codes(codes, metric: str, estimator) -> np.ndarray:
    if metric != "hamming":
        return np.asarray(codes)
    try:
        return check_codes(codes, f"{_name(estimator)}.transform(X)")
    except ValueError as error:
        raise ValueError(
            f"{error} To score real vectors, give the scorer metric='cosine' or 'euclidean'."
        ) from error


def _name(estimator) -> str:
    return type(estimator).__name__
