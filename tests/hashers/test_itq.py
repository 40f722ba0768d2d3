"""ITQHasher against brute force, a reference with scipy's Procrustes, and faiss."""

import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes

from skhash._closed_form.rotation import fit_rotation, random_orthogonal
from skhash.datasets import load_cifar100_features
from skhash.hashers._itq import ITQHasher
from skhash.hashers._pca import PCAHasher


@pytest.fixture(scope="module")
def features():
    cifar = load_cifar100_features()
    return cifar.data[cifar.train_indices]


@pytest.fixture(scope="module")
def fitted(features):
    return ITQHasher(n_bits=32, max_iter=30, tol=0, random_state=0).fit(features)


def corners(values):
    return np.where(values > 0, 1.0, -1.0)


def squared_distance_to_corner(values):
    values = values.astype(np.float64)
    return np.square(corners(values) - values).sum(axis=1).mean()


def test_error_never_increases_and_is_what_it_says(features, fitted):
    errors = fitted.quantization_error_
    assert len(errors) == fitted.n_iter_ == 30
    assert np.all(np.diff(errors) <= 1e-9 * errors[0])
    last = squared_distance_to_corner(fitted.decision_function(features))
    assert errors[-1] == pytest.approx(last, rel=1e-5)
    assert errors[-1] < 0.98 * errors[0]


def test_rotation_turns_principal_components(features, fitted):
    np.testing.assert_allclose(fitted.rotation_ @ fitted.rotation_.T, np.eye(32), atol=1e-5)
    components = PCAHasher(n_bits=32).fit(features).decision_function(features)
    values = fitted.decision_function(features)
    # a rotation keeps the length of every row
    np.testing.assert_allclose(
        np.linalg.norm(values, axis=1), np.linalg.norm(components, axis=1), rtol=1e-3
    )
    # and balances what the bits carry
    assert np.ptp(values.std(axis=0)) < 0.5 * np.ptp(components.std(axis=0))


@pytest.mark.parametrize("n_iter", [1, 7])
def test_rounds_of_the_paper(features, n_iter):
    """The same start, then signs and scipy's Procrustes solution in turn."""
    projections = np.random.RandomState(1).normal(size=(500, 9)) * np.linspace(3, 1, 9)
    start = random_orthogonal(9, 9, np.random.RandomState(2))
    expected, expected_errors = start, []
    for _ in range(n_iter):
        expected, _ = orthogonal_procrustes(projections, corners(projections @ expected))
        expected_errors.append(squared_distance_to_corner(projections @ expected))
    rotation, errors = fit_rotation(projections, start, n_iter, 0)
    np.testing.assert_allclose(rotation, expected, atol=1e-10)
    np.testing.assert_allclose(errors, expected_errors, rtol=1e-12)


def test_a_cross_is_turned_by_45_degrees():
    """Unit points on the axes: the best corners are (1, 1) and so on, sqrt(2) - 1 away."""
    X = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    hasher = ITQHasher(n_bits=2, random_state=0).fit(X)
    np.testing.assert_allclose(np.abs(hasher.decision_function(X)), np.sqrt(0.5), rtol=1e-6)
    assert len(np.unique(hasher.transform(X), axis=0)) == 4
    assert hasher.quantization_error_[-1] == pytest.approx((np.sqrt(2) - 1) ** 2)


def test_two_bits_against_all_angles():
    """Four uneven clusters in the plane: the best of a few starts is the best angle there is."""
    random = np.random.RandomState(3)
    centres = np.array([[2.0, 0.3], [-1.5, -0.8], [0.4, 1.2], [-0.6, -1.9]])
    X = np.repeat(centres, 60, axis=0) + 0.2 * random.normal(size=(240, 2))
    X -= X.mean(axis=0)
    found = min(
        ITQHasher(n_bits=2, tol=0, random_state=seed).fit(X).quantization_error_[-1]
        for seed in range(8)
    )
    angles = np.linspace(0, np.pi / 2, 2001)
    best = min(
        squared_distance_to_corner(X @ [[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
        for a in angles
    )
    assert found == pytest.approx(best, rel=1e-4)


def test_at_least_as_good_as_faiss(features):
    """faiss.ITQTransform centres X and scales its rows to length 1, then PCA and ITQ.

    An inequality, since faiss 1.15 ends close to a random rotation: ``ITQMatrix::train``
    multiplies U by V where Procrustes has U V^T, and does not converge.
    """
    faiss = pytest.importorskip("faiss")
    theirs = faiss.ITQTransform(features.shape[1], 32, True)
    theirs.train(features)
    rows = features - features.mean(axis=0)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    hasher = ITQHasher(n_bits=32, random_state=0).fit(rows)
    ours, others = hasher.decision_function(rows), theirs.apply(features)
    # the same subspace, so that only the rotations differ
    np.testing.assert_allclose(
        np.linalg.norm(ours, axis=1).mean(), np.linalg.norm(others, axis=1).mean(), rtol=5e-3
    )
    assert np.abs(ours).mean() > 0.99 * np.abs(others).mean()
    assert squared_distance_to_corner(ours) < 1.01 * squared_distance_to_corner(others)


def test_tol_stops_early_whatever_the_unit_of_X(features):
    X = features[:2000]
    loose = ITQHasher(n_bits=8, max_iter=200, tol=1e-3, random_state=0)
    n_iter = loose.fit(X).n_iter_
    assert 1 < n_iter < ITQHasher(n_bits=8, max_iter=200, tol=0, random_state=0).fit(X).n_iter_
    assert loose.fit(X * np.float32(2**-10)).n_iter_ == n_iter


def test_batches_do_not_matter(features, monkeypatch):
    X = features[:1000].astype(np.float64)
    expected = ITQHasher(n_bits=16, random_state=0).fit(X)
    monkeypatch.setattr("skhash._closed_form.rotation._BATCH_ROWS", 77)
    hasher = ITQHasher(n_bits=16, random_state=0).fit(X)
    np.testing.assert_allclose(hasher.rotation_, expected.rotation_, atol=1e-6)


def test_float32_is_as_good_as_float64(features):
    X = features[:3000]
    narrow = ITQHasher(n_bits=16, random_state=0).fit(X)
    wide = ITQHasher(n_bits=16, random_state=0).fit(X.astype(np.float64))
    assert narrow.rotation_.dtype == narrow.components_.dtype == np.float32
    # a corner that rounding moves sends ITQ to another optimum, about as good, as another seed does
    assert narrow.quantization_error_[0] == pytest.approx(wide.quantization_error_[0], rel=1e-4)
    assert narrow.quantization_error_[-1] == pytest.approx(wide.quantization_error_[-1], rel=1e-2)


def test_more_bits_than_directions_of_variance():
    """The rotation spreads three directions over five bits; none is constant."""
    random = np.random.RandomState(0)
    X = random.normal(size=(300, 3)) @ random.normal(size=(3, 6))
    codes = ITQHasher(n_bits=5, random_state=0).fit_transform(X)
    assert np.all((codes.mean(axis=0) > 0.2) & (codes.mean(axis=0) < 0.8))


@pytest.mark.parametrize(
    ("parameters", "shape", "message"),
    [
        ({"n_bits": 9}, (50, 8), "n_bits=9 .*n_samples=50 and n_features=8"),
        ({"n_bits": 9}, (8, 50), "n_bits=9 .*n_samples=8 and n_features=50"),
        ({"n_bits": 2, "max_iter": 0}, (50, 8), "max_iter"),
        ({"n_bits": 2, "tol": -1.0}, (50, 8), "tol"),
        ({"n_bits": 2, "random_state": "seed"}, (50, 8), "random_state"),
    ],
)
def test_refusals(parameters, shape, message):
    with pytest.raises(ValueError, match=message):
        ITQHasher(**parameters).fit(np.random.RandomState(0).normal(size=shape))
