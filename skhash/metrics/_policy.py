"""From values of single queries to a score; what becomes of queries without a value."""

from __future__ import annotations

import sys
import warnings

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning

# a warning passes through contextlib where a context of ours gives it
_OWN = ("skhash.", "contextlib")
POLICIES = ("warn", "skip", "zero", "raise")


def settle(values: np.ndarray, no_relevant: str) -> np.ndarray:
    """Apply the policy for queries that nothing in the database is relevant to.

    Parameters
    ----------
    values : ndarray of shape (n_queries,) or (n_queries, n_values)
        NaN where a query has nothing to find.
    no_relevant : {"warn", "skip", "zero", "raise"}
        The policy.

    Returns
    -------
    values : ndarray
        The same, with zeros for NaN under ``"zero"``.
    """
    undefined = np.isnan(values)
    n_undefined = np.count_nonzero(undefined.reshape(len(values), -1).any(axis=1))
    if n_undefined == 0:
        return values
    if no_relevant == "zero":
        return np.where(undefined, 0, values)
    what = f"{n_undefined} of {len(values)} queries have nothing relevant in the database"
    if n_undefined == len(values):
        raise ValueError(f"{what}; no_relevant='zero' would score them as 0")
    if no_relevant == "raise":
        raise ValueError(f"{what}")
    if no_relevant == "warn":
        warnings.warn(
            f"{what} and are left out of the mean. Say no_relevant='skip' to accept that, "
            "'zero' to count them as 0, or 'raise'.",
            UndefinedMetricWarning,
            stacklevel=caller_level(),
        )
    return values


def caller_level() -> int:
    """The stack level of the first caller from outside this package."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals["__name__"].startswith(_OWN):
        level, frame = level + 1, frame.f_back
    return level


def mean_over_queries(values: np.ndarray):
    """Mean of the queries that have a value: a float, or an array where there are several."""
    mean = np.nanmean(values, axis=0)
    return float(mean) if mean.ndim == 0 else mean
