"""A hasher and an index of its codes in one estimator."""

from __future__ import annotations

from numbers import Integral
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils import get_tags
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _num_samples,
    assert_all_finite,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
)

from skhash.hashers._answers import Answers
from skhash.hashers._kl_binary import KLBinaryHasher
from skhash.hashers._payload import append_payload, check_payload, from_state, to_state
from skhash.hashers._semantic import SemanticHasher
from skhash.hashers._voting import Voting
from skhash.neighbors import HammingNeighbors
from skhash.neighbors._ids import check_ids
from skhash.neighbors._vote import append_labels
from skhash.utils._labels import check_target, encode_classes, label_array
from skhash.utils._locks import changing, reading
from skhash.utils._whole_fit import WholeFit


class HashRetriever(Answers, WholeFit, Voting, BaseEstimator):
    """Rows in, nearest rows out: a hasher, and an index of the codes that it gives.

    ``fit`` learns codes from X and indexes them, with what is known of each row, its payload.
    ``add`` encodes and indexes more rows. ``search`` encodes queries and answers with a data frame
    of ids, distances and payload; ``kneighbors`` with arrays. With labels it is a classifier: the
    neighbours of a query vote.

    Parameters
    ----------
    hasher : transformer, default=None
        Gives codes of 0 and 1: a hasher of this package, a pipeline that ends in one, or any other
        transformer that does. None takes `~skhash.SemanticHasher` where ``fit`` is given y, and
        `~skhash.KLBinaryHasher` where it is not. To index with a hasher as it is, without fitting
        it, pass ``sklearn.frozen.FrozenEstimator(hasher)``.
    neighbors : HammingNeighbors, default=None
        The index; None takes `HammingNeighbors` as it is.
    rerank : int, default=None
        Number of nearest rows by Hamming distance that are re-ranked by asymmetric distance
        from the real values of the query, which the hasher must give (``decision_function``). None
        leaves the order by Hamming distance.
    weights : {"uniform", "distance"}, default="uniform"
        Whether neighbours have the same vote, or the inverse of their distance; those at distance
        0 then vote alone.
    use_labels : bool, default=False
        Whether rows that come with a class label are indexed with the code of features and label,
        which the hasher must give (``transform_database``, as `~skhash.SemanticHasher` has it for
        classes). Queries are encoded from their features in any case.
    random_state : int, RandomState instance or None, default=None
        Seeds the hasher and the index that are made where `hasher` and `neighbors` are None. Those
        that are given have their own.

    Attributes
    ----------
    hasher_ : transformer
        The fitted hasher.
    neighbors_ : HammingNeighbors
        The index.
    classes_ : ndarray of shape (n_classes,)
        Classes that rows have, or numbers of the columns of multilabel y. Only if ``fit`` was
        given class labels or multilabel indicators.
    payload_ : DataFrame
        The payload of each row, in the order of ``neighbors_.ids_``. Only if ``fit`` was given one.
    n_features_in_ : int
        That of the hasher.
    feature_names_in_ : ndarray
        Those of the hasher.

    See Also
    --------
    HammingNeighbors : The index alone.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.feature_extraction.text import TfidfVectorizer
    >>> from sklearn.pipeline import make_pipeline
    >>> from skhash import CCAITQHasher, HashRetriever, RandomProjectionHasher
    >>> from skhash.datasets import load_cifar100_features
    >>> cifar = load_cifar100_features()
    >>> X, y = cifar.data, cifar.target_names[cifar.target]
    >>> train, query = cifar.train_indices, cifar.query_indices
    >>> retriever = HashRetriever(CCAITQHasher(n_bits=64, random_state=0), rerank=50)
    >>> retriever.fit(X[train], y[train], ids=train).kneighbors(X[query[:2]], 3)[1].shape
    (2, 3)
    >>> bool(retriever.score(X[query], y[query]) > 0.4)
    True

    With a payload, rows come with what is known of them:

    >>> texts = ["a red apple", "a green apple", "a red car", "a fast car"]
    >>> prices = pd.DataFrame({"text": texts, "price": [1, 2, 9000, 20000]})
    >>> words = make_pipeline(TfidfVectorizer(), RandomProjectionHasher(256, random_state=0))
    >>> retriever = HashRetriever(words).fit(texts, payload=prices)
    >>> retriever.search(["apple"], 2)[["rank", "id", "text", "price"]]
       rank  id           text  price
    0     1   0    a red apple      1
    1     2   1  a green apple      2
    >>> retriever.search(["apple"], 1, filter="price > 1")["text"].tolist()
    ['a green apple']

    Rows found by the name of a class, with a hasher that has codes of labels:

    >>> from skhash import OrthoHasher
    >>> retriever = HashRetriever(OrthoHasher(codebook="semantic", max_iter=5, random_state=0))
    >>> codes = retriever.fit(X[train], y[train], ids=train).hasher_.transform_labels(["rose"])
    >>> ids = retriever.neighbors_.kneighbors(codes, n_neighbors=20, return_distance=False)
    >>> bool((y[ids] == "rose").mean() > 0.4)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        "hasher": [HasMethods(["fit", "transform"]), None],
        "neighbors": [HammingNeighbors, None],
        "rerank": [Interval(Integral, 1, None, closed="left"), None],
        "weights": [StrOptions({"uniform", "distance"})],
        "use_labels": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        hasher=None,
        neighbors=None,
        *,
        rerank=None,
        weights="uniform",
        use_labels=False,
        random_state=None,
    ):
        self.hasher = hasher
        self.neighbors = neighbors
        self.rerank = rerank
        self.weights = weights
        self.use_labels = use_labels
        self.random_state = random_state

    def fit(self, X, y=None, *, ids=None, payload=None):
        """Learn codes and index those of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or whatever the hasher takes
            The rows.
        y : array-like, default=None
            What the hasher learns from. Class labels, and indicators of shape (n_samples,
            n_labels), are kept for `predict`.
        ids : array-like of shape (n_samples,), default=None
            Ids of the rows, integers or strings, none twice; None takes 0, 1, 2 and so on.
        payload : DataFrame, Series, or list of n_samples values, default=None
            What is known of each row, for `search`: columns of numbers, bools or strings, which
            may be missing. A list becomes a column ``"payload"``. Row by row, whatever its index.

        Returns
        -------
        self : HashRetriever

        Raises
        ------
        TypeError, ValueError
            If ids or payload are not one for each row, or hold other things.
        ImportError
            If there is a payload, and pandas is missing.
        """
        self._validate_params()
        kind = None
        ids = None if ids is None else check_ids(ids, _num_samples(X))
        payload = None if payload is None else check_payload(payload, _num_samples(X))
        if y is not None:
            check_consistent_length(X, y)
            kind, y = _check_labels(y)
        hasher = self._new_hasher(supervised=y is not None)
        if self.rerank is not None and not hasattr(hasher, "decision_function"):
            raise TypeError(f"rerank needs decision_function, which {hasher!r} lacks")
        if self.use_labels and kind != "class":
            raise ValueError("use_labels=True asks for y with one class label a row")
        if self.use_labels and not hasattr(hasher, "transform_database"):
            raise TypeError(f"use_labels needs transform_database, which {hasher!r} lacks")
        neighbors = (
            HammingNeighbors(random_state=self.random_state)
            if self.neighbors is None
            else clone(self.neighbors)
        )
        hasher.fit(X, y)
        codes = hasher.transform_database(X, y) if self.use_labels else hasher.transform(X)
        self.neighbors_ = neighbors.fit(codes, ids=ids)
        self.hasher_ = hasher
        for name in ("classes_", "payload_"):
            self.__dict__.pop(name, None)
        if payload is not None:
            self.payload_ = payload
        self._labels = None
        if kind in ("class", "multilabel"):
            self.classes_, self._labels = encode_classes(kind, y, dtype=np.int8)
        return self

    @changing
    def add(self, X, ids=None, y=None, *, payload=None):
        """Encode and index more rows; the hasher stays as it is.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or whatever the hasher takes
            The rows.
        ids : array-like of shape (n_samples,), default=None
            New ids of the same kind as those of `fit`; None goes on from the greatest.
        y : array-like, default=None
            Labels, as those of `fit`; classes may be new. Rows without labels are found, and do
            not vote.
        payload : DataFrame, Series, or list of n_samples values, default=None
            What is known of the rows, with the columns of that of `fit`; needed if, and only if,
            `fit` was given one.

        Returns
        -------
        self : HashRetriever
        """
        check_is_fitted(self)
        if y is not None and self._labels is None:
            raise ValueError("y is not kept, since fit was given no labels")
        known = getattr(self, "payload_", None)
        if (payload is None) != (known is None):
            raise ValueError("payload must be given to add if, and only if, fit was given one")
        if payload is not None:
            payload = append_payload(known, check_payload(payload, _num_samples(X), known))
        if self._labels is None:
            self.neighbors_.add(self.hasher_.transform(X), ids)
        else:
            kind = None
            if y is not None:
                check_consistent_length(X, y)
                kind, y = _check_labels(y)
            if self.use_labels and y is not None and np.isin(y, self.hasher_.classes_).any():
                codes = self.hasher_.transform_database(X, y)
            else:
                codes = self.hasher_.transform(X)
            n_new = _num_samples(codes)
            classes, labels = append_labels(self.classes_, self._labels, kind, y, n_new)
            self.neighbors_.add(codes, ids)
            self.classes_, self._labels = classes, labels
        if payload is not None:
            self.payload_ = payload
        return self

    def partial_fit(self, X, y=None, classes=None, *, ids=None, payload=None):
        """Index rows chunk by chunk: `fit` with the first one, `add` with those that follow.

        The hasher learns from the first chunk alone, so that codes of all chunks go together.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or whatever the hasher takes
            The rows of a chunk.
        y : array-like, default=None
            Their labels.
        classes : array-like of shape (n_classes,), default=None
            Classes that may come, which `predict_proba` then has columns for. Classes may also be
            new in any chunk.
        ids : array-like of shape (n_samples,), default=None
            Their ids, as for `fit` and `add`.
        payload : DataFrame, Series, or list of n_samples values, default=None
            What is known of them, as for `fit` and `add`.

        Returns
        -------
        self : HashRetriever
        """
        is_first = not self.__sklearn_is_fitted__()
        if is_first:
            self.fit(X, y, ids=ids, payload=payload)
        if classes is not None:
            if self._labels is None:
                raise ValueError("classes are those of labels, and fit was given none")
            kind, classes = _check_labels(classes)
            self.classes_, labels = append_labels(
                self.classes_, self._labels, kind, classes, len(classes)
            )
            self._labels = labels[: len(self._labels)]
        # last, since it changes the index where it is
        return self if is_first else self.add(X, ids, y, payload=payload)

    @changing
    def remove(self, ids):
        """Remove rows.

        Parameters
        ----------
        ids : array-like of shape (n_removed,), int or str
            Ids of the rows.

        Returns
        -------
        self : HashRetriever
        """
        check_is_fitted(self)
        rows = self.neighbors_._rows_of(ids)
        self.neighbors_._remove_rows(rows)
        if self._labels is not None:
            self._labels = np.delete(self._labels, rows, axis=0)
        if hasattr(self, "payload_"):
            self.payload_ = self.payload_.drop(index=rows).reset_index(drop=True)
        return self

    @reading
    def kneighbors(self, X=None, n_neighbors=None, return_distance=True):
        """The nearest rows of each query.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features), default=None
            The queries. None asks for the neighbours of every indexed row, itself left out.
        n_neighbors : int, default=None
            How many; None takes the parameter of `neighbors`.
        return_distance : bool, default=True
            Whether to return distances too.

        Returns
        -------
        distances : ndarray of shape (n_queries, n_neighbors)
            Hamming distances in bits (int32), or asymmetric distances under `rerank` (float).
            Only if `return_distance`.
        ids : ndarray of shape (n_queries, n_neighbors)
            Ids of the rows, nearest first.
        """
        distances, rows = self._nearest_rows(X, n_neighbors)
        ids = self.neighbors_.ids_[rows]
        return (distances, ids) if return_distance else ids

    @property
    def n_features_in_(self):
        """Number of features of X."""
        return self.hasher_.n_features_in_

    @property
    def feature_names_in_(self):
        """Names of the features of X, where it had names."""
        return self.hasher_.feature_names_in_

    def _new_hasher(self, *, supervised):
        if self.hasher is not None:
            return clone(self.hasher)
        make = SemanticHasher if supervised else KLBinaryHasher
        return make(random_state=self.random_state)

    def _nearest_rows(self, X, n_neighbors=None, only=None):
        check_is_fitted(self)
        if self.rerank is None or X is None:
            if X is None and self.rerank is not None:
                raise ValueError("rerank needs the real values of queries, and X is None")
            codes = X if X is None else self.hasher_.transform(X)
            return self.neighbors_._nearest_rows(codes, n_neighbors, only=only)
        values = self.hasher_.decision_function(X)
        return self.neighbors_._nearest_rows(values, n_neighbors, self.rerank, only=only)

    def __getstate__(self):
        state = dict(super().__getstate__())
        if "payload_" in state:
            state["payload_"] = to_state(state["payload_"])
        return state

    def __setstate__(self, state):
        if "payload_" in state:
            n_rows = state["neighbors_"].n_samples_fit_
            state = {**state, "payload_": from_state(state["payload_"], n_rows)}
        labels = state.get("_labels")
        if labels is not None and len(labels) != state["neighbors_"].n_samples_fit_:
            raise ValueError(
                f"there are {len(labels)} labels of {state['neighbors_'].n_samples_fit_} rows"
            )
        super().__setstate__(state)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "neighbors_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False
        tags.input_tags.sparse = self.hasher is None or get_tags(self.hasher).input_tags.sparse
        tags.classifier_tags.multi_label = True
        return tags


def _check_labels(y):
    """Kind of y, and y: class labels and indicators checked, all else as the hasher may take it."""
    array = label_array(y)
    if array.ndim == 1:
        # first: what asks for the kind of labels casts them to int, with a warning if NaN
        assert_all_finite(array, input_name="y")
        check_classification_targets(array)
    elif array.dtype.kind in "OUST" and array.shape[1] > 1:
        return None, y
    kind, labels = check_target(array)
    if kind == "class":
        return kind, column_or_1d(labels if array.ndim == 1 else array, warn=True)
    return kind, labels if kind == "multilabel" else y
