"""Codebooks that know nothing of the classes: distances, balance, what is impossible."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from skhash.codebooks import (
    balanced_codebook,
    bernoulli_codebook,
    hadamard_codebook,
    maxhd_codebook,
)

RANDOM = [bernoulli_codebook, balanced_codebook, maxhd_codebook]


def distances(codebook):
    return pdist(codebook, "cityblock")


@pytest.mark.parametrize("draw", RANDOM)
@pytest.mark.parametrize(
    ("n_classes", "n_bits"),
    [(1, 1), (2, 1), (3, 2), (4, 2), (8, 3), (100, 7), (128, 7), (100, 31), (100, 64), (9, 256)],
)
def test_codes_are_distinct_bits(draw, n_classes, n_bits):
    for seed in range(3):
        codebook = draw(n_classes, n_bits, seed)
        assert codebook.shape == (n_classes, n_bits)
        assert codebook.dtype == np.uint8
        assert set(np.unique(codebook)) <= {0, 1}
        assert len(np.unique(codebook, axis=0)) == n_classes


@pytest.mark.parametrize("draw", [*RANDOM, hadamard_codebook])
def test_random_state_decides(draw):
    first, again, other = draw(20, 32, 0), draw(20, 32, np.random.RandomState(0)), draw(20, 32, 1)
    np.testing.assert_array_equal(first, again)
    assert np.any(first != other)


@pytest.mark.parametrize("draw", [*RANDOM, hadamard_codebook])
def test_too_few_codes(draw):
    with pytest.raises(ValueError, match=r"n_bits=4 gives 16 codes.* 17 classes; 5 bits or more"):
        draw(17, 4, 0)


@pytest.mark.parametrize("draw", [*RANDOM, hadamard_codebook])
def test_sizes_are_counts(draw):
    with pytest.raises(ValueError, match=r"n_bits must be 1 or more, got 0"):
        draw(1, 0)
    with pytest.raises(TypeError, match=r"n_classes must be an int, got 2\.5"):
        draw(2.5, 8)


@pytest.mark.parametrize("n_bits", [20, 40])
def test_bernoulli_bits_are_fair_and_independent(n_bits):
    codebook = bernoulli_codebook(4000, n_bits, 0)
    deviation = 0.5 / np.sqrt(4000)
    assert np.abs(codebook.mean(axis=0) - 0.5).max() < 4 * deviation
    correlation = np.corrcoef(codebook.T) - np.eye(n_bits)
    assert np.abs(correlation).max() < 5 / np.sqrt(4000)


def test_bernoulli_distances_are_binomial():
    d = np.concatenate([distances(bernoulli_codebook(200, 64, seed)) for seed in range(5)])
    assert d.mean() == pytest.approx(32, abs=0.2)
    assert d.std() == pytest.approx(4, abs=0.1)


def test_bernoulli_draws_every_code_alike_often():
    counts = np.zeros(8)
    for seed in range(2000):
        counts[bernoulli_codebook(3, 3, seed) @ [4, 2, 1]] += 1
    assert counts / 2000 == pytest.approx(np.full(8, 3 / 8), abs=0.05)


@pytest.mark.parametrize(
    ("n_classes", "n_bits"),
    [(2, 1), (3, 2), (4, 2), (7, 3), (8, 3), (100, 7), (128, 7), (999, 10), (100, 31), (100, 64)],
)
def test_balanced_bits_and_mean_distance(n_classes, n_bits):
    for seed in range(5):
        codebook = balanced_codebook(n_classes, n_bits, seed)
        ones = codebook.sum(axis=0, dtype=int)
        assert np.all((ones == n_classes // 2) | (ones == (n_classes + 1) // 2))
        pairs_apart = (n_classes // 2) * ((n_classes + 1) // 2) * n_bits
        assert distances(codebook).sum() == pairs_apart


def test_balanced_codes_come_with_their_complements():
    codebook = balanced_codebook(100, 64, 0)
    assert np.all(squareform(distances(codebook)).max(axis=1) == 64)


def test_balanced_codes_say_nothing_of_the_order_of_the_classes():
    """Over seeds, every two classes are as far apart as any others."""
    total = sum(distances(balanced_codebook(6, 40, seed)) for seed in range(2000))
    assert total.std() < 0.05 * total.mean()


@pytest.mark.parametrize(("n_bits", "least"), [(32, 11), (64, 25), (128, 54)])
def test_maxhd_keeps_100_classes_apart(n_bits, least):
    for seed in range(2):
        codebook = maxhd_codebook(100, n_bits, seed)
        fair_coins = bernoulli_codebook(100, n_bits, seed)
        assert distances(codebook).min() >= least
        assert distances(codebook).min() > distances(fair_coins).min() + 3
        assert distances(codebook).mean() == pytest.approx(n_bits / 2, rel=0.02)


def test_maxhd_starts_at_its_bar():
    # 0.61 * 64 = 39.04; fair coins give 32 in the mean
    for seed in range(20):
        assert distances(maxhd_codebook(2, 64, seed)).min() >= 40
        assert distances(maxhd_codebook(20, 64, seed, min_distance=0.25)).min() >= 16


def test_maxhd_takes_codes_in_the_order_they_are_drawn():
    """By hand: a bar of 0 asks for nothing but another code."""
    draws = np.random.RandomState(5).randint(2, size=(2048, 2))
    _, first = np.unique(draws, axis=0, return_index=True)
    expected = draws[np.sort(first)]
    np.testing.assert_array_equal(maxhd_codebook(4, 2, 5, min_distance=0), expected)


def test_maxhd_agrees_with_one_draw_at_a_time():
    n_classes, n_bits, max_failures = 12, 10, 40
    for seed in range(5):
        draws = np.random.RandomState(seed).randint(2, size=(2048, n_bits))
        accepted, bar, n_failures = [], 61, 0
        for code in draws:
            if all(100 * np.sum(code != other) >= bar * n_bits for other in accepted):
                accepted.append(code)
                n_failures = 0
            else:
                n_failures += 1
            if n_failures == max_failures:
                bar, n_failures = bar - 1, 0
            if len(accepted) == n_classes:
                break
        assert len(accepted) == n_classes
        codebook = maxhd_codebook(n_classes, n_bits, seed, max_failures=max_failures)
        np.testing.assert_array_equal(codebook, accepted)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_distance": 1.5}, r"'min_distance' .* float in the range \[0.0, 1.0\]. Got 1\.5"),
        ({"min_distance": np.nan}, r"'min_distance' .* Got nan"),
        ({"max_failures": 0}, r"'max_failures' .* int in the range \[1, inf\). Got 0"),
    ],
)
def test_maxhd_options(options, message):
    with pytest.raises(ValueError, match=message):
        maxhd_codebook(4, 8, 0, **options)


@pytest.mark.parametrize(("n_classes", "n_bits"), [(2, 2), (5, 8), (8, 8), (100, 128), (64, 64)])
def test_hadamard_codes_are_exactly_half_of_the_bits_apart(n_classes, n_bits):
    for seed in range(3):
        assert np.all(distances(hadamard_codebook(n_classes, n_bits, seed)) == n_bits / 2)


@pytest.mark.parametrize(("n_classes", "n_bits"), [(2, 1), (4, 2), (9, 8), (100, 64), (128, 64)])
def test_hadamard_complements(n_classes, n_bits):
    d = distances(hadamard_codebook(n_classes, n_bits, 0))
    assert np.sum(d == n_bits) == n_classes - n_bits
    assert np.all((d == n_bits) | (d == n_bits / 2))


@pytest.mark.parametrize(("n_classes", "n_bits"), [(64, 64), (100, 128), (128, 64), (100, 64)])
def test_no_hadamard_bit_is_wasted(n_classes, n_bits):
    for seed in range(5):
        share = hadamard_codebook(n_classes, n_bits, seed).mean(axis=0)
        assert np.abs(share - 0.5).max() < 0.2


@pytest.mark.parametrize(
    ("n_classes", "n_bits", "possible"), [(10, 48, 64), (100, 32, 64), (17, 8, 16), (3, 3, 4)]
)
def test_hadamard_says_what_is_possible(n_classes, n_bits, possible):
    with pytest.raises(ValueError, match=rf"power of two.*n_bits={possible} would do"):
        hadamard_codebook(n_classes, n_bits, 0)
    assert len(hadamard_codebook(n_classes, possible, 0)) == n_classes
