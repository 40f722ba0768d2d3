"""What hashers trained with labels share: parameters, documentation, and the form of a fit."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from typing import ClassVar

import numpy as np

from skhash._torch.task import Task
from skhash.hashers._gradient import GradientHasher, with_callbacks
from skhash.metrics._policy import caller_level
from skhash.similarity import takes_levels
from skhash.utils._docs import shared_docs
from skhash.utils._labels import check_target, encode_classes

_PARTS = {
    "n_bits": """
n_bits : int, default=64
    Length of the codes.
""",
    "network": """
network : {"mlp", "linear"} or callable, default="mlp"
    The encoder. A callable is called with ``(n_features, n_bits)`` and returns a
    `torch.nn.Module` that maps rows to `n_bits` real values; it is kept by reference, so
    pickling the hasher asks that it can be imported. The built-in encoders standardise X
    by its mean and one common scale; a callable's gets X as it is. For images X give
    `skhash.networks.resnet`, or a callable of ``(n_channels, n_bits)``: see
    :doc:`/guide/end_to_end`.
hidden_layer_sizes : tuple of int, default=(1024,)
    Width of each hidden layer of the "mlp".
dropout : float in [0, 1), default=0.0
    Share of hidden units ("mlp") or inputs ("linear") left out of each step.
training : Training or None, default=None
    How the network is trained beyond the parameters below: augmentation, averaged weights, mixed
    precision, checkpoints; see `skhash.networks.Training`. None is ``Training()``.
""",
    "training": """
batch_size : int, default=128
    Rows a step.
max_iter : int, default=40
    Epochs: passes over the data.
learning_rate : float, default=3e-3
    Peak of the learning rate, warmed up over the first tenth of all steps and annealed to 0.
weight_decay : float, default=1e-4
    Decoupled decay of the weight matrices (AdamW).
early_stopping : bool, default=False
    Whether to set aside a share of the rows, keep the state of least loss on them, and stop
    when it no longer falls.
validation_fraction : float in (0, 1), default=0.1
    That share.
n_iter_no_change : int, default=10
    Epochs without an improvement of at least `tol` before stopping early.
tol : float, default=1e-4
    See `n_iter_no_change`.
warm_start : bool, default=False
    Whether another call of ``fit`` goes on from the weights of the last.
device : str, default="auto"
    Where to train and encode: "cpu", "cuda", "cuda:1", "mps", or "auto" for the best there is.
random_state : int, RandomState instance or None, default=None
    Fixes all that is random: initial weights, batches, dropout, and what a method draws.
verbose : int, default=0
    1 prints the loss terms of every epoch. For a progress bar use the callbacks of scikit-learn
    1.9 or later: ``set_callbacks(sklearn.callback.ProgressBar())``.
store_codes : bool, default=False
    Whether to keep the codes of the training samples, packed, and the labels that ``fit``
    was given, for scorers that search them (``database="train"``).
""",
    "fitted": """
classes_ : ndarray of shape (n_classes,)
    The distinct labels in the user's own type; column numbers for multilabel indicators; None
    where y has no classes.
loss_curve_ : list of float
    Weighted loss of each epoch.
loss_terms_ : dict of str to list of float
    Each term of each epoch, unweighted.
validation_loss_curve_ : list of float or None
    Weighted loss on the rows set aside, under `early_stopping`.
n_iter_ : int
    Epochs run.
best_iter_ : int
    Epoch whose weights were kept, counted from 1.
training_codes_ : ndarray of shape (n_samples, ceil(n_bits / 8)), dtype uint8
    Codes of the training samples as `~skhash.neighbors.pack_codes` packs them, where
    ``store_codes=True``.
training_labels_ : ndarray of shape (n_samples,) or (n_samples, n_columns)
    Their labels, where ``store_codes=True``.
training_keys_ : ndarray of shape (n_samples, 4)
    Numbers by which a scorer recognises the training samples, where ``store_codes=True``.
n_bits_, n_features_in_ : int
    Length of the codes; number of features seen during ``fit``, of numbers an image for images.
input_shape_ : tuple of int
    (height, width, n_channels), after a fit on images only.
feature_names_in_ : ndarray of shape (n_features_in_,)
    Where X had column names.
network_state_, objective_state_ : dict of str to ndarray
    Weights of the encoder, and of what else was trained.
architecture_ : dict
    What the encoder is built from.
device_ : str
    Where it was trained. A model trained on CUDA encodes on the CPU where there is none.
""",
}

# more strings than these, in most rows another, are hardly names of classes
_MANY_CLASSES = 1000


def warn_of_labels(kind, y, classes, similarity):
    """Warn where labels are valid, but may be taken for something that they are not.

    Parameters
    ----------
    kind : {"class", "multilabel", "vector", "sentence"}
        What they are taken for.
    y : ndarray or sparse matrix of n_samples labels
        As they were given.
    classes : ndarray of shape (n_classes,) or None
    similarity : "auto" or callable
        Where it is chosen, so is what labels stand for.
    """
    automatic = isinstance(similarity, str)
    if kind == "class" and len(classes) == 1:
        told = (
            f"y has a single class, {classes.tolist()[0]!r}, so that labels tell nothing apart: "
            "the hasher is trained on X alone"
        )
    elif automatic and kind == "vector" and y.dtype.kind in "iu":
        told = (
            f"y has whole numbers in {y.shape[1]} columns, and the hasher is trained on the cosine "
            "of these as vectors: where they are a class in each column, give "
            "similarity=ColumnsSimilarity(...)"
        )
    elif automatic and kind == "class" and _are_sentences(classes, len(y)):
        told = (
            f"y has {len(classes)} different strings in {len(y)} rows, and the hasher is trained "
            "to tell each from all others as a class of its own: where they are sentences, give "
            "similarity=SentenceSimilarity(...)"
        )
    else:
        return
    warnings.warn(told, UserWarning, stacklevel=caller_level())


def _are_sentences(classes, n_samples):
    many = len(classes) >= _MANY_CLASSES and len(classes) > n_samples / 2
    return many and all(isinstance(label, str) for label in classes.tolist())


#: Puts the documentation of the shared parameters and attributes into that of a class.
supervised_docs = shared_docs(_PARTS)


class SupervisedHasher(GradientHasher):
    """Base class of the hashers that train a network with class labels or label indicators.

    A subclass implements `_make_objective`, says the weights of its terms in `_term_weights`
    where there are several, and lists the common parameters in its own ``__init__``.
    """

    _takes_images: ClassVar[bool] = True

    def __init__(
        self,
        n_bits=64,
        *,
        network="mlp",
        hidden_layer_sizes=(1024,),
        dropout=0.0,
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
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            Class labels of any type, of 2 classes or more; or multilabel indicators of 0 and 1,
            which may be sparse.

        Returns
        -------
        self : object
            The fitted hasher.

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
        self._validate_params()
        X, y = self._validate(X, y, reset=True)
        kind, y_checked = check_target(y, levels=takes_levels(getattr(self, "similarity", None)))
        if kind == "vector":
            raise ValueError(
                "y must hold class labels or multilabel indicators of 0 and 1, got rows of real "
                "numbers; SemanticHasher learns from these, and with ColumnsSimilarity from a "
                "class in each column"
            )
        classes, target = encode_classes(kind, y_checked, at_least=2)
        warn_of_labels(kind, y, classes, getattr(self, "similarity", "auto"))
        if not target.any():
            raise ValueError("y must have at least one row with a label, got indicators all 0")
        self._check_same_classes(classes)
        self.classes_ = classes
        self._prepare(target)
        record = self._train(X, y, _LabelTask(self, target))
        self._finish(X)
        self._keep_training_codes(X, y)
        self._conclude(record)
        return self

    def _check_same_classes(self, classes):
        before = getattr(self, "classes_", None)
        if self.warm_start and before is not None and not np.array_equal(before, classes):
            raise ValueError(
                "warm_start=True goes on from the last fit, whose y had other classes "
                f"({len(before)} then, {len(classes)} now); set warm_start=False to start afresh"
            )

    def _prepare(self, target):
        """Set the fitted attributes that training needs; ``classes_`` is set already."""

    @abstractmethod
    def _make_objective(self, target, generators):
        """Return the `Objective`.

        `target` holds on the device of training the class number of each row, int64 of shape
        (n_samples,), or its label indicators, float32 of shape (n_samples, n_classes).
        """

    @abstractmethod
    def _term_weights(self):
        """Weight of each term of the objective."""

    def _finish(self, X):
        """Do what remains once the network is trained."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags


class _LabelTask(Task):
    """The objective of a hasher, on class numbers or indicators."""

    def __init__(self, hasher, target):
        stratify = target if target.ndim == 1 else None
        super().__init__(hasher._term_weights(), int(hasher.n_bits), stratify)
        self._hasher, self._target = hasher, target

    def objective(self, device, generators):
        import torch

        return self._hasher._make_objective(torch.from_numpy(self._target).to(device), generators)
