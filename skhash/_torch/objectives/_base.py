"""What an objective is."""

from __future__ import annotations

import torch
from torch import nn


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
