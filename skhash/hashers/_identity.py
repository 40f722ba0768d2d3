"""What tells one fit from another, for its checkpoint."""

from __future__ import annotations

from numbers import Number
from typing import Any

import joblib
import numpy as np

from skhash.encoders import BaseEncoder

# rows of X that are looked at
_SAMPLE_ROWS = 4096
# what may change while training is interrupted
_FREE = {"verbose", "device", "store_codes"}


def fit_identity(hasher, training, X, y) -> dict[str, Any]:
    """Name what a resumed fit must have in common with the interrupted one.

    Parameters
    ----------
    hasher : GradientHasher
    training : Training
    X : ndarray or sparse matrix
        Looked at in a sample of rows.
    y : ndarray, sparse matrix or None

    Returns
    -------
    identity : dict of str to str, number or None
        Parameters that are text, numbers or tuples of these, and checksums of the data.
    """
    parameters = hasher.get_params(deep=False)
    encoder = parameters.get("encoder")
    if isinstance(encoder, BaseEncoder):
        parameters |= {f"encoder__{k}": v for k, v in encoder.get_params(deep=False).items()}
        parameters["encoder"] = type(encoder).__name__
    plain = {
        name: value if isinstance(value, Number | str | None) else repr(value)
        for name, value in parameters.items()
        if name not in _FREE and _is_plain(value)
    }
    plain = {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in plain.items()
    }
    step = max(1, X.shape[0] // _SAMPLE_ROWS)
    return {
        **plain,
        "hasher": type(hasher).__name__,
        "network": _name(hasher.network),
        "augmentation": _name(training.augmentation),
        "ema_decay": training.ema_decay,
        "mixed_precision": training.mixed_precision,
        "shape of X": str(X.shape),
        "checksum of X": joblib.hash(X[::step]),
        "checksum of y": joblib.hash(y),
    }


def _is_plain(value):
    if isinstance(value, list | tuple):
        return all(_is_plain(part) for part in value)
    return isinstance(value, Number | str | None)


def _name(made):
    """A name that another process gives too: a representation may hold an address."""
    if made is None or isinstance(made, str):
        return made
    kind = type(made)
    if "__repr__" in vars(kind) and kind.__module__.startswith("skhash."):
        return repr(made)
    return f"{getattr(made, '__module__', '')}.{getattr(made, '__qualname__', kind.__qualname__)}"
