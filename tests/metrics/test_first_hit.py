"""Hit rate, reciprocal rank, R-precision and mAP@R: every order of the tied items, one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import label_ranking_average_precision_score, top_k_accuracy_score

from skhash.metrics import (
    hit_rate_score,
    mean_average_precision_at_r_score,
    mean_average_precision_score,
    mean_reciprocal_rank_score,
    precision_at_k_score,
    r_precision_score,
)

from .orders import TIES, ap_of_order, binary_rankings, over_orders

TOLERANCE = 1e-12


@given(binary_rankings, st.sampled_from(TIES))
def test_over_all_orders(case, ties):
    distances, relevant, k = case
    data = [distances], None
    arguments = {"relevance": [relevant], "metric": "precomputed", "ties": ties}
    r = int(relevant.sum())

    def expect(function):
        value = over_orders(lambda order: function(relevant[order]), distances, ties)
        return pytest.approx(value, abs=TOLERANCE)

    def reciprocal(ranking):
        return 1 / (np.argmax(ranking) + 1) if ranking.any() else 0.0

    assert hit_rate_score(*data, k=k, **arguments) == expect(lambda x: float(x[:k].any()))
    assert mean_reciprocal_rank_score(*data, **arguments) == expect(reciprocal)
    assert mean_reciprocal_rank_score(*data, k=k, **arguments) == expect(
        lambda x: reciprocal(x[:k])
    )
    assert r_precision_score(*data, **arguments) == expect(lambda x: x[:r].mean())
    assert mean_average_precision_at_r_score(*data, **arguments) == expect(
        lambda x: ap_of_order(x, r, "total")
    )


def test_each_query_has_a_cut_off_of_its_own():
    rng = np.random.default_rng(0)
    query, codes = rng.integers(0, 2, (12, 6)), rng.integers(0, 2, (70, 6))
    labels = np.repeat([0, 1, 2], [5, 15, 50])
    query_labels = rng.integers(0, 3, 12)
    data = (query, query_labels, codes, labels)
    sizes = np.bincount(labels)[query_labels]
    r_precisions = r_precision_score(*data, per_query=True)
    at_r = mean_average_precision_at_r_score(*data, per_query=True)
    for i, size in enumerate(sizes):
        one = (query[i : i + 1], query_labels[i : i + 1], codes, labels)
        assert r_precisions[i] == pytest.approx(precision_at_k_score(*one, k=size))
        assert at_r[i] == pytest.approx(
            mean_average_precision_score(*one, k=size, normalizer="total")
        )


def test_the_first_of_one_is_the_share_of_its_group():
    # all items at one distance: the first is relevant with the share of the relevant ones
    codes, labels = np.zeros((1000, 4), dtype=int), np.repeat([0, 1], [30, 970])
    score = hit_rate_score([[0, 0, 0, 0]], [0], codes, labels, k=[1, 971])
    np.testing.assert_allclose(score, [0.03, 1], rtol=1e-12)
    # the mean over the places that the first of 30 can have, by the hypergeometric law
    places = np.arange(1, 972)
    later = np.cumprod(np.r_[1, (970 - places[:-1] + 1) / (1000 - places[:-1] + 1)])
    first = later * 30 / (1000 - places + 1)
    assert first.sum() == pytest.approx(1)
    score = mean_reciprocal_rank_score([[0, 0, 0, 0]], [0], codes, labels)
    assert score == pytest.approx((first / places).sum(), rel=1e-12)


@pytest.mark.parametrize("ties", TIES)
def test_a_query_with_nothing_relevant_has_no_value(ties):
    options = {"exclude_self": True, "no_relevant": "skip", "per_query": True, "ties": ties}
    codes, labels = np.eye(4, dtype=int), [0, 0, 0, 1]
    for values in (
        hit_rate_score(codes, labels, k=1, **options),
        hit_rate_score(codes, labels, k=[1, 2], **options)[:, 0],
        mean_reciprocal_rank_score(codes, labels, **options),
        r_precision_score(codes, labels, **options),
        mean_average_precision_at_r_score(codes, labels, **options),
    ):
        np.testing.assert_array_equal(np.isnan(values), [False, False, False, True])


def test_agrees_with_scikit_learn_without_ties():
    rng = np.random.default_rng(1)
    distances = rng.permuted(np.tile(np.arange(30), (40, 1)), axis=1)
    wanted = rng.integers(0, 30, 40)
    relevance = np.eye(30)[wanted]
    options = {"relevance": relevance, "metric": "precomputed"}
    # of one relevant item the average precision is the reciprocal rank
    assert mean_reciprocal_rank_score(distances, None, **options) == pytest.approx(
        label_ranking_average_precision_score(relevance, -distances)
    )
    for k in (1, 4, 29):
        assert hit_rate_score(distances, None, k=k, **options) == pytest.approx(
            top_k_accuracy_score(wanted, -distances, k=k, labels=np.arange(30))
        )
