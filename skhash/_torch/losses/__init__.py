"""Losses: pure functions of tensors."""

from skhash._torch.losses._anchors import attraction_loss, minimum_norm_loss, repulsion_loss
from skhash._torch.losses._classification import classification_loss
from skhash._torch.losses._cosine import cosine_margin_loss
from skhash._torch.losses._kl import beta_quantiles, draw_from_quantiles, empirical_kl_loss
from skhash._torch.losses._label_shares import label_share_loss
from skhash._torch.losses._neighborhood import neighbor_probabilities, neighborhood_loss
from skhash._torch.losses._pairs import pair_likelihood_loss, share_label
from skhash._torch.losses._quantization import quantization_loss
from skhash._torch.losses._rank_consistency import rank_consistency_loss
from skhash._torch.losses._relational import pair_distances, pair_weights, relational_loss
from skhash._torch.losses._straight_through import binary_with_gradient, sign_with_gradient
from skhash._torch.losses._target_codes import central_similarity_loss, polarization_loss
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
    "attraction_loss",
    "beta_quantiles",
    "binary_target",
    "binary_with_gradient",
    "central_similarity_loss",
    "classification_loss",
    "cosine_margin_loss",
    "draw_from_quantiles",
    "empirical_kl_loss",
    "label_share_loss",
    "minimum_norm_loss",
    "neighbor_probabilities",
    "neighborhood_loss",
    "pair_distances",
    "pair_likelihood_loss",
    "pair_weights",
    "polarization_loss",
    "quantization_loss",
    "rank_consistency_loss",
    "relational_loss",
    "repulsion_loss",
    "share_label",
    "sign_with_gradient",
]
