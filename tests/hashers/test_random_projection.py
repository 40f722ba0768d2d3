"""RandomProjectionHasher: bits differ as often as the angle says."""

import numpy as np
import pytest
from scipy import sparse

from skhash._closed_form.rotation import random_orthogonal
from skhash.hashers._random_projection import RandomProjectionHasher


def pair_at_angle(angle, n_features=20):
    X = np.zeros((2, n_features))
    X[0, 0] = 1
    X[1, :2] = np.cos(angle), np.sin(angle)
    return X


@pytest.mark.parametrize("orthogonal", [False, True])
@pytest.mark.parametrize("angle", [0.1, 0.8, np.pi / 2, 2.6])
def test_hamming_distance_estimates_the_angle(angle, orthogonal):
    n_bits = 20_000
    hasher = RandomProjectionHasher(n_bits, orthogonal=orthogonal, center=False, random_state=0)
    codes = hasher.fit_transform(pair_at_angle(angle))
    share = angle / np.pi
    error = 5 * np.sqrt(share * (1 - share) / n_bits)
    assert np.mean(codes[0] != codes[1]) == pytest.approx(share, abs=error)


def test_orthogonal_directions_estimate_it_better():
    """Ji et al. 2012: where the codes are as long as the rows, the variance is smaller."""
    X = pair_at_angle(0.8)
    n_codes, n_bits = 3200, X.shape[1]

    def variance(orthogonal):
        options = {"orthogonal": orthogonal, "center": False, "random_state": 0}
        codes = RandomProjectionHasher(n_codes * n_bits, **options).fit_transform(X)
        return (codes[0] != codes[1]).reshape(n_codes, n_bits).mean(axis=1).var()

    # about 0.72 times, give or take 0.02
    assert variance(orthogonal=True) < 0.85 * variance(orthogonal=False)


@pytest.mark.parametrize(("n_rows", "n_columns"), [(3, 7), (7, 7), (17, 7), (4, 1)])
def test_directions_are_orthonormal_in_blocks(n_rows, n_columns):
    directions = random_orthogonal(n_rows, n_columns, np.random.RandomState(0))
    assert directions.shape == (n_rows, n_columns)
    for first in range(0, n_rows, n_columns):
        block = directions[first : first + n_columns]
        np.testing.assert_allclose(block @ block.T, np.eye(len(block)), atol=1e-12)


def test_centring_sees_angles_from_the_mean():
    """Far from the origin all rows look alike; from their mean they do not."""
    X = np.random.RandomState(0).normal(size=(500, 10)) + 100
    uncentred = RandomProjectionHasher(32, center=False, random_state=0).fit_transform(X)
    centred = RandomProjectionHasher(32, random_state=0).fit_transform(X)
    assert len(np.unique(uncentred, axis=0)) < 10
    assert len(np.unique(centred, axis=0)) > 490
    np.testing.assert_allclose(centred.mean(axis=0), 0.5, atol=0.1)


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("make", [sparse.csr_array, sparse.csc_array, sparse.csr_matrix])
def test_sparse_rows_get_the_codes_of_dense_rows(make, center):
    dense = sparse.random(60, 40, density=0.2, random_state=0).toarray()
    hasher = RandomProjectionHasher(33, center=center, random_state=0)
    expected = hasher.fit(dense).decision_function(dense)
    values = hasher.fit(make(dense)).decision_function(make(dense))
    assert isinstance(values, np.ndarray)
    np.testing.assert_allclose(values, expected, atol=1e-5)
    np.testing.assert_array_equal(hasher.transform(dense), hasher.transform(make(dense)))


def test_empty_columns_and_many_bits():
    X = np.random.RandomState(0).normal(size=(10, 4)) * [1, 0, 1, 0]
    codes = RandomProjectionHasher(1000, orthogonal=True, random_state=0).fit_transform(X)
    assert codes.shape == (10, 1000)
