"""Ranking metrics that know about ties, and diagnostics of codes."""

from skhash.metrics._hierarchical import (
    average_hierarchical_precision_score,
    hierarchical_precision,
    hierarchical_precision_score,
)
from skhash.metrics._lookup import precision_recall_curve, precision_within_radius
from skhash.metrics._ranking import (
    average_precision,
    mean_average_precision,
    ndcg,
    precision_at_k,
    recall_at_k,
)

__all__ = [
    "average_hierarchical_precision_score",
    "average_precision",
    "hierarchical_precision",
    "hierarchical_precision_score",
    "mean_average_precision",
    "ndcg",
    "precision_at_k",
    "precision_recall_curve",
    "precision_within_radius",
    "recall_at_k",
]
