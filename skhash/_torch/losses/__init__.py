"""Losses: pure functions of tensors."""

from skhash._torch.losses._classification import classification_loss
from skhash._torch.losses._kl import beta_quantiles, draw_from_quantiles, empirical_kl_loss
from skhash._torch.losses._neighborhood import neighbor_probabilities, neighborhood_loss
from skhash._torch.losses._relational import pair_distances, pair_weights, relational_loss
from skhash._torch.losses._targets import (
    BernoulliTarget,
    BetaTarget,
    SampledTarget,
    binary_target,
)

__all__ = [
    "BernoulliTarget",
    "BetaTarget",
    "SampledTarget",
    "beta_quantiles",
    "binary_target",
    "classification_loss",
    "draw_from_quantiles",
    "empirical_kl_loss",
    "neighbor_probabilities",
    "neighborhood_loss",
    "pair_distances",
    "pair_weights",
    "relational_loss",
]
