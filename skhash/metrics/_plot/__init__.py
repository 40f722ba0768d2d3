"""Displays: what the metrics say, drawn with matplotlib."""

from skhash.metrics._plot._bit_statistics import BitStatisticsDisplay
from skhash.metrics._plot._class_distance import ClassDistanceDisplay
from skhash.metrics._plot._hierarchical_precision import HierarchicalPrecisionDisplay
from skhash.metrics._plot._precision_recall import PrecisionRecallRadiusDisplay
from skhash.metrics._plot._precision_recall_at_k import PrecisionRecallAtKDisplay
from skhash.metrics._plot._score_interval import ScoreIntervalDisplay

__all__ = [
    "BitStatisticsDisplay",
    "ClassDistanceDisplay",
    "HierarchicalPrecisionDisplay",
    "PrecisionRecallAtKDisplay",
    "PrecisionRecallRadiusDisplay",
    "ScoreIntervalDisplay",
]
