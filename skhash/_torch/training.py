"""The one training loop: batches, schedule, early stop, best state, progress."""

from __future__ import annotations

import math
import os
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from sklearn.exceptions import ConvergenceWarning

from skhash._torch.checkpoints import Checkpoint
from skhash._torch.precision import Precision
from skhash._torch.processes import OneProcess
from skhash._torch.steps import GradientSteps, Means, weighted


@dataclass(frozen=True)
class TrainingOptions:
    """How to train; names and meanings are those of the parameters of hashers and `Training`.

    `seed` is that of everything random; `identity`, of names and text, numbers or None, what a
    checkpoint and all processes must agree with.
    """

    batch_size: int = 256
    max_iter: int = 40
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    early_stopping: bool = False
    validation_fraction: float = 0.1
    n_iter_no_change: int = 10
    tol: float = 1e-4
    verbose: int = 0
    device: str = "auto"
    seed: int = 0
    augmentation: Callable[[torch.Tensor, torch.Generator], torch.Tensor] | None = None
    ema_decay: float | None = None
    mixed_precision: str | bool = "auto"
    checkpoint: str | os.PathLike | None = None
    identity: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Run:
    """The options of one fit with what they come to where it runs.

    `order` shuffles the rows, in all `processes` alike; `checkpoint` holds what changes in the
    run beside what `train` knows of, such as other generators.
    """

    options: TrainingOptions
    order: torch.Generator
    precision: Precision = field(default_factory=lambda: Precision("cpu"))
    processes: OneProcess = field(default_factory=OneProcess)
    checkpoint: Checkpoint | None = None


@dataclass
class TrainingRecord:
    """What happened: the mean loss of each epoch, in total and by term, unweighted."""

    loss: list[float] = field(default_factory=list)
    terms: dict[str, list[float]] = field(default_factory=dict)
    validation_loss: list[float] = field(default_factory=list)
    best_iter: int = 0
    interrupted: bool = False

    def add(self, means, weights):
        """Note the means of an epoch."""
        self.loss.append(weighted(means, weights))
        for name, value in means.items():
            self.terms.setdefault(name, []).append(value)

    def cut(self, n_epochs, n_before):
        """Forget what was noted of epochs that did not end; not the validation before them."""
        for curve in (self.loss, *self.terms.values()):
            del curve[n_epochs:]
        del self.validation_loss[n_before + n_epochs :]

    def state_dict(self):
        """What `load_state_dict` goes on from."""
        return asdict(self)

    def load_state_dict(self, state):
        """Go on from a state."""
        self.__dict__.update(state)


class _Best:
    """The state of lowest validation loss, or the last where there is no validation."""

    def __init__(self, tol):
        self._tol = tol
        self.loss, self.epoch, self.waited = math.inf, 0, 0
        self.least = math.inf
        self.state: dict[str, torch.Tensor] | None = None

    def look(self, module, epoch, validation, may_be_kept=True):
        """Keep the present state of a module if it is the best so far, of those that may be."""
        if validation is None:
            self.state, self.epoch = _snapshot(module), epoch
            return
        # a fall counts for going on, whether or not the state may be kept
        self.waited = 0 if validation < self.least - self._tol else self.waited + 1
        self.least = min(self.least, validation)
        if may_be_kept and validation < self.loss:
            self.loss, self.state, self.epoch = validation, _snapshot(module), epoch

    def state_dict(self):
        return {name: value for name, value in vars(self).items() if name != "_tol"}

    def load_state_dict(self, state):
        self.__dict__.update(state)


def _snapshot(module):
    return {key: value.detach().clone() for key, value in module.state_dict().items()}


def _batches(order, batch_size, least=2):
    """Split an order of rows into batches; fewer than `least` rows join the batch before them."""
    parts = list(order.split(batch_size))
    if len(parts) > 1 and len(parts[-1]) < least:
        parts[-2:] = [torch.cat(parts[-2:])]
    return parts


@torch.no_grad()
def _validate(module, objective, rows, weights, batch_size, processes):
    module.eval()
    means = Means()
    for batch in _batches(rows, batch_size, processes.least_rows):
        share = processes.share(batch)
        means.add(objective(share), len(share))
    module.train()
    return weighted(means.read(processes), weights)


def _check_enough(batch_size, train_rows, validation_rows, processes):
    least = processes.least_rows
    counts = {"batch_size": batch_size, "the number of training rows": len(train_rows)}
    if validation_rows is not None:
        counts["the number of validation rows"] = len(validation_rows)
    for name, found in counts.items():
        if processes.size > 1 and found < least:
            raise ValueError(
                f"{name} must be at least {least}, two for each of {processes.size} processes, "
                f"got {found}"
            )


def _report(epoch, options, means, validation, seconds):
    terms = "  ".join(f"{name} {value:.4f}" for name, value in means.items())
    tail = "" if validation is None else f"  validation {validation:.4f}"
    width = len(str(options.max_iter))
    print(f"epoch {epoch:>{width}}/{options.max_iter}  {terms}{tail}  {seconds:.1f} s")


def train(
    module: torch.nn.Module,
    weights: Mapping[str, float],
    train_rows: torch.Tensor,
    run: Run,
    *,
    validation_rows: torch.Tensor | None = None,
    judge: Callable[[], tuple[float, bool]] | None = None,
    after_epoch: Callable[[int], bool] | None = None,
) -> TrainingRecord:
    """Minimise the weighted sum of the loss terms over the parameters of `module`.

    Parameters
    ----------
    module : torch.nn.Module
        Everything that is trained, on its device, from a batch of row numbers (int64, there) to
        the loss terms by name, unweighted, each the mean over the batch. It gathers the data
        itself: they stay on the device. It is left in evaluation mode with the best state.
    weights : mapping
        Weight of each term.
    train_rows, validation_rows : Tensor of int64
        Row numbers, on the device. With validation rows the state of least validation loss is
        the best, and training stops when it has not fallen by `tol` for `n_iter_no_change`
        epochs; without them it is the last.
    judge : callable or None
        Takes the place of the loss of the validation rows: returns what is to fall, and whether
        the present state may be kept. It is first called before training, and where no later
        state is better, that one is left.
    run : Run
        How. Of several processes each computes the terms of its own rows. Training goes on from
        the checkpoint where its file is there, and writes it after each epoch.
    after_epoch : callable or None
        Called with the epoch number, from 0; training stops where it returns True.

    Returns
    -------
    record : TrainingRecord
        Where it was interrupted after a whole epoch, its ``interrupted`` says so.

    Raises
    ------
    FloatingPointError
        If a term becomes infinite or NaN; it is named.
    KeyboardInterrupt
        If it is interrupted before the end of the first epoch, or is one of several processes.
    """
    record, options, processes = TrainingRecord(), run.options, run.processes
    best, checkpoint = _Best(options.tol), run.checkpoint
    least, verbose = processes.least_rows, options.verbose and processes.rank == 0
    _check_enough(options.batch_size, train_rows, validation_rows, processes)
    objective = processes.parallel(module)
    n_batches = len(_batches(train_rows, options.batch_size, least))
    steps = GradientSteps(module, weights, options.max_iter * n_batches, run)
    if judge is not None:
        module.eval()
        loss, may_be_kept = processes.of_first(judge())
        best.look(module, 0, loss, may_be_kept)
        record.validation_loss.append(loss)
    if checkpoint is not None:
        checkpoint.parts |= {"module": module, "record": record, "best": best, **steps.parts()}
        if checkpoint.load() and verbose:
            print(f"going on after epoch {len(record.loss)}, from {checkpoint.path}")
    module.train()
    n_whole = len(record.loss)
    try:
        for epoch in range(n_whole, options.max_iter):
            if options.early_stopping and best.waited >= options.n_iter_no_change:
                break
            started, means = time.perf_counter(), Means()
            order = torch.randperm(len(train_rows), generator=run.order, device=train_rows.device)
            for batch in _batches(train_rows[order], options.batch_size, least):
                share = processes.share(batch)
                terms = objective(share)
                steps.take(terms, len(share), len(batch))
                means.add(terms, len(share))
            epoch_means, validation = means.read(processes), None
            record.add(epoch_means, weights)
            with steps.shown():
                processes.align(module)
                may_be_kept = True
                if judge is not None:
                    module.eval()
                    validation, may_be_kept = processes.of_first(judge())
                    module.train()
                elif validation_rows is not None:
                    validation = _validate(
                        module, objective, validation_rows, weights, options.batch_size, processes
                    )
                if validation is not None:
                    record.validation_loss.append(validation)
                best.look(module, epoch + 1, validation, may_be_kept)
                n_whole, record.best_iter = epoch + 1, best.epoch
                if verbose:
                    seconds = time.perf_counter() - started
                    _report(epoch + 1, options, epoch_means, validation, seconds)
                stop = processes.any(after_epoch is not None and after_epoch(epoch))
            if checkpoint is not None:
                checkpoint.save()
            if stop:
                break
    except KeyboardInterrupt:
        # of several processes the others are elsewhere, and would wait for this one
        if processes.size > 1 or max(n_whole, best.epoch) == 0:
            raise
        record.interrupted, record.best_iter = True, best.epoch
        record.cut(max(n_whole, best.epoch), n_before=int(judge is not None))
        kept = f"the state after epoch {best.epoch}" if best.epoch else "what training began with"
        warnings.warn(f"training interrupted: kept {kept}", ConvergenceWarning, stacklevel=2)
    if best.state is not None:
        module.load_state_dict(best.state)
    module.eval()
    return record
