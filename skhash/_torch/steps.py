"""Gradient steps: optimizer, schedule, precision and average, and the means of the loss terms."""

from __future__ import annotations

import contextlib
import math

import torch

from skhash._torch.averaging import WeightAverage


class GradientSteps:
    """Takes the steps of a run; all that an optimizer does to the weights is done here.

    Parameters
    ----------
    module : torch.nn.Module
        What is trained.
    weights : mapping
        Weight of each loss term.
    n_steps : int
        Steps of the whole run, over which the learning rate rises and falls.
    run : Run
        How.
    """

    def __init__(self, module, weights, n_steps, run):
        self._weights, self._processes, self._precision = weights, run.processes, run.precision
        options = run.options
        decay = options.ema_decay
        self._average = None if decay is None else WeightAverage(module, decay)
        self._optimizer = torch.optim.AdamW(
            _parameter_groups(module, options.weight_decay), lr=options.learning_rate
        )
        self._schedule = _one_cycle(self._optimizer, n_steps)

    def take(self, terms, n_own, n_all):
        """Take a step down the weighted sum of loss terms.

        Parameters
        ----------
        terms : mapping of str to Tensor
            Means over the rows of this process.
        n_own, n_all : int
            How many these are, and how many rows the batch has.
        """
        self._optimizer.zero_grad(set_to_none=True)
        loss = self._processes.scaled(weighted(terms, self._weights), n_own, n_all)
        self._precision.step(loss, self._optimizer)
        self._schedule.step()
        if self._average is not None:
            self._average.update()

    def shown(self):
        """The module has the weights to keep, the average where there is one, in this context."""
        return contextlib.nullcontext() if self._average is None else self._average.shown()

    def parts(self):
        """What a checkpoint holds of it."""
        parts = {
            "optimizer": self._optimizer,
            "schedule": self._schedule,
            "scaler": self._precision.scaler,
        }
        return parts if self._average is None else {**parts, "average": self._average}


class Means:
    """Means of the loss terms over an epoch, kept on the device: one read-out an epoch."""

    def __init__(self):
        self.sums, self.count = {}, 0

    def add(self, terms, n):
        """Count the terms of a batch of n rows."""
        for name, value in terms.items():
            self.sums[name] = self.sums.get(name, 0) + value.detach() * n
        self.count += n

    def read(self, processes):
        """The means by name over the rows of all processes, which must be finite."""
        *sums, count = processes.total([*map(float, self.sums.values()), self.count])
        means = {name: total / count for name, total in zip(self.sums, sums, strict=True)}
        for name, value in means.items():
            if not math.isfinite(value):
                raise FloatingPointError(
                    f"the loss term {name!r} became {value}: lower learning_rate, or look for "
                    "extreme values in X"
                )
        return means


def weighted(terms, weights):
    """The weighted sum of loss terms."""
    return sum(weights[name] * value for name, value in terms.items())


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
