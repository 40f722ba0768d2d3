"""There are several ways through the engine; all must lead to the same numbers."""

from __future__ import annotations

import numpy as np
import pytest

from skhash.metrics import _gains as gains_module
from skhash.metrics import (
    hierarchical_precision_score,
    mean_average_hierarchical_precision_score,
    mean_average_precision_score,
    ndcg_score,
    precision_at_k_score,
    precision_recall_curve,
    recall_at_k_score,
)
from skhash.metrics._hamming import HammingBlock, HammingRanking
from skhash.metrics._vectors import DistanceRanking

N_CLASSES = 6
TIES = ("expected", "optimistic", "pessimistic")


@pytest.fixture(scope="module")
def table():
    values = np.random.default_rng(0).random((N_CLASSES, N_CLASSES)).round(1)
    values = (values + values.T) / 2
    np.fill_diagonal(values, 1)
    return values


@pytest.fixture(scope="module")
def similarity(table):
    return lambda a, b: table[np.asarray(a)][:, np.asarray(b)]


def make_codes(n_queries=30, n_database=400, n_bits=12, seed=0):
    """Codes that scatter about one code for each class, so that there are ties of all sizes."""
    rng = np.random.default_rng(seed)
    centres = rng.integers(0, 2, (N_CLASSES, n_bits))
    labels = rng.integers(0, N_CLASSES, n_queries + n_database)
    codes = centres[labels] ^ (rng.random((len(labels), n_bits)) < 0.15)
    return codes[:n_queries], labels[:n_queries], codes[n_queries:], labels[n_queries:]


def all_scores(query, query_labels, database, database_labels, similarity, **arguments):
    """Every ranking metric, query by query, side by side."""
    data = (query, query_labels, database, database_labels)
    arguments = {"per_query": True, "ties": "expected", **arguments}
    graded = [
        hierarchical_precision_score(*data, similarity=similarity, k=[1, 5, 40], **arguments),
        mean_average_hierarchical_precision_score(*data, similarity=similarity, k=20, **arguments),
        ndcg_score(*data, similarity=similarity, k=25, **arguments),
        ndcg_score(*data, similarity=similarity, **arguments),
    ]
    binary = [
        precision_at_k_score(*data, k=7, **arguments),
        recall_at_k_score(*data, k=30, **arguments),
        mean_average_precision_score(*data, **arguments),
        mean_average_precision_score(*data, k=10, normalizer="min", **arguments),
        mean_average_precision_score(*data, k=10, normalizer="hits", **arguments),
        mean_average_precision_score(*data, similarity=similarity, threshold=0.5, **arguments),
    ]
    return np.column_stack(graded + binary)


def hamming(query, database):
    return np.count_nonzero(query[:, None] != database[None], axis=2)


# one word and several, whole and not, and more than a byte can count
@pytest.mark.parametrize("n_bits", [1, 12, 64, 65, 130, 300])
@pytest.mark.parametrize("ties", TIES)
def test_counting_agrees_with_sorting(n_bits, ties, similarity):
    query, query_labels, database, labels = make_codes(n_bits=n_bits)
    counted = all_scores(query, query_labels, database, labels, similarity, ties=ties)
    distances = hamming(query, database)
    sorted_ = all_scores(
        distances, query_labels, None, labels, similarity, metric="precomputed", ties=ties
    )
    np.testing.assert_allclose(counted, sorted_, atol=1e-12)


@pytest.mark.parametrize("ties", TIES)
def test_classes_agree_with_pairs(monkeypatch, ties, similarity):
    data = make_codes()
    by_class = all_scores(*data, similarity, ties=ties)
    monkeypatch.setattr(gains_module, "MAX_TABLE_CELLS", 0)
    by_pair = all_scores(*data, similarity, ties=ties)
    np.testing.assert_allclose(by_class, by_pair, atol=1e-12)


def test_matrix_agrees_with_callable(table, similarity):
    query, query_labels, database, labels = make_codes()
    matrix = table[query_labels][:, labels]
    for metric, given in [
        (ndcg_score, {"relevance": matrix}),
        (ndcg_score, {"similarity": matrix}),
        (mean_average_precision_score, {"relevance": matrix >= 0.5}),
        (mean_average_precision_score, {"similarity": matrix, "threshold": 0.5}),
    ]:
        threshold = {"threshold": 0.5} if metric is mean_average_precision_score else {}
        expected = metric(query, query_labels, database, labels, similarity=similarity, **threshold)
        score = metric(query, None, database, None, **given)
        assert score == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("pairs", [1, 3000, 2**22])
def test_blocks_do_not_matter(monkeypatch, pairs, similarity):
    data = make_codes()
    expected = all_scores(*data, similarity)
    monkeypatch.setattr(HammingRanking, "pairs_per_block", pairs)
    np.testing.assert_allclose(all_scores(*data, similarity), expected, rtol=1e-13)
    monkeypatch.setattr(DistanceRanking, "pairs_per_block", pairs)
    query, query_labels, database, labels = data
    by_distance = all_scores(
        hamming(query, database), query_labels, None, labels, similarity, metric="precomputed"
    )
    np.testing.assert_allclose(by_distance, expected, atol=1e-12)


def test_threads_do_not_matter(monkeypatch, similarity):
    monkeypatch.setattr(HammingRanking, "pairs_per_block", 2000)
    data = make_codes()
    np.testing.assert_array_equal(
        all_scores(*data, similarity), all_scores(*data, similarity, n_jobs=2)
    )


class TestNearPart:
    """Where k is small, only items within a guessed radius are counted."""

    def make(self, monkeypatch, order=None, safety=None):
        """Scores of a large database, and how many blocks counted only a part of it."""
        near = []
        find_near = HammingBlock._find_near

        def spy(block, *args):
            found = find_near(block, *args)
            near.append(found is not None)
            return found

        monkeypatch.setattr(HammingBlock, "_find_near", spy)
        if safety is not None:
            monkeypatch.setattr("skhash.metrics._hamming._SAFETY", safety)
        query, query_labels, database, labels = make_codes(n_database=3000, n_bits=20)
        order = np.arange(3000) if order is None else order(database, labels)
        data = (query, query_labels, database[order], labels[order])
        return data, near

    def score(self, data, similarity, **arguments):
        return mean_average_hierarchical_precision_score(
            *data, similarity=similarity, k=100, per_query=True, **arguments
        )

    def by_sorting(self, data, similarity, **arguments):
        query, query_labels, database, labels = data
        return mean_average_hierarchical_precision_score(
            hamming(query, database),
            query_labels,
            None,
            labels,
            similarity=similarity,
            k=100,
            per_query=True,
            metric="precomputed",
            **arguments,
        )

    @pytest.mark.parametrize("ties", TIES)
    def test_agrees_with_sorting(self, monkeypatch, similarity, ties):
        data, near = self.make(monkeypatch)
        scores = self.score(data, similarity, ties=ties)
        np.testing.assert_allclose(scores, self.by_sorting(data, similarity, ties=ties), atol=1e-12)
        assert any(near)

    def test_wrong_guess_is_made_good(self, monkeypatch, similarity):
        # far too small a radius
        data, near = self.make(monkeypatch, safety=-10)
        scores = self.score(data, similarity)
        np.testing.assert_allclose(scores, self.by_sorting(data, similarity), atol=1e-12)
        assert any(near)

    def test_database_that_misleads_the_sample(self, monkeypatch, similarity):
        def sampled_are_zeros_first(database, labels):
            order = np.argsort(database.sum(axis=1), kind="stable")
            sampled = np.arange(0, 3000, 17)
            out = np.empty(3000, dtype=int)
            out[sampled] = order[: len(sampled)]
            out[np.setdiff1d(np.arange(3000), sampled)] = order[len(sampled) :]
            return out

        data, _ = self.make(monkeypatch, order=sampled_are_zeros_first)
        scores = self.score(data, similarity)
        np.testing.assert_allclose(scores, self.by_sorting(data, similarity), atol=1e-12)


class TestInvariances:
    def test_order_of_the_database(self, similarity):
        query, query_labels, database, labels = make_codes()
        order = np.random.default_rng(1).permutation(len(labels))
        np.testing.assert_allclose(
            all_scores(query, query_labels, database, labels, similarity),
            all_scores(query, query_labels, database[order], labels[order], similarity),
            atol=1e-13,
        )

    def test_order_of_vectors_that_tie(self, similarity):
        rng = np.random.default_rng(2)
        query, query_labels, _, labels = make_codes()
        database = rng.standard_normal((20, 37))[rng.integers(0, 20, len(labels))]
        vectors = rng.standard_normal((len(query), 37))
        order = rng.permutation(len(labels))
        for metric in ("cosine", "euclidean"):
            np.testing.assert_allclose(
                all_scores(vectors, query_labels, database, labels, similarity, metric=metric),
                all_scores(
                    vectors,
                    query_labels,
                    database[order],
                    labels[order],
                    similarity,
                    metric=metric,
                ),
                atol=1e-12,
            )

    def test_order_of_the_queries(self, similarity):
        query, query_labels, database, labels = make_codes()
        order = np.random.default_rng(3).permutation(len(query))
        np.testing.assert_allclose(
            all_scores(query, query_labels, database, labels, similarity)[order],
            all_scores(query[order], query_labels[order], database, labels, similarity),
            rtol=1e-13,
        )

    def test_flipped_and_permuted_bits(self, similarity):
        query, query_labels, database, labels = make_codes()
        flip = np.arange(12) % 3 == 0
        bits = np.random.default_rng(4).permutation(12)

        def changed(codes):
            return (codes ^ flip)[:, bits]

        np.testing.assert_array_equal(
            all_scores(query, query_labels, database, labels, similarity),
            all_scores(
                (query ^ flip)[:, bits],
                query_labels,
                (database ^ flip)[:, bits],
                labels,
                similarity,
            ),
        )

    def test_types_of_codes(self, similarity):
        query, query_labels, database, labels = make_codes()
        expected = all_scores(query, query_labels, database, labels, similarity)
        for dtype in (bool, np.uint8, np.float32):
            scores = all_scores(
                query.astype(dtype), query_labels, database.astype(dtype), labels, similarity
            )
            np.testing.assert_array_equal(scores, expected)

    def test_names_of_classes(self, similarity):
        query, query_labels, database, labels = make_codes()
        names = np.array(["f", "ee", "d", "c", "bbb", "a"])
        number = {name: i for i, name in enumerate(names)}

        def by_name(a, b):
            return similarity([number[name] for name in a], [number[name] for name in b])

        np.testing.assert_allclose(
            all_scores(query, query_labels, database, labels, similarity),
            all_scores(query, names[query_labels], database, names[labels], by_name),
            rtol=1e-12,
        )

    def test_vectors_at_corners_rank_as_their_codes(self, similarity):
        query, query_labels, database, labels = make_codes()
        expected = all_scores(query, query_labels, database, labels, similarity)
        for metric, corner in [("cosine", 1), ("euclidean", 1), ("euclidean", 1e-4)]:
            scores = all_scores(
                (2.0 * query - 1) * corner,
                query_labels,
                (2.0 * database - 1) * corner,
                labels,
                similarity,
                metric=metric,
            )
            np.testing.assert_allclose(scores, expected, atol=1e-12)


class TestExcludeSelf:
    @pytest.mark.parametrize("ties", TIES)
    @pytest.mark.parametrize("metric", ["hamming", "cosine"])
    @pytest.mark.parametrize("by_pair", [False, True])
    def test_is_removing_the_row(self, monkeypatch, ties, metric, by_pair, similarity):
        if by_pair:
            monkeypatch.setattr(gains_module, "MAX_TABLE_CELLS", 0)
        codes, labels, _, _ = make_codes(n_queries=60, n_bits=6)
        codes = codes if metric == "hamming" else codes + 0.5
        arguments = {"metric": metric, "ties": ties}
        together = all_scores(codes, labels, None, None, similarity, exclude_self=True, **arguments)
        for i in range(0, 60, 7):
            others = np.arange(60) != i
            alone = all_scores(
                codes[[i]], labels[[i]], codes[others], labels[others], similarity, **arguments
            )
            np.testing.assert_allclose(together[[i]], alone, atol=1e-12)

    def test_rows_of_some_queries(self, similarity):
        query, query_labels, database, labels = make_codes()
        both = np.concatenate([query, database[:5]])
        both_labels = np.concatenate([query_labels, labels[:5]])
        own = np.r_[np.full(len(query), -1), np.arange(5)]
        scores = all_scores(both, both_labels, database, labels, similarity, exclude_self=own)
        outside = all_scores(query, query_labels, database, labels, similarity)
        np.testing.assert_allclose(scores[: len(query)], outside, atol=1e-13)
        inside = all_scores(database, labels, database, labels, similarity, exclude_self=True)
        np.testing.assert_allclose(scores[len(query) :], inside[:5], atol=1e-13)

    def test_given_distances(self, similarity):
        codes, labels, _, _ = make_codes(n_queries=60, n_bits=6)
        np.testing.assert_allclose(
            all_scores(
                hamming(codes, codes),
                labels,
                None,
                None,
                similarity,
                exclude_self=True,
                metric="precomputed",
            ),
            all_scores(codes, labels, None, None, similarity, exclude_self=True),
            atol=1e-12,
        )


class TestTorch:
    @pytest.mark.parametrize("ties", TIES)
    @pytest.mark.parametrize("n_bits", [12, 300])
    def test_agrees_with_numpy(self, ties, n_bits, similarity):
        data = make_codes(n_bits=n_bits)
        np.testing.assert_allclose(
            all_scores(*data, similarity, ties=ties, device="cpu"),
            all_scores(*data, similarity, ties=ties),
            atol=1e-12,
        )

    def test_gains_by_pair(self, table):
        query, query_labels, database, labels = make_codes()
        matrix = table[query_labels][:, labels]
        for ties in TIES:
            on_torch = ndcg_score(query, None, database, relevance=matrix, ties=ties, device="cpu")
            assert on_torch == pytest.approx(
                ndcg_score(query, None, database, relevance=matrix, ties=ties), abs=1e-12
            )

    def test_exclude_self(self, similarity):
        codes, labels, _, _ = make_codes(n_queries=60)
        arguments = {"similarity": similarity, "exclude_self": True}
        np.testing.assert_allclose(
            all_scores(codes, labels, None, None, device="cpu", **arguments),
            all_scores(codes, labels, None, None, **arguments),
            atol=1e-12,
        )

    def test_radii(self):
        data = make_codes()
        for on_torch, on_numpy in zip(
            precision_recall_curve(*data, device="cpu"), precision_recall_curve(*data)
        ):
            np.testing.assert_allclose(on_torch, on_numpy, atol=1e-13)
