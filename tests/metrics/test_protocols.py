"""The published protocols of the guide's table: each row by its definition, on single rankings.

Rankings without ties have one value. With ties the published programs take whatever order a sort
leaves; the mean over all orders is what is compared.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy.integrate import trapezoid
from sklearn.metrics import ndcg_score as sklearn_ndcg_score

from skhash.metrics import (
    hierarchical_precision_score,
    hit_rate_score,
    mean_average_hierarchical_precision_score,
    mean_average_precision_at_r_score,
    mean_average_precision_score,
    mean_reciprocal_rank_score,
    ndcg_score,
    precision_at_k_score,
    precision_within_radius,
    r_precision_score,
    recall_at_k_score,
)

K = 3


@pytest.fixture(scope="module")
def relevance():
    """Of 20 queries some have nothing relevant at all, some nothing among the first."""
    rng = np.random.default_rng(0)
    matrix = rng.integers(0, 2, (20, 6)) * rng.integers(0, 2, (20, 1))
    assert not matrix.any(axis=1).all()
    return matrix


@pytest.fixture(scope="module", params=["distinct", "tied"])
def distances(request):
    rng = np.random.default_rng(1)
    if request.param == "distinct":
        return rng.random((20, 6))
    return rng.integers(0, 3, (20, 6))


def orders(distances):
    """All orders of the items in which distances do not fall."""
    for order in permutations(range(len(distances))):
        if np.all(np.diff(distances[list(order)]) >= 0):
            yield list(order)


def mean_of(published, distances, gains):
    """What a program makes of each query's ranked gains, by mean over orders and queries."""
    return np.mean(
        [
            np.mean([published(row[order].astype(float)) for order in orders(ranked)])
            for ranked, row in zip(distances, gains, strict=True)
        ]
    )


def ours(score, distances, relevance, **options):
    return score(
        distances, None, relevance=relevance, metric="precomputed", no_relevant="zero", **options
    )


def precisions_at_hits(ranked):
    places = np.flatnonzero(ranked) + 1
    return np.arange(1, len(places) + 1) / places


def calc_top_map(ranked, k=K):
    """The hashing toolboxes: the mean precision at the hits among the first k; 0 without a hit."""
    found = precisions_at_hits(ranked[:k])
    return found.mean() if len(found) else 0.0


def test_hashing_toolboxes(distances, relevance):
    expected = mean_of(calc_top_map, distances, relevance)
    value = ours(mean_average_precision_score, distances, relevance, k=K, normalizer="hits")
    assert value == pytest.approx(expected, abs=1e-12)
    # one of the two is not enough: this is what they are together
    total = ours(mean_average_precision_score, distances, relevance, k=K)
    skipped = mean_average_precision_score(
        distances,
        None,
        relevance=relevance,
        metric="precomputed",
        no_relevant="skip",
        k=K,
        normalizer="hits",
    )
    assert abs(total - expected) > 0.01
    assert abs(skipped - expected) > 0.01


def test_hashing_toolboxes_without_a_cut_off_drop_the_last_item(distances, relevance):
    expected = mean_of(lambda ranked: calc_top_map(ranked, -1), distances, relevance)
    value = ours(mean_average_precision_score, distances, relevance, k=5, normalizer="hits")
    assert value == pytest.approx(expected, abs=1e-12)


def test_precision_within_radius_of_the_toolboxes():
    rng = np.random.default_rng(2)
    queries, codes = rng.integers(0, 2, (40, 10)), rng.integers(0, 2, (9, 10))
    labels = rng.integers(0, 4, 40), rng.integers(0, 3, 9)
    expected = []
    for code, label in zip(queries, labels[0], strict=True):
        found = np.count_nonzero(codes != code, axis=1) <= 2
        expected.append((labels[1][found] == label).mean() if found.any() else 0)
    value, empty = precision_within_radius(
        queries, labels[0], codes, labels[1], radius=2, empty="zero", no_relevant="zero"
    )
    assert value == pytest.approx(np.mean(expected), abs=1e-12)
    assert empty > 0


TORCHMETRICS = {
    "RetrievalMAP": (calc_top_map, mean_average_precision_score, {"normalizer": "hits"}),
    "RetrievalPrecision": (lambda ranked: ranked[:K].sum() / K, precision_at_k_score, {}),
    "RetrievalRecall": (
        lambda ranked: ranked[:K].sum() / max(ranked.sum(), 1),
        recall_at_k_score,
        {},
    ),
    "RetrievalHitRate": (lambda ranked: float(ranked[:K].any()), hit_rate_score, {}),
    "RetrievalMRR": (
        lambda ranked: 1 / (1 + ranked.argmax()) if ranked[:K].any() else 0,
        mean_reciprocal_rank_score,
        {},
    ),
}


@pytest.mark.parametrize("name", TORCHMETRICS)
def test_torchmetrics(distances, relevance, name):
    published, score, options = TORCHMETRICS[name]
    expected = mean_of(published, distances, relevance)
    assert ours(score, distances, relevance, k=K, **options) == pytest.approx(expected, abs=1e-12)


def over_relevant(ranked, value):
    return value / ranked.sum() if ranked.any() else 0.0


def first_r(ranked):
    return ranked[: int(ranked.sum())]


TREC_EVAL = {
    "map": (
        lambda ranked: over_relevant(ranked, precisions_at_hits(ranked).sum()),
        mean_average_precision_score,
        {},
    ),
    "map_cut": (
        lambda ranked: over_relevant(ranked, precisions_at_hits(ranked[:K]).sum()),
        mean_average_precision_score,
        {"k": K},
    ),
    "P": (lambda ranked: ranked[:K].sum() / K, precision_at_k_score, {"k": K}),
    "recall": (
        lambda ranked: over_relevant(ranked, ranked[:K].sum()),
        recall_at_k_score,
        {"k": K},
    ),
    "Rprec": (
        lambda ranked: over_relevant(ranked, first_r(ranked).sum()),
        r_precision_score,
        {},
    ),
    "recip_rank": (
        lambda ranked: 1 / (1 + ranked.argmax()) if ranked.any() else 0,
        mean_reciprocal_rank_score,
        {},
    ),
    "success": (lambda ranked: float(ranked[:K].any()), hit_rate_score, {"k": K}),
}


@pytest.mark.parametrize("name", TREC_EVAL)
def test_trec_eval(distances, relevance, name):
    published, score, options = TREC_EVAL[name]
    expected = mean_of(published, distances, relevance)
    assert ours(score, distances, relevance, **options) == pytest.approx(expected, abs=1e-12)


def test_ndcg_of_trec_eval(distances):
    # gains are the relevance itself, and the ideal is cut at k too
    gains = np.random.default_rng(3).integers(0, 4, distances.shape)
    discounts = 1 / np.log2(np.arange(2, K + 2))

    def published(ranked):
        best = (np.sort(ranked)[::-1][:K] * discounts).sum()
        return (ranked[:K] * discounts).sum() / best if best else 0

    expected = mean_of(published, distances, gains)
    assert ours(ndcg_score, distances, gains, k=K) == pytest.approx(expected, abs=1e-12)


def test_ndcg_of_scikit_learn(distances):
    # averages over ties too, as torchmetrics does, which has it from there
    gains = np.random.default_rng(3).integers(0, 4, distances.shape)
    for k in (K, None):
        expected = sklearn_ndcg_score(gains, -distances, k=k)
        assert ours(ndcg_score, distances, gains, k=k) == pytest.approx(expected, abs=1e-12)


METRIC_LEARNING = {
    "precision_at_1": (lambda ranked: ranked[0], precision_at_k_score, {"k": 1}),
    "r_precision": (lambda ranked: first_r(ranked).mean(), r_precision_score, {}),
    "mean_average_precision_at_r": (
        lambda ranked: precisions_at_hits(first_r(ranked)).sum() / ranked.sum(),
        mean_average_precision_at_r_score,
        {},
    ),
    "mean_average_precision": (
        calc_top_map,
        mean_average_precision_score,
        {"k": K, "normalizer": "hits"},
    ),
    "Recall@k": (lambda ranked: float(ranked[:K].any()), hit_rate_score, {"k": K}),
}


@pytest.mark.parametrize("name", METRIC_LEARNING)
def test_metric_learning(distances, relevance, name):
    published, score, options = METRIC_LEARNING[name]
    # queries without a match are left out
    some = relevance.any(axis=1)
    expected = mean_of(published, distances[some], relevance[some])
    value = score(
        distances,
        None,
        relevance=relevance,
        metric="precomputed",
        no_relevant="skip",
        **options,
    )
    assert value == pytest.approx(expected, abs=1e-12)


def barz_and_denzler(ranked, own, k):
    """HP@k and the area under HP@1 to HP@k, as their program takes the query out.

    ``ranked`` are similarities in the order of retrieval, with 1 for the query at place ``own``.
    """
    best = np.sort(ranked)[::-1].cumsum()
    best = np.concatenate([best[:own], best[own + 1 :] - 1])
    curve = (np.delete(ranked, own).cumsum() / best)[:k]
    return curve[-1], trapezoid(curve, dx=1 / k)


@pytest.fixture(scope="module")
def ranked_images():
    """Similarities of 3 classes, codes without ties, queries that search themselves."""
    rng = np.random.default_rng(4)
    table = np.array([[1, 0.7, 0.2], [0.7, 1, 0.4], [0.2, 0.4, 1]])
    labels = np.repeat(np.arange(3), 5)
    distances = rng.random((15, 15)) + 1
    return table[labels][:, labels], distances


@pytest.mark.parametrize("k", [2, 6, 11])
def test_barz_and_denzler(ranked_images, k):
    similarity, distances = ranked_images
    distances = distances.copy()
    # every query finds itself first, as with real vectors
    np.fill_diagonal(distances, 0)
    order = np.argsort(distances, axis=1)
    published = [barz_and_denzler(s[row], 0, k) for s, row in zip(similarity, order, strict=True)]
    precision, area = np.mean(published, axis=0)
    options = {
        "similarity": similarity,
        "k": k,
        "metric": "precomputed",
        "exclude_self": True,
    }
    value = hierarchical_precision_score(distances, None, **options)
    assert value == pytest.approx(precision, abs=1e-12)
    value = mean_average_hierarchical_precision_score(
        distances, None, average="trapezoid", **options
    )
    assert value == pytest.approx(area, abs=1e-12)


def test_barz_and_denzler_where_the_query_comes_late(ranked_images):
    similarity, distances = ranked_images
    order = np.argsort(distances, axis=1)
    own = np.argmax(order == np.arange(15)[:, None], axis=1)
    k = 11
    published = [
        barz_and_denzler(s[row], place, k)[0]
        for s, row, place in zip(similarity, order, own, strict=True)
    ]
    values = hierarchical_precision_score(
        distances,
        None,
        similarity=similarity,
        k=k,
        metric="precomputed",
        exclude_self=True,
        per_query=True,
    )
    late = own >= k
    assert 0 < late.sum() < 15
    np.testing.assert_allclose(values[~late], np.array(published)[~late])
    # such a query is still in their ideal, though not in their ranking
    assert np.all(np.array(published)[late] < values[late] - 0.01)


def test_barz_and_denzler_by_hand():
    # the query comes third; of the others, similar by .5, .5 and .2, the best two came first
    ranked = np.array([0.5, 0.5, 1, 0.2])
    assert barz_and_denzler(ranked, 2, 2)[0] == pytest.approx(1 / 1.5)
    value = hierarchical_precision_score(
        [[1, 2, 3, 4]],
        None,
        similarity=ranked[None],
        k=2,
        metric="precomputed",
        exclude_self=[2],
    )
    assert value == 1
