"""Objectives: from the outputs of a batch to the loss terms of an estimator."""

from skhash._torch.objectives._anchors import AnchorObjective
from skhash._torch.objectives._base import Objective
from skhash._torch.objectives._class_codes import (
    CentralSimilarityObjective,
    CosineCodesObjective,
    PolarizationObjective,
)
from skhash._torch.objectives._greedy import GreedyObjective
from skhash._torch.objectives._kl_binary import KLBinaryObjective
from skhash._torch.objectives._kl_term import KLTerm
from skhash._torch.objectives._mixup import MixupObjective
from skhash._torch.objectives._pairs import DPSHObjective, HashNetObjective
from skhash._torch.objectives._progress import Progress, staged_sharpness
from skhash._torch.objectives._rank_consistency import RankConsistencyObjective
from skhash._torch.objectives._semantic import (
    ClassDistances,
    EvaluatedDistances,
    LossObjective,
    SemanticObjective,
)

__all__ = [
    "AnchorObjective",
    "CentralSimilarityObjective",
    "ClassDistances",
    "CosineCodesObjective",
    "DPSHObjective",
    "EvaluatedDistances",
    "GreedyObjective",
    "HashNetObjective",
    "KLBinaryObjective",
    "KLTerm",
    "LossObjective",
    "MixupObjective",
    "Objective",
    "PolarizationObjective",
    "Progress",
    "RankConsistencyObjective",
    "SemanticObjective",
    "staged_sharpness",
]
