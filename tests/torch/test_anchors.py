"""The terms of the class anchor margin loss: loops, hand values, gradients."""

import itertools
from functools import partial

import numpy as np
import pytest
import torch

from skhash._torch.losses import attraction_loss, minimum_norm_loss, repulsion_loss


def draw(n=7, n_classes=5, n_bits=4, seed=0):
    random = np.random.default_rng(seed)
    return random.normal(size=(n, n_bits)), random.normal(size=(n_classes, n_bits)), random


def test_attraction_of_classes_is_its_formula():
    outputs, anchors, random = draw()
    target = random.integers(0, len(anchors), len(outputs))
    expected = np.mean([((e - anchors[k]) ** 2).sum() / 2 for e, k in zip(outputs, target)])
    actual = attraction_loss(*map(torch.from_numpy, (outputs, anchors, target)))
    assert actual.item() == pytest.approx(expected, rel=1e-12)


def test_attraction_of_labels_is_its_formula():
    outputs, anchors, random = draw()
    target = random.integers(0, 2, (len(outputs), len(anchors))).astype(float)
    target[2] = 0
    target[3] = 1
    costs = [
        np.mean([((e - anchors[k]) ** 2).sum() / 2 for k in np.flatnonzero(labels)])
        for e, labels in zip(outputs, target)
        if labels.any()
    ]
    actual = attraction_loss(*map(torch.from_numpy, (outputs, anchors, target)))
    assert actual.item() == pytest.approx(np.mean(costs), rel=1e-12)


def test_one_label_is_one_class():
    outputs, anchors, random = draw()
    target = random.integers(0, len(anchors), len(outputs))
    tensors = torch.from_numpy(outputs), torch.from_numpy(anchors)
    one_hot = torch.from_numpy(np.eye(len(anchors))[target])
    torch.testing.assert_close(
        attraction_loss(*tensors, one_hot), attraction_loss(*tensors, torch.from_numpy(target))
    )


def test_attraction_of_samples_without_labels_is_none():
    outputs, anchors, _ = draw()
    outputs = torch.tensor(outputs, requires_grad=True)
    loss = attraction_loss(
        outputs, torch.from_numpy(anchors), torch.zeros(len(outputs), 5, dtype=torch.float64)
    )
    loss.backward()
    assert loss.item() == 0
    assert not outputs.grad.any()


@pytest.mark.parametrize("margin", [0.4, 1.3, 5.0])
def test_repulsion_is_its_formula(margin):
    _, anchors, _ = draw()
    expected = sum(
        max(0, 2 * margin - np.linalg.norm(a - b)) ** 2 / 2
        for a, b in itertools.permutations(anchors, 2)
    )
    actual = repulsion_loss(torch.from_numpy(anchors), margin)
    assert actual.item() == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_no_repulsion_at_twice_the_margin():
    # in the cube, corners that differ in h bits are 2 sqrt(h) apart
    corners = torch.tensor([[1.0, 1, 1, 1], [1, 1, -1, -1], [1, -1, 1, -1]])
    assert repulsion_loss(corners, margin=2**0.5).item() == pytest.approx(0, abs=1e-12)
    assert repulsion_loss(corners, margin=1.5).item() == pytest.approx(3 * (3 - 8**0.5) ** 2)


def test_repulsion_of_equal_anchors_has_a_finite_gradient():
    anchors = torch.zeros(3, 2, requires_grad=True)
    loss = repulsion_loss(anchors, 1.0)
    loss.backward()
    assert loss.item() == 12
    assert torch.isfinite(anchors.grad).all()


def test_minimum_norm_is_its_formula():
    _, anchors, _ = draw()
    lengths = np.linalg.norm(anchors, axis=1)
    minimum = np.median(lengths) + 0.1
    expected = sum(max(0, minimum - length) ** 2 / 2 for length in lengths)
    actual = minimum_norm_loss(torch.from_numpy(anchors), minimum)
    assert actual.item() == pytest.approx(expected, rel=1e-12)
    assert minimum_norm_loss(torch.zeros(2, 3), 2.0).item() == 4


def test_gradients():
    outputs, anchors, random = draw()
    outputs, anchors = (torch.tensor(a, requires_grad=True) for a in (outputs, anchors))
    classes = torch.from_numpy(random.integers(0, 5, 7))
    labels = torch.from_numpy(random.integers(0, 2, (7, 5)).astype(float))
    for target in (classes, labels):
        assert torch.autograd.gradcheck(partial(attraction_loss, target=target), (outputs, anchors))
    assert torch.autograd.gradcheck(lambda c: repulsion_loss(c, 1.3), (anchors,))
    assert torch.autograd.gradcheck(lambda c: minimum_norm_loss(c, 2.0), (anchors,))
