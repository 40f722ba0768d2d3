"""Checks of what a fitted hasher holds, and that copies hold the same."""

from __future__ import annotations

import copy
import io
import pickle

import joblib
import numpy as np
from sklearn.base import clone

from skhash.utils._checks._shared import fit, fresh, make_data
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
