"""Validation by retrieval: recall with ties, and which states are better than the start."""

import numpy as np
import pytest
import torch
from torch import nn

from skhash._torch.data import Rows
from skhash._torch.retrieval import RetrievalJudge, expected_recall
from skhash.metrics import recall_at_k_score


def test_expected_recall_is_that_of_the_metric():
    random = np.random.default_rng(0)
    queries, codes = random.integers(0, 2, (20, 5)), random.integers(0, 2, (40, 5))
    true = np.argsort(random.random((2, 20, 40)), axis=2)[:, :, :4]
    cutoffs, expected = [1, 7, 40], []
    for k in cutoffs:
        for rows in true:
            relevance = np.zeros((20, 40), dtype=bool)
            np.put_along_axis(relevance, rows, True, axis=1)
            expected.append(recall_at_k_score(queries, None, codes, None, k=k, relevance=relevance))
    distances = torch.from_numpy((queries[:, None] != codes).sum(axis=2)).float()
    recall = expected_recall(distances, torch.from_numpy(true), cutoffs)
    np.testing.assert_allclose(recall.mean(dim=1), expected, rtol=1e-6)


def judge_of(encoder, X, metric="euclidean"):
    rows = torch.arange(len(X))
    center = torch.from_numpy(X.mean(axis=0))
    data = Rows(X, torch.device("cpu"))
    return RetrievalJudge(encoder, data, rows[300:], rows[:300], center, metric)


def linear(directions):
    layer = nn.Linear(*directions.shape, bias=False)
    layer.weight.data.copy_(directions.T)
    return layer


@pytest.fixture(scope="module")
def plane():
    """Points that differ in two of six directions only."""
    X = 0.01 * np.random.default_rng(0).normal(size=(1500, 6))
    X[:, :2] *= 100
    return X.astype(np.float32)


@pytest.fixture(scope="module")
def directions():
    """Sixteen of them around the plane, as good as can be, and the same with noise."""
    angles = torch.arange(16) * torch.pi / 16
    good = torch.zeros(6, 16)
    good[0], good[1] = angles.cos(), angles.sin()
    noise = torch.randn(6, 16, generator=torch.Generator().manual_seed(0))
    return good, good + 50 * noise * (torch.arange(6) > 1)[:, None]


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_what_finds_more_is_better_and_what_finds_less_is_not(plane, directions, metric):
    good, bad = directions
    encoder = linear(bad)
    judge = judge_of(encoder, plane, metric)
    missed, kept = judge()
    assert kept
    assert judge() == (missed, False)  # the same is no better
    encoder.weight.data.copy_(good.T)
    missed_less, kept = judge()
    assert kept
    assert missed_less < missed
    judge = judge_of(encoder, plane, metric)
    judge()
    encoder.weight.data.copy_(bad.T)
    missed_more, kept = judge()
    assert not kept
    assert missed_more > missed_less


def test_one_kind_of_recall_must_not_pay_for_another(plane, directions):
    """Better bits, but values that mislead: Hamming distance gains, asymmetric distance loses."""
    good, bad = directions
    start = torch.where(torch.arange(16) < 1, bad, good)

    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear, self.power = linear(start), 1.0

        def forward(self, rows):
            values = self.linear(rows)
            return values.sign() * values.abs() ** self.power

    encoder = Scaled()
    judge = judge_of(encoder, plane)
    judge()
    encoder.linear.weight.data.copy_(good.T)
    assert judge()[1]
    encoder.power = -3.0  # the surest bits count least
    assert not judge()[1]


def test_the_unit_of_x_says_nothing(plane, directions):
    results = []
    for unit in (1.0, 2.0**60, 2.0**-60):
        encoder = linear(directions[1])
        judge = judge_of(encoder, plane * np.float32(unit))
        results.append(judge())
    assert results[0] == results[1] == results[2]
