"""The closed form from posterior and features to bits, against its parts written out."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.covariance import ShrunkCovariance
from sklearn.datasets import load_digits

from skhash._closed_form.posterior_map import (
    PosteriorMaps,
    _Covariances,
    _embed,
    sample_rows,
    smoothed_labels,
)
from skhash.codebooks import semantic_codebook
from skhash.metrics import mean_average_precision_score

SIMILARITY = np.array([[1, 0.8, 0.1], [0.8, 1, 0.1], [0.1, 0.1, 1]])


def test_smoothed_labels_by_hand():
    targets = smoothed_labels(SIMILARITY, 0.1)
    near, far = np.exp((0.8 - 1) / 0.15), np.exp((0.1 - 1) / 0.15)
    np.testing.assert_allclose(
        targets[0], [0.9, 0.1 * near / (near + far), 0.1 * far / (near + far)], rtol=1e-6
    )
    np.testing.assert_allclose(targets[2], [0.05, 0.05, 0.9], rtol=1e-6)
    np.testing.assert_array_equal(smoothed_labels(SIMILARITY, 0), np.eye(3))
    assert smoothed_labels(np.ones((1, 1)), 0.1) == 1
    assert SIMILARITY[0, 0] == 1  # untouched


def test_embedding_has_the_inner_products_of_the_similarity():
    embedding = _embed(SIMILARITY)
    np.testing.assert_allclose(embedding @ embedding.T, SIMILARITY, atol=1e-12)
    # what is not positive definite is met as far as possible
    indefinite = np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1.0]])
    values, vectors = np.linalg.eigh(indefinite)
    nearest = (vectors * values.clip(min=0)) @ vectors.T
    embedding = _embed(indefinite)
    np.testing.assert_allclose(embedding @ embedding.T, nearest, atol=1e-12)


@pytest.mark.parametrize("shrinkage", [0.03, 0.5])
def test_directions_shrink_what_varies_within_classes(shrinkage):
    random = np.random.default_rng(0)
    labels = random.integers(5, size=4000)
    X = random.normal(size=(5, 6))[labels] + random.normal(size=(4000, 6)) * [5, 1, 1, 1, 1, 1]
    X -= X.mean(axis=0)
    directions, means = _Covariances.of(X, labels, 6).discriminative(shrinkage, 4)
    expected_means = np.stack([X[labels == k].mean(axis=0) for k in range(5)])
    np.testing.assert_allclose(means[:5], expected_means @ directions, atol=1e-12)
    assert not means[5].any()  # a class without rows
    # the reference: scikit-learn's covariance of the rows about their class means
    within = ShrunkCovariance(shrinkage=shrinkage, assume_centered=True)
    shrunk = within.fit(X - expected_means[labels]).covariance_
    values, vectors = np.linalg.eigh(shrunk)
    whitened = X @ (vectors / np.sqrt(values)) @ vectors.T
    variances = np.linalg.eigvalsh(whitened.T @ whitened / 4000)[::-1]
    np.testing.assert_allclose((X @ directions).var(axis=0), variances[:4], rtol=1e-6)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    X = X.astype(np.float32)
    centres = np.stack([X[y == k].mean(axis=0) for k in range(10)])
    return X, y, softmax(X @ centres.T / 50 - np.square(centres).sum(axis=1) / 100, axis=1)


def bits(X, posterior, found):
    values = posterior @ found.classes + (X - found.mean) @ found.features + found.offset
    return (values > 0).astype(np.uint8)


def found_map(X, y, posterior, similarity=None, n_bits=16, **options):
    options = {"feature_weight": 1.0, "shrinkage": 0.5, **options}
    similarity = np.eye(10) if similarity is None else similarity
    return PosteriorMaps(X, y, similarity, n_bits, seed=0).find(posterior, **options)


def test_full_shrinkage_leaves_the_principal_components():
    random = np.random.default_rng(0)
    X, labels = random.normal(size=(300, 6)) * [6, 5, 4, 3, 2, 1], random.integers(3, size=300)
    X -= X.mean(axis=0)
    directions, _ = _Covariances.of(X, labels, 3).discriminative(1.0, 4)
    cosines = np.linalg.svd(X, full_matrices=False)[2][:4] @ directions
    cosines /= np.linalg.norm(directions, axis=0)
    np.testing.assert_allclose(np.abs(cosines), np.eye(4), atol=1e-6)


def test_codes_of_more_classes_than_bits_are_class_codes():
    """Where the features count for nothing and the posterior is certain."""
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(24), 20)
    X = random.normal(size=(480, 12)).astype(np.float32)
    similarity = np.where(np.arange(24)[:, None] // 3 == np.arange(24) // 3, 0.6, 0.1)
    np.fill_diagonal(similarity, 1)
    certain = np.eye(24, dtype=np.float32)
    found = found_map(X, labels, certain[labels], similarity, n_bits=10, feature_weight=0.0)
    codes = bits(X[:24], certain, found)
    expected = semantic_codebook(similarity, 10, random_state=0, max_sweeps=100)
    # the same bits, up to their order and which side is 1
    agreement = np.abs((2.0 * codes - 1).T @ (2.0 * expected - 1)) / 24
    assert sorted(agreement.argmax(axis=1)) == list(range(10))
    np.testing.assert_allclose(agreement.max(axis=1), 1)


def test_without_features_equal_posteriors_have_equal_codes(digits):
    X, y, posterior = digits
    found = found_map(X, y, posterior, feature_weight=0.0)
    assert not found.features.any()
    codes = bits(X[::-1], posterior, found)
    np.testing.assert_array_equal(codes, bits(X, posterior, found))


def test_features_carry_what_the_posterior_does_not(digits):
    X, y, posterior = digits
    blind = np.full_like(posterior, 0.1)
    codes = bits(X, blind, found_map(X, y, blind))
    assert mean_average_precision_score(codes, y, exclude_self=True) > 0.4
    both = bits(X, posterior, found_map(X, y, posterior))
    assert mean_average_precision_score(both, y, exclude_self=True) > 0.75


def test_units_and_origin_of_the_features_do_not_matter(digits):
    X, y, posterior = digits
    codes = bits(X, posterior, found_map(X, y, posterior))
    moved = 8 * X + 64
    again = bits(moved, posterior, found_map(moved, y, posterior))
    assert np.mean(codes != again) < 1e-3


def test_classes_in_another_order_give_the_same_distances(digits):
    X, y, posterior = digits
    similarity = np.exp(-np.abs(np.subtract.outer(np.arange(10), np.arange(10))) / 2)
    order = np.random.default_rng(0).permutation(10)
    codes = bits(X, posterior, found_map(X, y, posterior, similarity))
    found = found_map(
        X, np.argsort(order)[y], posterior[:, order], similarity[np.ix_(order, order)]
    )
    assert np.mean(codes != bits(X, posterior[:, order], found)) < 1e-2


@pytest.mark.parametrize("n_samples", [2, 3])
def test_few_rows_and_features_that_do_not_vary(n_samples):
    X, y = np.ones((n_samples, 3), dtype=np.float32), np.zeros(n_samples, dtype=int)
    found = found_map(X, y, np.full((n_samples, 10), 0.1))
    assert all(np.isfinite(part).all() for part in found)


def test_a_sample_of_rows_is_in_order_and_bounded():
    assert sample_rows(1000, np.random.RandomState(0)) == slice(None)
    rows = sample_rows(100_000, np.random.RandomState(0))
    assert len(rows) == 2**16
    assert (np.diff(rows) > 0).all()
