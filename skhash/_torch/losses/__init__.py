"""Losses: pure functions of tensors."""

from skhash._torch.losses._classification import classification_loss
from skhash._torch.losses._kl import beta_quantiles, draw_from_quantiles, empirical_kl_loss
from skhash._torch.losses._relational import pair_distances, pair_weights, relational_loss

__all__ = [
    "beta_quantiles",
    "classification_loss",
    "draw_from_quantiles",
    "empirical_kl_loss",
    "pair_distances",
    "pair_weights",
    "relational_loss",
]
