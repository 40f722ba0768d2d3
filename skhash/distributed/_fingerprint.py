"""Tell one fitted estimator from another."""

from __future__ import annotations

import joblib
import numpy as np
from sklearn.base import BaseEstimator

# where and how loudly an estimator computes is no part of what it computes
_IRRELEVANT = {"device", "device_", "n_jobs", "verbose"}


def estimator_fingerprint(estimator) -> str:
    """Hash of the parameters and the fitted state of an estimator.

    It is that of a copy too: pickled, or saved and loaded, on another machine or device.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator, also a pipeline of several.

    Returns
    -------
    fingerprint : str
        Hexadecimal digits.
    """
    return joblib.hash(_canonical(estimator), hash_name="sha1")


def _canonical(value):
    """The value without what differs between copies: memory layout, memory maps, numpy scalars."""
    if isinstance(value, BaseEstimator):
        state = {name: v for name, v in vars(value).items() if name not in _IRRELEVANT}
        return type(value).__qualname__, _canonical(state)
    if isinstance(value, dict):
        return {key: _canonical(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_canonical(v) for v in value]
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and value.dtype != object:
        return np.ascontiguousarray(np.asarray(value))
    return value
