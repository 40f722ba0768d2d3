"""Arguments that are to become arrays: what numpy and scikit-learn refuse is said by their name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from sklearn.utils import check_array


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Have errors of the block begin with the name of an argument, unless they mention it."""
    try:
        yield
    except (TypeError, ValueError) as error:
        message = str(error).partition("\n")[0]
        if re.search(rf"\b{re.escape(name)}\b", message):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{name} cannot be used: {message.rstrip('.')}") from error


def as_array(values, name: str, dtype=None) -> np.ndarray:
    """`numpy.asarray`, which says of which argument the rows differ in length."""
    with naming(name):
        return np.asarray(values, dtype=dtype)


def check_table(values, name: str, **options):
    """`sklearn.utils.check_array`, which says of which argument it speaks."""
    with naming(name):
        return check_array(values, input_name=name, **options)
