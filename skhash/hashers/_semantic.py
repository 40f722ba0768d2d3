"""Semantic hashing: codes whose Hamming distances follow a similarity target."""

from __future__ import annotations

from functools import partial
from numbers import Real
from typing import ClassVar

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from skhash.encoders import BaseEncoder, PosteriorEncoder, RelationalEncoder
from skhash.encoders._base import Problem
from skhash.encoders._owners import NamesOwners, names_owners
from skhash.hashers._database_codes import DatabaseCodes
from skhash.hashers._gradient import GradientHasher, with_callbacks
from skhash.hashers._label_codes import LabelCodes, mean_codes, sample_labels
from skhash.hashers._supervised import supervised_docs, warn_of_labels
from skhash.similarity import (
    check_labels,
    class_similarity,
    evaluate_similarity,
    resolve_similarity,
)
from skhash.utils._labels import encode_classes


@supervised_docs
class SemanticHasher(LabelCodes, DatabaseCodes, NamesOwners, GradientHasher):
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
    known_labels_ : ndarray of shape (n_labels,) or (n_labels, n_columns)
        Labels that `transform_labels` compares others with: `classes_`, or the distinct labels in
        y where it holds no class labels, at most 1,024 of them.
    label_codes_ : ndarray of shape (n_labels, n_bits), dtype float32
        Their mean codes, over training samples: the share of ones in each bit.
    label_weights_ : ndarray of shape (n_labels, n_bits)
        What similarities to them are multiplied with for the expected code of another label.

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

    Rows found by the name of a class, and of a node of the taxonomy that is no class:

    >>> from skhash.neighbors import HammingNeighbors
    >>> index = HammingNeighbors(n_neighbors=3).fit(hasher.transform(cifar.data))
    >>> codes = hasher.transform_labels(["rose", "flower"])
    >>> index.kneighbors(codes, return_distance=False).shape
    (2, 3)
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
        X : {array-like, sparse matrix} of shape (n_samples, n_features), or array-like of shape \
                (n_samples, height, width, n_channels)
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
        KeyboardInterrupt
            If it is interrupted. After a whole epoch the hasher has the best state so far, and
            warns; before that it is as it was, as it is after any other error.
        """
        self._validate_params()
        X, y = self._validate(X, y, reset=True)
        given = y
        kind, y = check_labels(self.similarity, y)
        encoder = self._choose_encoder(kind)
        encoder._check(kind)
        self.similarity_ = resolve_similarity(self.similarity, y)
        self.class_similarity_ = None
        classes, target = encode_classes(kind, y)
        warn_of_labels(kind, given, classes, self.similarity)
        if kind == "class":
            self.class_similarity_ = class_similarity(self.similarity_, classes)
        self._check_resumable(classes, encoder)
        self.classes_, self.encoder_ = classes, encoder
        record = self._train(X, y, encoder._task(self._problem(X, y, kind, target)))
        self._keep_label_codes(X, y, kind, target)
        self._keep_training_codes(X, y)
        self._conclude(record)
        return self

    def _keep_label_codes(self, X, y, kind, target):
        random = check_random_state(self.random_state)
        known, rows, numbers = sample_labels(kind, y, self.classes_, target, random)
        self.known_labels_ = known
        self.label_codes_ = mean_codes(self._decide(X[rows]) > 0, numbers, len(known))
        similarity = self.class_similarity_
        if similarity is None:
            similarity = evaluate_similarity(self.similarity_, known, known)
        self._set_label_weights(similarity)

    def _known_labels(self):
        return self.known_labels_, self.label_codes_

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
