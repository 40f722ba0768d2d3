"""How far training has come, and what is annealed with it."""

from __future__ import annotations

import math


class Progress:
    """The share of the steps of training that are behind.

    Parameters
    ----------
    n_steps : int
        Steps of training; 0 is as if all were behind.

    Examples
    --------
    >>> from skhash._torch.objectives import Progress
    >>> progress = Progress(4)
    >>> [progress.step() for _ in range(5)]
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """

    def __init__(self, n_steps):
        self._n_steps, self._step = n_steps, 0

    def step(self):
        """Take a step; return the share before it, from 0 to 1."""
        share = self.share
        self._step += 1
        return share

    @property
    def share(self):
        """The share by now."""
        return min(1.0, self._step / self._n_steps) if self._n_steps else 1.0

    def run_state(self):
        """The number of steps so far, for a checkpoint."""
        return {"step": self._step}

    def load_run_state(self, state):
        """Go on from a number of steps."""
        self._step = state["step"]


def staged_sharpness(share, final, n_stages):
    r"""The sharpness of a continuation: 1 in the first stage of training, `final` in the last.

    In stage s of S, counted from 0, it is :math:`\sqrt{1 + (\beta^2 - 1)\, s / (S - 1)}`.

    Parameters
    ----------
    share : float in [0, 1]
        Share of training that is behind.
    final : float
        The :math:`\beta` above.
    n_stages : int
        The S above; a single stage has the final sharpness.

    Returns
    -------
    sharpness : float

    References
    ----------
    Cao, Long, Wang & Yu (2017), arXiv:1702.00758. The square root is that of the authors'
    code, :math:`\sqrt{1 + 0.005\, i}` at iteration i.

    Examples
    --------
    >>> from skhash._torch.objectives import staged_sharpness
    >>> [staged_sharpness(share, 5.0, 4) for share in (0.0, 0.2, 0.25, 0.5, 0.75, 1.0)]
    [1.0, 1.0, 3.0, 4.123105625617661, 5.0, 5.0]
    """
    if n_stages == 1:
        return final
    stage = min(int(share * n_stages), n_stages - 1)
    return math.sqrt(1 + (final**2 - 1) * stage / (n_stages - 1))
