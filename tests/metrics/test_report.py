"""The report holds what the metrics say, from one pass."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.exceptions import UndefinedMetricWarning

from skhash.metrics import (
    average_cumulative_gain_score,
    hierarchical_average_precision_score,
    hierarchical_precision_score,
    hit_rate_score,
    mean_average_hierarchical_precision_score,
    mean_average_precision_at_r_score,
    mean_average_precision_score,
    mean_reciprocal_rank_score,
    ndcg_score,
    precision_at_k_score,
    precision_recall_curve,
    precision_within_radius,
    r_precision_score,
    recall_at_k_score,
    retrieval_report,
    weighted_average_precision_score,
)
from skhash.metrics._hamming import HammingRanking


@pytest.fixture(scope="module")
def case():
    rng = np.random.default_rng(0)
    codes, labels = rng.integers(0, 2, (150, 9)), rng.integers(0, 5, 150)
    table = rng.random((5, 5)).round(1)
    np.fill_diagonal(table, 1)
    return codes, labels, lambda a, b: table[np.asarray(a)][:, np.asarray(b)]


@pytest.mark.parametrize("ties", ["expected", "optimistic", "pessimistic"])
def test_scores_are_those_of_the_metrics(case, ties):
    codes, labels, similarity = case
    rank = {"exclude_self": True, "ties": ties}
    report = retrieval_report(codes, labels, similarity=similarity, k=[5, 40], radius=1, **rank)
    lookup = precision_within_radius(codes, labels, radius=1, exclude_self=True)
    expected = {
        "map": mean_average_precision_score(codes, labels, **rank),
        "map@r": mean_average_precision_at_r_score(codes, labels, **rank),
        "r_precision": r_precision_score(codes, labels, **rank),
        "mrr": mean_reciprocal_rank_score(codes, labels, **rank),
        "hap": hierarchical_average_precision_score(codes, labels, similarity=similarity, **rank),
        "precision@radius<=1": lookup.precision,
        "empty@radius<=1": lookup.empty,
    }
    for k in (5, 40):
        graded = {"similarity": similarity, "k": k, **rank}
        expected |= {
            f"map@{k}": mean_average_precision_score(codes, labels, k=k, **rank),
            f"precision@{k}": precision_at_k_score(codes, labels, k=k, **rank),
            f"recall@{k}": recall_at_k_score(codes, labels, k=k, **rank),
            f"hit_rate@{k}": hit_rate_score(codes, labels, k=k, **rank),
            f"ndcg@{k}": ndcg_score(codes, labels, **graded),
            f"hp@{k}": hierarchical_precision_score(codes, labels, **graded),
            f"mahp@{k}": mean_average_hierarchical_precision_score(codes, labels, **graded),
        }
    assert dict(report) == pytest.approx(expected, abs=1e-13)
    curve = precision_recall_curve(codes, labels, exclude_self=True)
    for reported, alone in zip(report.precision_recall, curve):
        np.testing.assert_allclose(reported, alone)


def test_one_pass(case, monkeypatch):
    codes, labels, similarity = case
    seen = []
    distances = HammingRanking._distances

    def spy(ranking, rows):
        seen.extend(rows)
        return distances(ranking, rows)

    monkeypatch.setattr(HammingRanking, "_distances", spy)
    retrieval_report(codes, labels, similarity=similarity, k=[5, 40], exclude_self=True)
    assert sorted(seen) == list(range(150))


def test_table_forms(case):
    codes, labels, similarity = case
    report = retrieval_report(
        codes[:40], labels[:40], codes, labels, similarity=similarity, k=5, exclude_self=range(40)
    )
    values = precision_at_k_score(
        codes[:40], labels[:40], codes, labels, k=5, exclude_self=range(40), per_query=True
    )
    frame = report.to_frame()
    assert list(frame.index) == list(report)
    assert frame.loc["precision@5", "score"] == pytest.approx(values.mean())
    assert frame.loc["precision@5", "standard_error"] == pytest.approx(
        values.std(ddof=1) / np.sqrt(40)
    )
    assert frame.loc["precision@5", "n_queries"] == 40
    np.testing.assert_array_equal(report.per_query["precision@5"], values)

    text, markup = str(report), report._repr_html_()
    for name, score in report.items():
        assert any(line.split()[:2] == [name, f"{score:.4f}"] for line in text.splitlines())
        assert f"{score:.4f}" in markup
    assert "precision@radius&lt;=2" in markup
    for said in ("queries: 40", "database: 150", "self excluded: 40", "ties: expected"):
        assert said in text
        assert said in markup


def test_without_similarity_gains_are_binary(case):
    codes, labels, _ = case
    report = retrieval_report(codes, labels, k=5, exclude_self=True)
    assert not {"hp@5", "mahp@5", "hap", "acg@5", "wap"} & set(report)
    assert report["ndcg@5"] == pytest.approx(ndcg_score(codes, labels, k=5, exclude_self=True))


def test_threshold_makes_similarity_binary(case):
    codes, labels, similarity = case
    report = retrieval_report(
        codes, labels, similarity=similarity, threshold=0.6, k=5, exclude_self=True
    )
    assert report["precision@5"] == pytest.approx(
        precision_at_k_score(
            codes, labels, similarity=similarity, threshold=0.6, k=5, exclude_self=True
        )
    )


def test_vectors_have_only_degrees_of_relevance(case):
    codes, _, _ = case
    vectors = np.random.default_rng(1).random((150, 3))
    report = retrieval_report(
        codes, vectors, similarity=lambda a, b: np.clip(a @ b.T, 0, 1), k=5, exclude_self=True
    )
    assert list(report) == ["ndcg@5", "hp@5", "mahp@5", "hap"]
    assert report.precision_recall is None


def test_vectors_to_rank_by_have_no_radius(case):
    codes, labels, similarity = case
    report = retrieval_report(
        codes, labels, similarity=similarity, k=5, metric="euclidean", exclude_self=True
    )
    hamming = retrieval_report(codes, labels, similarity=similarity, k=5, exclude_self=True)
    assert not any("r<=" in name for name in report)
    assert dict(report) == pytest.approx({name: hamming[name] for name in report}, abs=1e-12)


def test_queries_left_out_are_left_out_of_all(case):
    codes, labels = case[0], case[1].copy()
    labels[labels == 4] = np.arange(np.count_nonzero(labels == 4)) + 100
    alone = labels >= 100
    with pytest.warns(UndefinedMetricWarning, match=f"{alone.sum()} of 150") as record:
        report = retrieval_report(codes, labels, k=5, exclude_self=True)
    assert len(record) == 1
    for name, values in report.per_query.items():
        np.testing.assert_array_equal(np.isnan(values), alone, err_msg=name)
    report = retrieval_report(codes, labels, k=5, exclude_self=True, no_relevant="zero")
    assert report["map"] == pytest.approx(
        mean_average_precision_score(codes, labels, exclude_self=True, no_relevant="zero")
    )
    assert not any(np.isnan(values).any() for values in report.per_query.values())


def test_lookup_that_finds_nothing_has_no_precision():
    labels = [0, 0, 0, 1, 1, 1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = retrieval_report(np.eye(6), labels, k=2, radius=1, empty="skip", exclude_self=True)
    assert "precision@radius<=1" not in report
    assert report["empty@radius<=1"] == 1


@pytest.mark.parametrize("ties", ["expected", "optimistic", "pessimistic"])
def test_label_sets_are_graded_by_shared_labels(case, ties):
    codes = case[0]
    sets = np.random.default_rng(1).integers(0, 2, (150, 4))
    rank = {"exclude_self": True, "ties": ties, "no_relevant": "skip"}
    report = retrieval_report(codes, sets, k=9, **rank)
    assert "ndcg@9" not in report
    for name, score in {
        "ndcg@9:shared": ndcg_score(codes, sets, k=9, **rank),
        "acg@9": average_cumulative_gain_score(codes, sets, k=9, **rank),
        "wap": weighted_average_precision_score(codes, sets, **rank),
    }.items():
        assert report[name] == pytest.approx(score, abs=1e-13)
