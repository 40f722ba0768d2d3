"""Fit a network to a task: from arrays in to arrays out."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from torch import nn

from skhash._torch.checkpoints import HasState
from skhash._torch.data import Rows
from skhash._torch.devices import RandomStates, seeded
from skhash._torch.images import Pixels, in_fast_layout, takes_images
from skhash._torch.networks import (
    Standardize,
    build_network,
    check_output,
    load_numpy_state,
    seed_dropout,
    state_to_numpy,
)
from skhash._torch.precision import Precision, low_precision
from skhash._torch.processes import processes_of
from skhash._torch.task import State, Task
from skhash._torch.training import Run, TrainingOptions, TrainingRecord, train
from skhash.utils._devices import keeps_modes, resolve_device


@dataclass(frozen=True)
class FittedNetwork:
    """What a fit leaves behind, free of torch."""

    network_state: State
    objective_state: State
    record: TrainingRecord
    device: str


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
    if math.ceil(fraction * n_samples) < 2:
        raise ValueError(
            f"validation_fraction={fraction} of {n_samples} rows leaves 1 for validation, and "
            "losses that compare rows need 2: raise it, or set early_stopping=False"
        )
    if stratify is not None:
        counts = np.bincount(stratify)
        n_validation = int(np.ceil(fraction * n_samples))
        possible = min(n_validation, n_samples - n_validation) >= len(counts)
        if possible and counts.min() >= 2:
            options["stratify"] = stratify
    return train_test_split(rows, **options)


def _check_same_sizes(network, state, X):
    """Raise where a network of this X has other sizes than that of the last fit."""
    own = network.state_dict()
    if {key: value.shape for key, value in own.items()} != {
        key: value.shape for key, value in state.items()
    }:
        raise ValueError(
            "warm_start=True goes on from the last fit, whose network had other sizes than this X "
            f"of {X.shape[1]} features asks for: set warm_start=False to start afresh"
        )


@keeps_modes
def fit_network(
    X: np.ndarray,
    task: Task,
    options: TrainingOptions,
    architecture: dict,
    *,
    initial: tuple[State, State] | None = None,
    after_epoch: Callable[[Callable[[], State], int], bool] | None = None,
) -> FittedNetwork:
    """Train a network on X together with the parameters of its objective.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features) or (n_samples, height, width, n_channels), or CSR
        See `Rows`: moved to the device once, or batch by batch where it is large or sparse.
    task : Task
        What to train.
    options : TrainingOptions
        How to train.
    architecture : dict
        Keyword arguments of `build_network` that describe the network.
    initial : tuple of dict or None
        States of network and objective to start from instead of fresh weights.
    after_epoch : callable or None
        Called with a function that returns the network's state as arrays, and the number of the
        epoch; stops on True.

    Returns
    -------
    fitted : FittedNetwork
    """
    device, seed = resolve_device(options.device), options.seed
    processes = processes_of(device)
    processes.check_same({**options.identity, "seed": seed})
    with seeded(device, seed) as generators, _repeatable(device):
        data, n_outputs = Rows(X, device), task.n_outputs
        network = build_network(
            n_features=X.shape[1], n_bits=n_outputs, generator=generators.cpu, **architecture
        )
        images = takes_images(network)
        network = in_fast_layout(network, device) if images else network.to(device)
        few = torch.arange(min(2, len(data)), device=device)
        check_output(network, data.gather(few), n_outputs)
        for part in network.modules():
            if isinstance(part, Pixels | Standardize):
                part.fit(data)
        task.initialize(network)
        seed_dropout(network, generators.device)
        objective = task.objective(device, generators).to(device)
        if initial is not None:
            _check_same_sizes(network, initial[0], X)
            load_numpy_state(network, initial[0])
            load_numpy_state(objective, initial[1])
        rows, validation_rows, judge = np.arange(len(data)), None, None
        if options.early_stopping:
            rows, validation_rows = split_validation(
                len(data), options.validation_fraction, stratify=task.stratify, seed=seed
            )
            validation_rows = torch.from_numpy(validation_rows).to(device)
            train_rows = torch.from_numpy(rows).to(device)
            judge = task.judge(network, objective, data, train_rows, validation_rows)
        order = processes.generators(generators.device, seed)
        low = low_precision(device, options.mixed_precision, images=images)
        run = Run(options, order, Precision(device, low), processes)
        if options.checkpoint is not None:
            parts: dict[str, HasState] = {
                "random": processes.part(RandomStates(device, [*generators, order])),
                "objective": processes.part(_RunState(objective)),
            }
            named = {**options.identity, "device": device.type}
            run.checkpoint = processes.checkpoint(options.checkpoint, named, parts)
        module = LossTerms(network, objective, data, run, generators.device)
        state = partial(state_to_numpy, network)
        record = train(
            module,
            task.weights,
            torch.from_numpy(rows).to(device),
            run,
            validation_rows=validation_rows,
            judge=judge,
            after_epoch=after_epoch and partial(after_epoch, state),
        )
    return FittedNetwork(state(), state_to_numpy(objective), record, str(device))


class LossTerms(nn.Module):
    """All that is trained, as a module from a batch of row numbers to the loss terms.

    Parameters
    ----------
    encoder : torch.nn.Module
    objective : Objective
    data : Rows
        X.
    run : Run
        How it is trained.
    generator : torch.Generator
        Draws for the augmentation of images.
    """

    def __init__(self, encoder, objective, data, run, generator):
        super().__init__()
        self.encoder, self.objective = encoder, objective
        self._data, self._precision = data, run.precision
        self._augmentation, self._generator = run.options.augmentation, generator
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
