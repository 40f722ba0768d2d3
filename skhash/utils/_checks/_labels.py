"""Checks of the labels that a hasher takes."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from skhash.utils._checks._shared import (
    N_CLASSES,
    N_SAMPLES,
    assert_codes,
    assert_raises,
    fit,
    fresh,
    make_data,
)


def check_fit_without_y(estimator):
    """A hasher that needs no labels fits without them, and looks at none without saying so.

    One that learns from labels where they are given says so by ``classes_``.
    """
    X, y = make_data()
    codes = fresh(estimator).fit(X).transform(X)
    assert_codes(codes, N_SAMPLES, estimator.get_params()["n_bits"])
    with_labels = fit(estimator, X, y)
    if getattr(with_labels, "classes_", None) is None:
        assert np.array_equal(codes, with_labels.transform(X)), "y changes the codes"


def check_label_types(estimator):
    """Names of classes may be of any type: they change no code, and classes_ keeps them."""
    X, y = make_data()
    expected = fit(estimator, X, y).transform(X)
    names = np.array(["ant", "bee", "cat"])
    for labels in (y.astype(np.int16) - 5, names[y], names.astype(object)[y]):
        _assert_labels_kept(fit(estimator, X, labels), X, labels, expected)
    from_list = fit(estimator, X, names[y].tolist()).transform(X)
    assert np.array_equal(from_list, expected), "labels in a list give other codes"
    X, y = make_data(n_classes=2)
    expected = fit(estimator, X, y).transform(X)
    _assert_labels_kept(fit(estimator, X, y.astype(bool)), X, y.astype(bool), expected)


def _assert_labels_kept(hasher, X, labels, expected):
    kind = labels.dtype
    assert np.array_equal(hasher.classes_, np.unique(labels)), (
        f"classes_ is {hasher.classes_!r} for labels {np.unique(labels)!r}"
    )
    assert hasher.classes_.dtype.kind == kind.kind, f"{kind} became {hasher.classes_.dtype}"
    assert np.array_equal(hasher.transform(X), expected), f"labels of type {kind} change the codes"


def _indicator():
    """The three classes, and a fourth label that goes across them."""
    X, y = make_data()
    return X, np.column_stack([np.eye(N_CLASSES)[y], np.arange(N_SAMPLES) % 2]).astype(int)


def check_multilabel(estimator):
    """Multilabel indicators are taken, dense and sparse alike."""
    X, indicator = _indicator()
    codes = fit(estimator, X, indicator).transform(X)
    assert_codes(codes, N_SAMPLES, estimator.get_params()["n_bits"])
    from_sparse = fit(estimator, X, sparse.csr_array(indicator)).transform(X)
    assert np.array_equal(codes, from_sparse), "a sparse indicator gives other codes"


def check_multilabel_refused(estimator):
    """A hasher of single classes says so when it is given an indicator."""
    X, indicator = _indicator()
    what = "a multilabel indicator as y"
    assert_raises(ValueError, r"\by\b", fresh(estimator).fit, X, indicator, what=what)
