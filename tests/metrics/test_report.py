"""The report holds what the metrics say, from one pass."""

from __future__ import annotations

import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import UndefinedMetricWarning

from skhash.metrics import (
    RetrievalReport,
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


@pytest.fixture(scope="module")
def few():
    """Three of ten queries have something to find."""
    rng = np.random.default_rng(3)
    return rng.integers(0, 2, (10, 6)), np.array([0, 0, 0, *range(1, 8)])


def test_queries_left_out_are_told(few):
    codes, labels = few
    report = retrieval_report(codes, labels, k=2, exclude_self=True, no_relevant="skip")
    assert report.conditions["queries"] == 10
    assert report.conditions["nothing relevant"] == 7
    text, markup = str(report), report._repr_html_()
    for told in (
        "queries: 10, nothing relevant: 7, no_relevant: skip",
        "empty: zero",
        "normalizer",
    ):
        assert told in text
        assert told in markup
    line = next(line for line in text.splitlines() if line.startswith("precision@2"))
    assert line.split()[-1] == "3"
    report = retrieval_report(codes, labels, k=2, exclude_self=True, no_relevant="zero")
    assert "queries: 10, nothing relevant: 7, no_relevant: zero" in str(report)
    assert next(line for line in str(report).splitlines()).split() == [
        "score",
        "std.",
        "error",
        "queries",
    ]


def test_policies_are_told(case):
    codes, labels, similarity = case
    report = retrieval_report(
        codes,
        labels,
        similarity=similarity,
        k=5,
        exclude_self=True,
        average="trapezoid",
        normalizer="hits",
        empty="skip",
    )
    said = {"average": "trapezoid", "normalizer": "hits", "empty": "skip", "no_relevant": "warn"}
    assert {name: report.conditions[name] for name in said} == said
    vectors = retrieval_report(codes, labels, k=5, metric="cosine", exclude_self=True)
    assert not {"average", "empty"} & set(vectors.conditions)


def test_one_query_has_no_standard_error(case):
    codes, labels, _ = case
    report = retrieval_report(codes[:1], labels[:1], codes, labels, k=5)
    assert np.isnan(report.standard_error("map"))
    assert report.to_frame()["standard_error"].isna().all()
    assert str(report).splitlines()[1].split()[2] == "nan"
    assert all(np.isnan(report.confidence_interval("map")))


def test_frame_needs_pandas(case, monkeypatch):
    codes, labels, _ = case
    report = retrieval_report(codes, labels, k=5, exclude_self=True)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="to_frame needs pandas: pip install pandas"):
        report.to_frame()
    with pytest.raises(ImportError, match="pip install pandas"):
        report.by_group("map").to_frame()


def test_intervals_are_those_of_the_mean(case):
    # of many queries the mean is nearly normal, and the interval nearly symmetric
    rng = np.random.default_rng(0)
    codes, labels = rng.integers(0, 2, (2000, 12)), rng.integers(0, 5, 2000)
    report = retrieval_report(codes, labels, k=20, exclude_self=True)
    low, high = report.confidence_interval("precision@20", random_state=0)
    half = 1.96 * report.standard_error("precision@20")
    assert low == pytest.approx(report["precision@20"] - half, abs=0.1 * half)
    assert high == pytest.approx(report["precision@20"] + half, abs=0.1 * half)
    again = report.confidence_interval("precision@20", random_state=0)
    assert again == (low, high)
    narrow = report.confidence_interval("precision@20", 0.5, random_state=0)
    assert low < narrow.low < narrow.high < high
    frame = report.to_frame(confidence_level=0.95, random_state=0)
    assert tuple(frame.loc["precision@20", ["low", "high"]]) == (low, high)


def test_intervals_hold_the_true_mean(case):
    # 95 % of the intervals should: of 200 fewer than 180 would be a chance of 1 in 2,000
    codes, labels, _ = case
    whole = retrieval_report(codes, labels, k=5, exclude_self=True)
    values = whole.per_query["map"]
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(200):
        rows = rng.integers(0, 150, 60)
        report = RetrievalReport({"map": values[rows]}, {})
        low, high = report.confidence_interval("map", random_state=rng.integers(2**31))
        inside += low <= values.mean() <= high
    assert 180 <= inside < 200


def test_interval_of_equal_values():
    report = RetrievalReport({"map": np.ones(9), "other": np.r_[np.ones(8), 1 - 1e-16]}, {})
    assert report.confidence_interval("map") == (1, 1)
    assert report.confidence_interval("other") == (1, 1)


def test_bad_names_and_levels(few):
    report = retrieval_report(*few, k=2, exclude_self=True, no_relevant="skip")
    with pytest.raises(ValueError, match=r"name must be one of 'map', 'map@2', .* got 'mAP'"):
        report.confidence_interval("mAP")
    with pytest.raises(ValueError, match="confidence_level must be between 0 and 1, got 95"):
        report.confidence_interval("map", 95)
    with pytest.raises(ValueError, match="name must be one of"):
        report.by_group("mAP")


def test_comparison_is_paired():
    # the second loses a little of every query, where queries differ by much
    rng = np.random.default_rng(0)
    values, labels = rng.random(400), rng.integers(0, 3, 400)
    ours = RetrievalReport({"map": values, "a": values}, {"ties": "expected"}, None, labels)
    theirs = RetrievalReport(
        {"map": values - 0.01 + 0.02 * rng.random(400), "b": values},
        {"ties": "expected"},
        None,
        labels,
    )
    table = theirs.compare(ours, random_state=0)
    assert table.rows == ["map"]
    differences = theirs.per_query["map"] - values
    assert table["difference"][0] == pytest.approx(differences.mean())
    assert table["higher"][0] == np.mean(differences > 0)
    half = 1.96 * differences.std(ddof=1) / 20
    assert table["low"][0] == pytest.approx(differences.mean() - half, abs=0.2 * half)
    assert table["high"][0] == pytest.approx(differences.mean() + half, abs=0.2 * half)
    low, high = ours.confidence_interval("map")
    assert high - low > 10 * (table["high"][0] - table["low"][0])
    back = ours.compare(theirs, random_state=0)
    assert back["difference"][0] == -table["difference"][0]
    assert back["higher"][0] == pytest.approx(1 - table["higher"][0])


def test_comparison_with_itself_and_of_what_both_have(few):
    codes, labels = few
    options = {"k": 2, "exclude_self": True, "no_relevant": "skip"}
    report = retrieval_report(codes, labels, **options)
    table = report.compare(report)
    assert table.rows == list(report)
    assert set(table["queries"]) == {3}
    assert not table["difference"].any()
    assert set(table["higher"]) == {0.5}
    cosine = retrieval_report(codes + 1, labels, metric="cosine", **options)
    assert report.compare(cosine).rows == list(cosine)
    assert table.to_frame().loc["map", "queries"] == 3
    assert "intervals: 95%" in str(table)


def test_reports_of_other_queries_are_not_compared(few):
    codes, labels = few
    options = {"k": 2, "exclude_self": True, "no_relevant": "skip"}
    report = retrieval_report(codes, labels, **options)
    with pytest.raises(ValueError, match=r"same queries .*: queries is 9 there and 10"):
        report.compare(retrieval_report(codes[:9], labels[:9], **options))
    with pytest.raises(ValueError, match="same queries in the same order: labels differ"):
        report.compare(retrieval_report(codes, labels[::-1], **options))
    with pytest.raises(ValueError, match="ties is optimistic there and expected here"):
        report.compare(retrieval_report(codes, labels, **options, ties="optimistic"))
    with pytest.raises(TypeError, match="other must be a RetrievalReport, got 3"):
        report.compare(3)


def test_breakdown_by_class(case):
    codes, labels, _ = case
    names = np.array(["ant", "bee", "cat", "dog", "eel"])[labels]
    report = retrieval_report(codes, names, k=5, exclude_self=True)
    table = report.by_group("precision@5")
    values = report.per_query["precision@5"]
    frame = pd.DataFrame({"value": values, "name": names}).groupby("name")["value"]
    expected = frame.agg(["mean", "sem", "size"]).sort_values("mean")
    assert table.rows == expected.index.tolist()
    np.testing.assert_allclose(table["score"], expected["mean"])
    np.testing.assert_allclose(table["standard error"], expected["sem"])
    np.testing.assert_array_equal(table["queries"], expected["size"])
    pd.testing.assert_frame_equal(
        report.by_group("precision@5", names).to_frame(), table.to_frame()
    )


def test_breakdown_by_any_group(few):
    codes, labels = few
    report = retrieval_report(codes, labels, k=2, exclude_self=True, no_relevant="skip")
    groups = [7, 8, 8, 9, 9, 9, 9, 9, 9, 9]
    table = report.by_group("map", groups)
    values = report.per_query["map"]
    # nine has no query with a value, seven has one
    assert table.rows[-1] == 9
    assert table["queries"].tolist()[-1] == 0
    assert np.isnan(table["score"][-1])
    of = dict(zip(table.rows, zip(table["score"], table["standard error"])))
    assert of[7][0] == values[0]
    assert np.isnan(of[7][1])
    assert of[8][0] == pytest.approx(values[1:3].mean())
    assert "map, by group" in table._repr_html_()
    with pytest.raises(ValueError, match="one group for each of 10 queries, got class labels of s"):
        report.by_group("map", groups[:9])
    vectors = retrieval_report(
        codes, codes + 0.5, similarity=lambda a, b: a @ b.T / 14, k=2, exclude_self=True
    )
    with pytest.raises(ValueError, match="the labels of this report are not classes"):
        vectors.by_group("hp@2")
    assert vectors.by_group("hp@2", groups)["queries"].sum() == 10


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
