"""How far a mean over queries might be from that over all queries there could be."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.stats import bootstrap
from sklearn.utils import check_random_state

# enough for the ends of 95 % intervals (Efron & Tibshirani 1993, section 13.3 and 14.3)
N_RESAMPLES = 2000

_BLOCK_NUMBERS = 2**22


class ConfidenceInterval(NamedTuple):
    """The lower and the upper end."""

    low: float
    high: float


def standard_error(values: np.ndarray) -> float:
    """Standard error of the mean of the values that are not NaN; NaN for fewer than two."""
    values = values[~np.isnan(values)]
    if len(values) < 2:
        return np.nan
    return float(np.std(values, ddof=1) / np.sqrt(len(values)))


def bootstrap_interval(values: np.ndarray, confidence_level, random_state) -> ConfidenceInterval:
    """Bootstrap interval (BCa) of the mean of the values that are not NaN.

    NaN for fewer than two values.
    """
    if not 0 < confidence_level < 1:
        raise ValueError(f"confidence_level must be between 0 and 1, got {confidence_level!r}")
    values = values[~np.isnan(values)]
    if len(values) < 2:
        return ConfidenceInterval(np.nan, np.nan)
    if np.ptp(values) < 1e-12:
        # every resample has the same mean, which no bias correction is defined for
        return ConfidenceInterval(float(values[0]), float(values[0]))
    result = bootstrap(
        (values,),
        np.mean,
        n_resamples=N_RESAMPLES,
        batch=max(1, _BLOCK_NUMBERS // len(values)),
        confidence_level=confidence_level,
        method="BCa",
        random_state=check_random_state(random_state),
    )
    return ConfidenceInterval(*map(float, result.confidence_interval))
