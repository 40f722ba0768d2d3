"""Ranking metrics that know about ties, and diagnostics of codes."""

from skhash.metrics._hierarchical import (
    average_hierarchical_precision_score,
    hierarchical_precision_score,
)

__all__ = ["average_hierarchical_precision_score", "hierarchical_precision_score"]
