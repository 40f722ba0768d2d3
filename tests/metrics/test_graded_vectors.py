"""Relevance by degrees from embeddings: as from the whole matrix, but never all of it at once."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from skhash.metrics import (
    hierarchical_precision_score,
    mean_average_hierarchical_precision_score,
    ndcg_score,
    precision_at_k_score,
)
from skhash.similarity import EmbeddingSimilarity

TARGETS = [
    EmbeddingSimilarity(),
    EmbeddingSimilarity(floor=-1),
    EmbeddingSimilarity(floor=0.1, temperature=0.3),
    EmbeddingSimilarity("euclidean", temperature=2.0),
]


def make_data(n_queries, n_database, n_bits=10, n_features=6, seed=0):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n_queries + n_database, n_features)).astype(np.float32)
    codes = (vectors @ rng.normal(size=(n_features, n_bits)) > 0).astype(np.uint8)
    return codes[:n_queries], vectors[:n_queries], codes[n_queries:], vectors[n_queries:]


class Recording(EmbeddingSimilarity):
    """Records what is prepared and the shapes that are compared."""

    def prepare(self, y, name="y"):
        self.prepared = [*getattr(self, "prepared", []), len(y)]
        return super().prepare(y, name)

    def compare(self, prepared_a, prepared_b):
        self.shapes = [*getattr(self, "shapes", []), (len(prepared_a), len(prepared_b))]
        return super().compare(prepared_a, prepared_b)


@pytest.mark.parametrize("target", TARGETS)
def test_without_ties_as_a_sort_gives(target):
    _, y, _, items = make_data(30, 200)
    rng = np.random.default_rng(1)
    distances, k = rng.random((30, 200)), 50
    gains = target(y, items)
    got = np.take_along_axis(gains, np.argsort(distances, axis=1), axis=1)[:, :k]
    best = -np.sort(-gains, axis=1)[:, :k]
    curve = got.cumsum(axis=1) / best.cumsum(axis=1)
    options = {"similarity": target, "metric": "precomputed", "per_query": True, "ties": "expected"}
    data = distances, y, None, items
    np.testing.assert_allclose(
        hierarchical_precision_score(*data, k=np.arange(1, k + 1), **options), curve, rtol=1e-6
    )
    np.testing.assert_allclose(
        mean_average_hierarchical_precision_score(*data, k=k, **options),
        curve.mean(axis=1),
        rtol=1e-6,
    )
    discount = 1 / np.log2(np.arange(2, k + 2))
    wanted = (got @ discount) / (best @ discount)
    np.testing.assert_allclose(ndcg_score(*data, k=k, **options), wanted, rtol=1e-6)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("ties", ["expected", "optimistic", "pessimistic"])
def test_blocks_agree_with_the_whole_matrix(target, ties, monkeypatch):
    query, y, codes, items = make_data(90, 300)
    dense = target(y, items)
    own = np.where(np.arange(90) % 3 == 0, np.arange(90), -1)
    scores = {}
    for pairs in (2**20, 2000):
        monkeypatch.setattr("skhash.metrics._hamming.HammingRanking.pairs_per_block", pairs)
        for similarity in (target, dense):
            options = {"similarity": similarity, "ties": ties, "exclude_self": own}
            options["no_relevant"] = "skip"
            scores[pairs, similarity is dense] = [
                hierarchical_precision_score(query, y, codes, items, k=20, **options),
                mean_average_hierarchical_precision_score(query, y, codes, items, k=40, **options),
                ndcg_score(query, y, codes, items, **options),
                precision_at_k_score(query, y, codes, items, k=10, threshold=0.5, **options),
            ]
    reference = scores.pop((2**20, True))
    for values in scores.values():
        np.testing.assert_allclose(values, reference, rtol=1e-9)


def test_vectors_are_prepared_once():
    query, y, codes, items = make_data(3000, 5000)
    target = Recording()
    hierarchical_precision_score(query, y, codes, items, similarity=target, k=50)
    assert target.prepared == [3000, 5000]
    assert sum(n for n, _ in target.shapes) == 3000
    assert {n for _, n in target.shapes} == {5000}
    assert max(n for n, _ in target.shapes) == 2**20 // 5000


def test_memory_does_not_grow_with_the_queries():
    query, y, codes, items = make_data(800, 50_000)
    peaks = []
    for n_queries in (100, 800):
        tracemalloc.start()
        try:
            hierarchical_precision_score(
                query[:n_queries], y[:n_queries], codes, items, similarity=TARGETS[0], k=100
            )
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]
    # a matrix of all similarities would take 320 MB
    assert peaks[1] < 80e6
