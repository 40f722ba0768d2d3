"""PCAHasher against scikit-learn's PCA, and where principal components run out."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from skhash._closed_form.components import principal_components
from skhash.datasets import load_cifar100_features
from skhash.hashers._pca import PCAHasher


@pytest.fixture(scope="module")
def features():
    cifar = load_cifar100_features()
    return cifar.data[cifar.train_indices]


def test_values_are_principal_components(features):
    """Up to the sign of a component, which is a matter of convention."""
    values = PCAHasher(n_bits=32).fit(features).decision_function(features)
    expected = PCA(32, svd_solver="full").fit_transform(features.astype(np.float64))
    signs = np.sign((values * expected).sum(axis=0))
    np.testing.assert_allclose(values, expected * signs, atol=1e-3)


def test_one_bit_by_hand():
    X = [[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [7.0, 7.0]]
    codes = PCAHasher(n_bits=1).fit(X).transform(X).ravel()
    # the mean is 2.5: only the last row lies beyond it
    assert codes.tolist() in ([0, 0, 0, 1], [1, 1, 1, 0])


def test_float32_is_exact_beside_a_large_mean():
    random = np.random.RandomState(0)
    X = random.normal(size=(2000, 12)) * np.linspace(3, 1, 12)
    offset = 4096.0
    # the offset leaves float32 about 3e-4 of precision, so both see the same rounded X
    rounded = (X + offset).astype(np.float32)
    components = PCAHasher(n_bits=4).fit(rounded).components_
    expected = PCA(4, svd_solver="full").fit(rounded.astype(np.float64) - offset).components_
    assert components.dtype == np.float32
    np.testing.assert_allclose(np.abs((components * expected).sum(axis=1)), 1, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n_samples", "n_features"), [(400, 20), (30, 60), (600, 60)])
def test_bits_without_variance_are_constant(dtype, n_samples, n_features):
    random = np.random.RandomState(0)
    X = random.normal(size=(n_samples, 7)) @ random.normal(size=(7, n_features))
    X = X.astype(dtype)
    with pytest.warns(UserWarning, match=r"varies in 7 directions only.*n_bits=10.*last 3"):
        hasher = PCAHasher(n_bits=10).fit(X)
    values = hasher.decision_function(random.normal(size=(50, n_features)))
    assert not values[:, 7:].any()
    assert np.all(values[:, :7].std(axis=0) > 0)


def test_constant_columns_change_nothing():
    X, _ = load_digits(return_X_y=True)
    constant = X.std(axis=0) == 0
    assert constant.any()
    values = PCAHasher(n_bits=8).fit(X).decision_function(X)
    without = X[:, ~constant]
    expected = PCAHasher(n_bits=8).fit(without).decision_function(without)
    np.testing.assert_allclose(np.abs(values), np.abs(expected), atol=1e-4)


def test_constant_data_give_zeros():
    with pytest.warns(UserWarning, match="the same for all samples"):
        codes = PCAHasher(n_bits=2).fit_transform(np.full((5, 3), 0.1))
    assert not codes.any()


@pytest.mark.parametrize("shape", [(100, 8), (8, 100)])
def test_more_bits_than_components(shape):
    X = np.random.RandomState(0).normal(size=shape)
    message = rf"n_bits=9 .*n_samples={shape[0]} and n_features={shape[1]}"
    with pytest.raises(ValueError, match=message):
        PCAHasher(n_bits=9).fit(X)
    PCAHasher(n_bits=7).fit(X)


def test_the_data_are_left_as_they_are(features):
    X = features[:300].copy()
    principal_components(X, 8, random_state=0)
    np.testing.assert_array_equal(X, features[:300])


@pytest.mark.parametrize("shape", [(600, 300), (900, 40), (120, 200)])
def test_projections_are_of_x_whatever_solver_scikit_learn_takes(shape):
    """The randomized solver, taken for the first shape, may overwrite what it is given."""
    X = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    kept = X.copy()
    mean, components, projections = principal_components(X, 16, np.random.RandomState(0))
    np.testing.assert_array_equal(X, kept)
    np.testing.assert_allclose(projections, (X - mean) @ components.T, atol=1e-4)
