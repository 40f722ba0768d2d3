"""Semantic hashing: codes whose Hamming distances follow a similarity target."""

from __future__ import annotations

from functools import partial
from numbers import Real
from typing import ClassVar

import numpy as np
from sklearn.base import clone
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from skhash.encoders import BaseEncoder, PosteriorEncoder, RelationalEncoder
from skhash.encoders._base import Problem
from skhash.encoders._owners import NamesOwners, names_owners
from skhash.hashers._gradient import GradientHasher, with_callbacks
from skhash.hashers._supervised import supervised_docs
from skhash.similarity import check_labels, class_similarity, resolve_similarity
from skhash.utils._labels import encode_classes
from skhash.utils._rounding import settled_values


def _reads_a_posterior(hasher):
    """Whether the codes are, or may be, those of a posterior."""
    encoder = getattr(hasher, "encoder_", hasher.encoder)
    return isinstance(encoder, str | PosteriorEncoder)


@supervised_docs
class SemanticHasher(NamesOwners, GradientHasher):
    """Codes whose Hamming distances follow the similarity of their labels.

    A bit is 1 where its real value is above 0. The way to these values is an encoder:

    - `~skhash.encoders.PosteriorEncoder`, the library's own and the default for class labels:
      a classifier, whose posterior is joined with the features and turned into bits in closed
      form;
    - `~skhash.encoders.RelationalEncoder`, the default for labels of all other kinds: a network
      with an output for each bit, trained by the losses of Arponen & Bishop (2020).
      ``RelationalEncoder.as_published()`` is their method as far as it is known;
    - one of your own, a `~skhash.encoders.BaseEncoder`.

    Parameters
    ----------
    |n_bits|
    similarity : "auto" or callable, default="auto"
        What similar means: ``similarity(y_a, y_b)`` returns an array of shape (n_a, n_b) with
        values in [0, 1], 1 for the same. See :mod:`skhash.similarity`. ``"auto"`` takes equality
        for class labels, Jaccard similarity for multilabel indicators and cosine similarity for
        rows of real numbers.
    encoder : "auto" or BaseEncoder, default="auto"
        The way from X to bits. ``"auto"`` takes ``PosteriorEncoder()`` where y holds class
        labels, and ``RelationalEncoder()`` otherwise. The parameters of an encoder can be set
        and searched through the hasher, as ``encoder__kl_weight``.
    network : {"mlp", "linear"} or callable, default="mlp"
        The network, with an output for each bit or, for the posterior, each class. A callable is
        called with ``(n_features, n_outputs)`` and returns a `torch.nn.Module`; it is kept by
        reference, so pickling the hasher asks that it can be imported. The built-in networks
        standardise X by its mean and one common scale; a callable's gets X as it is. Images ask
        for a callable of ``(n_channels, n_outputs)`` such as `skhash.networks.resnet`: see
        :doc:`/guide/end_to_end`.
    hidden_layer_sizes : tuple of int, default=(1024,)
        Width of each hidden layer of the "mlp".
    dropout : float in [0, 1) or None, default=None
        Share of hidden units ("mlp") or inputs ("linear") left out of each step. None leaves it
        to the encoder: 0.5 for hidden units of a classifier, and of layers that correct a linear
        map; 0 elsewhere.
    training : Training or None, default=None
        How the network is trained beyond the parameters below: augmentation, averaged weights,
        mixed precision, checkpoints; see `skhash.networks.Training`. None is ``Training()``.
    |training|

    Attributes
    ----------
    |fitted|
    class_similarity_ : ndarray of shape (n_classes, n_classes) or None
        The similarity target between the classes; None unless y holds class labels.
    similarity_ : callable
        The similarity target in use.
    encoder_ : BaseEncoder
        The encoder in use, a clone of `encoder`.

    See Also
    --------
    skhash.ITQHasher : The same without labels, in closed form.
    skhash.metrics.mean_average_hierarchical_precision_score : Judge the codes.

    References
    ----------
    Arponen & Bishop (2020), "Learning to hash with semantic similarity metrics and empirical KL
    divergence", arXiv:2005.04917, for the aim and for `~skhash.encoders.RelationalEncoder`.

    Examples
    --------
    >>> from skhash import SemanticHasher
    >>> from skhash.datasets import load_cifar100_features
    >>> from skhash.similarity import TaxonomySimilarity, load_taxonomy
    >>> cifar = load_cifar100_features()
    >>> X, names = cifar.data[:500], cifar.target_names[cifar.target[:500]]
    >>> target = TaxonomySimilarity(load_taxonomy("cifar100"))
    >>> hasher = SemanticHasher(n_bits=32, similarity=target, max_iter=5, random_state=0)
    >>> hasher.fit_transform(X, names).shape
    (500, 32)
    """

    _takes_images: ClassVar[bool] = True
    _parameter_constraints: ClassVar[dict[str, list]] = {
        **GradientHasher._parameter_constraints,
        "similarity": [StrOptions({"auto"}), callable],
        "encoder": [StrOptions({"auto"}), BaseEncoder],
        "dropout": [Interval(Real, 0, 1, closed="left"), None],
    }

    @names_owners
    def __init__(
        self,
        n_bits=64,
        *,
        similarity="auto",
        encoder="auto",
        network="mlp",
        hidden_layer_sizes=(1024,),
        dropout=None,
        training=None,
        batch_size=128,
        max_iter=40,
        learning_rate=3e-3,
        weight_decay=1e-4,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        tol=1e-4,
        warm_start=False,
        device="auto",
        random_state=None,
        verbose=0,
        store_codes=False,
    ):
        self.n_bits = n_bits
        self.similarity = similarity
        self.encoder = encoder
        self.network = network
        self.hidden_layer_sizes = hidden_layer_sizes
        self.dropout = dropout
        self.training = training
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.device = device
        self.random_state = random_state
        self.verbose = verbose
        self.store_codes = store_codes

    @with_callbacks
    def fit(self, X, y):
        """Learn the encoder.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, height, width, n_channels)
            Features, computed in float32; or images, uint8 or float, where `network` is a
            callable that takes them.
        y : array-like of shape (n_samples,) or (n_samples, n_columns)
            Class labels of any type; or multilabel indicators of 0 and 1, which may be sparse;
            or rows of real numbers, such as sentence embeddings. Strings are sentences where the
            similarity target is a `~skhash.similarity.SentenceSimilarity`, and a class in each
            of several columns is taken with `~skhash.similarity.ColumnsSimilarity`.

        Returns
        -------
        self : SemanticHasher

        Raises
        ------
        ValueError
            If X, y, a parameter or what the similarity target returns is not as asked for.
        FloatingPointError
            If a loss term becomes NaN or infinite; it is named.
        """
        self._validate_params()
        X, y = self._validate(X, y, reset=True)
        kind, y = check_labels(self.similarity, y)
        encoder = self._choose_encoder(kind)
        encoder._check(kind)
        self.similarity_ = resolve_similarity(self.similarity, y)
        self.class_similarity_ = None
        classes, target = encode_classes(kind, y)
        if kind == "class":
            self.class_similarity_ = class_similarity(self.similarity_, classes)
        self._check_resumable(classes, encoder)
        self.classes_, self.encoder_ = classes, encoder
        self._train(X, y, encoder._task(self._problem(X, y, kind, target)))
        self._keep_training_codes(X, y)
        return self

    @available_if(_reads_a_posterior)
    def transform_database(self, X, y):
        """Binary codes of items whose classes are known, from features and class.

        What the classifier says, in the mean, of the training rows of a class stands in for what it
        would say of an item, which may be wrong. For a database that queries, encoded by
        `transform`, then search. Only codes of a `~skhash.encoders.PosteriorEncoder` can be found
        so.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, height, width, n_channels)
            The items, as in ``fit``.
        y : array-like of shape (n_samples,)
            Their class labels. Items of classes that were not in ``fit`` have the codes that
            `transform` gives.

        Returns
        -------
        codes : ndarray of shape (n_samples, n_bits), dtype uint8
            Bits, 0 or 1.

        Raises
        ------
        ValueError
            If X is not as in ``fit``, or no label is that of a class in ``fit``.

        Examples
        --------
        >>> from skhash import SemanticHasher
        >>> from skhash.metrics import mean_average_precision_score
        >>> from sklearn.datasets import load_digits
        >>> X, y = load_digits(return_X_y=True)
        >>> hasher = SemanticHasher(16, max_iter=1, random_state=0).fit(X[:300], y[:300])
        >>> queries = hasher.transform(X[300:500])
        >>> plain = hasher.transform(X[500:])
        >>> labelled = hasher.transform_database(X[500:], y[500:])
        >>> score = mean_average_precision_score(queries, y[300:500], labelled, y[500:])
        >>> bool(score > mean_average_precision_score(queries, y[300:500], plain, y[500:]))
        True
        """
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        labels = self._known_classes(y)
        check_consistent_length(X, labels)
        values = np.empty((len(X), self.n_bits_), dtype=np.float32)
        known = labels >= 0
        values[known] = self._labelled_values(X[known], labels[known])
        if not known.all():
            values[~known] = self._decide(X[~known])
        return (values > 0).view(np.uint8)

    def _known_classes(self, y):
        """The class of each label, -1 where it was not in ``fit``."""
        kind, y = check_labels(self.similarity, y)
        if kind != "class":
            raise ValueError(f"y must hold one class label a row, got {kind} labels")
        classes, labels = encode_classes(kind, y)
        numbers = {name: number for number, name in enumerate(self.classes_.tolist())}
        found = np.array([numbers.get(name, -1) for name in classes.tolist()])[labels]
        if (found < 0).all():
            raise ValueError(
                f"y must hold classes that were in fit, such as {next(iter(numbers))!r}, got none "
                f"of them, but {classes.tolist()[0]!r}"
            )
        return found

    def _labelled_values(self, X, labels):
        """Values of the bits where the class is known for certain."""
        state, class_values = self.network_state_, self.encoder_.class_values_

        def compute(rows, dtype):
            inputs, own = (X, labels) if rows is None else (X[rows], labels[rows])
            features = self._features(inputs, dtype) - state["mean"].astype(dtype)
            return class_values[own] + features @ state["feature_bits.weight"].T.astype(dtype)

        if self._encoding_device().type != "cpu":
            return compute(None, np.float32)
        return settled_values(compute, len(X), np.float32)

    def _features(self, X, dtype):
        """What the bits see beside the posterior."""
        if X.ndim == 2:
            return X.astype(dtype, copy=False)
        from skhash._torch.posterior import classifier_state

        added = ("n_classes", "temperature", "n_hidden")
        architecture = {k: v for k, v in self.architecture_.items() if k not in added}
        _, features = self._outputs_and_features(
            X,
            architecture,
            classifier_state(self.network_state_),
            n_outputs=self.architecture_["n_classes"],
            device=self._encoding_device(),
            dtype=dtype,
        )
        return features

    def _choose_encoder(self, kind):
        if isinstance(self.encoder, str):
            return PosteriorEncoder() if kind == "class" else RelationalEncoder()
        return clone(self.encoder)

    def _check_resumable(self, classes, encoder):
        if not (self.warm_start and hasattr(self, "network_state_")):
            return
        if not (np.array_equal(classes, self.classes_) and type(encoder) is type(self.encoder_)):
            raise ValueError(
                "warm_start=True goes on from the last fit, whose classes or encoder were others; "
                "set warm_start=False to start afresh"
            )

    def _problem(self, X, y, kind, target):
        return Problem(
            X=X,
            y=y,
            kind=kind,
            target=target,
            n_classes=None if self.classes_ is None else len(self.classes_),
            similarity=self.similarity_,
            class_similarity=self.class_similarity_,
            n_bits=int(self.n_bits),
            batch_size=self.batch_size,
            max_iter=self.max_iter,
            network=self.network,
            random_state=self.random_state,
            resumes=self.warm_start and hasattr(self, "network_state_"),
            outputs_and_features=partial(self._outputs_and_features, device=self.device),
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags
