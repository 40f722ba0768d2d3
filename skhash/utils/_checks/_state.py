"""Checks of what a fitted hasher holds, and that copies hold the same."""

from __future__ import annotations

import copy
import io
import pickle
import warnings
from functools import partial

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from skhash.utils._checks._shared import (
    Stop,
    assert_codes,
    assert_raises,
    call_raising,
    fit,
    fresh,
    lines_to_stop_at,
    make_data,
    raised,
)
from skhash.utils._held import arrays_within, fitted_state, is_of_package, objects_within


def check_copies(estimator):
    """Pickle, joblib and deepcopy keep a fitted hasher; clone keeps what it was made from."""
    X, y = make_data()
    hasher = fit(estimator)
    expected = hasher.transform(X)
    dumped = io.BytesIO()
    joblib.dump(hasher, dumped)
    dumped.seek(0)
    copies = {
        "pickle": pickle.loads(pickle.dumps(hasher)),
        "joblib": joblib.load(dumped),
        "deepcopy": copy.deepcopy(hasher),
        "clone": clone(hasher).fit(X, y),
    }
    for way, other in copies.items():
        assert np.array_equal(other.transform(X), expected), f"{way} changes the codes"


def check_no_torch_kept(estimator):
    """Fitted attributes hold nothing of torch, however deeply."""
    for name, value in fitted_state(fit(estimator)).items():
        found = {type(o).__name__ for o in objects_within(value) if is_of_package(o, "torch")}
        assert not found, f"the attribute {name} holds objects of torch: {sorted(found)}"


def check_X_not_kept(estimator):
    """Fitted attributes hold neither X nor anything of its size."""
    X, y = make_data()
    for data in (X, X.astype(np.float32)):
        for name, value in fitted_state(fit(estimator, data, y)).items():
            for array in arrays_within(value):
                assert not np.may_share_memory(array, data), f"the attribute {name} refers to X"
                kept = array.dtype.kind == "f" and array.size == data.size
                assert not kept, f"the attribute {name} holds an array of the size of X"


def check_parameters_kept(estimator):
    """Fit leaves the parameters as they are, the nested ones too."""
    X, y = make_data()
    hasher = fresh(estimator)
    before, digest = hasher.get_params(deep=False), joblib.hash(hasher.get_params())
    hasher.fit(X, y)
    for name, value in hasher.get_params(deep=False).items():
        assert value is before[name], f"fit rewrites {name}: {before[name]!r} became {value!r}"
    assert joblib.hash(hasher.get_params()) == digest, "fit changes a parameter in place"


def check_unfinished_fit(estimator):
    """A fit that fails or is interrupted leaves the last one whole, or the hasher not fitted.

    Ctrl-C goes on from fit, and may leave the best state so far, with all attributes of the fit.
    """
    X, _ = make_data()
    # the first fit imports modules, which are lines too
    old, new = fit(estimator), fresh(estimator)
    lines = lines_to_stop_at(_fit_other(new))
    for hasher, some in ((old, lines), (fresh(estimator), lines[1::4])):
        before, kept = joblib.hash(hasher), hasher.__dict__
        for i, line in enumerate(some):
            error = KeyboardInterrupt if i % 2 else Stop
            assert _fit_other(hasher, line, error), f"fit goes on after {error.__name__}"
            if joblib.hash(hasher) == before:
                continue
            assert error is KeyboardInterrupt, f"a fit that fails at line {line} leaves traces"
            _check_whole(hasher, new)
            hasher.__dict__ = kept
    what = "transform after a fit that failed"
    assert_raises(NotFittedError, "not fitted", hasher.transform, X, what=what)


def _check_whole(hasher, expected):
    """Raise where a hasher has not all that another has of a fit on `_other_data`."""
    X, _ = _other_data()
    missing = vars(expected).keys() ^ vars(hasher).keys()
    assert not missing, f"an interrupt leaves only some attributes: not {sorted(missing)}"
    same_X = hasher.n_features_in_ == expected.n_features_in_
    assert same_X, "an interrupt leaves traces in attributes of the last fit"
    assert_codes(hasher.transform(X), *expected.transform(X).shape)
    if hasattr(hasher, "classes_"):
        assert np.array_equal(hasher.classes_, expected.classes_), "classes_ are of another fit"


def _other_data():
    """Rows of fewer features, of other classes and more of them."""
    X, y = make_data(n_classes=4)
    return X[:, 3:], y + 10


def _fit_other(hasher, line=None, error=Stop):
    within = ("skhash", type(hasher).__module__.partition(".")[0])
    call = partial(call_raising, hasher.fit, *_other_data(), within=within)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return call() if line is None else raised(error, partial(call, line=line, error=error))
