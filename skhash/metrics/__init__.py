"""Ranking metrics that know about ties, diagnostics of codes, scorers and displays."""

from skhash.metrics._average_precision import (
    mean_average_precision_at_r_score,
    mean_average_precision_score,
)
from skhash.metrics._codes import (
    bit_balance,
    bit_correlation,
    class_distances,
    code_entropy,
    distance_similarity_correlation,
    mean_bit_correlation,
    n_distinct_codes,
    quantization_error,
    quantization_gap,
)
from skhash.metrics._cumulative_gain import (
    average_cumulative_gain_score,
    ndcg_score,
    weighted_average_precision_score,
)
from skhash.metrics._divergence import binary_kl, empirical_kl_divergence
from skhash.metrics._hierarchical import (
    hierarchical_average_precision_score,
    hierarchical_precision_score,
    mean_average_hierarchical_precision_score,
)
from skhash.metrics._lookup import precision_recall_curve, precision_within_radius
from skhash.metrics._neighborhood import icnn_score
from skhash.metrics._plot import (
    BitStatisticsDisplay,
    ClassDistanceDisplay,
    HierarchicalPrecisionDisplay,
    PrecisionRecallAtKDisplay,
    PrecisionRecallRadiusDisplay,
    ScoreIntervalDisplay,
)
from skhash.metrics._ranking import (
    hit_rate_score,
    mean_reciprocal_rank_score,
    precision_at_k_score,
    r_precision_score,
    recall_at_k_score,
)
from skhash.metrics._report import retrieval_report
from skhash.metrics._retrieval_report import RetrievalReport
from skhash.metrics._scorer import (
    MultiRetrievalScorer,
    RetrievalScorer,
    get_scorer,
)
from skhash.metrics._scorer_names import get_scorer_names
from skhash.metrics._table import ScoreTable

__all__ = [
    "BitStatisticsDisplay",
    "ClassDistanceDisplay",
    "HierarchicalPrecisionDisplay",
    "MultiRetrievalScorer",
    "PrecisionRecallAtKDisplay",
    "PrecisionRecallRadiusDisplay",
    "RetrievalReport",
    "RetrievalScorer",
    "ScoreIntervalDisplay",
    "ScoreTable",
    "average_cumulative_gain_score",
    "binary_kl",
    "bit_balance",
    "bit_correlation",
    "class_distances",
    "code_entropy",
    "distance_similarity_correlation",
    "empirical_kl_divergence",
    "get_scorer",
    "get_scorer_names",
    "hierarchical_average_precision_score",
    "hierarchical_precision_score",
    "hit_rate_score",
    "icnn_score",
    "mean_average_hierarchical_precision_score",
    "mean_average_precision_at_r_score",
    "mean_average_precision_score",
    "mean_bit_correlation",
    "mean_reciprocal_rank_score",
    "n_distinct_codes",
    "ndcg_score",
    "precision_at_k_score",
    "precision_recall_curve",
    "precision_within_radius",
    "quantization_error",
    "quantization_gap",
    "r_precision_score",
    "recall_at_k_score",
    "retrieval_report",
    "weighted_average_precision_score",
]
