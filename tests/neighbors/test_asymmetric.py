"""Asymmetric distances: real queries against binary codes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from skhash import ITQHasher
from skhash.datasets import load_cifar100_features
from skhash.neighbors import _asymmetric, asymmetric_distances, asymmetric_rerank, pack_codes


def by_definition(values, codes):
    differs = codes[None].astype(bool) != (values > 0)[:, None]
    return (np.abs(values)[:, None] * differs).sum(axis=2)


def draw(n_queries, n_samples, n_bits, seed=0):
    random = np.random.default_rng(seed)
    codes = random.integers(0, 2, (n_samples, n_bits), dtype=np.uint8)
    return random.normal(size=(n_queries, n_bits)), codes


@given(st.integers(1, 100), st.integers(1, 5), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_distances_are_those_of_the_definition(n_bits, n_queries, n_samples, seed):
    values, codes = draw(n_queries, n_samples, n_bits, seed)
    values[np.abs(values) < 0.1] = 0  # no say: the bit may be either
    expected = by_definition(values, codes)
    np.testing.assert_allclose(asymmetric_distances(values, codes), expected, atol=1e-12)
    if n_bits > 1:
        packed = asymmetric_distances(values, pack_codes(codes))
        np.testing.assert_allclose(packed, expected, atol=1e-12)


def test_hamming_distance_is_the_case_of_plus_and_minus_one():
    _, codes = draw(1, 40, 24)
    values = 2.0 * codes[:7] - 1
    differing = (codes[:7, None] != codes[None]).sum(axis=2)
    np.testing.assert_array_equal(asymmetric_distances(values, codes), differing)


def test_values_of_the_lower_bound_bound_the_squared_distance():
    random = np.random.default_rng(0)
    queries, items = random.normal(size=(20, 12)), random.normal(size=(50, 12))
    bound = asymmetric_distances(queries * np.abs(queries), items > 0)
    squared = np.square(queries[:, None] - items[None]).sum(axis=2)
    assert (bound <= squared).all()
    assert (bound > 0).mean() > 0.9


def test_values_of_the_expectation_rank_by_distance_to_the_expected_item():
    random = np.random.default_rng(0)
    values, items = random.normal(size=(5, 8)), random.normal(0.3, 2, size=(300, 8))
    codes = items > 0
    ones, zeros = (np.nanmean(np.where(codes == bit, items, np.nan), axis=0) for bit in (1, 0))
    distances = asymmetric_distances((ones - zeros) * (values - (ones + zeros) / 2), codes)
    expected = np.square(values[:, None] - np.where(codes, ones, zeros)[None]).sum(axis=2)
    # half the squared distance, up to a constant of each query
    shifts = expected / 2 - distances
    np.testing.assert_allclose(shifts, np.broadcast_to(shifts[:, :1], shifts.shape), atol=1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_precision_is_that_of_the_values_and_no_distance_is_negative(dtype):
    values, _ = draw(200, 1, 96)
    values = values.astype(dtype)
    own = asymmetric_distances(values, values > 0)
    assert own.dtype == dtype
    assert own.min() >= 0
    assert np.abs(np.diag(own)).max() < 96 * np.finfo(dtype).eps * 10


@pytest.mark.parametrize("packed", [False, True])
def test_rerank_sorts_the_candidates(packed, monkeypatch):
    values, codes = draw(30, 200, 21)
    expected = by_definition(values, codes)
    random = np.random.default_rng(1)
    candidates = np.stack([random.permutation(200)[:17] for _ in values])
    database = pack_codes(codes) if packed else codes
    rows, distances = asymmetric_rerank(values, candidates, database)
    np.testing.assert_array_equal(np.sort(rows), np.sort(candidates))
    np.testing.assert_allclose(distances, np.take_along_axis(expected, rows, 1), atol=1e-12)
    assert (np.diff(distances) >= 0).all()

    first, shorter = asymmetric_rerank(values, candidates, database, k=4)
    np.testing.assert_array_equal(first, rows[:, :4])
    np.testing.assert_array_equal(shorter, distances[:, :4])

    monkeypatch.setattr(_asymmetric, "_BLOCK_BITS", 2000)
    np.testing.assert_array_equal(asymmetric_rerank(values, candidates, database)[0], rows)
    np.testing.assert_allclose(asymmetric_distances(values, database), expected, atol=1e-12)


def test_equal_distances_keep_their_order_and_missing_rows_come_last():
    codes = np.array([[0, 0], [1, 0], [0, 0], [1, 0]], dtype=np.uint8)
    rows, distances = asymmetric_rerank([[2.0, -1.0]], [[-1, 2, 3, 0, 1]], codes)
    np.testing.assert_array_equal(rows, [[3, 1, 2, 0, -1]])
    np.testing.assert_array_equal(distances, [[0, 0, 2, 2, np.inf]])


def test_reranking_what_faiss_finds_recovers_true_neighbors():
    faiss = pytest.importorskip("faiss")
    cifar = load_cifar100_features()
    X, queries = cifar.data[cifar.train_indices[:3000]], cifar.data[cifar.query_indices[:300]]
    truth = NearestNeighbors(n_neighbors=10, algorithm="brute").fit(X).kneighbors(queries)[1]
    hasher = ITQHasher(n_bits=64, random_state=0).fit(X)
    packed = pack_codes(hasher.transform(X))
    index = faiss.IndexBinaryFlat(64)
    index.add(packed)
    _, candidates = index.search(pack_codes(hasher.transform(queries)), 100)
    rows, _ = asymmetric_rerank(hasher.decision_function(queries), candidates, packed, k=10)

    def recall(found):
        return (found[:, :, None] == truth[:, None]).any(axis=1).mean()

    assert recall(rows) > recall(candidates[:, :10]) + 0.05


@pytest.mark.parametrize(
    ("values", "codes", "message"),
    [
        (np.ones((2, 16)), np.ones((3, 15), int), "16 columns of bits.*2 of bytes"),
        (np.ones((2, 16)), np.ones((3, 2), int), r"uint8.*int64 of shape \(3, 2\)"),
        (np.ones((2, 16)), np.ones(16, int), r"shape \(16,\)"),
        (np.ones((2, 3)), [[0, 1, 2]], "only 0 and 1"),
        ([[np.nan, 1]], [[0, 1]], "query_values contains NaN"),
    ],
)
def test_what_does_not_go_together_is_refused(values, codes, message):
    with pytest.raises(ValueError, match=message):
        asymmetric_distances(values, codes)
    with pytest.raises(ValueError, match=message):
        asymmetric_rerank(values, np.zeros((len(values), 1), int), codes)


@pytest.mark.parametrize(
    ("candidates", "k", "message"),
    [
        ([[0, 3]], None, "0 to 2, or -1; got 0 to 3"),
        ([[0, -2]], None, "got -2 to 0"),
        ([[0.0, 1.0]], None, "dtype float64"),
        ([0, 1], None, "for 1 queries, got"),
        ([[0], [1]], None, "for 1 queries, got"),
        ([[0, 1]], 3, "the 2 candidates, got 3"),
        ([[0, 1]], 0, "the 2 candidates, got 0"),
    ],
)
def test_candidates_must_be_rows(candidates, k, message):
    with pytest.raises(ValueError, match=message):
        asymmetric_rerank([[1.0, 2.0]], candidates, np.eye(3, 2, dtype=np.uint8), k=k)
