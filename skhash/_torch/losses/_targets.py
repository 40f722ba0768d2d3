"""Binary distributions that the KL term draws the outputs to."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from skhash._torch.losses._kl import beta_quantiles, draw_from_quantiles

# steps of an annealed alpha: a table of quantiles each
_STAGES = 16


class _Target:
    """Base class: a target has no state of its own in a run, unless it says so."""

    def run_state(self):
        """What changes from draw to draw, for a checkpoint."""
        return {}

    def load_run_state(self, state):
        """Go on from a state."""


class BetaTarget(_Target):
    """Independent Beta(alpha, alpha) bits: uniform for alpha 1, the closer to binary the smaller.

    Parameters
    ----------
    alpha : float or tuple of two floats
        Shape; ``(first, last)`` goes from one to the other during training, by equal ratios.
    device : torch.device or str or None
        Where to draw.
    """

    def __init__(self, alpha, device=None):
        first, last = (alpha, alpha) if np.isscalar(alpha) else alpha
        stages = 1 if first == last else _STAGES
        self.alphas = np.geomspace(first, last, stages)
        self._tables = [beta_quantiles(value, device=device) for value in self.alphas]

    def __call__(self, shape, progress=1.0, generator=None):
        """Draw a tensor of a shape, where the given share of training is done."""
        stage = min(int(progress * len(self._tables)), len(self._tables) - 1)
        return draw_from_quantiles(self._tables[stage], shape, generator)


class BernoulliTarget(_Target):
    """Fair coins, moved off 0 and 1 by a uniform jitter.

    Without jitter the target would be discrete, and a divergence from it infinite.

    Parameters
    ----------
    jitter : float, default=0.05
        Largest distance of a bit from 0 or 1, below 1/2.
    device : torch.device or str or None
        Where to draw.
    """

    def __init__(self, jitter=0.05, device=None):
        self._jitter, self._device = jitter, device

    def __call__(self, shape, progress=1.0, generator=None):
        """Draw a tensor of a shape; the share of training done does not matter."""
        options = {"generator": generator, "device": self._device}
        bits = torch.randint(2, shape, **options)
        return (bits - self._jitter * torch.rand(shape, **options)).abs()


class SampledTarget(_Target):
    """Draws of a user's own distribution.

    Parameters
    ----------
    sampler : callable
        ``sampler(size, rng)`` returns an array of shape `size`, (n_draws, n_bits), of values in
        [0, 1]; `rng` is a `numpy.random.Generator`.
    seed : int
        Of `rng`.
    device : torch.device or str or None
        Where the draws are used.
    """

    def __init__(self, sampler: Callable, seed: int, device=None):
        self._sampler, self._device = sampler, device
        self._rng = np.random.default_rng(seed)

    def run_state(self):
        """State of the generator of the user's draws."""
        return {"sampler": self._rng.bit_generator.state}

    def load_run_state(self, state):
        """Go on from a state."""
        self._rng.bit_generator.state = state["sampler"]

    def __call__(self, shape, progress=1.0, generator=None):
        """Draw a tensor of a shape.

        Raises
        ------
        ValueError
            If the sampler returns another shape, or values outside [0, 1].
        """
        try:
            draws = np.asarray(self._sampler(tuple(shape), self._rng), dtype=np.float32)
        except Exception as error:
            error.add_note(f"while calling kl_target {self._sampler!r}")
            raise
        if draws.shape != tuple(shape):
            raise ValueError(
                f"kl_target must return an array of shape {tuple(shape)}, got {draws.shape}"
            )
        if not (draws.min() >= 0 and draws.max() <= 1):
            raise ValueError(
                "kl_target must return values in [0, 1], got values from "
                f"{draws.min()} to {draws.max()}"
            )
        return torch.from_numpy(draws).to(self._device)


def binary_target(target, alpha, *, seed, device=None):
    """The sampler that the parameters `kl_target` and `kl_alpha` of a hasher describe.

    Parameters
    ----------
    target : {"beta", "bernoulli"} or callable
        A callable is wrapped in `SampledTarget`.
    alpha : float or tuple of two floats
        Shape of ``"beta"``.
    seed : int
        Seeds a callable's generator.
    device : torch.device or str or None

    Returns
    -------
    draw : callable
        ``draw(shape, progress, generator)``.
    """
    if callable(target):
        return SampledTarget(target, seed, device)
    return BetaTarget(alpha, device) if target == "beta" else BernoulliTarget(device=device)
