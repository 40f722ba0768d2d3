"""Rankings of vectors: what ties is what is equal, whatever else is in the database."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from skhash.metrics import mean_average_precision_score, precision_at_k_score


def test_a_far_item_leaves_the_others_apart():
    items = [[0.1], [0.2], [0.3], [1e6]]
    score = mean_average_precision_score(
        [[0.0]], ["a"], items, ["a", "b", "b", "b"], metric="euclidean"
    )
    assert score == 1


def test_a_far_query_leaves_the_others_as_they_are():
    rng = np.random.default_rng(0)
    items, labels = rng.normal(size=(60, 3)), rng.integers(0, 3, 60)
    queries = rng.normal(size=(5, 3))
    alone = mean_average_precision_score(
        queries, labels[:5], items, labels, metric="euclidean", per_query=True
    )
    among = mean_average_precision_score(
        np.vstack([queries, [[1e9, 0, 0]]]),
        labels[:6],
        items,
        labels,
        metric="euclidean",
        per_query=True,
    )
    np.testing.assert_array_equal(among[:5], alone)


@pytest.mark.parametrize("offset", [1e6, -3e7])
def test_an_offset_changes_nothing(offset):
    rng = np.random.default_rng(1)
    # on a grid, so that there are ties, and adding the offset is exact
    items, labels = rng.integers(0, 5, (80, 3)) / 8, rng.integers(0, 3, 80)
    plain, moved = (
        mean_average_precision_score(
            items + move, labels, metric="euclidean", exclude_self=True, per_query=True
        )
        for move in (0, offset)
    )
    np.testing.assert_allclose(moved, plain, rtol=1e-12)
    far = mean_average_precision_score(
        items * 1e-3 + offset, labels, metric="euclidean", exclude_self=True, per_query=True
    )
    np.testing.assert_allclose(far, plain, atol=0.02)


def test_neighbours_of_two_far_clusters():
    # the distances within a cluster are small beside the lengths of its vectors
    rng = np.random.default_rng(2)
    near, far = rng.normal(size=(2, 40, 4))
    items, labels = np.vstack([near, far + 1e7]), rng.integers(0, 2, 80)
    distances = cdist(items, items)
    options = {"exclude_self": True, "per_query": True}
    np.testing.assert_allclose(
        mean_average_precision_score(items, labels, metric="euclidean", **options),
        mean_average_precision_score(distances, labels, metric="precomputed", **options),
        rtol=1e-12,
    )


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_equal_vectors_tie(metric):
    # each item twice, once of the class of the query: in expectation half a hit at any rank
    rng = np.random.default_rng(3)
    half = rng.normal(size=(500, 30)).astype(np.float32)
    items, labels = np.vstack([half, half]), np.repeat([0, 1], 500)
    for k in (1, 2, 7, 100):
        score = precision_at_k_score(half[:20] + 1, np.zeros(20), items, labels, k=k, metric=metric)
        assert score == pytest.approx(0.5, abs=1e-12)


def test_equal_distances_of_different_vectors_tie():
    # at 0.1 from the query to all sides, where the digits of the differences are not the same
    query = np.array([[0.7, 0.3, 0.9]])
    steps = np.vstack([np.eye(3), -np.eye(3)]) / 10
    labels = [0, 1, 0, 1, 0, 1]
    for k in range(1, 7):
        bounds = [
            precision_at_k_score(
                query, [0], query + steps, labels, k=k, metric="euclidean", ties=ties
            )
            for ties in ("optimistic", "pessimistic")
        ]
        assert bounds == [min(k, 3) / k, max(k - 3, 0) / k]


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_near_duplicates_stay_apart(metric):
    # items at angles of some 1e-8 from the query, of which the nearest is the relevant one
    query = np.array([[1.0, 0.0]])
    items = np.array([[1.0, 3e-8], [1.0, 2e-8], [1.0, -1e-8]])
    score = precision_at_k_score(query, [0], items, [1, 1, 0], k=1, metric=metric)
    assert score == 1


def test_cosine_of_zeros_and_of_scaled_vectors():
    query, items = [[1.0, 1.0]], np.array([[0, 0], [1, -1], [3, 3], [0.1, 0.1], [-1, -1]])
    # in the order of the cosines: 1 and 1, then 0 and 0, then -1
    relevance = [[0, 1, 0, 1, 0]]
    options = {"metric": "cosine", "relevance": relevance}
    values = [precision_at_k_score(query, None, items, k=k, **options) for k in range(1, 6)]
    np.testing.assert_allclose(values, [1 / 2, 1 / 2, 1 / 2, 2 / 4, 2 / 5], rtol=1e-12)
