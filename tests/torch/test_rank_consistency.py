"""The ranking logistic and its companions: loops, hand values, gradients."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from scipy.stats import kendalltau

from skhash._torch.losses import (
    label_share_loss,
    pair_distances,
    quantization_loss,
    rank_consistency_loss,
)


def draw(n, seed=0, levels=4):
    """Distances of codes, and distances of targets with many ties."""
    random = np.random.default_rng(seed)
    code = random.random((n, n))
    target = random.integers(0, levels, (n, n)) / (levels - 1)
    return code, (target + target.T) / 2


def cost(code, target, i, j, k, sharpness):
    """Cost and weight of items j and k as row i sees them, the nearer target first."""
    if target[i, j] > target[i, k]:
        j, k = k, j
    weight = target[i, k] - target[i, j]
    return weight * math.log1p(math.exp(sharpness * (code[i, j] - code[i, k]))), weight


def slow_loss(code, target, sharpness, pairs):
    costs = [
        cost(code, target, i, j, k, sharpness)
        for i in range(len(code))
        for j, k in pairs
        if i not in (j, k)
    ]
    return sum(c for c, _ in costs) / sum(w for _, w in costs)


@pytest.mark.parametrize("n", [6, 7])
@pytest.mark.parametrize("sharpness", [1.0, 12.0])
def test_all_comparisons_are_the_formula(n, sharpness):
    code, target = draw(n)
    pairs = [(j, k) for j in range(n) for k in range(j)]
    expected = slow_loss(code, target, sharpness, pairs)
    actual = rank_consistency_loss(
        torch.from_numpy(code), torch.from_numpy(target), sharpness=sharpness
    )
    assert actual.item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("n_shifts", [1, 2])
def test_some_comparisons_are_the_formula(n_shifts):
    n = 7
    code, target = draw(n)
    pairs = [(j, (j + shift) % n) for j in range(n) for shift in range(1, n_shifts + 1)]
    expected = slow_loss(code, target, 5.0, pairs)
    actual = rank_consistency_loss(
        torch.from_numpy(code), torch.from_numpy(target), sharpness=5.0, n_shifts=n_shifts
    )
    assert actual.item() == pytest.approx(expected, rel=1e-12)


def test_more_comparisons_than_there_are():
    code, target = map(torch.from_numpy, draw(8))
    torch.testing.assert_close(
        rank_consistency_loss(code, target, n_shifts=99), rank_consistency_loss(code, target)
    )


def test_order_of_the_batch_does_not_matter():
    code, target = map(torch.from_numpy, draw(9))
    order = torch.randperm(9, generator=torch.Generator().manual_seed(0))
    shuffled = rank_consistency_loss(code[order][:, order], target[order][:, order])
    torch.testing.assert_close(shuffled, rank_consistency_loss(code, target))


def test_the_diagonal_is_not_read():
    code, target = map(torch.from_numpy, draw(6))
    expected = rank_consistency_loss(code, target)
    code, target = code.clone(), target.clone()
    code.fill_diagonal_(1e6)
    target.fill_diagonal_(-3)
    torch.testing.assert_close(rank_consistency_loss(code, target), expected)


def test_only_the_order_within_a_row_matters():
    code, target = map(torch.from_numpy, draw(6))
    shift = torch.arange(6.0, dtype=torch.float64)[:, None]
    torch.testing.assert_close(
        rank_consistency_loss(code + shift, target + shift), rank_consistency_loss(code, target)
    )


def test_values_by_hand():
    # row 0 sees items 1 and 2 in the wrong order; rows 1 and 2 see ties of the targets
    code = torch.tensor([[0.0, 0.6, 0.2], [0.6, 0, 0.1], [0.2, 0.1, 0]])
    target = torch.tensor([[0.0, 0.5, 1.0], [0.5, 0, 0.5], [1.0, 1.0, 0]])
    loss = rank_consistency_loss(code, target, sharpness=10.0)
    assert loss.item() == pytest.approx(math.log1p(math.exp(4)), rel=1e-6)


def test_equal_targets_cost_nothing():
    code = torch.rand(4, 4, requires_grad=True)
    loss = rank_consistency_loss(code, torch.ones(4, 4))
    loss.backward()
    assert loss.item() == 0
    assert not code.grad.any()


def test_descent_brings_the_orders_together():
    _, target = draw(12, levels=8)
    bits = torch.randn(12, 16, generator=torch.Generator().manual_seed(0), requires_grad=True)
    optimizer = torch.optim.Adam([bits], lr=0.1)

    def agreement():
        code = pair_distances(torch.sigmoid(bits)).detach().numpy()
        off = ~np.eye(12, dtype=bool)
        return np.mean([kendalltau(code[i, off[i]], target[i, off[i]])[0] for i in range(12)])

    before = agreement()
    for _ in range(100):
        optimizer.zero_grad()
        loss = rank_consistency_loss(
            pair_distances(torch.sigmoid(bits)), torch.from_numpy(target).float()
        )
        loss.backward()
        optimizer.step()
    assert agreement() > before + 0.3


def test_label_shares():
    random = np.random.default_rng(0)
    logits, target = random.normal(size=(6, 4)), random.integers(0, 2, (6, 4)).astype(float)
    target[1] = 0
    target[2] = 1
    log_share = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    expected = np.mean([-s[t > 0].mean() for s, t in zip(log_share, target) if t.any()])
    actual = label_share_loss(torch.from_numpy(logits), torch.from_numpy(target))
    assert actual.item() == pytest.approx(expected, rel=1e-12)
    classes = target.argmax(axis=1)
    torch.testing.assert_close(
        label_share_loss(torch.from_numpy(logits), torch.from_numpy(classes)),
        label_share_loss(torch.from_numpy(logits), torch.from_numpy(np.eye(4)[classes])),
    )


def test_quantization():
    signed = torch.tensor([[-1.0, 1.0, 0.0], [0.5, -0.5, 1.0]])
    assert quantization_loss(signed).item() == pytest.approx((1 + 2 * 0.25) / 6)


def test_gradients():
    code, target = draw(6)
    code = torch.tensor(code, requires_grad=True)
    target = torch.from_numpy(target)
    for n_shifts in (None, 2):
        loss = partial(rank_consistency_loss, target_distances=target, n_shifts=n_shifts)
        assert torch.autograd.gradcheck(loss, (code,))
    labels = torch.eye(6, dtype=torch.float64) + torch.eye(6).roll(1, 0)
    assert torch.autograd.gradcheck(lambda x: label_share_loss(x, labels), (code,))
    assert torch.autograd.gradcheck(lambda x: quantization_loss(2 * x - 1), (code,))


def test_one_row_with_labels_is_a_mean_of_one():
    logits = torch.tensor([[1.0, 0.0], [5.0, 2.0]])
    target = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    loss = label_share_loss(logits, target)
    assert loss.item() == pytest.approx(np.log1p(np.exp(-1)), rel=1e-6)
