"""Checks of similarity targets: their values, the labels they take, their manners."""

from __future__ import annotations

import copy
import pickle

import numpy as np
from sklearn.base import clone

from skhash.utils._checks._shared import raised

# rounding of float32 dot products and the like, as `skhash.similarity.evaluate_similarity` has it
_TOLERANCE = 1e-6


def check_values(similarity, y):
    """Values are real numbers in [0, 1], a row for each label of a and a column for each of b."""
    values = similarity(y[:2], y)
    assert isinstance(values, np.ndarray), f"values are no ndarray but {type(values).__name__}"
    assert values.dtype.kind in "fiub", f"values have dtype {values.dtype}"
    assert values.shape == (2, len(y)), f"values have shape {values.shape}, not {(2, len(y))}"
    inside = (values >= -_TOLERANCE) & (values <= 1 + _TOLERANCE)
    assert inside.all(), f"values are not in [0, 1]: {values[~inside][0]}"


def check_self_similarity(similarity, y):
    """A label is wholly similar to itself, and to its equal in another place."""
    own = np.diagonal(similarity(y, y))
    assert np.all(own >= 1 - _TOLERANCE), f"a label has similarity {own.min()} with itself"


def check_symmetry(similarity, y):
    """Two labels are as similar in either order."""
    _assert_equal(similarity(y[:2], y), similarity(y, y[:2]).T, "the order of the two sides")


def check_blocks(similarity, y):
    """The similarity of two labels does not depend on which others are there, nor on the order."""
    whole = similarity(y, y)
    half = len(y) // 2
    for rows, columns in [(slice(half), slice(half, None)), (slice(1), slice(2))]:
        _assert_equal(similarity(y[rows], y[columns]), whole[rows, columns], "a block of labels")
    order = np.random.RandomState(0).permutation(len(y))
    _assert_equal(similarity(y[order], y), whole[order], "another order of the labels")


def check_no_labels(similarity, y):
    """No labels on one side give no rows, or no columns."""
    for n_a, n_b in [(0, len(y)), (len(y), 0), (0, 0)]:
        shape = np.shape(similarity(y[:n_a], y[:n_b]))
        assert shape == (n_a, n_b), f"{n_a} and {n_b} labels give shape {shape}"


def check_prepared(similarity, y):
    """`prepare` and `compare`, where there are both, stand for what calling the target does."""
    if not hasattr(similarity, "prepare"):
        return
    prepared = similarity.prepare(y)
    assert len(prepared) == len(y), f"prepare returns {len(prepared)} rows for {len(y)} labels"
    rows = np.arange(len(y))[::-2]
    values = similarity.compare(prepared[rows], prepared)
    _assert_equal(values, similarity(y, y)[rows], "to prepare the labels")


def check_containers(similarity, y):
    """Labels may be in a list, in an array of objects, or in what pandas has."""
    expected = similarity(y, y)
    forms = {"a list": y.tolist()}
    if y.ndim == 1:
        forms["an array of objects"] = y.astype(object)
    try:
        import pandas as pd
    except ImportError:
        pass
    else:
        # an index that does not count the rows
        make = pd.Series if y.ndim == 1 else pd.DataFrame
        forms[f"a {make.__name__}"] = make(y, index=np.arange(len(y))[::-1] + 7)
    for name, form in forms.items():
        _assert_equal(similarity(form, y), expected, name)
        _assert_equal(similarity(y, form), expected, name)


def check_bad_labels_refused(similarity, y):
    """Missing labels, and an array of three dimensions, raise ValueError or TypeError."""
    missing = y.astype(object)
    missing[(1,) * y.ndim] = np.nan if y.dtype.kind == "f" else None
    for bad, what in [
        (missing, "a missing label"),
        (np.zeros((len(y), 2, 2)), "an array of three dimensions"),
    ]:
        for sides in [(bad, y), (y, bad)]:
            error = raised((ValueError, TypeError), similarity, *sides)
            assert error is not None, f"{what} does not raise"


def check_labels_kept(similarity, y):
    """Labels are not changed, and what is returned is the caller's to change."""
    before = y.copy()
    values = similarity(y, y)
    expected = values.copy()
    values[...] = 0
    assert np.array_equal(y, before), "calling the target changes the labels"
    _assert_equal(similarity(y, y), expected, "to write into values returned before")


def check_copies(similarity, y):
    """A clone, a deep copy and a pickle give the same values, and a call changes no parameter."""
    if not hasattr(similarity, "get_params"):
        return
    fresh = clone(similarity)
    parameters = fresh.get_params(deep=False)
    expected = fresh(y, y)
    for name, value in fresh.get_params(deep=False).items():
        assert value is parameters[name], f"calling the target rewrites {name}"
    kept = {name for name in vars(fresh) if not name.startswith("_")}
    assert kept == set(parameters), f"the target keeps {sorted(kept ^ set(parameters))}"
    for copied, what in [
        (clone(fresh), "a clone"),
        (copy.deepcopy(fresh), "a deep copy"),
        (pickle.loads(pickle.dumps(fresh)), "a pickle"),
        (type(fresh)(**parameters), "a target of the same parameters"),
    ]:
        _assert_equal(copied(y, y), expected, what)
    name = type(fresh).__name__
    assert repr(fresh).startswith(f"{name}("), f"repr is {repr(fresh)!r}, not {name}(...)"


def _assert_equal(values, expected, what):
    assert np.shape(values) == np.shape(expected), f"{what} changes the shape"
    difference = np.abs(np.asarray(values) - expected).max(initial=0)
    assert difference <= _TOLERANCE, f"{what} changes the similarity by up to {difference:.3g}"
