"""What is relevant, which queries count, and what is refused."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import UndefinedMetricWarning

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
from skhash.similarity import EmbeddingSimilarity, LabelSimilarity, MultilabelSimilarity

CODES = np.array([[0, 0, 0], [0, 0, 1], [0, 1, 1], [1, 1, 1]])
QUERY = np.array([[0, 0, 0]])


class TestRelevance:
    def test_classes_of_every_type(self):
        for query, labels in [
            (["a"], ["a", "b", "a", "c"]),
            ([1], [1, 2, 1, 3]),
            ([1.0], [1, 2, 1, 3]),
            ([True], [True, False, True, False]),
            (np.array(["a"], dtype=object), np.array(["a", "b", "a", "c"])),
            ([("a", 1)], [("a", 1), ("b", 1), ("a", 1), ("a", 2)]),
        ]:
            if isinstance(labels[0], tuple):
                query, labels = (to_objects(part) for part in (query, labels))
            score = mean_average_precision_score(QUERY, query, CODES, labels)
            assert score == pytest.approx((1 + 2 / 3) / 2)

    def test_classes_unknown_to_either_side(self):
        scores = mean_average_precision_score(
            CODES[:2],
            ["a", "z"],
            CODES,
            ["y", "a", "x", "a"],
            no_relevant="zero",
            per_query=True,
        )
        np.testing.assert_allclose(scores, [(1 / 2 + 2 / 4) / 2, 0])

    @pytest.mark.parametrize("container", [np.array, sparse.csr_array])
    def test_a_label_in_common(self, container):
        query = container([[1, 1, 0]])
        labels = container([[0, 1, 1], [0, 0, 1], [1, 1, 0], [0, 0, 0]])
        score = mean_average_precision_score(QUERY, query, CODES, labels)
        assert score == pytest.approx((1 + 2 / 3) / 2)

    def test_empty_label_sets_share_nothing(self):
        labels = [[1, 0], [0, 0], [1, 0], [0, 0]]
        score = precision_at_k_score(QUERY, [[0, 0]], CODES, labels, k=4, no_relevant="zero")
        assert score == 0

    def test_overlap_as_gain(self):
        query, labels = [[1, 1, 0]], [[0, 1, 1], [0, 0, 1], [1, 1, 0], [0, 0, 0]]
        # Jaccard 1/3, 0, 1, 0
        curve = hierarchical_precision_score(
            QUERY, query, CODES, labels, similarity=MultilabelSimilarity(), k=[1, 2, 3]
        )
        np.testing.assert_allclose(curve, [1 / 3, (1 / 3) / (4 / 3), 1])

    def test_vectors_need_a_similarity(self):
        vectors = np.random.default_rng(0).random((4, 5))
        with pytest.raises(ValueError, match="vectors are never equal"):
            mean_average_precision_score(CODES, vectors, exclude_self=True)

        def cosine(a, b):
            a, b = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (a, b))
            return a @ b.T

        gains = cosine(vectors, vectors)[0, 1:]
        score = hierarchical_precision_score(
            CODES[:1], vectors[:1], CODES[1:], vectors[1:], similarity=cosine, k=2
        )
        assert score == pytest.approx(gains[:2].sum() / np.sort(gains)[1:].sum())

    def test_one_hot_queries_beside_soft_labels(self):
        soft = np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8], [0.0, 1.0]])
        score = hierarchical_precision_score(
            QUERY, [[1, 0]], CODES, soft, similarity=lambda a, b: a @ b.T, k=1
        )
        assert score == pytest.approx(1)

    def test_hierarchical_precision_of_equality_is_precision(self):
        rng = np.random.default_rng(1)
        codes, labels = rng.integers(0, 2, (80, 8)), rng.integers(0, 2, 80)
        arguments = {"k": 20, "exclude_self": True}
        assert hierarchical_precision_score(
            codes, labels, similarity=LabelSimilarity(), **arguments
        ) == pytest.approx(precision_at_k_score(codes, labels, **arguments))

    def test_many_classes(self, monkeypatch):
        # as many classes as samples: the class table is not held
        rng = np.random.default_rng(2)
        codes, labels = rng.integers(0, 2, (60, 8)), np.arange(60) // 2
        table = rng.random((30, 30))
        arguments = {
            "similarity": lambda a, b: table[np.asarray(a)][:, np.asarray(b)],
            "k": 10,
            "exclude_self": True,
        }
        expected = mean_average_hierarchical_precision_score(codes, labels, **arguments)
        monkeypatch.setattr(gains_module, "MAX_TABLE_CELLS", 100)
        score = mean_average_hierarchical_precision_score(codes, labels, **arguments)
        assert score == pytest.approx(expected, abs=1e-13)


def to_objects(values):
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


class TestQueriesWithNothingRelevant:
    data = (CODES[[0, 3, 3]], ["a", "b", "nowhere"], CODES, ["a", "b", "a", "b"])

    @pytest.mark.parametrize(
        ("metric", "arguments"),
        [
            (precision_at_k_score, {"k": 2}),
            (recall_at_k_score, {"k": 2}),
            (mean_average_precision_score, {}),
            (mean_average_precision_score, {"k": 2, "normalizer": "hits"}),
            (ndcg_score, {}),
            (hierarchical_precision_score, {"similarity": LabelSimilarity(), "k": 2}),
            (mean_average_hierarchical_precision_score, {"similarity": LabelSimilarity(), "k": 2}),
        ],
    )
    def test_policies(self, metric, arguments):
        with pytest.warns(UndefinedMetricWarning, match="1 of 3 queries have nothing relevant"):
            warned = metric(*self.data, **arguments)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            skipped = metric(*self.data, no_relevant="skip", **arguments)
            zero = metric(*self.data, no_relevant="zero", **arguments)
            each = metric(*self.data, no_relevant="skip", per_query=True, **arguments)
        assert warned == skipped == pytest.approx(each[:2].mean())
        assert zero == pytest.approx(each[:2].sum() / 3)
        assert np.isnan(each[2])
        with pytest.raises(ValueError, match="1 of 3 queries"):
            metric(*self.data, no_relevant="raise", **arguments)

    def test_no_query_has_anything_relevant(self):
        with pytest.raises(ValueError, match="4 of 4 queries"):
            mean_average_precision_score(CODES, [0, 1, 2, 3], exclude_self=True, no_relevant="skip")

    @pytest.mark.parametrize("metric", [precision_recall_curve, mean_average_precision_score])
    def test_warning_points_at_the_caller(self, metric):
        with pytest.warns(UndefinedMetricWarning) as record:
            metric(*self.data)
        assert record[0].filename == __file__


LABELS = ["a", "b", "a", "b"]


class TestRefusals:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"k": 4}, "k=4 is more than the database holds: 3 items but the query"),
            ({"k": 0}, "k must be at least 1, got 0"),
            ({"k": 1.5}, "k must hold integers"),
            ({"k": [[1, 2]]}, "k must hold integers"),
            ({"k": []}, "k must hold integers"),
            ({"k": [1, 4]}, "k=4 is more than the database holds"),
            ({"k": None}, "k must hold integers"),
            ({"ties": "random"}, "ties must be one of 'expected', 'optimistic', 'pessimistic'"),
            ({"metric": "jaccard"}, "metric must be one of 'hamming', 'cosine'"),
            ({"no_relevant": "nan"}, "no_relevant must be one of 'warn'"),
            ({"exclude_self": False}, "say exclude_self=True"),
            ({"exclude_self": [0, 1, 2, 4]}, "-1 to 3; got 0 to 4"),
            ({"exclude_self": [0, 1]}, r"integers of shape \(4,\)"),
            ({"exclude_self": [1, 0, 3, 2]}, "labels of 4 of 4 queries differ"),
            ({"query_labels": LABELS[:3]}, "query_labels must hold 4 labels, got 3"),
            ({"query_labels": None}, "are needed"),
            ({"query_codes": CODES * 2 - 1}, "query_codes must hold only 0 and 1, got -1"),
            ({"database_labels": LABELS}, "database_labels came without database_codes"),
            (
                {"database_codes": CODES[:, :2], "database_labels": LABELS},
                "same number of columns, got 3 and 2",
            ),
            ({"database_codes": CODES[:3], "database_labels": LABELS[:3]}, "4 queries and 3 items"),
            ({"relevance": np.ones((4, 3))}, r"\(n_queries, n_database\) = \(4, 4\), got \(4, 3\)"),
            ({"relevance": np.full((4, 4), 0.5)}, "relevance must hold only 0 and 1"),
            ({"similarity": LabelSimilarity()}, "similarity and threshold go together"),
            ({"threshold": 0.5}, "similarity and threshold go together"),
            (
                {
                    "relevance": np.eye(4),
                    "similarity": LabelSimilarity(),
                    "threshold": 0.5,
                },
                "give one of them",
            ),
            ({"metric": "precomputed", "database_codes": CODES}, "in place of query_codes"),
            ({"metric": "cosine", "device": "cpu"}, "device='cpu' is for metric='hamming'"),
        ],
    )
    def test_message(self, arguments, message):
        complete = {"query_codes": CODES, "query_labels": LABELS, "exclude_self": True, "k": 2}
        with pytest.raises(ValueError, match=message):
            precision_at_k_score(**{**complete, **arguments})

    def test_kinds_of_labels(self):
        with pytest.raises(ValueError, match="one kind, got class and multilabel"):
            precision_at_k_score(CODES, LABELS, CODES, np.eye(4), k=2)
        with pytest.raises(ValueError, match="columns, got 3 and 4"):
            precision_at_k_score(CODES, np.eye(4)[:, :3], CODES, np.eye(4), k=2)

    def test_strings_beside_numbers(self):
        with pytest.raises(ValueError, match="one type"):
            precision_at_k_score(CODES, LABELS, CODES, [0, 1, 0, 1], k=2)

    def test_negative_gains(self):
        with pytest.raises(ValueError, match="must not be negative, got -1"):
            ndcg_score(CODES, None, relevance=np.eye(4) * 2 - 1, exclude_self=True)

    def test_similarity_that_is_no_target(self):
        with pytest.raises(TypeError, match="similarity must be a callable or a matrix"):
            hierarchical_precision_score(
                CODES, LABELS, similarity="taxonomy", k=1, exclude_self=True
            )
        with pytest.raises(ValueError, match=r"values in \[0, 1\]"):
            hierarchical_precision_score(
                CODES,
                LABELS,
                similarity=lambda a, b: np.full((len(a), len(b)), 2.0),
                k=1,
                exclude_self=True,
            )

    def test_missing_distances(self):
        with pytest.raises(ValueError, match="query_codes contains NaN"):
            precision_at_k_score([[np.nan, 1]], ["a"], None, ["a", "b"], k=1, metric="precomputed")


class TestThresholds:
    """Similarities that equal the threshold but for rounding reach it."""

    def test_sixths(self):
        # 1 - 5 / 6 is not the float nearest to 1 / 6
        similarity = np.full((1, 4), 1 - 5 / 6)
        assert similarity[0, 0] < 1 / 6
        score = precision_at_k_score(
            QUERY, None, CODES, similarity=similarity, threshold=1 / 6, k=4
        )
        assert score == 1

    def test_vectors_are_relevant_to_themselves(self):
        vectors = np.random.default_rng(0).normal(size=(200, 37))
        codes = np.random.default_rng(1).integers(0, 2, (200, 8))
        recall = recall_at_k_score(
            codes,
            vectors,
            codes,
            vectors,
            similarity=EmbeddingSimilarity(),
            threshold=1.0,
            k=200,
            no_relevant="raise",
            per_query=True,
        )
        np.testing.assert_array_equal(recall, 1)

    @pytest.mark.parametrize("threshold", [0.1, 0.3, 0.7, np.float32(0.7)])
    def test_single_and_double_precision(self, threshold):
        for dtype in (np.float32, np.float64):
            similarity = np.array([[threshold, threshold, threshold - 1e-4, 0]], dtype=dtype)
            score = precision_at_k_score(
                QUERY, None, CODES, similarity=similarity, threshold=threshold, k=4
            )
            assert score == 0.5

    def test_a_target_in_single_precision(self):
        def target(a, b):
            return np.full((len(a), len(b)), 0.7, dtype=np.float32)

        assert np.float64(np.float32(0.7)) < 0.7
        score = precision_at_k_score(
            QUERY, [0], CODES, [0, 1, 2, 3], similarity=target, threshold=0.7, k=4
        )
        assert score == 1

    def test_small_thresholds_are_above_zero(self):
        similarity = np.array([[1e-7, 0, 0, 2e-8]])
        score = precision_at_k_score(QUERY, None, CODES, similarity=similarity, threshold=1e-7, k=4)
        assert score == 1 / 4

    @pytest.mark.parametrize("threshold", [np.nan, np.inf, "0.5", True])
    def test_what_is_no_threshold(self, threshold):
        with pytest.raises(ValueError, match="threshold must be a finite number, got "):
            precision_at_k_score(
                QUERY, None, CODES, similarity=np.ones((1, 4)), threshold=threshold, k=1
            )


class TestSparse:
    def test_relevance(self):
        rng = np.random.default_rng(0)
        relevance = rng.integers(0, 4, (6, 30)) * (rng.random((6, 30)) < 0.3)
        relevance[:, 0] = 1
        query, database = rng.integers(0, 2, (6, 5)), rng.integers(0, 2, (30, 5))
        for container in (sparse.csr_array, sparse.coo_matrix, sparse.csc_array):
            for metric, matrix in [
                (ndcg_score, relevance),
                (mean_average_precision_score, relevance > 0),
            ]:
                assert metric(query, None, database, relevance=container(matrix)) == metric(
                    query, None, database, relevance=matrix
                )
        with pytest.raises(ValueError, match="relevance must hold only 0 and 1 here"):
            mean_average_precision_score(
                query, None, database, relevance=sparse.csr_array(relevance * 2)
            )

    def test_codes(self):
        labels = [0, 1, 0, 1]
        options = {"exclude_self": True}
        assert mean_average_precision_score(
            sparse.csr_array(CODES), labels, **options
        ) == mean_average_precision_score(CODES, labels, **options)


def test_a_class_is_no_similarity():
    with pytest.raises(TypeError, match=r"must be an instance, got the class MultilabelSimilarity"):
        hierarchical_precision_score(
            CODES, [0, 1, 0, 1], similarity=MultilabelSimilarity, k=1, exclude_self=True
        )


def test_exponential_gains_that_no_number_holds():
    relevance = [[2000, 1, 0, 3]]
    with pytest.raises(ValueError, match=r"relevance must be at most 512 .* got 2000"):
        ndcg_score(QUERY, None, CODES, relevance=relevance, gain="exponential")
    largest = [[512, 511, 0, 512]]
    assert 0 < ndcg_score(QUERY, None, CODES, relevance=largest, gain="exponential") <= 1


@pytest.mark.parametrize("device", ["cuda:99", "abacus"])
def test_devices_that_are_not_here(device):
    with pytest.raises(ValueError, match=f"device must be 'auto' or a device .* got '{device}'"):
        mean_average_precision_score(CODES, [0, 1, 0, 1], exclude_self=True, device=device)


def test_one_cut_off_or_several():
    labels = [0, 1, 0, 1]
    options = {"similarity": LabelSimilarity(), "exclude_self": True}
    curve = hierarchical_precision_score(CODES, labels, k=[2], **options)
    assert curve.shape == (1,)
    assert hierarchical_precision_score(CODES, labels, k=2, **options) == curve[0]
