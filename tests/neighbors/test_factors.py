"""Two bytes an item: what they make of asymmetric distances."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import ortho_group
from sklearn.neighbors import NearestNeighbors

from skhash import ITQHasher
from skhash.datasets import load_cifar100_features
from skhash.neighbors import (
    asymmetric_distances,
    asymmetric_factors,
    asymmetric_rerank,
    pack_codes,
)


def test_values_worked_by_hand():
    """v = (3, -1): a = 10 / 4; q = (1, 2): q.b = -1, so that 10 - 2 * 2.5 * -1 + 5 = 20."""
    items = np.array([[3.0, -1.0], [1.0, 1.0], [0.0, 0.0]])
    factors = asymmetric_factors(items)
    np.testing.assert_array_equal(factors.data[:, 0], [255, 102, 0])  # 2.5, 1 and 0
    np.testing.assert_array_equal(factors.data[:, 1], [255, 51, 0])  # 10, 2 and 0
    distances = asymmetric_distances([[1.0, 2.0]], items > 0, factors=factors)
    # the second is a multiple of its signs, and at (1 - 1)^2 + (2 - 1)^2; the last is the mean
    np.testing.assert_allclose(distances, [[20.0, 1.0, 5.0]])
    # what lies outside of the directions of the code is part of the distance
    farther = asymmetric_factors(items, [10.0, 6.0, 0.0])
    distances = asymmetric_distances([[1.0, 2.0]], items > 0, factors=farther)
    np.testing.assert_allclose(distances, [[20.0, 5.0, 5.0]], atol=0.05)


def test_exact_for_multiples_of_signs():
    random = np.random.default_rng(0)
    items = random.choice([-1.0, 1.0], (50, 24)) * random.choice([1.0, 2.0, 3.0], (50, 1))
    factors = asymmetric_factors(items)
    queries = random.normal(size=(7, 24))
    distances = asymmetric_distances(queries, pack_codes(items > 0), factors=factors)
    # a step is a 255th of the range of lengths
    tolerance = factors.step[1] + 2 * factors.step[0] * np.abs(queries).sum(axis=1).max()
    np.testing.assert_allclose(distances, cdist(queries, items) ** 2, atol=tolerance / 2)
    assert tolerance < 0.02 * distances.mean()


def test_unbiased_over_random_rotations():
    """The mean of the estimates is the true distance, where signs alone would be off by far."""
    random = np.random.default_rng(0)
    items, queries = random.normal(size=(20, 12)), random.normal(size=(5, 12))
    items *= np.linspace(0.5, 3, 20)[:, None]
    true = cdist(queries, items) ** 2
    errors = []
    for rotation in ortho_group.rvs(12, size=400, random_state=0):
        values = items @ rotation
        factors = asymmetric_factors(values)
        estimates = asymmetric_distances(queries @ rotation, values > 0, factors=factors)
        errors.append(estimates - true)
    errors = np.array(errors)
    standard_error = errors.std(axis=0, ddof=1) / 20
    # lengths are the same in every rotation, and so is how they are rounded
    assert (np.abs(errors.mean(axis=0)) < 5 * standard_error + factors.step[1] / 2).all()
    assert (errors.std(axis=0) > 0.1).mean() > 0.9  # single estimates do vary


@pytest.fixture(scope="module")
def features():
    cifar = load_cifar100_features()
    X = cifar.data[cifar.train_indices[:2000]]
    queries = cifar.data[cifar.query_indices[:300]]
    true = NearestNeighbors(n_neighbors=10, algorithm="brute").fit(X)
    return X, queries, true.kneighbors(queries, return_distance=False)


def share_found(distances, true):
    found = np.argsort(distances, axis=1, kind="stable")[:, :10]
    return (found[:, :, None] == true[:, None]).any(axis=1).mean()


def test_more_neighbours_of_real_features(features):
    X, queries, true = features
    hasher = ITQHasher(192, random_state=0).fit(X)
    values, asked = hasher.decision_function(X), hasher.decision_function(queries)
    squares = np.square(X - hasher.mean_).sum(axis=1)
    factors = asymmetric_factors(values, squares)
    recall = {
        name: share_found(asymmetric_distances(asked, values > 0, factors=given), true)
        for name, given in (("bits", None), ("factors", factors))
    }
    assert recall["factors"] > recall["bits"] + 0.02
    # an item is near itself, and the true distances are those that are estimated
    own = asymmetric_distances(values[:100], values[:100] > 0, factors=factors_of(factors, 100))
    assert (own.argmin(axis=1) == np.arange(100)).mean() > 0.95
    distances = asymmetric_distances(asked, values > 0, factors=factors)
    of_queries = np.square(queries - hasher.mean_).sum(axis=1) - np.square(asked).sum(axis=1)
    expected = cdist(queries, X) ** 2 - of_queries[:, None]
    assert np.corrcoef(distances.ravel(), expected.ravel())[0, 1] > 0.95


def factors_of(factors, n):
    return factors._replace(data=factors.data[:n])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rerank_sorts_by_the_same_distances(features, dtype):
    X, queries, _ = features
    hasher = ITQHasher(40, random_state=0).fit(X)
    values = hasher.decision_function(X)
    asked = hasher.decision_function(queries[:20]).astype(dtype)
    factors = asymmetric_factors(values)
    candidates = np.random.default_rng(0).integers(0, len(X), (20, 30))
    candidates[:, 3] = -1
    packed = pack_codes(values > 0)
    rows, distances = asymmetric_rerank(asked, candidates, packed, k=30, factors=factors)
    assert distances.dtype == dtype
    everything = asymmetric_distances(asked, packed, factors=factors)
    expected = np.take_along_axis(everything, candidates, axis=1)
    expected[:, 3] = np.inf
    np.testing.assert_allclose(distances, np.sort(expected, axis=1), rtol=1e-4)
    assert (rows[:, -1] == -1).all()


@pytest.mark.parametrize(
    ("values", "squares", "message"),
    [
        ([[1.0, np.nan]], None, "values contains NaN"),
        ([[1.0, 2.0]], [1.0, 2.0], "squared_distances must hold 1 numbers"),
        ([[1.0, 2.0]], [-1.0], "squared_distances must hold 1 numbers of 0 or more"),
    ],
)
def test_wrong_input_is_named(values, squares, message):
    with pytest.raises(ValueError, match=message):
        asymmetric_factors(values, squares)


def test_factors_must_go_with_the_codes():
    factors = asymmetric_factors([[1.0, -2.0], [0.5, 1.0]])
    with pytest.raises(ValueError, match="factors are of 2 items, but codes has 3"):
        asymmetric_distances([[1.0, 2.0]], np.zeros((3, 2), np.uint8), factors=factors)
    with pytest.raises(TypeError, match="factors must be what asymmetric_factors returns"):
        asymmetric_rerank([[1.0, 2.0]], [[0]], np.zeros((2, 2), np.uint8), factors=factors.data)
