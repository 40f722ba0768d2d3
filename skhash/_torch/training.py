"""The one training loop: batches, schedule, early stop, best state, progress."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from sklearn.exceptions import ConvergenceWarning


@dataclass(frozen=True)
class TrainingOptions:
    """How to train; the names and meanings are those of the hashers' parameters."""

    batch_size: int = 256
    max_iter: int = 40
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    early_stopping: bool = False
    n_iter_no_change: int = 10
    tol: float = 1e-4
    verbose: int = 0


@dataclass
class TrainingRecord:
    """What happened: the mean loss of each epoch, in total and by term, unweighted."""

    loss: list[float] = field(default_factory=list)
    terms: dict[str, list[float]] = field(default_factory=dict)
    validation_loss: list[float] = field(default_factory=list)
    best_iter: int = 0
    interrupted: bool = False


def _batches(order, batch_size):
    """Split an order of rows into batches; a last single row joins the batch before it."""
    parts = list(order.split(batch_size))
    if len(parts) > 1 and len(parts[-1]) < 2:
        parts[-2:] = [torch.cat(parts[-2:])]
    return parts


def _one_cycle(optimizer, n_steps):
    """Warm up over the first tenth of the steps, then anneal to zero along a half cosine."""
    warm_up = max(1, n_steps // 10)

    def factor(step):
        if step < warm_up:
            return (step + 1) / warm_up
        return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, n_steps - warm_up)))

    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


def _parameter_groups(module, weight_decay):
    """Decay matrices only: biases and normalisation scales are not where a model grows complex."""
    parameters = [p for p in module.parameters() if p.requires_grad]
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


class _Means:
    """Means of the loss terms over an epoch, kept on the device: one read-out an epoch."""

    def __init__(self):
        self.sums, self.count = {}, 0

    def add(self, terms, n):
        for name, value in terms.items():
            self.sums[name] = self.sums.get(name, 0) + value.detach() * n
        self.count += n

    def read(self):
        means = {name: float(total) / self.count for name, total in self.sums.items()}
        for name, value in means.items():
            if not math.isfinite(value):
                raise FloatingPointError(
                    f"the loss term {name!r} became {value}: lower learning_rate, or look for "
                    "extreme values in X"
                )
        return means


def _weighted(terms, weights):
    return sum(weights[name] * value for name, value in terms.items())


@torch.no_grad()
def _validate(module, objective, rows, weights, batch_size):
    module.eval()
    means = _Means()
    for batch in _batches(rows, batch_size):
        means.add(objective(batch), len(batch))
    module.train()
    return _weighted(means.read(), weights)


def _snapshot(module):
    return {key: value.detach().clone() for key, value in module.state_dict().items()}


def _report(epoch, options, means, validation, seconds):
    terms = "  ".join(f"{name} {value:.4f}" for name, value in means.items())
    tail = "" if validation is None else f"  validation {validation:.4f}"
    width = len(str(options.max_iter))
    print(f"epoch {epoch:>{width}}/{options.max_iter}  {terms}{tail}  {seconds:.1f} s")


def train(
    module: torch.nn.Module,
    objective: Callable[[torch.Tensor], Mapping[str, torch.Tensor]],
    weights: Mapping[str, float],
    train_rows: torch.Tensor,
    options: TrainingOptions,
    generator: torch.Generator,
    *,
    validation_rows: torch.Tensor | None = None,
    after_epoch: Callable[[int], bool] | None = None,
) -> TrainingRecord:
    """Minimise the weighted sum of the objective's terms over the parameters of `module`.

    Parameters
    ----------
    module : torch.nn.Module
        Everything that is trained, on its device; left in evaluation mode with the best state.
    objective : callable
        From a batch of row numbers (int64, on the device) to the loss terms by name, unweighted,
        each the mean over the batch. It gathers the data itself: they stay on the device.
    weights : mapping
        Weight of each term.
    train_rows, validation_rows : Tensor of int64
        Row numbers, on the device. With validation rows the state of least validation loss is
        the best, and training stops when it has not fallen by `tol` for `n_iter_no_change`
        epochs; without them it is the last.
    options : TrainingOptions
    generator : torch.Generator
        Shuffles the rows.
    after_epoch : callable or None
        Called with the epoch number, from 0; training stops where it returns True.

    Returns
    -------
    record : TrainingRecord

    Raises
    ------
    FloatingPointError
        If a term becomes infinite or NaN; it is named.
    """
    record = TrainingRecord()
    optimizer = torch.optim.AdamW(
        _parameter_groups(module, options.weight_decay), lr=options.learning_rate
    )
    n_batches = len(_batches(train_rows, options.batch_size))
    schedule = _one_cycle(optimizer, options.max_iter * n_batches)
    best_loss, best_state, waited = math.inf, None, 0
    last_state = None
    module.train()
    try:
        for epoch in range(options.max_iter):
            started, means = time.perf_counter(), _Means()
            order = torch.randperm(len(train_rows), generator=generator, device=train_rows.device)
            for batch in _batches(train_rows[order], options.batch_size):
                terms = objective(batch)
                optimizer.zero_grad(set_to_none=True)
                _weighted(terms, weights).backward()
                optimizer.step()
                schedule.step()
                means.add(terms, len(batch))
            epoch_means, validation = means.read(), None
            record.loss.append(_weighted(epoch_means, weights))
            for name, value in epoch_means.items():
                record.terms.setdefault(name, []).append(value)
            record.best_iter = epoch + 1
            if validation_rows is not None:
                validation = _validate(
                    module, objective, validation_rows, weights, options.batch_size
                )
                record.validation_loss.append(validation)
                waited = 0 if validation < best_loss - options.tol else waited + 1
                if validation < best_loss:
                    best_loss, best_state, best_iter = validation, _snapshot(module), epoch + 1
                record.best_iter = best_iter
            else:
                last_state = _snapshot(module)
            if options.verbose:
                _report(epoch + 1, options, epoch_means, validation, time.perf_counter() - started)
            stop = after_epoch is not None and after_epoch(epoch)
            if stop or (options.early_stopping and waited >= options.n_iter_no_change):
                break
    except KeyboardInterrupt:
        record.interrupted = True
        best_state = best_state or last_state
        kept = f"the state after epoch {record.best_iter}" if best_state else "the present weights"
        warnings.warn(f"training interrupted: kept {kept}", ConvergenceWarning, stacklevel=2)
    if best_state is not None:
        module.load_state_dict(best_state)
    module.eval()
    return record
