"""What an encoder is, and what it is told of a fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator

from skhash._torch.task import Task
from skhash.encoders._owners import NamesOwners
from skhash.similarity import prepare_similarity


@dataclass(frozen=True)
class Problem:
    """What one fit of `SemanticHasher` learns from, and how, as its encoder needs to know.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features) or (n_samples, height, width, n_channels), or CSR
    y : ndarray or CSR array
        Labels, as `check_labels` returns them.
    kind : {"class", "multilabel", "vector", "sentence"}
        Their kind.
    target : ndarray or None
        Class numbers or indicators, as `encode_classes` returns them.
    n_classes : int or None
    similarity : callable
        The similarity target.
    class_similarity : ndarray of shape (n_classes, n_classes) or None
        That of class labels.
    n_bits, batch_size, max_iter, network, random_state
        The parameters of the hasher.
    resumes : bool
        Whether training goes on from the last fit.
    outputs_and_features : callable
        ``outputs_and_features(X, architecture, state, n_outputs=...)``: outputs of a trained
        network, and the features beside them.
    """

    X: np.ndarray
    y: Any
    kind: str
    target: np.ndarray | None
    n_classes: int | None
    similarity: Callable
    class_similarity: np.ndarray | None
    n_bits: int
    batch_size: int
    max_iter: int
    network: str | Callable
    random_state: Any
    resumes: bool
    outputs_and_features: Callable

    @property
    def n_steps(self):
        """Steps of training."""
        return self.max_iter * -(-self.X.shape[0] // self.batch_size)

    def of_classes(self, classes, rows):
        """The problem of some rows alone, which are of some classes alone."""
        return replace(
            self,
            X=self.X[rows],
            y=self.y[rows],
            target=np.searchsorted(classes, self.target[rows]),
            n_classes=len(classes),
            class_similarity=self.class_similarity[np.ix_(classes, classes)],
        )

    def comparison(self):
        """A function from two arrays of row numbers to the similarities of their labels."""
        if self.class_similarity is not None:
            table, target = self.class_similarity, self.target
            return lambda rows, others: table[target[rows][:, None], target[others]]
        evaluate, labels = prepare_similarity(self.similarity, self.y)
        return lambda rows, others: evaluate(labels[rows], labels[others])

    def distances(self, device):
        """A function from a batch, a tensor of row numbers, to the distances of its labels."""
        from skhash._torch.objectives import ClassDistances, EvaluatedDistances

        if self.class_similarity is not None:
            return ClassDistances(1 - self.class_similarity, self.target, device)
        compare = self.comparison()
        return EvaluatedDistances(lambda rows: compare(rows, rows), device)


class BaseEncoder(NamesOwners, BaseEstimator):
    """Base class of the encoders of `SemanticHasher`, and of your own.

    A subclass defines `loss`, which training minimises over batches, and takes its parameters in
    ``__init__`` as all estimators do. The hasher does the rest: labels of any kind become
    similarities, the network gives a real value for each bit, and a bit is 1 where it is
    above 0.

    See Also
    --------
    RelationalEncoder : Terms of several kinds.
    PosteriorEncoder : Bits in closed form, from a classifier.

    Examples
    --------
    Inner products of outputs as near to the similarity as their squares can be told:

    >>> from skhash import SemanticHasher
    >>> from skhash.encoders import BaseEncoder
    >>> class InnerProductEncoder(BaseEncoder):
    ...     def __init__(self, sharpness=1.0):
    ...         self.sharpness = sharpness
    ...
    ...     def loss(self, outputs, similarity):
    ...         bits = (self.sharpness * outputs).tanh()
    ...         cosine = bits @ bits.T / bits.shape[1]
    ...         return (cosine - (2 * similarity - 1)).square().mean()
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> hasher = SemanticHasher(16, encoder=InnerProductEncoder(), max_iter=2, random_state=0)
    >>> hasher.set_params(encoder__sharpness=2.0).fit_transform(X, y).shape
    (1797, 16)
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {}

    def loss(self, outputs, similarity):
        """What training minimises, for one batch.

        Parameters
        ----------
        outputs : torch.Tensor of shape (n, n_bits), float32
            The real values of the bits; gradients go through them.
        similarity : torch.Tensor of shape (n, n), float32
            Similarities of the labels, in [0, 1].

        Returns
        -------
        loss : torch.Tensor without dimensions
        """
        raise NotImplementedError(f"{type(self).__name__} must define loss(outputs, similarity)")

    def _check(self, kind):
        """Raise where the parameters, or they and labels of a kind, do not go together."""
        self._validate_params()

    def _task(self, problem):
        """What is trained for a problem."""
        return EncoderTask({"loss": 1.0}, self, problem)


class EncoderTask(Task):
    """A network with an output for each bit, trained by the loss of an encoder."""

    def __init__(self, weights, encoder, problem):
        stratify = problem.target if problem.kind == "class" else None
        super().__init__(weights, problem.n_bits, stratify)
        self._encoder, self._problem = encoder, problem

    def architecture(self, asked):
        return asked | {"dropout": asked["dropout"] or 0.0}

    def objective(self, device, generators):
        from skhash._torch.objectives import LossObjective

        return LossObjective(self._encoder.loss, self._problem.distances(device))
