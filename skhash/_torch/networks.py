"""Encoders: from rows of X to the real values of the bits, and their state as numpy arrays."""

from __future__ import annotations

import copy
import math
import warnings

import numpy as np
import torch
from scipy.sparse import issparse
from torch import nn

from skhash._torch.data import bounded_rows, dense_rows, is_images
from skhash._torch.images import image_encoder, in_fast_layout
from skhash._torch.posterior import PosteriorNetwork
from skhash._torch.precision import Precision, low_precision
from skhash._torch.sparse import SparseRows
from skhash.utils._devices import keeps_modes

# sparse rows of more features are not made dense on the CPU, where the network allows it
_DENSE_FEATURES = 2**11
# numbers encoded at once
_ENCODE_ELEMENTS = 2**26
# the same of images, whose maps within a network take many times their own memory
_ENCODE_PIXELS = {"cuda": 2**22, "mps": 2**20, "cpu": 2**19}

NETWORKS = ("linear", "mlp")
_BIT_NORM = "bit_norm"
# what rounding may be of the spread of X before it is told
_COARSE = 0.01


class Standardize(nn.Module):
    """Centre each feature and divide all by one number, the root mean square of the training data.

    One scale for all keeps the geometry of X (principal components differ in size for a reason)
    and makes learning rate and initial weights fit data of any unit. The statistics are buffers:
    they travel with the state of the network.
    """

    def __init__(self, n_features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(n_features))
        self.register_buffer("scale", torch.ones(()))

    def fit(self, rows):
        """Set the statistics from the training rows.

        Parameters
        ----------
        rows : Rows
        """
        mean, scale = rows.moments()
        rounding = torch.finfo(torch.float32).eps * mean.square().mean().sqrt()
        if scale > 0 and rounding > _COARSE * scale:
            warnings.warn(
                f"X varies by {scale:.3g} about means of {mean.abs().max():.3g}, of which float32, "
                "in which networks compute, keeps two digits or less: subtract the mean of each "
                "feature before, in float64",
                UserWarning,
                stacklevel=2,
            )
        self.mean.copy_(mean.float())
        # X without any variance stays as it is
        self.scale.copy_(torch.where(scale > 0, scale, torch.ones_like(scale)).float())

    def forward(self, X):
        return (X - self.mean) / self.scale


class SeededDropout(nn.Module):
    """Dropout whose masks come from one generator, so that a seed fixes them in any thread."""

    def __init__(self, p, generator=None):
        super().__init__()
        self.p = p
        self.generator = generator

    def forward(self, X):
        if not self.training or self.p == 0:
            return X
        keep = torch.empty_like(X).bernoulli_(1 - self.p, generator=self.generator)
        return X * keep / (1 - self.p)


def linear_layer(n_in, n_out, generator, *, bias=True):
    """A linear layer with weights of variance 1 / n_in, drawn from `generator`, and no bias yet.

    Without a generator the weights are not set: a state is to be loaded, and drawing takes time.
    """
    layer = nn.utils.skip_init(nn.Linear, n_in, n_out, bias=bias)
    with torch.no_grad():
        if generator is not None:
            # drawn on the CPU: the same seed starts from the same weights on every device
            layer.weight.copy_(torch.randn(n_out, n_in, generator=generator) / n_in**0.5)
        if bias:
            layer.bias.zero_()
    return layer


class Shortcut(nn.Module):
    """A linear map plus a correction by hidden layers."""

    def __init__(self, linear, hidden):
        super().__init__()
        self.linear, self.hidden = linear, hidden

    def forward(self, X):
        return self.linear(X) + self.hidden(X)


def build_network(
    network,
    n_features,
    n_bits,
    *,
    hidden_layer_sizes=(),
    dropout=0.0,
    shortcut=False,
    batch_norm=False,
    input_shape=None,
    n_classes=None,
    temperature=1.0,
    n_hidden=None,
    generator=None,
):
    """Build an encoder from its description.

    Parameters
    ----------
    network : {"linear", "mlp"} or callable
        A callable is called with ``n_features`` and ``n_bits`` and returns any `torch.nn.Module`
        that maps (n, n_features) to (n, n_bits); it sees X as it is, not standardised. For images
        it is called with ``n_channels`` and ``n_bits``, and sees them as `Pixels` makes them.
    n_features, n_bits : int
        The first is not looked at for images.
    hidden_layer_sizes : tuple of int
        Width of each hidden layer of ``"mlp"``.
    dropout : float
        Share of hidden units of ``"mlp"`` (of inputs for ``"linear"``) left out of a step.
    shortcut : bool
        Whether ``"mlp"`` is the correction to a linear map, and 0 before training.
    batch_norm : bool
        Whether the outputs are normalised to mean 0 and variance 1 in each bit, over the batch
        in training, so that every bit splits the data; a linear last layer then has no bias.
    input_shape : tuple of int or None
        ``(height, width, n_channels)`` where X holds images. The encoder then takes them as they
        are in X.
    n_classes : int or None
        Where given, the network gives the logits of this many classes, and the bits are read off
        the posterior: see `PosteriorNetwork`.
    temperature : float
        Of that posterior.
    n_hidden : int or None
        Where given, the bits are read off so many features before the last layer of the network
        instead of off X.
    generator : torch.Generator or None
        Source of the initial weights (on the CPU). Without it they are not set, for a state that
        is to be loaded.

    Returns
    -------
    module : torch.nn.Module
        On the CPU, in training mode.

    Raises
    ------
    TypeError
        If a factory does not return a module.

    Examples
    --------
    >>> from skhash._torch.networks import build_network
    >>> build_network("linear", 5, 3)
    Sequential(
      (0): Standardize()
      (1): SeededDropout()
      (2): Linear(in_features=5, out_features=3, bias=True)
    )
    """
    if n_classes is not None:
        classifier = build_network(
            network,
            n_features,
            n_classes,
            hidden_layer_sizes=hidden_layer_sizes,
            dropout=dropout,
            input_shape=input_shape,
            generator=generator,
        )
        return PosteriorNetwork(
            classifier, n_features, n_classes, n_bits, temperature, n_hidden=n_hidden
        )
    if input_shape is not None:
        n_channels = input_shape[-1]
        module = image_encoder(_made(network, n_channels, n_bits, "n_channels"), n_channels)
        return _bit_normed(module, n_bits) if batch_norm else module
    if callable(network):
        module = _made(network, n_features, n_bits, "n_features")
        return _bit_normed(nn.Sequential(module), n_bits) if batch_norm else module
    module = _built_in(
        network, n_features, n_bits, hidden_layer_sizes, dropout, shortcut, batch_norm, generator
    )
    return _bit_normed(module, n_bits) if batch_norm else module


def _made(network, n_inputs, n_outputs, name):
    if isinstance(network, nn.Module):
        raise TypeError(
            f"network must be a callable that makes a torch.nn.Module of ({name}, n_outputs), got "
            f"the module {type(network).__name__} itself: give its class, or a function"
        )
    try:
        module = network(n_inputs, n_outputs)
    except Exception as error:
        error.add_note(f"while calling network({n_inputs}, {n_outputs}), {network!r}")
        raise
    if not isinstance(module, nn.Module):
        raise TypeError(
            f"network must return a torch.nn.Module when called with ({name}, n_outputs), "
            f"got {type(module).__name__}"
        )
    return module


def _built_in(network, n_features, n_bits, sizes, dropout, shortcut, batch_norm, generator):
    bias = not batch_norm
    if network == "linear":
        return nn.Sequential(
            Standardize(n_features),
            SeededDropout(dropout),
            linear_layer(n_features, n_bits, generator, bias=bias),
        )
    layers: list[nn.Module] = []
    width = n_features
    for size in sizes:
        layers += [linear_layer(width, size, generator), nn.BatchNorm1d(size), nn.ReLU()]
        layers += [SeededDropout(dropout)]
        width = size
    layers += [linear_layer(width, n_bits, generator, bias=bias)]
    if not shortcut:
        return nn.Sequential(Standardize(n_features), *layers)
    nn.init.zeros_(layers[-1].weight)
    linear = linear_layer(n_features, n_bits, generator)
    return nn.Sequential(Standardize(n_features), Shortcut(linear, nn.Sequential(*layers)))


def _bit_normed(module, n_bits):
    # no learned shift: it would put the bits out of balance again
    module.add_module(_BIT_NORM, nn.BatchNorm1d(n_bits, affine=False))
    return module


def recenter_bits(state, mean, variance):
    """Let bits whose values have a mean and a variance have mean 0 and variance 1.

    Parameters
    ----------
    state : dict of str to ndarray
        Of a network that `build_network` made with ``batch_norm=True``; not changed.
    mean, variance : ndarray of shape (n_bits,)
        Of the outputs that the network has with this state.

    Returns
    -------
    state : dict of str to ndarray
    """
    keys = f"{_BIT_NORM}.running_mean", f"{_BIT_NORM}.running_var"
    old_mean, old_variance = (state[key].astype(np.float64) for key in keys)
    square = old_variance + nn.BatchNorm1d(1).eps
    new = old_mean + np.sqrt(square) * mean, square * np.where(variance > 0, variance, 1)
    return {
        **state,
        **{key: value.astype(np.float32) for key, value in zip(keys, new, strict=True)},
    }


def set_linear_map(module, mean, directions):
    """Let the linear map of an encoder begin as ``(X - mean) @ directions``.

    Parameters
    ----------
    module : torch.nn.Module
        Made by `build_network` from ``"linear"``, or from ``"mlp"`` with a shortcut, with the
        statistics of its `Standardize` set. The network of a user's factory begins as it comes.
    mean : ndarray of shape (n_features,)
    directions : ndarray of shape (n_features, n_bits)
    """
    if not (isinstance(module, nn.Sequential) and isinstance(module[0], Standardize)):
        return
    standardize, last = module[0], module[-1]
    linear = last.linear if isinstance(last, Shortcut) else last
    weight, scale = linear.weight, standardize.scale
    with torch.no_grad():
        directions = torch.as_tensor(directions).to(weight)
        shift = standardize.mean - torch.as_tensor(mean).to(weight)
        weight.copy_(scale * directions.T)
        linear.bias.copy_(shift @ directions)


def seed_dropout(module, generator):
    """Let every dropout of ours in `module` draw its masks from `generator`."""
    for part in module.modules():
        if isinstance(part, SeededDropout):
            part.generator = generator


def state_to_numpy(module):
    """State of a module as a dict of numpy arrays: what an estimator keeps after fit."""
    return {key: value.detach().cpu().numpy().copy() for key, value in module.state_dict().items()}


def load_numpy_state(module, state):
    """Put a state made by `state_to_numpy` into `module` and return the module."""
    # arrays memory-mapped by joblib are read-only: torch wants to own what it may write to
    tensors = {key: torch.from_numpy(np.array(value)) for key, value in state.items()}
    module.load_state_dict(tensors)
    return module


@keeps_modes
@torch.inference_mode()
def encode(module, X, *, batch_size, device, dtype=np.float32, mixed_precision=False):
    """Outputs of `module` for all rows of X, in batches.

    Parameters
    ----------
    module : torch.nn.Module
        Put on `device` and into evaluation mode.
    X : ndarray or sparse matrix of shape (n, ...)
    batch_size : int
        Rows a step, fewer where they are wide: bounds the memory beyond the result.
    device : torch.device or str
    dtype : dtype
        float32, or float64 for a network that computes in the type of its weights; X counts as
        float32 in both.
    mixed_precision : "auto" or bool
        See `low_precision`. A processor computes in `dtype` all the same: codes shall not depend
        on which of them has low precision.

    Returns
    -------
    outputs : ndarray of shape (n, n_bits), of `dtype`
    """
    device, images, dtype = torch.device(device), is_images(X), np.dtype(dtype)
    module = (in_fast_layout(module, device) if images else module.to(device)).eval()
    module = module.double() if dtype == np.float64 else module
    low = device.type != "cpu" and mixed_precision
    precision = Precision(device, low_precision(device, low, images=images))
    most = _ENCODE_PIXELS.get(device.type, 2**20) if images else _ENCODE_ELEMENTS
    wide = issparse(X) and X.shape[1] > _DENSE_FEATURES
    sparse = wide and device.type == "cpu" and _is_built_in(module)
    if not sparse:
        batch_size = bounded_rows(batch_size, math.prod(X.shape[1:]), most)
    outputs, waiting = np.empty((0, 0), dtype), None
    for start in range(0, X.shape[0], batch_size):
        block = X[start : start + batch_size]
        if sparse:
            rows = SparseRows(block, torch.float64 if dtype == np.float64 else torch.float32)
        else:
            rows = torch.from_numpy(dense_rows(block))
            # images become real numbers, of the type of the weights, in their `Pixels`
            rows = rows.double() if dtype == np.float64 and not images else rows
        part = precision.run(module, _sent(rows, device))
        if waiting is None:
            outputs = np.empty((X.shape[0], part.shape[1]), dtype)
        else:
            # read a step late: a GPU has the next batch by then, and need not wait for this one
            _read(outputs, *waiting)
        waiting = start, part
    if waiting is not None:
        _read(outputs, *waiting)
    return outputs


def _is_built_in(module):
    """Whether all that a network does with its input is what `SparseRows` can."""
    first = module.classifier if isinstance(module, PosteriorNetwork) else module
    return isinstance(first, nn.Sequential) and isinstance(first[0], Standardize)


def _sent(rows, device):
    if device.type == "cuda":
        return rows.pin_memory().to(device, non_blocking=True)
    return rows.to(device)


def _read(outputs, start, part):
    outputs[start : start + len(part)] = part.cpu().numpy()


def check_output(module, X, n_bits):
    """Raise where the network of a user's factory does not give `n_bits` real values a row.

    Warns where it cannot compute in float64, which decides the bits of values near 0.
    """
    was_training, X = module.training, X[:2]
    module.eval()
    with torch.no_grad():
        shape = _output_shape(module, X, n_bits)
        if shape == (len(X), n_bits) and X.device.type == "cpu":
            _check_float64(module, X)
    module.train(was_training)
    if shape != (len(X), n_bits):
        raise ValueError(
            f"network must map rows to {n_bits} values: for an input of shape "
            f"{tuple(X.shape)} it returned shape {shape}"
        )


def _output_shape(module, X, n_bits):
    try:
        return tuple(module(X).shape)
    except RuntimeError as error:
        # a network for images given rows of features, say
        raise ValueError(
            f"network must map rows to {n_bits} values, but for an input of shape "
            f"{tuple(X.shape)} it raised: {error}"
        ) from error
    except Exception as error:
        error.add_note(f"while network was given rows of X, of shape {tuple(X.shape)}")
        raise


def _check_float64(module, X):
    try:
        copy.deepcopy(module).double()(X if is_images(X) else X.double())
    except RuntimeError as error:
        warnings.warn(
            f"network does not run in float64 ({error}): bits whose values are within rounding of "
            "0 may depend on the processor, and on the rows that are encoded together",
            UserWarning,
            stacklevel=2,
        )
