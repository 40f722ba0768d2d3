"""Ranking metrics against the definitions: every order of the tied items, one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from skhash.datasets import load_cifar100_features
from skhash.metrics import (
    hierarchical_precision_score,
    mean_average_hierarchical_precision_score,
    mean_average_precision_score,
    ndcg_score,
    precision_at_k_score,
    recall_at_k_score,
)
from skhash.similarity import TaxonomySimilarity, load_taxonomy

from .orders import SUMMARY, ap_of_order, binary_rankings, graded_rankings, over_orders

TOLERANCE = 1e-12


def dcg_of_order(gains, k):
    return sum(gain / np.log2(rank + 2) for rank, gain in enumerate(gains[:k]))


@given(binary_rankings, st.sampled_from(sorted(SUMMARY)))
def test_binary_metrics_are_over_all_orders(case, ties):
    distances, relevant, k = case
    arguments = {"relevance": [relevant], "metric": "precomputed", "ties": ties}

    def expect(function):
        return pytest.approx(over_orders(function, distances, ties), abs=TOLERANCE)

    assert precision_at_k_score([distances], None, k=k, **arguments) == expect(
        lambda order: relevant[order][:k].mean()
    )
    assert recall_at_k_score([distances], None, k=k, **arguments) == expect(
        lambda order: relevant[order][:k].sum() / relevant.sum()
    )
    for normalizer in ("total", "min", "hits"):
        score = mean_average_precision_score(
            [distances], None, k=k, normalizer=normalizer, **arguments
        )
        assert score == expect(lambda order: ap_of_order(relevant[order], k, normalizer))  # noqa: B023
    assert mean_average_precision_score([distances], None, **arguments) == expect(
        lambda order: ap_of_order(relevant[order], len(order), "total")
    )


@given(graded_rankings, st.sampled_from(sorted(SUMMARY)))
def test_graded_metrics_are_over_all_orders(case, ties):
    distances, gains, k = case
    best = np.sort(gains)[::-1]
    by_similarity = {"similarity": [gains], "metric": "precomputed", "ties": ties}

    def expect(function):
        return pytest.approx(over_orders(function, distances, ties), abs=TOLERANCE)

    def hp(order):
        return gains[order].cumsum() / best.cumsum()

    assert hierarchical_precision_score([distances], None, k=k, **by_similarity) == expect(
        lambda order: hp(order)[k - 1]
    )
    assert mean_average_hierarchical_precision_score(
        [distances], None, k=k, **by_similarity
    ) == expect(lambda order: hp(order)[:k].mean())
    assert ndcg_score([distances], None, k=k, **by_similarity) == expect(
        lambda order: dcg_of_order(gains[order], k) / dcg_of_order(best, k)
    )
    assert ndcg_score([distances], None, gain="exponential", **by_similarity) == expect(
        lambda order: dcg_of_order(2 ** gains[order] - 1, None) / dcg_of_order(2**best - 1, None)
    )


TIED = [[0, 1, 1, 1, 2, 2]]
RELEVANT = {"relevance": [[1, 0, 1, 0, 1, 0]], "metric": "precomputed"}


class TestWorkedExamples:
    """The test vector of a ranking with ties, worked by hand."""

    @pytest.mark.parametrize(
        ("ties", "value"), [("expected", 0.757407), ("optimistic", 0.8667), ("pessimistic", 0.6667)]
    )
    def test_average_precision(self, ties, value):
        score = mean_average_precision_score(TIED, None, ties=ties, **RELEVANT)
        assert score == pytest.approx(value, abs=5e-5 if ties != "expected" else 5e-7)

    @pytest.mark.parametrize(("k", "value"), [(2, 2 / 3), (3, 5 / 9), (5, 0.5)])
    def test_precision(self, k, value):
        assert precision_at_k_score(TIED, None, k=k, **RELEVANT) == pytest.approx(value)

    @pytest.mark.parametrize(("k", "value"), [(None, 0.887906), (3, 0.646186)])
    def test_ndcg(self, k, value):
        score = ndcg_score(TIED, None, k=k, **RELEVANT)
        assert score == pytest.approx(value, abs=5e-7)

    @pytest.mark.parametrize(
        ("k", "hits", "total", "minimum"),
        [(2, 1, 0.4444, 0.6667), (3, 0.9444, 0.5185, 0.5185), (5, 0.8176, 0.6741, 0.6741)],
    )
    def test_normalizers(self, k, hits, total, minimum):
        for normalizer, value in [("hits", hits), ("total", total), ("min", minimum)]:
            score = mean_average_precision_score(TIED, None, k=k, normalizer=normalizer, **RELEVANT)
            assert score == pytest.approx(value, abs=5e-5), normalizer

    def test_hits_prefers_two_misses_to_a_second_hit(self):
        by_hits = {"metric": "precomputed", "k": 3, "normalizer": "hits"}
        one = mean_average_precision_score([[0, 1, 2]], None, relevance=[[1, 0, 0]], **by_hits)
        two = mean_average_precision_score([[0, 1, 2]], None, relevance=[[1, 0, 1]], **by_hits)
        assert one == 1
        assert two == pytest.approx(5 / 6)


# edges R-A, R-B, A-a1, A-a2, B-b1, B-Bx, Bx-b2: a1, a2, b1, b2 by 1 - height(lcs) / 3
LCS = np.array([[1, 2 / 3, 0, 0], [2 / 3, 1, 0, 0], [0, 0, 1, 1 / 3], [0, 0, 1 / 3, 1]])


def lcs(a, b):
    return LCS[np.asarray(a)][:, np.asarray(b)]


# query 0, whose item is 0, with the others returned in the order 3, 1, 5, 2, 4
RETURNED = {
    "query_codes": [[9, 1, 3, 0, 4, 2]],
    "query_labels": [0],
    "database_labels": [0, 0, 0, 1, 2, 3],
    "similarity": lcs,
    "exclude_self": [0],
    "metric": "precomputed",
}
CURVE = (2 / 3, 5 / 6, 5 / 8, 1, 1)


class TestHierarchicalExample:
    def test_curve(self):
        scores = hierarchical_precision_score(k=np.arange(1, 6), **RETURNED)
        np.testing.assert_allclose(scores, CURVE, rtol=TOLERANCE)
        for k, value in enumerate(CURVE, start=1):
            assert hierarchical_precision_score(k=k, **RETURNED) == pytest.approx(value)

    def test_average(self):
        assert mean_average_hierarchical_precision_score(k=5, **RETURNED) == pytest.approx(0.825)

    def test_curve_in_any_order_of_k(self):
        scores = hierarchical_precision_score(k=[5, 1, 3], **RETURNED)
        np.testing.assert_allclose(scores, [1, 2 / 3, 5 / 8], rtol=TOLERANCE)

    @pytest.mark.parametrize("k", [1, 2, 5])
    def test_trapezoid_is_the_area_under_the_curve(self, k):
        area = np.trapezoid(CURVE[:k], dx=1 / k)
        score = mean_average_hierarchical_precision_score(k=k, average="trapezoid", **RETURNED)
        assert score == pytest.approx(area, abs=TOLERANCE)


def test_barz_and_denzler_formula_without_ties():
    rng = np.random.default_rng(0)
    labels, queries = rng.integers(0, 4, 40), rng.integers(0, 4, 6)
    distances = rng.permuted(np.tile(np.arange(40), (6, 1)), axis=1)
    arguments = {
        "metric": "precomputed",
        "database_labels": labels,
        "similarity": lcs,
        "per_query": True,
    }
    scores = mean_average_hierarchical_precision_score(
        distances, queries, k=25, average="trapezoid", **arguments
    )
    for query, row, score in zip(queries, distances, scores):
        gains = LCS[query, labels]
        hp = gains[np.argsort(row)].cumsum() / np.sort(gains)[::-1].cumsum()
        assert score == pytest.approx(hp[:25].mean() - (hp[0] + hp[24]) / 50, abs=TOLERANCE)


@pytest.mark.parametrize("k", [None, 1, 7, 30])
def test_ndcg_agrees_with_scikit_learn_on_ties(k):
    rng = np.random.default_rng(1)
    distances = rng.integers(0, 5, (8, 30))
    relevance = rng.random((8, 30))
    score = ndcg_score(distances, None, k=k, relevance=relevance, metric="precomputed")
    assert score == pytest.approx(
        sklearn_metrics.ndcg_score(relevance, -distances, k=k), abs=TOLERANCE
    )


def test_average_precision_agrees_with_scikit_learn_without_ties():
    rng = np.random.default_rng(2)
    distances = rng.permuted(np.tile(np.arange(50), (8, 1)), axis=1)
    relevance = rng.random((8, 50)) < 0.2
    scores = mean_average_precision_score(
        distances, None, relevance=relevance, metric="precomputed", per_query=True
    )
    for score, relevant, row in zip(scores, relevance, distances):
        assert score == pytest.approx(
            sklearn_metrics.average_precision_score(relevant, -row), abs=TOLERANCE
        )


def test_hits_of_a_large_cut_group():
    # 400 tied items, 40 of them relevant, cut at 100: the mean over sampled orders comes near
    rng = np.random.default_rng(3)
    relevant = np.arange(401) % 10 == 0
    distances = np.r_[0, np.ones(400)][None]
    score = mean_average_precision_score(
        distances, None, relevance=[relevant], metric="precomputed", k=100, normalizer="hits"
    )
    sampled = [
        ap_of_order(np.r_[relevant[0], rng.permutation(relevant[1:])], 100, "hits")
        for _ in range(3000)
    ]
    assert score == pytest.approx(np.mean(sampled), abs=4 * np.std(sampled) / np.sqrt(3000))


@pytest.fixture(scope="module")
def score_of_class_codes():
    """mAHP@k on CIFAR-100, 500 items of each class, where every class has one code."""
    similarity = TaxonomySimilarity(load_taxonomy("cifar100"), measure="lcs_height")
    names = np.array(load_cifar100_features().target_names)
    items = np.repeat(np.arange(100), 500)

    def score(class_codes, k):
        return mean_average_hierarchical_precision_score(
            class_codes, names, class_codes[items], names[items], similarity=similarity, k=k
        )

    return score


@pytest.mark.parametrize(("k", "value"), [(250, 1), (2500, 0.664)])
def test_orthogonal_codes_of_the_cifar_classes(score_of_class_codes, k, value):
    assert score_of_class_codes(np.eye(100), k) == pytest.approx(value, abs=5e-4)


@pytest.mark.parametrize(("k", "value"), [(250, 0.184), (2500, 0.208)])
def test_random_ranking_of_the_cifar_classes(score_of_class_codes, k, value):
    assert score_of_class_codes(np.zeros((100, 8)), k) == pytest.approx(value, abs=5e-4)
