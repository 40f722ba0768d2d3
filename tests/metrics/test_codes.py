"""Diagnostics of codes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from skhash.metrics import (
    bit_balance,
    bit_correlation,
    class_distances,
    code_entropy,
    distance_similarity_correlation,
    mean_average_hierarchical_precision_score,
    mean_average_precision_score,
    mean_bit_correlation,
    n_distinct_codes,
    quantization_error,
    quantization_gap,
    retrieval_report,
)
from skhash.similarity import LabelSimilarity, PrecomputedSimilarity


@pytest.fixture(scope="module")
def codes():
    rng = np.random.default_rng(0)
    return (rng.random((300, 20)) < rng.random(20)).astype(np.uint8)


class TestBits:
    def test_balance(self, codes):
        np.testing.assert_allclose(bit_balance(codes), codes.sum(axis=0) / 300)

    def test_correlation_is_pearson(self, codes):
        np.testing.assert_allclose(bit_correlation(codes), np.corrcoef(codes.T), atol=1e-12)

    def test_constant_and_repeated_bits(self, codes):
        odd = np.column_stack([codes[:, :2], codes[:, 0], 1 - codes[:, 0], np.ones(300)])
        correlation = bit_correlation(odd)
        np.testing.assert_allclose(correlation[0, [2, 3]], [1, -1])
        np.testing.assert_array_equal(correlation[4], [0, 0, 0, 0, 1])

    def test_mean_correlation(self, codes):
        above = np.corrcoef(codes.T)[np.triu_indices(20, k=1)]
        assert mean_bit_correlation(codes) == pytest.approx(np.abs(above).mean())
        # of independent bits it is the mean absolute value of a normal of spread 1 / sqrt(n)
        fair = np.random.default_rng(1).integers(0, 2, (10_000, 64))
        assert mean_bit_correlation(fair) == pytest.approx(np.sqrt(2 / np.pi) / 100, rel=0.05)
        with pytest.raises(ValueError, match="two bits"):
            mean_bit_correlation(codes[:, :1])


class TestDistinctCodes:
    def test_against_sets_of_tuples(self, codes):
        for n_bits in (1, 5, 8, 20):
            assert n_distinct_codes(codes[:, :n_bits]) == len(set(map(tuple, codes[:, :n_bits])))

    def test_entropy(self):
        classes = np.repeat(np.eye(8), 25, axis=0)
        assert code_entropy(classes) == pytest.approx(3)
        assert code_entropy(classes[:25]) == 0
        assert code_entropy(np.unpackbits(np.arange(64, dtype=np.uint8)[:, None], axis=1)) == 6


class TestClassDistances:
    def test_against_all_pairs(self, codes):
        labels = np.random.default_rng(2).integers(0, 5, 300)
        labels[0] = 9
        classes, distances = class_distances(codes, labels)
        np.testing.assert_array_equal(classes, [0, 1, 2, 3, 4, 9])
        all_pairs = (codes[:, None] != codes).sum(axis=2).astype(float)
        np.fill_diagonal(all_pairs, np.nan)
        for i, a in enumerate(classes):
            for j, b in enumerate(classes):
                block = all_pairs[np.ix_(labels == a, labels == b)]
                if a == b == 9:
                    assert np.isnan(distances[i, j])
                else:
                    assert distances[i, j] == pytest.approx(np.nanmean(block))

    def test_correlation_with_similarity(self, codes):
        labels = np.arange(300) % 6
        similarity = np.random.default_rng(3).random((6, 6)).round(1)
        similarity = (similarity + similarity.T) / 2
        np.fill_diagonal(similarity, 1)
        distances = class_distances(codes, labels).distances
        above = np.triu_indices(6, k=1)
        score = distance_similarity_correlation(
            codes, labels, PrecomputedSimilarity(similarity, list(range(6)))
        )
        assert score == pytest.approx(spearmanr(distances[above], 1 - similarity[above])[0])

    def test_classes_equally_far_from_each_other(self):
        similarity = PrecomputedSimilarity(
            [[1, 0.5, 0.1], [0.5, 1, 0.2], [0.1, 0.2, 1]], ["a", "b", "c"]
        )
        labels = ["a", "b", "c", "c", "c"]
        one_hot = np.eye(3)[[0, 1, 2, 2, 2]]
        assert distance_similarity_correlation(one_hot, labels, similarity) == 0
        with pytest.raises(ValueError, match="equally similar"):
            distance_similarity_correlation(one_hot, labels, LabelSimilarity())

    def test_labels_are_checked(self, codes):
        with pytest.raises(ValueError, match="300 class labels"):
            class_distances(codes, np.zeros(299, dtype=int))
        with pytest.raises(ValueError, match="got vector labels"):
            class_distances(codes, np.random.default_rng(4).random((300, 2)))


class TestQuantization:
    def test_error(self):
        rng = np.random.default_rng(5)
        values = rng.normal(size=(50, 8))
        nearest = np.where(values > 0, 1, -1)
        assert quantization_error(values) == pytest.approx(np.abs(values - nearest).mean())
        shifted = (values + 1) / 2
        assert quantization_error(shifted, corners=(0, 1)) == pytest.approx(
            quantization_error(values)
        )
        with pytest.raises(ValueError, match="increasing"):
            quantization_error(values, corners=(1, 0))

    def test_no_gap_at_the_corners(self):
        rng = np.random.default_rng(6)
        codes, labels = rng.integers(0, 2, (80, 10)), rng.integers(0, 4, 80)
        result = quantization_gap(
            codes, labels, score=mean_average_precision_score, corners=(0, 1), exclude_self=True
        )
        assert result.gap == pytest.approx(0, abs=1e-12)
        assert result.binary == mean_average_precision_score(codes, labels, exclude_self=True)

    def test_scores_are_those_of_values_and_codes(self):
        rng = np.random.default_rng(7)
        labels = rng.integers(0, 4, 120)
        values = rng.normal(size=(4, 10))[labels] + rng.normal(size=(120, 10))
        data = (values[:20], labels[:20], values[20:], labels[20:])
        arguments = {"similarity": LabelSimilarity(), "k": 30}
        result = quantization_gap(
            *data, score=mean_average_hierarchical_precision_score, **arguments
        )
        assert result.continuous == mean_average_hierarchical_precision_score(
            *data, metric="cosine", **arguments
        )
        assert result.binary == mean_average_hierarchical_precision_score(
            values[:20] > 0, labels[:20], values[20:] > 0, labels[20:], **arguments
        )
        assert result.gap == result.continuous - result.binary
        assert result.gap > 0


def test_gap_of_a_report():
    rng = np.random.default_rng(0)
    values, labels = rng.normal(size=(60, 8)), rng.integers(0, 3, 60)
    gap = quantization_gap(values, labels, score=retrieval_report, k=[5, 9], exclude_self=True)
    assert gap.continuous["map"] == pytest.approx(
        mean_average_precision_score(values, labels, exclude_self=True, metric="cosine")
    )
    assert gap.binary["precision@radius<=2"] > 0
    assert set(gap.gap) == set(gap.continuous)
    for name in ("map", "recall@9"):
        assert gap.gap[name] == gap.continuous[name] - gap.binary[name]
