"""One evaluation on seen and unseen classes, with the rows that give a number its meaning."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import _safe_indexing, check_random_state, indexable
from sklearn.utils.validation import _num_samples

from skhash.hashers._class_code import ClassCodeHasher
from skhash.metrics._inputs import ScoringOptions, check_option, query_values
from skhash.metrics._policy import POLICIES, caller_level, mean_over_queries, settle
from skhash.metrics._scorer_names import make_statistic
from skhash.metrics._statistics import Statistic
from skhash.model_selection._classes import check_count, sorted_classes
from skhash.model_selection._evaluation import Column, RetrievalEvaluation
from skhash.model_selection._unseen_split import UnseenClassSplit, UnseenRoles
from skhash.similarity import resolve_similarity, takes_levels
from skhash.utils._labels import check_target

ALL_TRAINED = "all classes trained"
HELD_OUT = "unseen classes held out"

RANDOM_ROW = "random codes"
CLASS_CODE_ROW = "one code per class"
FEATURES_ROW = "features, cosine"


class _Protocol(NamedTuple):
    """Queries and the rows they search; ``own`` is the place of each query there, -1 for none."""

    name: str
    queries: np.ndarray
    database: np.ndarray
    own: np.ndarray


class _Training(NamedTuple):
    """Rows to fit on, and what the fitted estimator is scored by."""

    name: str
    rows: np.ndarray
    protocols: list[_Protocol]


@dataclass(frozen=True)
class _Method:
    """A row of the table; ``metric`` is None where the output tells codes from vectors."""

    estimator: Any
    X: Any
    metric: str | None = None
    bits: int | None = None


class _Result(NamedTuple):
    """What one fit gave: scores in the order of the columns, and bits of an item.

    ``n_unmatched`` is the number of queries of each protocol with nothing relevant to find.
    """

    name: str
    scores: list[float]
    bits: int
    n_unmatched: list[int]
    seconds: float


class _OneCode(TransformerMixin, BaseEstimator):
    """The same code for all. Under expected ties its score is that of random rankings, exactly."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.zeros((_num_samples(X), 1), dtype=np.uint8)


def retrieval_evaluate(
    estimator,
    X,
    y,
    *,
    similarity,
    k=(25, 250),
    name="mahp",
    splitter=None,
    features=None,
    classifier=None,
    no_relevant="warn",
    random_state=None,
    n_jobs=None,
    verbose=0,
) -> RetrievalEvaluation:
    """Fit hashers and score their codes on seen and on unseen classes.

    A score means something next to what else would have reached it. So three rows are always
    there:

    - ``"random codes"``: the exact expectation over random rankings;
    - ``"one code per class"``: `~skhash.ClassCodeHasher`, the answer of a classifier. Codes of
      seen classes that are not above it have learned nothing else;
    - ``"features, cosine"``: the uncompressed features, ranked by cosine distance.

    Every method is fitted twice on each split. Trained on all classes, the test rows query the
    training rows (``"train database"``) and each other (``"leave-one-out"``). Trained without
    the unseen classes, test rows of unseen classes query all test rows (``"unseen@all"``), those
    of seen classes do (``"seen@all"``), and those of unseen classes query each other
    (``"unseen@unseen"``). A query is never in its own ranking.

    Parameters
    ----------
    estimator : transformer or dict of str to transformer
        What to evaluate, by name; each is cloned. Output of 0 and 1, or of -1 and 1, is ranked
        by Hamming distance, other output by cosine distance.
    X : array-like of n_samples rows
        The data, in any form that the estimators take.
    y : array-like of shape (n_samples,)
        Class labels.
    similarity : "auto" or callable
        The similarity target to score by, for all methods the same.
    k : int or sequence of int, default=(25, 250)
        The cut-offs. Those up to the number of test rows of a class say little more than
        precision does. None may be above the items that a query has to rank, which among the
        unseen test rows are few.
    name : str, default="mahp"
        The metric without its cut-off: "mahp", "hp", "map", "ndcg", "precision" or "recall".
    splitter : UnseenClassSplit, iterable of (train, seen, unseen) rows or None, default=None
        What to hold out; `UnseenClassSplit.split_roles` says how. The rows of unseen classes
        that it leaves out are trained on where all classes are, so ``unseen_size`` must be
        below 1. None for a single split with a fifth of the classes unseen and a fifth of the
        rows of every class to test with. Scores are means over the splits.
    features : array-like of shape (n_samples, n_features) or None, default=None
        The features that codes are measured against, and that the classifier learns from. None
        for X.
    classifier : classifier or None, default=None
        Predicts the class for "one code per class"; None for regularised logistic regression.
    no_relevant : {"warn", "skip", "zero", "raise"}, default="warn"
        What to do about queries that nothing in the database is relevant to: leave them out of
        the mean with or without a warning, count them as 0, or raise.
    random_state : int, RandomState instance or None, default=None
        Draws the split and the class codes; estimators have their own.
    n_jobs : int, default=None
        Number of fits to run at a time.
    verbose : int, default=0
        Above 0, prints a line for each fit that is done, with the seconds it took.

    Returns
    -------
    evaluation : RetrievalEvaluation
        The scores; prints as a table.

    Raises
    ------
    ValueError
        If an argument is invalid, a test set is too small for a cut-off, or the split
        leaves no row of an unseen class to train on.
    TypeError
        If an estimator is not a transformer, or the similarity not a target.

    References
    ----------
    A. Sablayrolles, M. Douze, N. Usunier and H. Jégou, "How should we evaluate supervised
    hashing?", ICASSP 2017.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skhash import PCAHasher
    >>> from skhash.model_selection import retrieval_evaluate
    >>> X, y = load_digits(return_X_y=True)
    >>> evaluation = retrieval_evaluate(
    ...     PCAHasher(n_bits=16), X, y, similarity="auto", k=10, random_state=0
    ... )
    >>> evaluation.rows
    ['random codes', 'one code per class', 'features, cosine', 'PCAHasher']
    >>> [column.protocol for column in evaluation.columns]
    ['train database', 'leave-one-out', 'unseen@all', 'seen@all', 'unseen@unseen']
    """
    check_option("no_relevant", no_relevant, POLICIES)
    X, y = indexable(X, y)
    features = X if features is None else features
    indexable(y, features)
    y = check_target(y, levels=takes_levels(similarity))[1]
    classes, _ = sorted_classes(y)
    options = ScoringOptions(
        similarity=resolve_similarity(similarity, y),
        no_relevant="zero" if no_relevant == "zero" else "skip",
    )
    statistics = _statistics(name, k)
    random_state = check_random_state(random_state)
    seed, code_seed = random_state.randint(np.iinfo(np.int32).max, size=2)
    splits = _split(splitter, X, y, seed)
    trainings = [training for roles in splits for training in _trainings(roles, len(y))]
    for training in trainings:
        _check_cutoffs(statistics, training)

    class_codes = ClassCodeHasher(estimator=classifier, random_state=int(code_seed))
    methods = {
        RANDOM_ROW: _Method(_OneCode(), features, "hamming", bits=0),
        CLASS_CODE_ROW: _Method(class_codes, features, "hamming"),
        FEATURES_ROW: _Method(FunctionTransformer(), features, "cosine"),
    }
    methods |= _candidates(estimator, X, methods)
    tasks = [(name, training) for name in methods for training in trainings]
    jobs = [
        (methods[name], y, training, statistics, options, f"{name}, {training.name}")
        for name, training in tasks
    ]
    # the first method only looks at labels: what they leave without a match is told before a fit
    n_first = len(trainings)
    results = [_evaluate(*job) for job in jobs[:n_first]]
    _report_unmatched(results, trainings, no_relevant)
    results += _run(jobs[n_first:], n_jobs, verbose)
    columns = [
        Column(training.name, protocol.name, cutoff)
        for training in trainings[:2]
        for protocol in training.protocols
        for cutoff in statistics
    ]
    # method by method, split by split, column by column
    scores = np.concatenate([result.scores for result in results])
    scores = scores.reshape(len(methods), len(splits), len(columns)).transpose(0, 2, 1)
    bits = np.array([result.bits for result in results]).reshape(len(methods), -1)[:, 0]
    conditions = {
        "metric": name,
        "similarity": " ".join(repr(options.similarity).split()),
        "ties": options.ties,
        "no_relevant": no_relevant,
        "classes": len(classes),
        "unseen": len(np.unique(y[splits[0].unseen])),
        "test rows": len(splits[0].seen) + len(splits[0].unseen),
        "splits": len(splits),
    }
    return RetrievalEvaluation(list(methods), columns, bits, scores, conditions)


def _statistics(name: str, k) -> dict[int, Statistic]:
    cutoffs = list(np.atleast_1d(np.asarray(k, dtype=object)))
    if not cutoffs:
        raise ValueError("k must hold at least one cut-off, got none")
    for cutoff in cutoffs:
        check_count("k", cutoff, 1)
    return {int(cutoff): make_statistic(f"{name}@{cutoff}") for cutoff in dict.fromkeys(cutoffs)}


def _split(splitter, X, y, seed: int) -> list[UnseenRoles]:
    if splitter is None:
        splitter = UnseenClassSplit(
            n_splits=1, n_unseen=0.2, seen_size=0.2, unseen_size=0.2, random_state=int(seed)
        )
    if hasattr(splitter, "split_roles"):
        splitter = splitter.split_roles(X, y)
    if not isinstance(splitter, Iterable):
        raise TypeError(
            "splitter must be an UnseenClassSplit or an iterable of (train, seen, unseen) row "
            f"indices, got {splitter!r}"
        )
    splits = []
    for roles in splitter:
        if len(roles) != 3:
            raise ValueError(
                f"splitter must give (train, seen, unseen) row indices, got {len(roles)} parts"
            )
        splits.append(UnseenRoles(*map(_check_indices, roles)))
        _check_roles(splits[-1], y)
    if not splits:
        raise ValueError("splitter must give at least one split, got none")
    return splits


def _check_indices(rows) -> np.ndarray:
    rows = np.asarray(rows)
    if rows.ndim != 1 or (rows.size and rows.dtype.kind not in "iu"):
        raise ValueError(f"splitter must give row indices, got {rows.dtype} of shape {rows.shape}")
    return rows.astype(np.intp)


def _check_roles(roles: UnseenRoles, y) -> None:
    used = np.bincount(np.concatenate(roles), minlength=len(y))
    if used.max() > 1:
        raise ValueError(
            f"row {used.argmax()} has {used.max()} roles in a split; it may have only one"
        )
    if not len(roles.seen) or not len(roles.unseen):
        raise ValueError(
            f"a split has {len(roles.seen)} test rows of seen and {len(roles.unseen)} of unseen "
            "classes; both are needed"
        )
    trained = np.unique(y[roles.train])
    leaked = np.intersect1d(y[roles.unseen], trained)
    if len(leaked):
        raise ValueError(
            f"class {leaked.tolist()[0]!r} is called unseen, but is among the training rows"
        )
    untrained = np.setdiff1d(y[roles.unseen], y[used == 0])
    if len(untrained):
        raise ValueError(
            f"all rows of the unseen class {untrained.tolist()[0]!r} are test rows, and nothing "
            "can be trained on all classes: UnseenClassSplit needs unseen_size below 1"
        )


def _trainings(roles: UnseenRoles, n_rows: int) -> list[_Training]:
    test = np.sort(np.concatenate([roles.seen, roles.unseen]))
    train = np.setdiff1d(np.arange(n_rows), test)
    is_unseen = np.isin(test, roles.unseen)
    unseen, seen = np.flatnonzero(is_unseen), np.flatnonzero(~is_unseen)
    among_unseen = np.arange(len(unseen))
    on_all = [
        _Protocol("train database", test, train, np.full(len(test), -1)),
        _Protocol("leave-one-out", test, test, np.arange(len(test))),
    ]
    on_seen = [
        _Protocol("unseen@all", test[unseen], test, unseen),
        _Protocol("seen@all", test[seen], test, seen),
        _Protocol("unseen@unseen", test[unseen], test[unseen], among_unseen),
    ]
    return [_Training(ALL_TRAINED, train, on_all), _Training(HELD_OUT, roles.train, on_seen)]


def _check_cutoffs(cutoffs: Iterable[int], training: _Training) -> None:
    for protocol in training.protocols:
        n_ranked = len(protocol.database) - bool(np.any(protocol.own >= 0))
        if max(cutoffs) > n_ranked:
            raise ValueError(
                f"k={max(cutoffs)} is more than a query has to rank in {protocol.name} "
                f"({training.name}), {n_ranked} items: give cut-offs up to {n_ranked}, such as "
                f"k={min(n_ranked, 25)}, or a splitter that leaves more rows to test with"
            )


def _candidates(estimator, X, reserved) -> dict[str, _Method]:
    by_name = estimator
    if not isinstance(estimator, Mapping):
        last = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
        by_name = {type(last).__name__: estimator}
    if not by_name:
        raise ValueError("estimator must not be an empty dict")
    for name, candidate in by_name.items():
        if name in reserved:
            raise ValueError(f"the name {name!r} is taken by a row that is always there")
        if not (hasattr(candidate, "fit") and hasattr(candidate, "transform")):
            raise TypeError(f"estimator {name!r} must be a transformer, got {candidate!r}")
    return {str(name): _Method(candidate, X) for name, candidate in by_name.items()}


def _run(jobs: list[tuple], n_jobs, verbose) -> list[_Result]:
    results: list[_Result] = []
    done = Parallel(n_jobs=n_jobs, return_as="generator")(delayed(_evaluate)(*job) for job in jobs)
    for result in done:
        results.append(result)
        if verbose:
            print(f"[{len(results)}/{len(jobs)}] {result.name}: {result.seconds:.1f} s", flush=True)
    return results


def _evaluate(
    method: _Method,
    y,
    training: _Training,
    statistics: dict[int, Statistic],
    options: ScoringOptions,
    name: str,
) -> _Result:
    """Fit, encode, and score in the order of the columns."""
    start = perf_counter()
    X = method.X
    fitted = clone(method.estimator)
    fitted.fit(_safe_indexing(X, training.rows), y[training.rows])
    parts = [part for p in training.protocols for part in (p.queries, p.database)]
    rows = np.unique(np.concatenate(parts))
    codes = fitted.transform(_safe_indexing(X, rows))
    codes = codes.toarray() if issparse(codes) else np.asarray(codes)
    metric = method.metric
    if metric is None:
        codes, metric = _as_codes(codes)
    scores: list[float] = []
    n_unmatched = []
    for protocol in training.protocols:
        values = query_values(
            list(statistics.values()),
            codes[np.searchsorted(rows, protocol.queries)],
            y[protocol.queries],
            codes[np.searchsorted(rows, protocol.database)],
            y[protocol.database],
            protocol.own,
            replace(options, metric=metric),
        )
        of_cutoffs = [values[statistic.name] for statistic in statistics.values()]
        n_unmatched.append(int(np.isnan(of_cutoffs[0]).sum()))
        scores += [mean_over_queries(settle(of, options.no_relevant)) for of in of_cutoffs]
    bits = _bits_per_item(codes, metric) if method.bits is None else method.bits
    return _Result(name, scores, bits, n_unmatched, perf_counter() - start)


def _report_unmatched(results: list[_Result], trainings: list[_Training], no_relevant) -> None:
    """Warn or raise where queries have nothing to find, once for all methods."""
    counts: dict[str, np.ndarray] = {}
    for result, training in zip(results, trainings, strict=True):
        for n_unmatched, protocol in zip(result.n_unmatched, training.protocols, strict=True):
            so_far = counts.setdefault(protocol.name, np.zeros(2, dtype=int))
            so_far += n_unmatched, len(protocol.queries)
    told = ", ".join(f"{n} of {of} in {name}" for name, (n, of) in counts.items() if n)
    if not told or no_relevant not in ("warn", "raise"):
        return
    what = f"queries have nothing relevant in the database: {told}"
    if no_relevant == "raise":
        raise ValueError(what)
    warnings.warn(
        f"{what}. They are left out of the means; no_relevant='skip' accepts that, 'zero' counts "
        "them as 0, 'raise' refuses",
        UndefinedMetricWarning,
        stacklevel=caller_level(),
    )


def _as_codes(codes: np.ndarray) -> tuple[np.ndarray, str]:
    """Codes as bits of 0 and 1, and the metric for them; other vectors as they are."""
    if np.all((codes == 0) | (codes == 1)):
        return codes, "hamming"
    if np.all((codes == -1) | (codes == 1)):
        return codes > 0, "hamming"
    return codes, "cosine"


def _bits_per_item(codes: np.ndarray, metric: str) -> int:
    return codes.shape[1] * (1 if metric == "hamming" else 8 * codes.dtype.itemsize)
