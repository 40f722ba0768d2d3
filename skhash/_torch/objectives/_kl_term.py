"""The empirical KL term, with the distribution that it draws outputs to."""

from __future__ import annotations

from skhash._torch.losses import binary_target, empirical_kl_loss
from skhash._torch.objectives._progress import Progress


class KLTerm:
    """The nearest-neighbour estimate of the divergence from a binary target, batch by batch.

    Parameters
    ----------
    target : {"beta", "bernoulli"} or callable
        See `binary_target`, as for `alpha` and `seed`.
    alpha : float or tuple of two floats
    n_draws : int or None
        Draws of the target a batch; None takes as many as the batch has rows.
    n_neighbors : int, default=1
        See `empirical_kl_loss`.
    n_steps : int
        Steps of training, over which the target is annealed; 0 takes the last of it.
    seed : int
        Of the generator of a callable target.
    device : torch.device or str
    generator : torch.Generator
        What the other targets are drawn from.
    """

    def __init__(self, target, alpha, n_draws, *, n_neighbors=1, n_steps, seed, device, generator):
        self._draw = binary_target(target, alpha, seed=seed, device=device)
        self._n_draws, self._n_neighbors = n_draws, n_neighbors
        self._progress, self._generator = Progress(n_steps), generator

    def __call__(self, probabilities, *, training):
        """The term of a batch of outputs in [0, 1]; only those of training are steps."""
        shape = (self._n_draws or len(probabilities), probabilities.shape[1])
        share = self._progress.step() if training else self._progress.share
        draws = self._draw(shape, share, self._generator)
        return empirical_kl_loss(probabilities, draws, n_neighbors=self._n_neighbors)

    def run_state(self):
        """What changes during training, for a checkpoint."""
        return self._progress.run_state() | self._draw.run_state()

    def load_run_state(self, state):
        """Go on from what `run_state` returned."""
        self._progress.load_run_state(state)
        self._draw.load_run_state(state)
