"""Scorers for cross-validation and search: objects that encode a fold and score its rankings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Integral

from sklearn.base import BaseEstimator

from skhash.metrics._inputs import METRICS, TIES, check_option
from skhash.metrics._policy import POLICIES
from skhash.metrics._scorer_fold import score_fold
from skhash.metrics._scorer_names import make_statistic
from skhash.metrics._scorer_rows import DATABASES, QUERIES
from skhash.similarity import resolve_similarity

_VECTOR_METRICS = tuple(metric for metric in METRICS if metric != "precomputed")


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
        ``classes_`` of the fitted estimator; or the first so many of each class, which are the
        queries of a fold that `~skhash.model_selection.RetrievalSplit` made.
    database : {"fold", "queries", "rest", "train"}, default="fold"
        What they search: all rows of the fold, each query left out of its own ranking; the
        queries among themselves; the rows that are no queries; or the codes of the training
        rows, which the fitted estimator must have kept as ``training_codes_``, packed by
        `~skhash.neighbors.pack_codes`, and ``training_labels_`` (``store_codes=True``). When
        the fold is the training set, each row is left out of its own ranking there too.
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
            If a parameter is not as asked for; the cut-off is more than there is to rank; the
            estimator lacks what ``queries``, ``database`` or ``similarity`` need; there are no
            such queries; or no query has anything relevant.
        TypeError
            If the estimator is no transformer.
        """
        return score_fold({"score": self}, estimator, X, y)["score"]

    def _validate(self):
        """Check the parameters; return the statistic."""
        statistic = make_statistic(self.name)
        is_count = isinstance(self.queries, Integral) and not isinstance(self.queries, bool)
        if not is_count:
            check_option("queries", self.queries, (*QUERIES, "an integer"))
        elif self.queries < 1:
            raise ValueError(f"queries must be at least 1 of each class, got {self.queries}.")
        check_option("database", self.database, DATABASES)
        check_option("ties", self.ties, TIES)
        check_option("metric", self.metric, _VECTOR_METRICS)
        check_option("no_relevant", self.no_relevant, POLICIES)
        if self.database == "train" and self.metric != "hamming":
            raise ValueError(
                f"database='train' is made of codes, for metric='hamming'; got {self.metric!r}."
            )
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

    def __init__(self, scorers):
        self.scorers = scorers

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
            As `RetrievalScorer` does.
        """
        return score_fold(self._by_name(), estimator, X, y)

    def _by_name(self) -> dict[str, RetrievalScorer]:
        scorers = self.scorers
        if isinstance(scorers, str) or not isinstance(scorers, Iterable) or not scorers:
            raise ValueError(f"scorers must be a dict or a list of names, got {scorers!r}.")
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
    names = name if isinstance(name, Mapping) else {one: one for one in name}
    return MultiRetrievalScorer({key: get_scorer(one, **options) for key, one in names.items()})


def _check_scorer(key, scorer) -> RetrievalScorer:
    if not isinstance(scorer, RetrievalScorer):
        raise TypeError(f"Scorer {key!r} must be a RetrievalScorer or a name, got {scorer!r}.")
    return scorer
