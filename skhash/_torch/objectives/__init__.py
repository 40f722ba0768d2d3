"""Objectives: from the outputs of a batch to the loss terms of an estimator."""

from skhash._torch.objectives._anchors import AnchorObjective
from skhash._torch.objectives._class_codes import CosineCodesObjective
from skhash._torch.objectives._kl_binary import KLBinaryObjective
from skhash._torch.objectives._rank_consistency import RankConsistencyObjective
from skhash._torch.objectives._semantic import (
    ClassDistances,
    EvaluatedDistances,
    SemanticObjective,
)

__all__ = [
    "AnchorObjective",
    "ClassDistances",
    "CosineCodesObjective",
    "EvaluatedDistances",
    "KLBinaryObjective",
    "RankConsistencyObjective",
    "SemanticObjective",
]
