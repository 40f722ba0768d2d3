"""Hashers, and the steps that may precede them in a pipeline, as modules of torch."""

from __future__ import annotations

import math
from functools import singledispatch

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.decomposition import PCA
from sklearn.linear_model._base import LinearClassifierMixin
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from torch import nn

from skhash._torch.networks import build_network, load_numpy_state
from skhash.hashers import (
    CCAITQHasher,
    ClassCodeHasher,
    ITQHasher,
    PCAHasher,
    RandomProjectionHasher,
    SpectralHasher,
)
from skhash.hashers._gradient import GradientHasher
from skhash.utils._rounding import NOTHING

_SUPPORTED = (
    "every hasher of skhash, a Pipeline of StandardScaler, Normalizer, PCA and a hasher, and "
    "ClassCodeHasher with such a pipeline that ends in a linear classifier of scikit-learn"
)


@singledispatch
def to_module(estimator) -> nn.Module:
    """The module that computes what an estimator gives for rows of X.

    For a hasher these are the real values of the bits, for a transformer the transformed rows,
    for a classifier the number of the class. What decides bits computes in float64, so that they
    are those of the estimator in every runtime.

    Raises
    ------
    TypeError
        If there is none for this estimator.
    """
    raise TypeError(f"{type(estimator).__name__} cannot be exported to ONNX; {_SUPPORTED} can")


@to_module.register
def _(estimator: GradientHasher):
    module = build_network(
        n_features=estimator.n_features_in_, n_bits=estimator.n_bits_, **estimator.architecture_
    )
    load_numpy_state(module, estimator.network_state_)
    if hasattr(estimator, "input_shape_"):
        # the type of images tells their range
        return module
    if not isinstance(estimator.architecture_["network"], str):
        # runtimes have convolutions, and much else of a user's network, in float32 only
        return nn.Sequential(Float32(), module)
    return nn.Sequential(Float32(), ToFloat64(), module.double())


@to_module.register(PCAHasher)
@to_module.register(RandomProjectionHasher)
def _(estimator):
    return Projection(estimator.mean_, estimator.components_.T)


@to_module.register(ITQHasher)
@to_module.register(CCAITQHasher)
def _(estimator):
    return Projection(estimator.mean_, estimator.components_.T, estimator.rotation_)


@to_module.register
def _(estimator: SpectralHasher):
    return Waves(estimator)


@to_module.register
def _(estimator: ClassCodeHasher):
    return nn.Sequential(
        ToFloat64(),
        to_module(estimator.estimator_),
        Lookup(estimator.codebook_ * np.float32(2) - 1),
    )


@to_module.register
def _(estimator: Pipeline):
    steps = [step for _, step in estimator.steps if step is not None and step != "passthrough"]
    return nn.Sequential(*map(to_module, steps))


@to_module.register
def _(estimator: StandardScaler):
    return Standardize(estimator.mean_, estimator.scale_)


@to_module.register
def _(estimator: Normalizer):
    order = {"l1": 1.0, "l2": 2.0, "max": float("inf")}[estimator.norm]
    return Normalize(order)


@to_module.register
def _(estimator: PCA):
    scale = np.sqrt(estimator.explained_variance_) if estimator.whiten else None
    projection = Projection(estimator.mean_, estimator.components_.T)
    return nn.Sequential(projection, Standardize(None, scale))


@to_module.register
def _(estimator: LinearClassifierMixin):
    return LinearClassifier(estimator)


def _tensor(array):
    return None if array is None else torch.from_numpy(np.array(array))


class Float32(nn.Module):
    """Rows as a trained network takes them, whatever a step before it computes in."""

    def forward(self, X):
        return X.float()


class ToFloat64(nn.Module):
    """The same numbers, for arithmetic that rounds less."""

    def forward(self, X):
        return X.double()


class Projection(nn.Module):
    """Centred rows times one matrix after the other, in float64."""

    mean: torch.Tensor

    def __init__(self, mean, *matrices):
        super().__init__()
        self.register_buffer("mean", _tensor(mean))
        self.n_matrices = len(matrices)
        for i, matrix in enumerate(matrices):
            self.register_buffer(f"matrix_{i}", _tensor(matrix))

    def forward(self, X):
        X = X.double() - self.mean.double()
        for i in range(self.n_matrices):
            X = X @ getattr(self, f"matrix_{i}").double()
        return X


class Waves(nn.Module):
    """The functions of a `SpectralHasher` on its box, without a cosine in float64.

    Few runtimes have one. Its sign is decided by the turn in float64, reduced to a quarter on
    either side of the nearest zero; what is left for float32 is the sine of this.
    """

    start: torch.Tensor
    directions: torch.Tensor
    turns: torch.Tensor

    def __init__(self, hasher):
        super().__init__()
        self.projection = Projection(hasher.mean_, hasher.components_.T)
        self.register_buffer("start", _tensor(hasher.box_[0]))
        self.register_buffer("directions", _tensor(hasher.directions_))
        self.register_buffer("turns", _tensor(np.sqrt(hasher.eigenvalues_) / (2 * np.pi)))

    def forward(self, X):
        from_end = self.projection(X) - self.start
        # cos(t) = sin(pi / 2 - t)
        turn = 0.25 - from_end[:, self.directions] * self.turns
        turn = turn - torch.floor(turn + 0.5)
        size = torch.minimum(turn.abs(), 0.5 - turn.abs())
        turn = torch.where(turn < 0, -size, size)
        return torch.sin(turn.float() * (2 * math.pi)).double()


class Standardize(nn.Module):
    """Columns less their means, over their scales, in the type of the rows."""

    mean: torch.Tensor | None
    scale: torch.Tensor | None

    def __init__(self, mean, scale):
        super().__init__()
        self.register_buffer("mean", _tensor(mean))
        self.register_buffer("scale", _tensor(scale))

    def forward(self, X):
        if self.mean is not None:
            X = X - self.mean.to(X.dtype)
        if self.scale is not None:
            X = X / self.scale.to(X.dtype)
        return X


class Normalize(nn.Module):
    """Rows over their norms; a row of zeros stays."""

    def __init__(self, order):
        super().__init__()
        self.order = order

    def forward(self, X):
        norms = torch.linalg.vector_norm(X, ord=self.order, dim=1, keepdim=True)
        return X / torch.where(norms > 0, norms, 1)


class LinearClassifier(nn.Module):
    """The number of the class that a linear classifier predicts."""

    def __init__(self, classifier):
        super().__init__()
        # some leave out the axis of the classes where there are two
        weights = np.atleast_2d(classifier.coef_)
        self.scores = Projection(np.zeros((), weights.dtype), weights.T)
        self.register_buffer("intercept", _tensor(classifier.intercept_))

    def forward(self, X):
        scores = self.scores(X) + self.intercept
        # two classes have one score
        return (scores[:, 0] > 0).long() if scores.shape[1] == 1 else scores.argmax(dim=1)


class Lookup(nn.Module):
    """Rows of a table by their numbers."""

    table: torch.Tensor

    def __init__(self, table):
        super().__init__()
        self.register_buffer("table", _tensor(table))

    def forward(self, numbers):
        return self.table[numbers]


class Coder(nn.Module):
    """From rows of X to bits, packed bytes and the real values of the bits.

    Parameters
    ----------
    values : torch.nn.Module
        From rows to the real values.
    n_bits : int
    """

    place_values: torch.Tensor

    def __init__(self, values, n_bits):
        super().__init__()
        self.values, self.n_spare = values, -n_bits % 8
        self.register_buffer("place_values", 2 ** torch.arange(7, -1, -1, dtype=torch.float32))

    def forward(self, X):
        values = self.values(X)
        if values.dtype == torch.float64:
            size = values.abs()
            values = values.where(size > NOTHING * size.amax(dim=1, keepdim=True), 0)
        # thresholded as decision_function returns them, in float32
        values = values.float()
        bits = (values > 0).float()
        # small whole numbers are exact in float32, in which every runtime can multiply
        eights = F.pad(bits, (0, self.n_spare)).unflatten(1, (-1, 8))
        packed = (eights * self.place_values).sum(dim=2)
        return bits.to(torch.uint8), packed.to(torch.uint8), values
