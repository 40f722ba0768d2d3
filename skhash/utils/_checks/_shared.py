"""What the checks share: data, seeded hashers, comparisons."""

from __future__ import annotations

import re
import sys

import numpy as np
from sklearn.base import clone

# primes, so that no array has one of these as its length by chance
N_SAMPLES, N_FEATURES, N_CLASSES = 97, 23, 3
# values that differ by less than this share of the largest are the same up to rounding
_ROUNDING = 1e-4


def make_data(dtype=np.float64, n_classes=N_CLASSES):
    """Clusters that overlap, in random order so that every fold has every class."""
    random = np.random.RandomState(0)
    y = random.permutation(np.arange(N_SAMPLES) % n_classes)
    centres = random.normal(size=(n_classes, N_FEATURES))
    X = centres[y] + random.normal(size=(N_SAMPLES, N_FEATURES)) + 3
    return X.astype(dtype), y


def fresh(estimator, **parameters):
    """Return an unfitted copy, seeded where it has a seed."""
    parameters = {"random_state": 0, **parameters}
    known = estimator.get_params()
    return clone(estimator).set_params(**{k: v for k, v in parameters.items() if k in known})


def fit(estimator, X=None, y=None, **parameters):
    """Fit a copy, on the data of all checks unless others are given."""
    if X is None:
        X, y = make_data()
    return fresh(estimator, **parameters).fit(X, y)


def assert_codes(codes, n_samples, n_bits):
    """Check the form of codes."""
    assert isinstance(codes, np.ndarray), f"codes are no ndarray but {type(codes).__name__}"
    assert codes.dtype == np.uint8, f"codes have dtype {codes.dtype} instead of uint8"
    assert codes.shape == (n_samples, n_bits), (
        f"codes have shape {codes.shape} instead of {(n_samples, n_bits)}"
    )
    assert np.all(codes <= 1), f"codes hold {codes.max()}; bits are 0 and 1"


def assert_same_values(values, expected, what):
    """Compare decision values, which may differ by rounding, and their bits, which may not."""
    rounding = _ROUNDING * np.abs(expected).max()
    difference = np.abs(values - expected).max()
    assert difference <= rounding, f"{what}: values differ by up to {difference:.3g}"
    differing = np.count_nonzero((values > 0) != (expected > 0))
    assert not differing, f"{what}: {differing} bits differ"


def raised(errors, function, *arguments):
    """Call a function and return the error that it raises, None if it does not."""
    try:
        function(*arguments)
    except errors as error:
        return error
    return None


def assert_raises(errors, pattern, function, *arguments, what):
    """Check that a call raises, with a message that says what is wrong."""
    error = raised(errors, function, *arguments)
    assert error is not None, f"{what} does not raise"
    assert re.search(pattern, str(error)), f"{what} raises without saying so: {error}"


def rows_at_threshold(hasher, X, n_pairs, seed=0):
    """Rows between samples, in pairs that are next to each other and differ in a bit.

    They are found by halving the way between samples of different codes.

    Parameters
    ----------
    hasher : hasher
        Fitted.
    X : ndarray of shape (n_samples, ...), dtype float32
    n_pairs : int
    seed : int
        Of the pairs of samples.

    Returns
    -------
    rows : ndarray of shape (2 * n_pairs, ...), dtype float32
    """
    random = np.random.RandomState(seed)
    low, high = (X[random.randint(len(X), size=n_pairs)] for _ in range(2))
    low_codes, high_codes = hasher.transform(low), hasher.transform(high)
    # one of the bits that differ, and any where none does
    bits = np.argmax((low_codes != high_codes) * random.uniform(size=low_codes.shape), axis=1)
    pairs = np.arange(n_pairs)
    for _ in range(26):  # a float32 has 24 binary digits
        middle = (low + high) / 2
        as_low = hasher.transform(middle)[pairs, bits] == low_codes[pairs, bits]
        low[as_low], high[~as_low] = middle[as_low], middle[~as_low]
    return np.concatenate([low, high])


class Stop(BaseException):
    """Stands for whatever ends a fit; nothing catches it by its name."""


def call_raising(function, *arguments, line=None, error=Stop, within=("skhash",)):
    """Call a function and raise in the midst of it, as an interrupt does.

    Parameters
    ----------
    function : callable
    *arguments
        What it is called with.
    line : int or None
        Before which of the lines that run to raise, counted from 1; None lets it end.
    error : type
        What to raise.
    within : tuple of str
        Names of the packages or modules whose lines count.

    Returns
    -------
    n_lines : int
        How many have run.
    """
    n_lines, prefixes = 0, tuple(f"{name}." for name in within)

    def enter(frame, event, argument):
        name = frame.f_globals.get("__name__", "") + "."
        # a lock is given back when a fit is over
        is_lock = name == "skhash.utils._locks."
        return step if name.startswith(prefixes) and not is_lock else None

    def step(frame, event, argument):
        nonlocal n_lines
        if event == "line":
            n_lines += 1
            if n_lines == line:
                raise error
        return step

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        function(*arguments)
    finally:
        sys.settrace(before)
    return n_lines


def lines_to_stop_at(n_lines):
    """Some lines of many: here and there, and more of them near the end, where results are set."""
    spread = np.linspace(1, n_lines, 5)
    last = n_lines - np.geomspace(1, max(n_lines / 4, 1), 6)
    return np.unique(np.maximum(np.concatenate([spread, last]), 1).astype(int)).tolist()
