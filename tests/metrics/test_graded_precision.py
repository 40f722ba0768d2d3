"""ACG, WAP and H-AP by their definitions, over every order of the tied items; lists of k."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skhash.metrics import _graded_precision as graded_precision
from skhash.metrics import (
    average_cumulative_gain_score,
    hierarchical_average_precision_score,
    hierarchical_precision_score,
    hit_rate_score,
    mean_average_precision_score,
    ndcg_score,
    precision_at_k_score,
    recall_at_k_score,
    weighted_average_precision_score,
)
from skhash.similarity import EmbeddingSimilarity, TaxonomySimilarity, load_taxonomy

from .orders import TIES, counted_rankings, graded_rankings, over_orders

TOLERANCE = 1e-12


def wap_of_order(gains, k, n_relevant):
    """Weighted average precision of one ranking: the ACG at the rank of each relevant item."""
    top = gains[:k]
    return sum(top[: rank + 1].mean() for rank in np.flatnonzero(top)) / n_relevant


def hap_of_order(gains):
    """H-AP of one ranking: H-rank over rank, item by item."""
    hranks = [np.minimum(gain, gains[: rank + 1]).sum() for rank, gain in enumerate(gains)]
    return (hranks / np.arange(1, len(gains) + 1)).sum() / gains.sum()


@given(counted_rankings, st.sampled_from(TIES))
def test_gains_by_counts_over_all_orders(case, ties):
    distances, gains, k = case
    data = [distances], None
    arguments = {"relevance": [gains], "metric": "precomputed", "ties": ties}
    n_relevant = np.count_nonzero(gains)

    def expect(function):
        value = over_orders(lambda order: function(gains[order]), distances, ties)
        return pytest.approx(value, abs=TOLERANCE)

    assert average_cumulative_gain_score(*data, k=k, **arguments) == expect(lambda x: x[:k].mean())
    assert weighted_average_precision_score(*data, **arguments) == expect(
        lambda x: wap_of_order(x, None, n_relevant)
    )
    for normalizer, whole in [("total", n_relevant), ("min", min(n_relevant, k))]:
        assert weighted_average_precision_score(
            *data, k=k, normalizer=normalizer, **arguments
        ) == expect(lambda x: wap_of_order(x, k, whole))  # noqa: B023


@pytest.mark.parametrize("max_levels", [0, 128], ids=["merged", "by level"])
def test_hap_over_all_orders(monkeypatch, max_levels):
    monkeypatch.setattr(graded_precision, "_MAX_LEVELS", max_levels)

    @given(graded_rankings, st.sampled_from(TIES))
    def check(case, ties):
        distances, gains, _ = case
        score = hierarchical_average_precision_score(
            [distances], None, similarity=[gains], metric="precomputed", ties=ties
        )
        value = over_orders(lambda order: hap_of_order(gains[order]), distances, ties)
        assert score == pytest.approx(value, abs=TOLERANCE)

    check()


def make_classes(seed=0):
    rng = np.random.default_rng(seed)
    codes, query = rng.integers(0, 2, (150, 7)), rng.integers(0, 2, (9, 7))
    names = np.array(sorted(load_taxonomy("cifar100").leaves))[:12]
    labels, query_labels = names[rng.integers(0, 12, 150)], names[rng.integers(0, 12, 9)]
    return query, query_labels, codes, labels


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("device", [None, "cpu"])
def test_hap_of_classes_is_that_of_pairs(ties, device):
    query, query_labels, codes, labels = make_classes()
    similarity = TaxonomySimilarity("cifar100")
    options = {"ties": ties, "device": device, "per_query": True}
    by_class = hierarchical_average_precision_score(
        query, query_labels, codes, labels, similarity=similarity, **options
    )
    matrix = similarity(query_labels, labels)
    by_pair = hierarchical_average_precision_score(query, None, codes, similarity=matrix, **options)
    np.testing.assert_allclose(by_class, by_pair, rtol=1e-12)


def test_hap_is_the_mean_of_average_precisions_by_their_sizes():
    query, query_labels, codes, labels = make_classes(1)
    matrix = TaxonomySimilarity("cifar100")(query_labels, labels)
    levels = np.unique(matrix)
    levels = levels[levels > 0]
    weights, values = [], []
    for step, level in zip(np.diff(levels, prepend=0), levels):
        relevant = matrix >= level
        weights.append(step * relevant.sum(axis=1))
        values.append(
            mean_average_precision_score(
                query, None, codes, relevance=relevant, per_query=True, no_relevant="zero"
            )
        )
    score = hierarchical_average_precision_score(
        query, None, codes, similarity=matrix, per_query=True
    )
    np.testing.assert_allclose(score, np.average(values, axis=0, weights=weights), rtol=1e-12)


def test_hap_of_vectors_in_all_their_levels():
    rng = np.random.default_rng(0)
    vectors, query = rng.normal(size=(300, 5)), rng.normal(size=(4, 5))
    similarity = EmbeddingSimilarity()
    gains = similarity(query, vectors)
    distances = rng.permuted(np.tile(np.arange(300), (4, 1)), axis=1)
    score = hierarchical_average_precision_score(
        distances, query, None, vectors, similarity=similarity, metric="precomputed", per_query=True
    )
    by_hand = [hap_of_order(row[np.argsort(order)]) for row, order in zip(gains, distances)]
    np.testing.assert_allclose(score, by_hand, rtol=1e-12)


@pytest.mark.parametrize("exclude_self", [False, True])
@pytest.mark.parametrize("ties", TIES)
def test_binary_relevance_makes_them_average_precision(ties, exclude_self):
    query, query_labels, codes, labels = make_classes(2)
    if exclude_self:
        query, query_labels = codes, labels
    options = {"ties": ties, "exclude_self": exclude_self}
    data = (query, query_labels, codes, labels)
    same = (query_labels[:, None] == labels).astype(float)
    expected = mean_average_precision_score(*data, **options)
    assert weighted_average_precision_score(*data, **options) == pytest.approx(expected)
    assert hierarchical_average_precision_score(
        query, None, codes, similarity=same, **options
    ) == pytest.approx(expected)
    # and ACG precision
    assert average_cumulative_gain_score(*data, k=9, **options) == pytest.approx(
        precision_at_k_score(*data, k=9, **options)
    )


def test_label_sets_are_graded_by_shared_labels():
    rng = np.random.default_rng(3)
    codes, sets = rng.integers(0, 2, (80, 6)), rng.integers(0, 2, (80, 5))
    query, query_sets = codes[:10], sets[:10]
    shared = query_sets @ sets.T
    exclude = np.arange(10)
    for metric, options in [
        (average_cumulative_gain_score, {"k": 7}),
        (weighted_average_precision_score, {}),
        (ndcg_score, {"k": 20}),
        (ndcg_score, {"gain": "exponential"}),
    ]:
        assert metric(query, query_sets, codes, sets, exclude_self=exclude, **options) == metric(
            query, None, codes, relevance=shared, exclude_self=exclude, **options
        )
    score = average_cumulative_gain_score(query, query_sets, codes, sets, k=80)
    assert score == pytest.approx(shared.mean())


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("exclude_self", [False, True])
def test_a_list_of_cut_offs_is_each_of_them(ties, exclude_self):
    query, query_labels, codes, labels = make_classes(4)
    if exclude_self:
        query, query_labels = codes, labels
    options = {"ties": ties, "exclude_self": exclude_self, "per_query": True}
    data = (query, query_labels, codes, labels)
    ks = [20, 1, 2, 7, 140, 7]
    similarity = TaxonomySimilarity("cifar100")
    for metric, more in [
        (precision_at_k_score, {}),
        (recall_at_k_score, {}),
        (hit_rate_score, {}),
        (mean_average_precision_score, {"normalizer": "total"}),
        (mean_average_precision_score, {"normalizer": "min"}),
        (mean_average_precision_score, {"normalizer": "hits"}),
        (ndcg_score, {}),
        (ndcg_score, {"similarity": similarity}),
        (hierarchical_precision_score, {"similarity": similarity}),
        (average_cumulative_gain_score, {"similarity": similarity}),
        (weighted_average_precision_score, {"similarity": similarity, "normalizer": "min"}),
    ]:
        curve = metric(*data, k=ks, **more, **options)
        assert curve.shape == (len(query), len(ks))
        for k, values in zip(ks, curve.T, strict=True):
            np.testing.assert_allclose(
                values, metric(*data, k=k, **more, **options), rtol=0, atol=TOLERANCE
            )
        mean = metric(*data, k=ks, **more, **(options | {"per_query": False}))
        np.testing.assert_allclose(mean, curve.mean(axis=0))
