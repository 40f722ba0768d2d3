"""The inter- and intra-class nearest-neighbour score."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from skhash.metrics import icnn_score

from .orders import SUMMARY, TIES, orders_of


def of_ranking(distances, same):
    """The score of one sample, from its k nearest neighbours in their order."""
    spread = distances[-1] - distances[0]
    u = (distances - distances[0]) / spread if spread else np.zeros(len(distances))
    return (np.where(same, 1 - u, u).mean() + same.mean()) / 2


def by_hand(codes, labels, k, ties):
    values = []
    for i in range(len(codes)):
        others = np.delete(np.arange(len(codes)), i)
        distances = (codes[others] != codes[i]).sum(axis=1)
        same = labels[others] == labels[i]
        values.append(
            SUMMARY[ties](
                [
                    of_ranking(distances[order][:k], same[order][:k])
                    for order in orders_of(distances)
                ]
            )
        )
    return np.mean(values)


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_over_all_orders(k, ties):
    for seed in range(8):
        rng = np.random.default_rng(seed)
        codes, labels = rng.integers(0, 2, (7, 3)), rng.integers(0, 3, 7)
        score = icnn_score(codes, labels, k=k, ties=ties)
        assert score == pytest.approx(by_hand(codes, labels, k, ties), abs=1e-12)


def test_bounds_and_extremes():
    # each class on one code, and the worst that there is: each beside the other class only
    corners = np.array(list(itertools.product([0, 1], repeat=3)))
    codes = np.repeat(corners, 6, axis=0)
    assert icnn_score(codes, np.repeat(np.arange(8), 6), k=5) == 1
    assert icnn_score(codes, np.arange(48) % 6, k=5) == 0
    rng = np.random.default_rng(0)
    codes, labels = rng.integers(0, 2, (60, 6)), rng.integers(0, 3, 60)
    low, mean, high = (
        icnn_score(codes, labels, k=4, ties=ties)
        for ties in ("pessimistic", "expected", "optimistic")
    )
    assert 0 < low < mean < high < 1


def test_a_class_of_one_counts():
    codes = np.array([[0, 0], [0, 0], [1, 1]])
    # the first two: nearest of the class, farthest of another; the last: two others, both at 2
    assert icnn_score(codes, [0, 0, 1], k=2) == pytest.approx(((1 + 0.5) / 2 * 2 + 0) / 3)


def test_bad_input():
    codes = np.eye(4, dtype=int)
    with pytest.raises(ValueError, match="k=4 is more than the database holds: 3 items but"):
        icnn_score(codes, [0, 0, 1, 1], k=4)
    with pytest.raises(ValueError, match="ties must be one of"):
        icnn_score(codes, [0, 0, 1, 1], k=2, ties="random")
