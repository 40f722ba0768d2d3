"""Binarisation with the least loss: codes that keep the neighbours of X."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from skhash._closed_form.linear_start import linear_start, pixel_mean
from skhash.encoders._alpha import check_alpha
from skhash.hashers._gradient import GradientHasher, with_callbacks
from skhash.hashers._kl_binary_task import KLBinaryTask
from skhash.utils._labels import check_target, encode_classes

# the peak of the learning rate under "auto": the second over n_bits, and no more than the first
_LARGEST_RATE, _RATE_OF_A_BIT = 5e-3, 0.08
# the epochs under "auto": as many as make so many steps, within bounds
_STEPS, _LEAST_EPOCHS, _MOST_EPOCHS = 160, 5, 40


class KLBinaryHasher(GradientHasher):
    r"""Codes that keep the neighbours of X, with outputs that are nearly binary.

    Labels are not used unless `classification_weight` asks for it. The encoder begins as ITQ and is
    trained to minimise

    .. math:: w_{nbh} L_{nbh} + w_{kl} L_{kl} + w_{cls} L_{cls}

    with :math:`z` the sigmoid of its outputs and :math:`b = \pm 1` the bits, through which
    gradients pass as through :math:`2 z - 1` ("straight through").

    - :math:`L_{nbh} = -\frac1n \sum_i \sum_{j \ne i} p_{j|i} \log q_{j|i}`: the neighbours of each
      row in its batch, :math:`p_{j|i} \propto \exp(-\beta_i\, d(x_i, x_j))`, are its neighbours
      by Hamming distance h, :math:`q_{j|i} \propto \exp(-s\, h(b_i, b_j) / K)`, and by asymmetric
      distance, from real values to bits: the mean of both. The precision :math:`\beta_i` gives
      each row as many neighbours as `perplexity` says; s is learned;
    - :math:`L_{kl}`: a nearest-neighbour estimate of the Kullback-Leibler divergence between the
      outputs z and a binary distribution, so that rounding loses little;
    - :math:`L_{cls}`: a linear head on z tells the classes apart, under `classification_weight`.

    It never does worse than `ITQHasher` but by chance: rows set aside search the others, and where
    training does not help them, by Hamming and by asymmetric distance, the codes are those of ITQ.

    Parameters
    ----------
    n_bits : int, default=64
        Length of the codes; it may exceed the number of features.
    metric : {"cosine", "euclidean"}, default="cosine"
        What near means: the angle seen from the mean of X, or the distance. Angles make
        codes of more meaning, even where distances count; for exact Euclidean neighbours
        of rows of very different length take "euclidean".
    network : {"mlp", "linear"} or callable, default="mlp"
        The encoder. "linear" begins as ITQ; "mlp" adds hidden layers to that linear map, whose
        correction is 0 at first. A callable is called with ``(n_features, n_bits)`` and returns a
        `torch.nn.Module` that maps rows to `n_bits` real values; it begins as it comes, gets X
        unscaled, and is kept by reference. Images ask for a callable of ``(n_channels, n_bits)``
        such as `skhash.networks.resnet`, and begin as it comes; see the notes and
        :doc:`/guide/end_to_end`.
    hidden_layer_sizes : tuple of int, default=(512,)
        Width of each hidden layer of the "mlp".
    dropout : float in [0, 1), default=0.0
        Share of hidden units ("mlp") or inputs ("linear") left out of each step.
    training : Training or None, default=None
        How the network is trained beyond the parameters below: augmentation, averaged weights,
        mixed precision, checkpoints; see `skhash.networks.Training`. None is ``Training()``.
    perplexity : float, default=5.0
        Neighbours of a row that count within a batch. A batch is a sample of X: 5 neighbours
        among 512 rows stand for about 80 among 8,000. Smaller values favour the very nearest.
    neighborhood_weight : float, default=1.0
        Weight of the neighbourhood term; 0 leaves it out.
    kl_weight : float, default=0.03
        Weight of the KL term; 0 leaves it out. Large weights spread codes at the cost of meaning.
    classification_weight : float, default=0.0
        Weight of the classification term; 0 ignores y, 1 is a good weight where classes shall
        count. It trades neighbours in X for classes.
    kl_target : {"beta", "bernoulli"} or callable, default="beta"
        The binary distribution: Beta(kl_alpha, kl_alpha) in each bit; or fair coins moved off 0
        and 1 by a uniform jitter of up to 0.05; or ``kl_target(size, rng)``, which returns an
        array of shape `size`, (n_draws, n_bits), with values in [0, 1], drawn from the
        `numpy.random.Generator` `rng`.
    kl_alpha : float or tuple of two floats, default=0.1
        Shape of "beta": 1 is uniform, the smaller the more binary. ``(first, last)`` goes from
        one to the other during ``fit``, by equal ratios.
    kl_n_draws : int or None, default=None
        Draws of it for each batch; None takes as many as the term takes rows of a batch, at most
        256.
    batch_size : int, default=512
        Rows a step; neighbours are looked for within a batch.
    max_iter : int or "auto", default="auto"
        Epochs of ``fit``: passes over the data, at most. "auto" is as many as make 160 steps, but
        no fewer than 5 and no more than 40.
    learning_rate : float or "auto", default="auto"
        Peak of the learning rate, warmed up over the first tenth of all steps and annealed to 0.
        "auto" is ``min(0.005, 0.08 / n_bits)``: long codes begin near the best there is.
    weight_decay : float, default=1e-4
        Decoupled decay of the weight matrices (AdamW).
    early_stopping : bool, default=True
        Whether to set aside a share of the rows, which search the others by their codes, keep the
        state that finds most of their neighbours, and stop when it finds no more; see the notes.
        What ``fit`` begins with, ITQ or the last fit, is the first such state. Under a
        classification term, or without the neighbourhood term, the state is that of least loss on
        these rows.
    validation_fraction : float in (0, 1), default=0.2
        That share. Fewer than two rows are not set aside.
    n_iter_no_change : int, default=10
        Epochs without an improvement of at least `tol` before stopping early.
    tol : float, default=1e-3
        Least improvement that counts for going on: in recall, or in the loss.
    warm_start : bool, default=False
        Whether another call of ``fit`` goes on from the weights of the last.
    device : str, default="auto"
        Where to train and encode: "cpu", "cuda", "cuda:1", "mps", or "auto" for the best there is.
    random_state : int, RandomState instance or None, default=None
        Fixes initial weights, batches, dropout and the draws of the binary distribution.
    verbose : int, default=0
        1 prints the loss terms of every epoch. For a progress bar use scikit-learn's callbacks:
        ``KLBinaryHasher().set_callbacks(sklearn.callback.ProgressBar())``, with scikit-learn 1.9
        or later.
    store_codes : bool, default=False
        Whether to keep the codes of the training samples, packed, and the labels that ``fit``
        was given, for scorers that search them (``database="train"``).

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,) or None
        The distinct labels in the user's own type; column numbers for multilabel indicators;
        None where `classification_weight` is 0 or there are no labels.
    loss_curve_ : list of float
        Weighted loss of each epoch; of each chunk under ``partial_fit``.
    loss_terms_ : dict of str to list of float
        Each term of each epoch, unweighted.
    validation_loss_curve_ : list of float or None
        Under `early_stopping` the share of their neighbours that the rows set aside do not find,
        first with the state that training began with, then after each epoch; or their weighted
        loss after each epoch.
    n_iter_ : int
        Epochs run; calls of ``partial_fit``.
    best_iter_ : int
        Epoch whose weights were kept, counted from 1; 0 where they are those of the start, under
        `early_stopping`.
    training_codes_ : ndarray of shape (n_samples, ceil(n_bits / 8)), dtype uint8
        Codes of the training samples as `~skhash.neighbors.pack_codes` packs them, where
        ``store_codes=True``.
    training_labels_ : ndarray of shape (n_samples,) or (n_samples, n_columns)
        Their labels, where ``store_codes=True`` and ``fit`` was given y.
    training_keys_ : ndarray of shape (n_samples, 4)
        Numbers by which a scorer recognises the training samples, where ``store_codes=True``.
    n_bits_, n_features_in_ : int
    input_shape_ : tuple of int
        (height, width, n_channels), where X were images.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Where X had column names.
    network_state_, objective_state_ : dict of str to ndarray
        Weights of the encoder; the mean of X, the logarithm of s and the classification head.
    architecture_ : dict
        What the encoder is built from.
    device_ : str
        Where it was trained. A model trained on CUDA encodes on the CPU where there is none.

    See Also
    --------
    skhash.ITQHasher : Where it begins, in closed form.
    skhash.SemanticHasher : Codes that follow a similarity of labels.

    Notes
    -----
    Validation. At most 2,000 of the rows set aside search 4,096 others. Of their 10 nearest, by
    Euclidean distance and, with ``metric="cosine"``, by the angle too, how many are among the first
    10 and 100, by Hamming and by asymmetric distance? Training is kept where none of these shares
    falls and their mean rises by more than two standard errors. A few hundred rows rarely show
    that much: set ``early_stopping=False`` to train on all of them and keep the last state.

    X larger than 256 MiB in float32 (2 GiB where a GPU trains), such as a memory map, stays where
    it is, and batches are fetched; sparse rows are made dense one batch at a time. Principal
    components and rotation are those of `ITQHasher` with the same `random_state`, found on a
    sample of 2**24 numbers or 16,384 rows where X is larger. Of sparse rows the sample is made
    dense where it has no more than 2**24 numbers: codes are then those of dense rows.

    The neighbours of an image are those of its pixels as they are in X, as one row of numbers,
    whatever augmentation the network sees them through. Pixels that are near mostly share
    brightness and layout, and little meaning: features of a pretrained network
    (`skhash.feature_extraction.ImageFeatures`) are the better X. With y and a
    `classification_weight`, classes are added to the neighbours, and ``neighborhood_weight=0``
    leaves pixels out.

    References
    ----------
    The KL term: Arponen & Bishop (2020), "Learning to hash with semantic similarity metrics and
    empirical KL divergence", arXiv:2005.04917; Arponen & Bishop (2019), arXiv:1908.05602. The
    neighbourhood term (our choice here): Hinton & Roweis (2002), "Stochastic neighbor embedding",
    NIPS. Straight-through gradients: Bengio, Leonard & Courville (2013), arXiv:1308.3432. The
    start: Gong & Lazebnik (2011), "Iterative quantization", CVPR.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skhash import KLBinaryHasher
    >>> X, _ = load_digits(return_X_y=True)
    >>> hasher = KLBinaryHasher(n_bits=32, max_iter=5, random_state=0)
    >>> hasher.fit_transform(X).shape
    (1797, 32)
    """

    _takes_images: ClassVar[bool] = True
    _parameter_constraints: ClassVar[dict[str, list]] = {
        **GradientHasher._parameter_constraints,
        "metric": [StrOptions({"cosine", "euclidean"})],
        "max_iter": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "perplexity": [Interval(Real, 1, None, closed="left")],
        "neighborhood_weight": [Interval(Real, 0, None, closed="left")],
        "kl_weight": [Interval(Real, 0, None, closed="left")],
        "classification_weight": [Interval(Real, 0, None, closed="left")],
        "kl_target": [StrOptions({"beta", "bernoulli"}), callable],
        "kl_alpha": [Interval(Real, 0, None, closed="neither"), tuple],
        "kl_n_draws": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self,
        n_bits=64,
        *,
        metric="cosine",
        network="mlp",
        hidden_layer_sizes=(512,),
        dropout=0.0,
        training=None,
        perplexity=5.0,
        neighborhood_weight=1.0,
        kl_weight=0.03,
        classification_weight=0.0,
        kl_target="beta",
        kl_alpha=0.1,
        kl_n_draws=None,
        batch_size=512,
        max_iter="auto",
        learning_rate="auto",
        weight_decay=1e-4,
        early_stopping=True,
        validation_fraction=0.2,
        n_iter_no_change=10,
        tol=1e-3,
        warm_start=False,
        device="auto",
        random_state=None,
        verbose=0,
        store_codes=False,
    ):
        self.n_bits = n_bits
        self.metric = metric
        self.network = network
        self.hidden_layer_sizes = hidden_layer_sizes
        self.dropout = dropout
        self.training = training
        self.perplexity = perplexity
        self.neighborhood_weight = neighborhood_weight
        self.kl_weight = kl_weight
        self.classification_weight = classification_weight
        self.kl_target = kl_target
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
    def fit(self, X, y=None):
        """Learn the encoder.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features), or array-like of shape \
                (n_samples, height, width, n_channels)
            Features, computed in float32; or images, uint8 or float, where `network` is a
            callable that takes them. A memory map is not copied.
        y : array-like of shape (n_samples,) or (n_samples, n_classes), default=None
            Class labels of any type, or multilabel indicators of 0 and 1, for the classification
            term. Not learned from where `classification_weight` is 0; kept beside the codes where
            ``store_codes=True``.

        Returns
        -------
        self : KLBinaryHasher

        Raises
        ------
        ValueError
            If X, y or a parameter is invalid.
        FloatingPointError
            If a loss term becomes NaN or infinite; it is named.
        KeyboardInterrupt
            If it is interrupted. After a whole epoch the hasher has the best state so far, and
            warns; before that it is as it was, as it is after any other error.
        """
        labels = y
        X, y, weights = self._begin(X, y, reset=True)
        self.classes_, target = self._classes(y)
        n_set_aside = math.ceil(self.validation_fraction * X.shape[0]) if self.early_stopping else 0
        # too few rows to set some aside are all trained on
        early_stopping = n_set_aside > 1
        n_rows = X.shape[0] - n_set_aside * early_stopping
        n_batches = -(-n_rows // self.batch_size)
        max_iter = self.max_iter
        if max_iter == "auto":
            max_iter = min(max(_LEAST_EPOCHS, -(-_STEPS // n_batches)), _MOST_EPOCHS)
        task = self._task(X, target, weights, self.warm_start, max_iter * n_batches)
        options = {"max_iter": max_iter, "learning_rate": self._learning_rate()}
        record = self._train(X, target, task, early_stopping=early_stopping, **options)
        self._keep_training_codes(X, labels)
        self._conclude(record)
        return self

    @with_callbacks
    def partial_fit(self, X, y=None, classes=None):
        """Go on learning with one pass over a chunk of rows.

        The first call chooses principal components, rotation, mean and scale from its chunk,
        which should be representative and larger than a batch. The learning rate rises and falls
        within each chunk, so that a chunk counts the more the more rows it has.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features), or array-like of shape \
                (n_samples, height, width, n_channels)
            The chunk, of at least two rows.
        y : array-like of shape (n_samples,) or (n_samples, n_classes), default=None
            Labels as in ``fit``; in all calls or in none, where `classification_weight` asks for
            them.
        classes : array-like of shape (n_classes,), default=None
            All labels that may occur, for the first call; those of the first chunk if left out.

        Returns
        -------
        self : KLBinaryHasher

        Raises
        ------
        ValueError
            If the chunk does not go with those before.
        """
        first = not hasattr(self, "network_state_")
        X, y, weights = self._begin(X, y, reset=first)
        if first:
            self.classes_, target = self._classes(y, classes)
        else:
            if (y is None) != (self.classes_ is None):
                raise ValueError("y must be given in all calls of partial_fit or in none")
            _, target = self._classes(y, self.classes_)
        before = None if first else (self.loss_curve_, self.loss_terms_)
        # the binary distribution is at its last, which annealing in fit ends with
        task = self._task(X, target, weights, resume=True, n_steps=0)
        options = {"max_iter": 1, "learning_rate": self._learning_rate()}
        record = self._train(X, target, task, resume=True, early_stopping=False, **options)
        if before is not None:
            self.loss_curve_ = before[0] + self.loss_curve_
            self.loss_terms_ = {k: before[1].get(k, []) + v for k, v in self.loss_terms_.items()}
            self.n_iter_ = self.best_iter_ = len(self.loss_curve_)
        self._conclude(record)
        return self

    def _learning_rate(self):
        if self.learning_rate != "auto":
            return self.learning_rate
        # a bit of many is told less often by how much neighbours differ that it should change
        return min(_LARGEST_RATE, _RATE_OF_A_BIT / int(self.n_bits))

    def _begin(self, X, y, *, reset):
        """Check parameters and data before any work; return them with the weights of the terms."""
        self._validate_params()
        check_alpha(self.kl_alpha)
        if self.classification_weight == 0:
            y = None
        weights = {
            "neighborhood": self.neighborhood_weight,
            "kl": self.kl_weight,
            "classification": 0 if y is None else self.classification_weight,
        }
        weights = {name: weight for name, weight in weights.items() if weight > 0}
        if not weights:
            raise ValueError(
                "neighborhood_weight and kl_weight are 0 and there is no classification term, for "
                "which y and classification_weight are needed: one must be above 0"
            )
        if y is None:
            return self._validate(X, reset=reset, ensure_min_samples=2), None, weights
        X, y = self._validate(X, y, reset=reset)
        return X, y, weights

    def _classes(self, y, classes=None):
        """Classes, and for each row the number of its class, or its indicators."""
        if y is None:
            return None, None
        kind, y = check_target(y)
        if kind == "vector":
            raise ValueError(
                "y holds real numbers, which have no classes to tell apart: set "
                "classification_weight=0"
            )
        return encode_classes(kind, y, classes=classes)

    def _task(self, X, target, weights, resume, n_steps):
        """What to train, from where it begins: the last fit, or principal components of X."""
        random = check_random_state(self.random_state)
        directions = None
        if resume and hasattr(self, "network_state_"):
            mean = self.objective_state_["center"]
        elif hasattr(self, "input_shape_"):
            mean = pixel_mean(X, random)
        else:
            mean, directions = linear_start(X, int(self.n_bits), random, as_itq=True)
        seed = int(random.randint(np.iinfo(np.int32).max))
        return KLBinaryTask(self, target, weights, mean, directions, n_steps=n_steps, seed=seed)

    def _architecture(self):
        return {**super()._architecture(), "shortcut": True}
