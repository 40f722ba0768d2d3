"""Which labels are classes, label sets or vectors, and what is refused."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from skhash.utils._labels import (
    check_classes,
    check_target,
    encode_classes,
    encode_labels,
    gather,
    target_kind,
)


@pytest.mark.parametrize(
    ("y", "kind"),
    [
        ([3, 1, 3], "class"),
        (["cat", "dog"], "class"),
        ([True, False], "class"),
        (np.array([1.0, 2.0]), "class"),
        (np.array(["cat", "dog"], dtype=object), "class"),
        (np.array([1, 2], dtype=object), "class"),
        (pd.Series(["cat", "dog"], dtype="category"), "class"),
        (pd.Series(["cat", "dog"], dtype="string"), "class"),
        (np.array([[3], [1]]), "class"),
        (np.ma.array([3, 1]), "class"),
        ([["cat"], ["dog"]], "class"),
        ([[0, 1], [1, 1]], "multilabel"),
        ([[0.0, 1.0], [1.0, 1.0]], "multilabel"),
        (np.array([[True, False]]), "multilabel"),
        (sparse.csr_array([[0, 1, 0]]), "multilabel"),
        (sparse.coo_matrix([[0.0, 1.0]]), "multilabel"),
        ([[0.5], [2.0]], "vector"),
        ([[1.0], [2.0]], "vector"),
        ([[0, 2], [1, 1]], "vector"),
        (np.ones((2, 3), dtype=np.float32) / 3, "vector"),
        (pd.DataFrame({"a": [0.5], "b": [1]}), "vector"),
        (np.array([[0.5, 2], [1, 1]], dtype=object), "vector"),
    ],
)
def test_kinds(y, kind):
    assert target_kind(y) == kind


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0.5, 1.0], r"fractional values such as 0\.5.*column of shape \(n, 1\)"),
        (np.array([0.5, 1.0], dtype=object), "fractional"),
        ([1.0, np.nan], "missing or infinite values: nan at index"),
        ([[1.0, 2.0], [np.inf, 2.0]], r"inf at index \(1, 0\)"),
        (["cat", None], "missing labels .*NoneType"),
        (["cat", np.nan], "missing labels"),
        (pd.Series(["cat", pd.NA], dtype="string"), "missing labels"),
        (pd.Series([1, None], dtype="Int64"), "missing"),
        (np.array([1, pd.NA], dtype=object), "missing labels .*NAType"),
        ([["cat"], ["dog"], [np.nan]], r"missing labels \(NaN\)"),
        (np.ma.array([1, 2], mask=[False, True]), r"missing labels \(masked\)"),
        (np.ma.array(["cat", "dog"], mask=[False, True]), r"missing labels \(masked\)"),
        (np.ma.array(np.eye(2), mask=np.eye(2)), r"missing labels \(masked\)"),
        (np.array(["2020-01-01"], "M8[D]"), r"datetime64\[D\]: write dates as strings"),
        (np.array([1], "m8[s]"), r"timedelta64\[s\]: write dates as strings"),
        (pd.Series(pd.to_datetime(["2020-01-01"])), "write dates as strings"),
        ([datetime.date(2020, 1, 1)], "got date: write dates as strings"),
        ([pd.Timestamp("2020-01-01"), pd.NaT], "missing labels"),
        (["cat", 1, 2.5], "mixes strings with other labels: float, int, str"),
        (["cat", True], "mixes strings with other labels: bool, str"),
        (["cat", 1], "mixes strings with other labels: int, str"),
        ([["cat", "dog"], ["cow", "owl"]], "strings in 2 columns"),
        (pd.DataFrame({"a": ["cat"], "b": [1.0]}), "strings in 2 columns"),
        ([["cat"], ["dog", "owl"]], "differ in length"),
        ([1 + 2j], "complex"),
        (3, "one dimension"),
        (np.zeros((2, 2, 2)), r"shape \(2, 2, 2\)"),
        (np.zeros((2, 0)), "no columns"),
        (sparse.csr_array([[0, 2]]), "only 0 and 1"),
        (sparse.csr_array([[0, np.nan]]), "only 0 and 1"),
    ],
)
def test_refused(y, message):
    with pytest.raises(ValueError, match=message):
        target_kind(y)


def test_label_sets_in_a_list_are_refused_with_the_way_out():
    y = np.empty(2, dtype=object)
    y[:] = [["cat"], ["dog", "owl"]]
    with pytest.raises(ValueError, match="MultiLabelBinarizer"):
        target_kind(y)


@pytest.mark.parametrize("dtype", ["int16", "int64", "bool", "float32", "U3", object])
def test_classes_keep_their_type(dtype):
    y = np.array([1, 0, 1]).astype(dtype)
    kind, checked = check_target(y)
    assert kind == "class"
    assert checked.dtype == y.dtype
    np.testing.assert_array_equal(checked, y)


def test_a_column_of_classes_becomes_one_dimensional():
    np.testing.assert_array_equal(check_target([["cat"], ["dog"]])[1], ["cat", "dog"])


@pytest.mark.parametrize(
    ("given", "wanted"),
    [("float16", "float32"), ("float32", "float32"), ("int8", "float64"), ("float64", "float64")],
)
def test_vectors_are_of_single_or_double_precision(given, wanted):
    y = np.array([[1, 2], [3, 4]], dtype=given)
    kind, checked = check_target(y)
    assert (kind, checked.dtype) == ("vector", wanted)
    np.testing.assert_array_equal(checked, y)


def test_label_sets_are_bytes_and_stored_zeros_go():
    assert check_target([[0.0, 1.0]])[1].dtype == np.uint8
    stored = sparse.csr_array((np.array([1.0, 0.0]), np.array([0, 1]), np.array([0, 2])))
    checked = check_target(stored)[1]
    assert checked.format == "csr"
    assert checked.dtype == np.uint8
    assert checked.nnz == 1
    assert stored.nnz == 2


@pytest.mark.parametrize(
    "y",
    [
        np.array(["b", "a", "b", "c"]),
        np.array([5, -1, 5, 7]),
        np.array([(1, "x"), frozenset({2}), (1, "x"), None, True], dtype=object),
        ["b", np.str_("b"), "a"],
    ],
)
def test_codes_lead_back_to_the_labels(y):
    labels, codes = encode_labels(y)
    assert len(set(labels)) == len(labels)
    assert [labels[code] for code in codes] == list(y)


def test_distinct_labels_are_coded_in_order():
    labels, codes = encode_labels(np.array([9, 3, 6]))
    assert labels == [9, 3, 6]
    assert all(type(label) is int for label in labels)
    np.testing.assert_array_equal(codes, [0, 1, 2])


@pytest.mark.parametrize(("n_rows", "n_columns"), [(2, 9), (9, 2), (5, 5), (0, 3)])
def test_gather_takes_all_pairs(n_rows, n_columns):
    rng = np.random.default_rng(0)
    values = rng.random((5, 4))
    rows, columns = rng.integers(0, 5, n_rows), rng.integers(0, 4, n_columns)
    taken = gather(values, rows, columns)
    np.testing.assert_array_equal(taken, values[np.ix_(rows, columns)])
    taken[:] = -1
    assert values.min() >= 0


@pytest.mark.parametrize("labels", [["b", "a", "c", "a"], [7, -1, 9, -1], [("b", 1), ("a", 2)] * 2])
def test_classes_are_numbered_in_their_order(labels):
    y = check_target(labels, levels=isinstance(labels[0], tuple))[1]
    classes, numbers = encode_classes("class", y)
    assert classes.tolist() == sorted(set(labels))
    assert [classes[i] for i in numbers] == labels
    assert numbers.dtype == np.int64


def test_classes_that_y_need_not_have():
    classes, numbers = encode_classes("class", np.array(["c", "a"]), classes=["c", "b", "a"])
    assert (classes.tolist(), numbers.tolist()) == (["a", "b", "c"], [2, 0])
    with pytest.raises(ValueError, match=r"not in classes: \['d'\]"):
        encode_classes("class", np.array(["c", "d"]), classes=["c", "b", "a"])
    with pytest.raises(ValueError, match="2 classes or more, got 1 class: 3"):
        encode_classes("class", np.array([3, 3]), at_least=2)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_indicators_are_made_dense(form):
    kind, y = check_target(form([[0, 1, 1], [0, 0, 0]]))
    classes, indicators = encode_classes(kind, y, dtype=np.int8)
    assert classes.tolist() == [0, 1, 2]
    assert (indicators.tolist(), indicators.dtype) == ([[0, 1, 1], [0, 0, 0]], np.int8)


def test_what_has_no_classes():
    assert encode_classes(*check_target([[0.5, 2.0]])) == (None, None)
    with pytest.raises(ValueError, match=r"^labels must hold class labels.*got vector labels$"):
        check_classes([[0.5, 2.0]], "labels")
