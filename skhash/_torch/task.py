"""What a fit trains, as the hashers say it; torch is imported where it is trained."""

from __future__ import annotations

from typing import Any

import numpy as np

State = dict[str, np.ndarray]


class Task:
    """What is trained in one fit: an objective, where it begins, and the encoder it ends in.

    Parameters
    ----------
    weights : dict of str to float
        Weight of each loss term.
    n_outputs : int
        Outputs of the network that is trained: the number of bits, unless `complete` makes them.
    stratify : ndarray of shape (n_samples,) of int or None
        Class numbers that validation rows should represent.
    """

    def __init__(self, weights, n_outputs, stratify=None):
        self.weights: dict[str, float] = weights
        self.n_outputs: int = n_outputs
        self.stratify: np.ndarray | None = stratify

    def architecture(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The architecture to train, from what the parameters of the hasher ask for."""
        return asked

    def objective(self, device, generators):
        """The `Objective`, from the `torch.device` of training and its `Generators`."""
        raise NotImplementedError("a task must define objective(device, generators)")

    def initialize(self, network) -> None:
        """Change the fresh weights of the network in place, or refuse it."""

    def settle(self, X, architecture: dict[str, Any], train_aside) -> None:
        """Decide, once the network is trained on X, what `complete` needs to know.

        ``train_aside(X, task, n_fit, max_iter=..., seed=...)`` trains another network of this
        architecture on the first rows of some X, and returns its outputs for all. Where that is
        interrupted, `complete` shall do without the decision.
        """

    def judge(self, network, objective, data, train_rows, validation_rows):
        """What validates by other means than the loss of the validation rows, or None.

        See `train`. `data` are the `Rows` of X; `network` and `objective` are judged as they are
        when it is called.
        """

    def complete(
        self, X, architecture: dict[str, Any], state: State
    ) -> tuple[dict[str, Any], State]:
        """Architecture and state of the encoder, from those of the network trained on X."""
        return architecture, state

    def trained(self, state: State) -> State:
        """The state of the network that was trained, from that of an encoder."""
        return state
