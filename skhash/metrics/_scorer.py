"""Scorers for cross-validation and search: objects that encode a fold and score its rankings."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator

from skhash.metrics._fold import DATABASES, QUERIES, Fold, FoldRows, fitted_attribute, select_rows
from skhash.metrics._inputs import METRICS, TIES, ScoringOptions, check_option, query_values
from skhash.metrics._policy import POLICIES, caller_level, mean_over_queries, settle
from skhash.metrics._scorer_names import make_statistic
from skhash.metrics._statistics import Statistic
from skhash.similarity import resolve_similarity, takes_levels
from skhash.utils._labels import check_target

_VECTOR_METRICS = tuple(metric for metric in METRICS if metric != "precomputed")


@dataclass(frozen=True)
class _Plan:
    """One score: what of whom, and how."""

    statistic: Statistic
    rows: FoldRows
    options: ScoringOptions


class RetrievalScorer(BaseEstimator):
    """Score a transformer by how well the codes that it gives to a fold retrieve.

    Pass it as ``scoring=`` to `~sklearn.model_selection.cross_val_score`,
    `~sklearn.model_selection.GridSearchCV` and the like. By default each row of the test fold
    queries all others of the fold (leave-one-out), so that nothing that was trained on is
    searched, and any transformer or pipeline can be scored.

    Parameters
    ----------
    name : str
        What to score, with its cut-off: ``"mahp@250"``, ``"hp@250"``, ``"map"``,
        ``"map@1000"``, ``"ndcg@100"``, ``"precision@10"``, ``"recall@10"``; see
        `get_scorer_names`. ``"mahp"``, ``"hp"``, ``"hap"`` and ``"ndcg"`` grade items by
        similarity, ``"ndcg:shared"``, ``"acg"`` and ``"wap"`` by the number of labels in common.
        For the others an item is relevant if it has the class of the query, or a label in
        common.
    similarity : "estimator", "auto" or callable, default="estimator"
        The similarity target to score by. ``"estimator"`` takes the ``similarity_`` that the
        fitted estimator, or the last step of the pipeline, learned from. Give a fixed target
        where a search varies the similarity itself: otherwise each candidate is judged by its
        own idea of what is similar. ``"auto"`` goes by the kind of y, see
        `~skhash.similarity.resolve_similarity`.
    threshold : float or None, default=None
        Where relevance is yes or no: items at least so similar to the query are relevant.
    queries : {"all", "unseen", "seen"} or int, default="all"
        Which rows of the fold query: all; those of classes that are not, or that are, in the
        ``classes_`` of the fitted estimator; or a number, that many first rows of each class,
        which are the queries of a fold that `~skhash.model_selection.RetrievalSplit` made.
    database : {"fold", "queries", "rest", "train"}, default="fold"
        What they search: all rows of the fold, each query left out of its own ranking; the
        queries among themselves; the rows that are no queries; or the codes of the training
        rows, which a hasher keeps under ``store_codes=True``. Rows of the fold that are
        training rows are left out of their own ranking there too. They are known by their
        features, in whatever order they come: a row that equals a training row, and has its
        class, is taken for it. Where this holds for some rows of the fold only, a warning says
        so.
    ties : {"expected", "optimistic", "pessimistic"}, default="expected"
        What to make of items at the same distance: the exact expectation over their random
        order, or the score of the best or the worst order.
    metric : {"hamming", "cosine", "euclidean"}, default="hamming"
        The distance to rank by. "hamming" is for codes of 0 and 1; the others are for
        transformers to real vectors.
    no_relevant : {"warn", "skip", "zero", "raise"}, default="warn"
        What to do about queries that nothing in the database is relevant to: leave them out of
        the mean with or without a warning, count them as 0, or raise. If no query has a match,
        only "zero" does not raise.
    n_jobs : int, default=None
        Threads of one scoring; a search has its own ``n_jobs``.
    device : str, default=None
        Where to count Hamming distances with torch, such as ``"cuda"``; None for numpy.

    See Also
    --------
    MultiRetrievalScorer : Several scores, for which the fold is encoded once.
    get_scorer : A scorer by name.

    Notes
    -----
    A cut-off up to the number of items of a class tells codes of classes from codes of meaning
    as little as precision does: choose it above. A cut-off that the fold is too small for
    raises an error; under `~sklearn.model_selection.GridSearchCV` that is a warning and a
    score of ``error_score``.

    The scorer asks for no metadata, and takes no sample weights.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import StratifiedKFold, cross_val_score
    >>> from skhash import PCAHasher
    >>> from skhash.metrics import RetrievalScorer
    >>> X, y = load_digits(return_X_y=True)
    >>> scores = cross_val_score(
    ...     PCAHasher(n_bits=16), X, y, cv=StratifiedKFold(3), scoring=RetrievalScorer("map")
    ... )
    >>> scores.round(2)
    array([0.37, 0.39, 0.39])
    """

    def __init__(
        self,
        name,
        *,
        similarity="estimator",
        threshold=None,
        queries="all",
        database="fold",
        ties="expected",
        metric="hamming",
        no_relevant="warn",
        n_jobs=None,
        device=None,
    ):
        self.name = name
        self.similarity = similarity
        self.threshold = threshold
        self.queries = queries
        self.database = database
        self.ties = ties
        self.metric = metric
        self.no_relevant = no_relevant
        self.n_jobs = n_jobs
        self.device = device

    def __call__(self, estimator, X, y=None) -> float:
        """Score a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            A fitted transformer, or a pipeline or search that ends in one.
        X : array-like of n_samples rows
            The fold.
        y : array-like of n_samples labels
            Its labels.

        Returns
        -------
        score : float
            The mean over the queries; more is better.

        Raises
        ------
        ValueError
            If a parameter is invalid; the cut-off is more than there is to rank; the
            estimator lacks what ``queries``, ``database`` or ``similarity`` need; there are no
            such queries; or no query has anything relevant.
        TypeError
            If the estimator is not a transformer.
        """
        return _score_fold({"score": self}, estimator, X, y)["score"]

    def _validate(self):
        """Check the parameters; return the statistic."""
        statistic = make_statistic(self.name)
        is_count = isinstance(self.queries, Integral) and not isinstance(self.queries, bool)
        if not is_count:
            check_option("queries", self.queries, (*QUERIES, "an integer"))
        elif self.queries < 1:
            raise ValueError(f"queries must be at least 1 of each class, got {self.queries}")
        check_option("database", self.database, DATABASES)
        check_option("ties", self.ties, TIES)
        check_option("metric", self.metric, _VECTOR_METRICS)
        check_option("no_relevant", self.no_relevant, POLICIES)
        if self.database == "train" and self.metric != "hamming":
            raise ValueError(f"database='train' needs metric='hamming', got {self.metric!r}")
        if not (isinstance(self.similarity, str) and self.similarity in ("estimator", "auto")):
            resolve_similarity(self.similarity, None)
        return statistic


class MultiRetrievalScorer(BaseEstimator):
    """Several scores of a transformer, for which the fold is encoded once.

    Pass it as ``scoring=`` with ``refit=`` the name of the score to choose by. Scores that rank
    the same rows by the same distance also share the pass over the distances.

    Parameters
    ----------
    scorers : dict or list
        Scorers, `RetrievalScorer` or names that `get_scorer` takes, by the name of their
        result. A list of names names the results too.
    error_score : "raise" or float, default=nan
        What a score is set to that cannot be computed on a fold, with a warning; the other
        scores of the fold are kept. ``"raise"`` raises the error.

    See Also
    --------
    RetrievalScorer : One score.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skhash import PCAHasher
    >>> from skhash.metrics import MultiRetrievalScorer, RetrievalScorer
    >>> X, y = load_digits(return_X_y=True)
    >>> scorer = MultiRetrievalScorer(
    ...     {"map": "map", "worst": RetrievalScorer("map", ties="pessimistic")}
    ... )
    >>> search = GridSearchCV(PCAHasher(), {"n_bits": [2, 8]}, scoring=scorer, refit="map")
    >>> search.fit(X, y).best_params_
    {'n_bits': 8}
    """

    def __init__(self, scorers, *, error_score=math.nan):
        self.scorers = scorers
        self.error_score = error_score

    def __call__(self, estimator, X, y=None) -> dict[str, float]:
        """Score a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            A fitted transformer, or a pipeline or search that ends in one.
        X : array-like of n_samples rows
            The fold.
        y : array-like of n_samples labels
            Its labels.

        Returns
        -------
        scores : dict of str to float
            The scores by name.

        Raises
        ------
        ValueError, TypeError
            As `RetrievalScorer` does: under ``error_score="raise"``, and without y, or for an
            estimator without ``transform``.
        """
        is_number = isinstance(self.error_score, Real) and not isinstance(self.error_score, bool)
        if not is_number:
            check_option("error_score", self.error_score, ("raise", "a number"))
        return _score_fold(self._by_name(), estimator, X, y, self.error_score)

    def _by_name(self) -> dict[str, RetrievalScorer]:
        scorers = self.scorers
        if isinstance(scorers, str) or not isinstance(scorers, Iterable) or not scorers:
            raise ValueError(f"scorers must be a dict or a list of names, got {scorers!r}")
        if not isinstance(scorers, Mapping):
            scorers = {name: name for name in scorers}
        return {
            key: RetrievalScorer(scorer) if isinstance(scorer, str) else _check_scorer(key, scorer)
            for key, scorer in scorers.items()
        }


def get_scorer(name, **options) -> RetrievalScorer | MultiRetrievalScorer:
    """Scorer by name.

    Parameters
    ----------
    name : str, list of str or dict of str
        Such as ``"mahp@250"``, see `get_scorer_names`. A list, or a dict by the names of the
        results, gives one scorer of them all.
    **options
        Parameters of `RetrievalScorer`, such as ``similarity`` and ``queries``.

    Returns
    -------
    scorer : RetrievalScorer or MultiRetrievalScorer
        The scorer.

    Raises
    ------
    ValueError
        If a name or an option is unknown.

    Examples
    --------
    >>> from skhash.metrics import get_scorer
    >>> get_scorer("map@1000", queries="unseen")
    RetrievalScorer(name='map@1000', queries='unseen')
    """
    if isinstance(name, str):
        scorer = RetrievalScorer(name, **options)
        scorer._validate()
        return scorer
    if not isinstance(name, Iterable):
        raise TypeError(f"name must be one score, several, or scores by name, got {name!r}")
    names = name if isinstance(name, Mapping) else {one: one for one in name}
    return MultiRetrievalScorer({key: get_scorer(one, **options) for key, one in names.items()})


def _check_scorer(key, scorer) -> RetrievalScorer:
    if not isinstance(scorer, RetrievalScorer):
        raise TypeError(f"scorer {key!r} must be a RetrievalScorer or a name, got {scorer!r}")
    return scorer


def _score_fold(
    scorers: dict[str, RetrievalScorer], estimator, X, y, error_score="raise"
) -> dict[str, float]:
    """Scores of an estimator on a fold, by the keys of the scorers.

    All that can be refused is refused before X is encoded. ``error_score`` is what a score is
    set to that cannot be computed, or ``"raise"``.
    """
    if not hasattr(estimator, "transform"):
        raise TypeError(
            "a retrieval scorer scores what transform returns, which "
            f"{type(estimator).__name__} lacks"
        )
    if y is None:
        raise ValueError("a retrieval scorer needs y: labels say what is relevant")
    kind, y = check_target(y, levels=_any_takes_levels(scorers.values(), estimator))
    fold = Fold(estimator, X, kind, y)
    scores = dict.fromkeys(scorers, error_score)
    plans = {}
    for key, scorer in scorers.items():
        with _attempt([key], error_score):
            plans[key] = _make_plan(scorer, fold)
    for keys in _alike({key: scorers[key] for key in plans}):
        with _attempt(keys, error_score):
            values = _values_of_queries([plans[key] for key in keys], fold)
            warned: set[str] = set()
            for key in keys:
                statistic, policy = plans[key].statistic, plans[key].options.no_relevant
                if policy == "warn" and statistic.gains in warned:
                    # once is enough
                    policy = "skip"
                warned.add(statistic.gains)
                with _attempt([key], error_score):
                    scores[key] = mean_over_queries(settle(values[statistic.name], policy))
    return scores


@contextlib.contextmanager
def _attempt(keys: Sequence[str], error_score) -> Iterator[None]:
    """Go on without the scores where they fail, as scikit-learn does with a dict of scorers."""
    try:
        yield
    except Exception as error:
        if isinstance(error_score, str):
            raise
        names = ", ".join(map(repr, keys))
        warnings.warn(
            f"Scoring failed. The score {names} on this train-test partition for these parameters "
            f"will be set to {error_score}. Details:\n{type(error).__name__}: {error}",
            UserWarning,
            stacklevel=caller_level(),
        )


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


def _make_plan(scorer: RetrievalScorer, fold: Fold) -> _Plan:
    statistic = scorer._validate()
    seen_classes = None
    if scorer.queries in ("seen", "unseen"):
        seen_classes = fold.attribute("classes_")
        if seen_classes is None:
            raise ValueError(
                f"queries={scorer.queries!r} goes by the classes_ of the fitted estimator, which "
                f"{fold.name} does not keep; to score it on unseen classes, use queries='all' "
                "with UnseenClassSplit(seen_size=0), or retrieval_evaluate"
            )
    own = fold.training().own if scorer.database == "train" else None
    rows = select_rows(fold.kind, fold.y, scorer.queries, scorer.database, seen_classes, own)
    n_database = len(fold.training().codes if rows.database is None else rows.database)
    where = (
        f"fold of {fold.y.shape[0]} rows, queries={scorer.queries!r}, database={scorer.database!r}"
    )
    _check_depth(statistic, n_database - bool(np.any(rows.own >= 0)), where)
    options = {
        name: getattr(scorer, name)
        for name in ScoringOptions.__dataclass_fields__
        if name != "similarity"
    }
    needs_similarity = statistic.gains == "graded" or scorer.threshold is not None
    similarity = _similarity(scorer, fold) if needs_similarity else None
    return _Plan(statistic, rows, ScoringOptions(similarity=similarity, **options))


def _similarity(scorer: RetrievalScorer, fold: Fold):
    if not (isinstance(scorer.similarity, str) and scorer.similarity == "estimator"):
        return resolve_similarity(scorer.similarity, fold.y)
    similarity = fold.attribute("similarity_")
    if similarity is None:
        raise ValueError(
            f"{scorer.name!r} grades by similarity, but {fold.name} has no similarity_ to take; "
            "give the scorer a target: similarity=..."
        )
    return similarity


def _values_of_queries(plans: list[_Plan], fold: Fold) -> dict[str, np.ndarray]:
    """Values of scores that differ in the statistic only, by its name."""
    rows, options = plans[0].rows, plans[0].options
    similarities = [plan.options.similarity for plan in plans]
    given = (similarity for similarity in similarities if similarity is not None)
    options = replace(options, similarity=next(given, None))
    codes, y = fold.codes(options.metric), fold.y
    if rows.database is None:
        database, database_labels, _ = fold.training()
    else:
        database, database_labels = codes[rows.database], y[rows.database]
    return query_values(
        [plan.statistic for plan in plans],
        codes[rows.queries],
        y[rows.queries],
        database,
        database_labels,
        rows.own,
        options,
    )


def _check_depth(statistic: Statistic, n_ranked: int, where: str) -> None:
    """Refuse a cut-off beyond the items that a query has to rank."""
    if statistic.depth is not None and statistic.depth > n_ranked:
        raise ValueError(
            f"{statistic.name!r} needs k={statistic.depth} items to rank, but a query has "
            f"{n_ranked} ({where})"
        )
