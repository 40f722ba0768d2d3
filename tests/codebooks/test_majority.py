"""Majority codes of sets of classes."""

from itertools import product

import numpy as np
import pytest

from skhash.codebooks import bernoulli_codebook, majority_codes


def test_by_hand():
    codebook = [[1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1]]
    sets = [[1, 0, 0], [0, 1, 1], [1, 1, 1], [0, 0, 0]]
    expected = [[1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 0], [0, 1, 1, 0]]
    assert majority_codes(codebook, sets, ties=[0, 1, 1, 0]).tolist() == expected
    signed = 2 * np.array(codebook) - 1
    assert majority_codes(signed, sets, ties=[0, 1, 1, 0]).tolist() == expected


def test_no_code_is_nearer_to_those_of_the_set():
    random = np.random.default_rng(0)
    codebook = bernoulli_codebook(6, 7, random_state=0)
    sets = random.integers(2, size=(30, 6))
    codes = majority_codes(codebook, sets, ties=random.integers(2, size=7))
    assert codes.dtype == np.uint8
    all_codes = np.array(list(product([0, 1], repeat=7)))
    distances = (all_codes[:, None] != codebook).sum(axis=2)
    for labels, code in zip(sets, codes):
        own = (code != codebook).sum(axis=1) @ labels
        assert own == (distances @ labels).min()


def test_ties_do_not_lean_to_either_label():
    """Two labels are equally near to their majority, on average over fair coins."""
    random = np.random.default_rng(0)
    codebook = bernoulli_codebook(2, 4000, random_state=0)
    code = majority_codes(codebook, [[1, 1]], ties=random.integers(2, size=4000))
    first, second = (code != codebook).mean(axis=1)
    # a quarter each: half of the bits differ, and each is lost to a coin
    assert first == pytest.approx(0.25, abs=0.03)
    assert second == pytest.approx(0.25, abs=0.03)


def test_refuses_other_sizes():
    codebook = [[0, 1], [1, 0]]
    with pytest.raises(ValueError, match=r"indicators must have shape \(n_samples, 2\)"):
        majority_codes(codebook, [[1, 0, 1]], ties=[0, 1])
    with pytest.raises(ValueError, match="ties"):
        majority_codes(codebook, [[1, 0]], ties=[0, 1, 1])
