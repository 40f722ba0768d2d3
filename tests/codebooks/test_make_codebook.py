"""make_codebook by name and by array, and the report."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from skhash.codebooks import (
    balanced_codebook,
    bernoulli_codebook,
    codebook_rank_correlation,
    codebook_report,
    hadamard_codebook,
    make_codebook,
    maxhd_codebook,
    semantic_codebook,
)
from skhash.metrics import distance_similarity_correlation
from skhash.similarity import PrecomputedSimilarity


@pytest.fixture(scope="module")
def similarity():
    points = np.random.RandomState(0).standard_normal((16, 3))
    return np.exp(-((points[:, np.newaxis] - points) ** 2).sum(axis=2) / 4)


@pytest.mark.parametrize(
    ("kind", "draw"),
    [
        ("maxhd", maxhd_codebook),
        ("bernoulli", bernoulli_codebook),
        ("balanced", balanced_codebook),
        ("hadamard", hadamard_codebook),
    ],
)
def test_names(kind, draw, similarity):
    expected = draw(16, 32, random_state=3)
    codebook = make_codebook(kind, 16, 32, similarity=similarity, random_state=3)
    np.testing.assert_array_equal(codebook, expected)


def test_semantic(similarity):
    codebook = make_codebook("semantic", 16, 8, similarity=similarity.tolist(), random_state=3)
    np.testing.assert_array_equal(codebook, semantic_codebook(similarity, 8, random_state=3))


@pytest.mark.parametrize(
    "given",
    [[[0, 1], [1, 1]], [[-1, 1], [1, 1]], [[False, True], [True, True]], [[-1.0, 1], [1, 1]]],
)
def test_array(given):
    codebook = make_codebook(given, 2, 2)
    assert codebook.dtype == np.uint8
    np.testing.assert_array_equal(codebook, [[0, 1], [1, 1]])


def test_array_is_copied():
    given = np.eye(3, dtype=np.uint8)
    codebook = make_codebook(given, 3, 3)
    codebook[0] = 1
    np.testing.assert_array_equal(given, np.eye(3))


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("orthogonal", {}, r"kind must be one of .*'semantic'\] or an array.*got 'orthogonal'"),
        ("semantic", {}, r"similarity must be given .* got None"),
        ("semantic", {"similarity": np.eye(3)}, r"must have shape \(2, 2\), got \(3, 3\)"),
        ("semantic", {"similarity": [[1, 2], [2, 1]]}, r"must have values in \[0, 1\], got 2\.0"),
        ("semantic", {"similarity": [[1, np.nan], [0, 1]]}, r"similarity contains NaN"),
        ("semantic", {"similarity": [[1, 0.2], [0.3, 1]]}, r"must be symmetric"),
        ("semantic", {"similarity": lambda a, b: a == b}, r"must be a matrix.*class_similarity"),
        ([[0, 1]], {}, r"codebook must have shape \(2, 2\).*got \(1, 2\)"),
        ([0, 1], {}, r"codebook must be an array of shape \(n_classes, n_bits\), got shape \(2,\)"),
        ([[0, 2], [1, 1]], {}, r"must hold bits, either 0 and 1 or -1 and 1, got 2"),
        ([[0, -1], [1, 1]], {}, r"mixed"),
        ([["0", "1"], ["1", "1"]], {}, r"must hold bits, got an array of dtype <U1"),
        ([[0, np.nan], [1, 1]], {}, r"got nan"),
        ([[0, 1], [0, 1]], {}, r"the same in rows 0 and 1"),
    ],
)
def test_refusals(kind, options, message):
    with pytest.raises(ValueError, match=message):
        make_codebook(kind, 2, 2, **options)


def test_too_many_classes():
    for kind in ("maxhd", "semantic", np.zeros((5, 2))):
        with pytest.raises(ValueError, match=r"n_bits=2 gives 4 codes, too few for 5 classes"):
            make_codebook(kind, 5, 2, similarity=np.eye(5))


def test_report_by_hand():
    # distances 1, 2, 3; shares of ones 1/3, 1/3, 1/3
    report = codebook_report([[0, 0, 0], [0, 0, 1], [1, 1, 0]])
    assert (report.min_distance, report.max_distance) == (1, 3)
    assert report.mean_distance == pytest.approx(2)
    assert report.balance == pytest.approx(1 / 6)
    assert "stress" not in report


def test_stress_by_hand():
    codebook = [[0, 0, 0, 0], [0, 0, 0, 1], [1, 1, 1, 1]]
    d = np.array([0.5, 1.0, 0.9])
    h = np.array([0.25, 1.0, 0.75])
    similarity = 1 - np.array([[0, 0.5, 1.0], [0.5, 0, 0.9], [1.0, 0.9, 0]])
    w = np.sqrt(0.2 / (0.2 + d))
    scales = np.linspace(0.5, 1.5, 100_001)[:, np.newaxis]
    expected = (w * (h - scales * d) ** 2).sum(axis=1).min() / w.sum()
    report = codebook_report(codebook, similarity, gamma=0.2, rho=0.5)
    assert report.stress == pytest.approx(expected, abs=1e-9)


def test_rank_correlation_agrees_with_scipy_and_the_metric(similarity):
    codebook = bernoulli_codebook(16, 12, 0)
    pairs = np.triu_indices(16, 1)
    h = (codebook[pairs[0]] != codebook[pairs[1]]).sum(axis=1)
    expected = spearmanr(h, 1 - similarity[pairs]).statistic
    assert codebook_rank_correlation(codebook, similarity) == pytest.approx(expected)
    assert codebook_report(codebook, similarity).rank_correlation == pytest.approx(expected)
    target = PrecomputedSimilarity(similarity, np.arange(16))
    metric = distance_similarity_correlation(codebook, np.arange(16), target)
    assert metric == pytest.approx(expected)


def test_rank_correlation_does_not_depend_on_names_of_bits_or_classes(similarity):
    codebook = bernoulli_codebook(16, 12, 0)
    value = codebook_rank_correlation(codebook, similarity)
    random_state = np.random.RandomState(1)
    flipped = codebook[:, random_state.permutation(12)] ^ random_state.randint(2, size=12)
    order = random_state.permutation(16)
    assert codebook_rank_correlation(flipped, similarity) == pytest.approx(value)
    reordered = similarity[np.ix_(order, order)]
    assert codebook_rank_correlation(codebook[order], reordered) == pytest.approx(value)


def test_rank_correlation_without_an_order(similarity):
    assert codebook_rank_correlation(hadamard_codebook(16, 16, 0), similarity) == 0
    assert np.isnan(codebook_rank_correlation(hadamard_codebook(16, 16, 0), np.eye(16)))


def test_report_needs_pairs():
    with pytest.raises(ValueError, match=r"2 classes or more, got 1"):
        codebook_report([[0, 1]])


@pytest.mark.parametrize("draw", [maxhd_codebook, bernoulli_codebook, balanced_codebook])
def test_codes_of_absurd_length_are_refused(draw):
    with pytest.raises(ValueError, match="n_bits must be at most 65536, got 1000000000"):
        draw(10, 10**9)
