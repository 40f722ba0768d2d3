"""The pair likelihood of HashNetHasher and DPSHHasher, and the continuation."""

import math

import numpy as np
import pytest
import torch

from skhash._torch.losses import pair_likelihood_loss, share_label
from skhash._torch.objectives import HashNetObjective, Progress, staged_sharpness

LABELS = [0, 1, 0, 2, 1, 0]


def logits(seed=0):
    return np.random.default_rng(seed).normal(scale=3, size=(len(LABELS), len(LABELS)))


def slow_pair_likelihood(theta, labels, balanced):
    """Log-odds to probability, pair by pair."""
    losses = {True: [], False: []}
    for i in range(len(labels)):
        for j in range(len(labels)):
            if i != j:
                probability = 1 / (1 + math.exp(-theta[i, j]))
                similar = labels[i] == labels[j]
                losses[similar].append(-math.log(probability if similar else 1 - probability))
    n = {kind: len(values) for kind, values in losses.items()}
    if not balanced:
        return sum(sum(values) for values in losses.values()) / sum(n.values())
    # the paper's weights |S| / |S1| and |S| / |S0|, and the mean over all pairs
    n_pairs = sum(n.values())
    return sum(n_pairs / n[kind] * sum(values) for kind, values in losses.items()) / n_pairs


@pytest.mark.parametrize("balanced", [False, True])
def test_pair_likelihood_is_its_formula(balanced):
    theta, similar = torch.tensor(logits()), share_label(torch.tensor(LABELS))
    loss = pair_likelihood_loss(theta, similar, balanced=balanced)
    expected = slow_pair_likelihood(logits(), LABELS, balanced)
    assert loss.item() == pytest.approx(expected, rel=1e-12)
    theta.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda t: pair_likelihood_loss(t, similar, balanced=balanced), theta
    )


@pytest.mark.parametrize("balanced", [False, True])
def test_pair_likelihood_by_hand_and_at_the_ends(balanced):
    similar = torch.tensor([[True, False], [False, True]])
    # the only pairs are dissimilar: log(1 + e) each, whatever the diagonal says
    theta = torch.tensor([[100.0, 1.0], [1.0, -100.0]])
    loss = pair_likelihood_loss(theta, similar, balanced=balanced)
    assert loss.item() == pytest.approx(math.log1p(math.e), rel=1e-6)
    # no overflow: wrong by 1,000 nats costs 1,000 nats
    loss = pair_likelihood_loss(torch.full((2, 2), 1000.0), similar, balanced=balanced)
    assert loss.item() == pytest.approx(1000)
    assert pair_likelihood_loss(torch.zeros(1, 1), torch.ones(1, 1).bool()).item() == 0


def test_one_similar_pair_is_a_mean_of_one():
    theta = torch.tensor([[0.0, 2.0], [3.0, 0.0]])
    similar = torch.tensor([[True, True], [False, True]])
    of_similar, of_others = math.log1p(math.exp(-2)), math.log1p(math.exp(3))
    loss = pair_likelihood_loss(theta, similar, balanced=True)
    assert loss.item() == pytest.approx(of_similar + of_others)
    assert pair_likelihood_loss(theta, similar).item() == pytest.approx(
        (of_similar + of_others) / 2
    )


def test_balance_makes_up_for_rare_similar_pairs():
    """One similar pair among 20: only balanced does its gradient weigh as that of all others."""
    labels = torch.tensor([0, 0, *range(1, 19)])
    for balanced, share in ((False, 1 / 190), (True, 0.5)):
        theta = torch.zeros(20, 20, requires_grad=True)
        pair_likelihood_loss(theta, share_label(labels), balanced=balanced).backward()
        gradient = theta.grad
        similar = gradient[0, 1] + gradient[1, 0]
        assert (-similar / gradient.abs().sum()).item() == pytest.approx(share, rel=1e-5)


def test_labels_shared():
    classes = share_label(torch.tensor([4, 2, 4]))
    assert classes.tolist() == [[True, False, True], [False, True, False], [True, False, True]]
    sets = torch.tensor([[1.0, 1, 0], [0, 1, 1], [1, 0, 0], [0, 0, 0]])
    shared = share_label(sets)
    assert shared.tolist() == [
        [True, True, True, False],
        [True, True, False, False],
        [True, False, True, False],
        [False, False, False, False],
    ]


def test_sharpness_is_that_of_the_released_schedule():
    """sqrt(1 + 0.005 i) at every 200th iteration i of 10,000, from the first to the last stage."""
    final, n_stages = math.sqrt(1 + 0.005 * 9800), 50
    for iteration in (0, 199, 200, 5000, 9799, 9800, 9999):
        stage = iteration // 200 * 200
        beta = staged_sharpness(iteration / 10_000, final, n_stages)
        assert beta == pytest.approx(math.sqrt(1 + 0.005 * stage), rel=1e-12)
    assert staged_sharpness(0.0, 3.0, 1) == 3.0


def test_continuation_grows_and_validates_at_the_end():
    objective = HashNetObjective(
        torch.tensor([0, 0, 1, 1]), alpha=0.5, final_beta=6.0, n_stages=3, n_steps=6
    )
    outputs, batch = torch.tensor([[0.1], [0.2], [-0.1], [-0.3]]), torch.arange(4)
    at_end = objective.eval().terms(outputs, batch)["pairs"]
    betas, losses = [], []
    objective.train()
    for _ in range(6):
        losses.append(objective.terms(outputs, batch)["pairs"].item())
        betas.append(objective.beta.item())
    assert betas == pytest.approx([1, 1, math.sqrt(18.5), math.sqrt(18.5), 6, 6])
    assert losses[-1] == at_end.item() < losses[0]
    # the sign of the outputs is what the tangent becomes
    codes = torch.tanh(6 * outputs)
    expected = pair_likelihood_loss(
        0.5 * codes @ codes.T, share_label(torch.tensor([0, 0, 1, 1])), balanced=True
    )
    assert at_end.item() == pytest.approx(expected.item())


def test_progress_ends_at_one():
    progress = Progress(2)
    assert [progress.share, progress.step(), progress.share, progress.step()] == [0, 0, 0.5, 0.5]
    assert [progress.share, progress.step(), progress.step()] == [1, 1, 1]
    assert Progress(0).share == 1
