"""Semantic hashing: codes whose Hamming distances follow a similarity target."""

from __future__ import annotations

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from skhash._torch.task import Task
from skhash.hashers._gradient import GradientHasher, with_callbacks
from skhash.hashers._posterior import PosteriorTask
from skhash.hashers._relational import RelationalTask
from skhash.hashers._supervised import supervised_docs
from skhash.similarity import check_labels, class_similarity, resolve_similarity
from skhash.utils._labels import encode_classes


@supervised_docs
class SemanticHasher(GradientHasher):
    r"""Codes whose Hamming distances follow the similarity of their labels.

    A bit is 1 where its real value is above 0. There are two ways to these values.

    ``encoder="posterior"``, for class labels: a network learns to tell the classes apart, with a
    little of each label given to the classes that are most similar, and on mixtures of samples.
    Its posterior, turned into the expected embedding of the class under the similarity, is
    joined with the features themselves, which carry what classes do not; principal components
    and a rotation towards binary values (ITQ) of both give the bits, in closed form. The features
    of images are what the network's last linear layer is given.

    ``encoder="direct"``, for labels of any kind: the network maps each row of X to the values of
    the bits. Where y holds no class labels, it begins with a linear map in closed form: ridge
    regression on vectors whose inner products are the similarity, rotated towards binary values
    (ITQ); the hidden layers correct it. With :math:`z` the sigmoid of the values, training
    minimises

    .. math:: w_{sim} L_{sim} + w_{kl} L_{kl} + w_{cls} L_{cls}

    - :math:`L_{sim}`: distances between codes, relative to their mean in the batch, match the
      distances ``1 - similarity`` between labels, relative to theirs; similar pairs weigh more;
    - :math:`L_{kl}`: a nearest-neighbour estimate of the Kullback-Leibler divergence between the
      outputs and a binary distribution, so that codes spread out and rounding loses little;
    - :math:`L_{cls}`: a linear head on :math:`z` tells the classes apart.

    Parameters
    ----------
    |n_bits|
    similarity : "auto" or callable, default="auto"
        What similar means: ``similarity(y_a, y_b)`` returns an array of shape (n_a, n_b) with
        values in [0, 1], 1 for the same. See :mod:`skhash.similarity`. ``"auto"`` takes equality
        for class labels, Jaccard similarity for multilabel indicators and cosine similarity for
        rows of real numbers.
    encoder : {"auto", "posterior", "direct"}, default="auto"
        The way from X to bits, as above. ``"auto"`` takes "posterior" where y holds class labels
        and `classification_weight` is above 0, and "direct" otherwise.
    label_smoothing : float in [0, 1), default=0.1
        Share of each label given to the other classes, the more similar the more; for the
        posterior.
    mixup : float, default=0.2
        Rows are mixed in pairs in a ratio drawn from Beta(mixup, mixup); 0 mixes none. For the
        posterior.
    temperature : float, default=0.85
        Temperature of the posterior. Lower values serve the classes seen in training, higher
        ones unseen classes.
    feature_weight : float, default=1.0
        Weight of the features beside the posterior; 0 leaves them out. Higher values serve
        unseen classes.
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
        Share of hidden units ("mlp") or inputs ("linear") left out of each step. None takes 0
        for "linear" and for a direct encoder of class labels, and 0.5 for other hidden units.
    training : Training or None, default=None
        How the network is trained beyond the parameters below: augmentation, averaged weights,
        mixed precision, checkpoints; see `skhash.networks.Training`. None is ``Training()``.
    similarity_weight : float, default=1.0
        Weight of the relational term of a direct encoder; 0 leaves it out.
    kl_weight : float, default=0.003
        Weight of the KL term of a direct encoder; 0 leaves it out. Large weights spread codes at
        the cost of meaning.
    classification_weight : float, default=0.2
        Weight of the classification term of a direct encoder; 0 leaves it out. Large weights
        sharpen classes at the cost of the distances between them. Rows of real numbers as y
        have no classes, and train without the term.
    pair_form : {"product", "manhattan"}, default="product"
        Distance between real-valued codes: "manhattan" is the L1 distance of the paper,
        "product" the expected Hamming distance of independent bits; they agree on binary codes
        and the product is much cheaper.
    pair_gamma, pair_rho : float, default=0.1, 1.5
        A pair at label distance d weighs ``(pair_gamma / (pair_gamma + d)) ** pair_rho``.
    kl_alpha : float, default=0.1
        The binary distribution is Beta(kl_alpha, kl_alpha) in each bit.
    kl_n_draws : int or None, default=None
        Draws of it for each batch; None takes `batch_size`.
    |training|

    Attributes
    ----------
    |fitted|
    class_similarity_ : ndarray of shape (n_classes, n_classes) or None
        The similarity target between the classes; None unless y holds class labels.
    similarity_ : callable
        The similarity target in use.
    encoder_ : {"posterior", "direct"}
        The way from X to bits in use.

    See Also
    --------
    skhash.ITQHasher : The same without labels, in closed form.
    skhash.metrics.mean_average_hierarchical_precision_score : Judge the codes.

    References
    ----------
    Arponen & Bishop (2020), "Learning to hash with semantic similarity metrics and empirical KL
    divergence", arXiv:2005.04917. The weights, and the product form of the relational term, are
    our choice.

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
        "encoder": [StrOptions({"auto", "posterior", "direct"})],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "mixup": [Interval(Real, 0, None, closed="left")],
        "temperature": [Interval(Real, 0, None, closed="neither")],
        "feature_weight": [Interval(Real, 0, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left"), None],
        "similarity_weight": [Interval(Real, 0, None, closed="left")],
        "kl_weight": [Interval(Real, 0, None, closed="left")],
        "classification_weight": [Interval(Real, 0, None, closed="left")],
        "pair_form": [StrOptions({"product", "manhattan"})],
        "pair_gamma": [Interval(Real, 0, None, closed="neither")],
        "pair_rho": [Interval(Real, 0, None, closed="left")],
        "kl_alpha": [Interval(Real, 0, None, closed="neither")],
        "kl_n_draws": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self,
        n_bits=64,
        *,
        similarity="auto",
        encoder="auto",
        label_smoothing=0.1,
        mixup=0.2,
        temperature=0.85,
        feature_weight=1.0,
        network="mlp",
        hidden_layer_sizes=(1024,),
        dropout=None,
        training=None,
        similarity_weight=1.0,
        kl_weight=0.003,
        classification_weight=0.2,
        pair_form="product",
        pair_gamma=0.1,
        pair_rho=1.5,
        kl_alpha=0.1,
        kl_n_draws=None,
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
        self.label_smoothing = label_smoothing
        self.mixup = mixup
        self.temperature = temperature
        self.feature_weight = feature_weight
        self.network = network
        self.hidden_layer_sizes = hidden_layer_sizes
        self.dropout = dropout
        self.training = training
        self.similarity_weight = similarity_weight
        self.kl_weight = kl_weight
        self.classification_weight = classification_weight
        self.pair_form = pair_form
        self.pair_gamma = pair_gamma
        self.pair_rho = pair_rho
        self.kl_alpha = kl_alpha
        self.kl_n_draws = kl_n_draws
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
            If X, y, a parameter or what the similarity target returns is invalid.
        FloatingPointError
            If a loss term becomes NaN or infinite; it is named.
        """
        self._validate_params()
        weights = self._weights()
        X, y = self._validate(X, y, reset=True)
        kind, y = check_labels(self.similarity, y)
        encoder = self._choose_encoder(kind)
        self.similarity_ = resolve_similarity(self.similarity, y)
        self.class_similarity_ = None
        classes, target = encode_classes(kind, y)
        if kind == "class":
            self.class_similarity_ = class_similarity(self.similarity_, classes)
        self._check_resumable(classes, encoder)
        self.classes_, self.encoder_ = classes, encoder
        task: Task
        if encoder == "posterior":
            task = PosteriorTask(self, target)
        else:
            task = RelationalTask(self, X, y, kind, target, weights)
        self._train(X, y, task)
        self._keep_training_codes(X, y)
        return self

    def _choose_encoder(self, kind):
        if self.encoder == "auto":
            has_posterior = kind == "class" and self.classification_weight > 0
            return "posterior" if has_posterior else "direct"
        if self.encoder == "posterior" and kind != "class":
            what = {
                "multilabel": "multilabel indicators",
                "vector": "rows of real numbers",
                "sentence": "sentences",
            }[kind]
            raise ValueError(
                f'encoder="posterior" needs one class label a row, and y holds {what}: '
                'set encoder="direct" or "auto"'
            )
        return self.encoder

    def _check_resumable(self, classes, encoder):
        if not (self.warm_start and hasattr(self, "network_state_")):
            return
        if not (np.array_equal(classes, self.classes_) and encoder == self.encoder_):
            raise ValueError(
                "warm_start=True goes on from the last fit, whose classes or encoder were others; "
                "set warm_start=False to start afresh"
            )

    def _architecture(self):
        architecture, dropout = super()._architecture(), self.dropout
        mlp = architecture["network"] == "mlp"
        # without classes, the network corrects the linear map that it begins with
        shortcut = mlp and self.encoder_ == "direct" and self.class_similarity_ is None
        if dropout is None:
            hidden = mlp and (self.encoder_ == "posterior" or shortcut)
            dropout = 0.5 if hidden else 0.0
        architecture["dropout"] = dropout
        return architecture | {"shortcut": True} if shortcut else architecture

    def _weights(self):
        weights = {
            "similarity": self.similarity_weight,
            "kl": self.kl_weight,
            "classification": self.classification_weight,
        }
        weights = {name: weight for name, weight in weights.items() if weight > 0}
        if not weights:
            raise ValueError(
                "similarity_weight, kl_weight and classification_weight are all 0: "
                "one must be above 0"
            )
        return weights

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags
