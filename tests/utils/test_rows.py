"""Rows are known again whatever their order, company and precision, and no others are."""

import numpy as np
import pytest
from scipy.sparse import csc_array, csr_matrix

from skhash.utils._rows import find_rows, row_keys


def vectors(n=300, d=40, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


@pytest.mark.parametrize(("dtype", "offset"), [(np.float32, 0), (np.float64, 0), (np.float64, 1e6)])
def test_subsets_in_any_order(dtype, offset):
    X = (vectors() + offset).astype(dtype)
    rows = np.random.default_rng(1).permutation(300)[:120]
    np.testing.assert_array_equal(find_rows(row_keys(X[rows]), row_keys(X)), rows)
    for row in rows[:3]:
        assert find_rows(row_keys(X[[row]]), row_keys(X)) == row


def test_other_rows_are_not_found():
    X, other = vectors(), vectors(seed=1)
    other[5] = X[17]
    found = find_rows(row_keys(other), row_keys(X))
    assert found[5] == 17
    assert np.count_nonzero(found >= 0) == 1
    # one number in one row, by one part in a million
    other = X.copy()
    other[:, 3] *= 1 + 1e-6
    assert np.all(find_rows(row_keys(other), row_keys(X)) == -1)


def test_precision_and_form_make_no_difference():
    X = np.where(vectors() > 0.5, vectors(), 0).astype(np.float32)
    expected = np.arange(300)
    keys = row_keys(X)
    for other in (X.astype(np.float64), csr_matrix(X), csc_array(X.astype(np.float64))):
        np.testing.assert_array_equal(find_rows(row_keys(other), keys), expected)
        np.testing.assert_array_equal(find_rows(keys, row_keys(other)), expected)


def test_rounding_of_another_batch_makes_no_difference():
    X, directions = vectors(2000).astype(np.float32), vectors(40, 30).astype(np.float32)
    projected = X @ directions
    one_by_one = np.concatenate([X[i : i + 1] @ directions for i in range(2000)])
    np.testing.assert_array_equal(
        find_rows(row_keys(one_by_one), row_keys(projected)), np.arange(2000)
    )


def test_images_that_differ_in_one_pixel():
    image = np.random.default_rng(0).integers(256, size=(1, 8, 9, 3), dtype=np.uint8)
    images = np.tile(image, (40, 1, 1, 1))
    images[np.arange(40), 2, 3, 1] = np.arange(40)
    np.testing.assert_array_equal(
        find_rows(row_keys(images[::-1]), row_keys(images)), 39 - np.arange(40)
    )


def test_equal_rows_of_several_groups():
    X = np.tile(vectors(10), (3, 1))
    groups = np.repeat([4, 0, 7], 10)
    order = np.random.default_rng(0).permutation(30)
    found = find_rows(row_keys(X[order]), row_keys(X), groups[order], groups)
    np.testing.assert_array_equal(found, order)
    # a class that is not there
    assert np.all(find_rows(row_keys(X), row_keys(X), np.full(30, 5), groups) == -1)
    # one far row does not blur the others
    X[0] *= 1e9
    found = find_rows(row_keys(X[order]), row_keys(X), groups[order], groups)
    np.testing.assert_array_equal(found, order)


def test_rows_of_zeros_are_the_same():
    X = np.array([[0.0, 0.0], [1.0, 0.0]])
    assert find_rows(row_keys(X), row_keys(X[:1])).tolist() == [0, -1]
