"""Fit a network to an objective: from arrays in to arrays out."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from torch import nn

from skhash._torch.averaging import WeightAverage
from skhash._torch.checkpoints import HasState
from skhash._torch.data import row_source
from skhash._torch.devices import RandomStates, resolve_device, seeded
from skhash._torch.images import in_fast_layout, takes_images
from skhash._torch.networks import (
    build_network,
    check_output,
    fit_standardize,
    load_numpy_state,
    seed_dropout,
    state_to_numpy,
)
from skhash._torch.precision import Precision, low_precision
from skhash._torch.processes import processes_of
from skhash._torch.training import (
    TrainingOptions,
    TrainingRecord,
    train,
)

State = dict[str, np.ndarray]


@dataclass(frozen=True)
class Generators:
    """Random numbers of one fit: `cpu` draws initial weights, `device` everything after."""

    cpu: torch.Generator
    device: torch.Generator


@dataclass(frozen=True)
class FittedNetwork:
    """What a fit leaves behind, free of torch."""

    encoder_state: State
    objective_state: State
    record: TrainingRecord
    device: str


class Objective(nn.Module):
    """Loss terms of the rows of a batch.

    A subclass takes what it needs of the targets in `__init__` and returns its terms by name from
    ``terms(outputs, batch)``. Its own parameters (a classification head, say) are trained with the
    encoder, and are in `FittedNetwork.objective_state` afterwards.
    """

    def inputs(self, rows: torch.Tensor, batch: torch.Tensor) -> torch.Tensor:
        """What the encoder is shown of the rows of X in `batch`: the rows, unless overridden."""
        return rows

    def terms_of_rows(
        self, rows: torch.Tensor, outputs: torch.Tensor, batch: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """As `terms`; for objectives that also look at the rows in `batch`, as X has them."""
        return self.terms(outputs, batch)

    def terms(self, outputs: torch.Tensor, batch: torch.Tensor) -> dict[str, torch.Tensor]:
        """Unweighted loss terms, given the real bit values of the rows in `batch`."""
        raise NotImplementedError("an objective must define terms(outputs, batch)")

    def run_state(self) -> dict:
        """What changes during training beside parameters and buffers: counts, generators."""
        return {}

    def load_run_state(self, state: dict) -> None:
        """Go on from what `run_state` returned."""


class _RunState:
    """The run state of an objective, as a part of a checkpoint."""

    def __init__(self, objective):
        self._objective = objective

    def state_dict(self):
        return self._objective.run_state()

    def load_state_dict(self, state):
        self._objective.load_run_state(state)


def split_validation(n_samples, fraction, *, stratify, seed):
    """Row numbers for training and validation; stratified where every class allows it."""
    rows = np.arange(n_samples)
    options = {"test_size": fraction, "random_state": seed}
    if stratify is not None:
        counts = np.bincount(stratify)
        n_validation = int(np.ceil(fraction * n_samples))
        possible = min(n_validation, n_samples - n_validation) >= len(counts)
        if possible and counts.min() >= 2:
            options["stratify"] = stratify
    return train_test_split(rows, **options)


def fit_network(
    X: np.ndarray,
    make_objective: Callable[[torch.device, Generators], Objective],
    weights: dict[str, float],
    *,
    architecture: dict,
    n_bits: int,
    options: TrainingOptions,
    device: str,
    seed: int,
    validation_fraction: float = 0.1,
    stratify: np.ndarray | None = None,
    initial: tuple[State, State] | None = None,
    initialize: Callable[[nn.Module], None] | None = None,
    after_epoch: Callable[[Callable[[], State]], bool] | None = None,
    augmentation: Callable[[torch.Tensor, torch.Generator], torch.Tensor] | None = None,
    ema_decay: float | None = None,
    mixed_precision: str | bool = False,
    checkpoint: str | os.PathLike | None = None,
    identity: Mapping | None = None,
) -> FittedNetwork:
    """Train an encoder of X together with the objective's own parameters.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features) or (n_samples, height, width, n_channels), or CSR
        See `row_source`: moved to the device once, or batch by batch where it is large or sparse.
    make_objective : callable
        From the device and the generators to the `Objective`.
    weights : dict
        Weight of each term.
    architecture : dict
        Keyword arguments of `build_network` that describe the encoder.
    n_bits : int
    options : TrainingOptions
    device : str
        See `resolve_device`.
    seed : int
        Of everything random.
    validation_fraction : float
        Share of the rows set aside under ``options.early_stopping``.
    stratify : ndarray of shape (n_samples,) of int or None
        Class indices that the validation rows shall represent.
    initial : tuple of dict or None
        States of encoder and objective to start from instead of fresh weights.
    initialize : callable or None
        Called with the encoder, to change its fresh weights in place, or to refuse it.
    after_epoch : callable or None
        Called with a function that returns the encoder's state as arrays; stops on True.
    augmentation, ema_decay, mixed_precision, checkpoint
        See `skhash.networks.Training`.
    identity : mapping of str to str, number or None
        What a checkpoint must agree with, see `Checkpoint`.

    Returns
    -------
    fitted : FittedNetwork
    """
    place = resolve_device(device)
    processes = processes_of(place)
    processes.check_same({**(identity or {}), "seed": seed})
    with seeded(place, seed) as generators:
        random = Generators(*generators)
        encoder = build_network(
            n_features=X.shape[1], n_bits=n_bits, generator=random.cpu, **architecture
        )
        images = takes_images(encoder)
        encoder = in_fast_layout(encoder, place) if images else encoder.to(place)
        data = row_source(X, place)
        check_output(encoder, data.gather(torch.arange(min(2, len(data)), device=place)), n_bits)
        fit_standardize(encoder, data)
        if initialize is not None:
            initialize(encoder)
        seed_dropout(encoder, random.device)
        objective = make_objective(place, random).to(place)
        if initial is not None:
            load_numpy_state(encoder, initial[0])
            load_numpy_state(objective, initial[1])
        rows, validation_rows = np.arange(len(data)), None
        if options.early_stopping:
            rows, validation_rows = split_validation(
                len(data), validation_fraction, stratify=stratify, seed=seed
            )
        order = processes.generators(random.device, seed)
        precision = Precision(place, low_precision(place, mixed_precision, images=images))
        module = LossTerms(encoder, objective, data, precision, augmentation, random.device)
        saved = None
        if checkpoint is not None:
            parts: dict[str, HasState] = {
                "random": processes.part(RandomStates(place, [*generators, order])),
                "objective": processes.part(_RunState(objective)),
            }
            named = {**(identity or {}), "device": place.type}
            saved = processes.checkpoint(checkpoint, named, parts)

        def after(epoch):
            return after_epoch is not None and after_epoch(lambda: state_to_numpy(encoder))

        with _repeatable(place):
            record = train(
                module,
                processes.parallel(module),
                weights,
                torch.from_numpy(rows).to(place),
                options,
                order,
                validation_rows=_to(validation_rows, place),
                after_epoch=after,
                precision=precision,
                average=None if ema_decay is None else WeightAverage(module, ema_decay),
                checkpoint=saved,
                processes=processes,
            )
    return FittedNetwork(state_to_numpy(encoder), state_to_numpy(objective), record, str(place))


class LossTerms(nn.Module):
    """All that is trained, as a module from a batch of row numbers to the loss terms.

    Parameters
    ----------
    encoder : torch.nn.Module
    objective : Objective
    data : ResidentRows or StreamedRows
        X.
    precision : Precision
    augmentation : callable or None
        Of images, in training.
    generator : torch.Generator
        Draws for it.
    """

    def __init__(self, encoder, objective, data, precision, augmentation, generator):
        super().__init__()
        self.encoder, self.objective = encoder, objective
        self._data, self._precision = data, precision
        self._augmentation, self._generator = augmentation, generator
        self._images = takes_images(encoder)

    def forward(self, batch):
        rows = self._data.gather(batch)
        inputs = self.objective.inputs(self._seen(rows), batch)
        network = self.encoder[1:] if self._images else self.encoder
        outputs = self._precision.run(network, inputs)
        return self.objective.terms_of_rows(rows, outputs, batch)

    def _seen(self, rows):
        """What the encoder, past its `Pixels`, is shown of rows of X."""
        if not self._images:
            return rows
        maps = self.encoder.pixels(rows)
        # validation sees images as they are
        augmented = self._augmentation is not None and self.training
        return self._augmentation(maps, self._generator) if augmented else maps


@contextlib.contextmanager
def _repeatable(device):
    """Convolutions on CUDA give the same sums each time, so that a seed fixes the codes."""
    cudnn = torch.backends.cudnn
    before = cudnn.deterministic, cudnn.benchmark
    if device.type == "cuda":
        cudnn.deterministic, cudnn.benchmark = True, False
    try:
        yield
    finally:
        cudnn.deterministic, cudnn.benchmark = before


def _to(rows, device):
    return None if rows is None else torch.from_numpy(rows).to(device)
