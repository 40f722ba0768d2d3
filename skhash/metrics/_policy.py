"""What becomes of queries that nothing in the database is relevant to."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning

POLICIES = ("warn", "skip", "zero", "raise")


def apply_policy(values: np.ndarray, no_relevant: str, per_query: bool):
    undefined = np.isnan(values)
    n_undefined = np.count_nonzero(undefined)
    if n_undefined == 0:
        return values if per_query else float(values.mean())
    if no_relevant == "zero":
        values = np.where(undefined, 0, values)
        return values if per_query else float(values.mean())
    message = f"{n_undefined} of {len(values)} queries have nothing relevant in the database"
    if no_relevant == "raise" or n_undefined == len(values):
        raise ValueError(message + ".")
    if no_relevant == "warn":
        warnings.warn(message, UndefinedMetricWarning, stacklevel=3)
    return values if per_query else float(values[~undefined].mean())
