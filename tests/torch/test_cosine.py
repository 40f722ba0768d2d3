"""The cosine softmax to class codes: against float64 references, and the traps around it."""

import math

import numpy as np
import pytest
import torch
from scipy.special import log_softmax

from skhash._torch.losses import cosine_margin_loss

N, C, K = 7, 5, 12


@pytest.fixture
def case():
    rng = np.random.default_rng(0)
    outputs = rng.normal(size=(N, K))
    codes = rng.choice([-1.0, 1.0], size=(C, K))
    return outputs, codes, rng


def reference(outputs, codes, indicator, scale, margin, margin_type):
    """Sample by sample and class by class, as the paper writes it."""
    losses = []
    for v, labels in zip(outputs, indicator, strict=True):
        logits = np.empty(C)
        for k, code in enumerate(codes):
            cosine = v @ code / (np.linalg.norm(v) * np.linalg.norm(code))
            if labels[k]:
                if margin_type == "cosine":
                    cosine -= margin
                else:
                    cosine = math.cos(math.acos(cosine) + margin)
            logits[k] = scale * cosine
        if labels.any():
            losses.append(-(labels / labels.sum()) @ log_softmax(logits))
    return np.mean(losses)


def loss(outputs, codes, target, **options):
    value = cosine_margin_loss(*map(torch.from_numpy, (outputs, codes, target)), **options)
    return value.item()


@pytest.mark.parametrize("margin_type", ["cosine", "angular"])
@pytest.mark.parametrize("margin", [0.0, 0.2, 0.5, 1.0])
def test_single_labels_against_reference(case, margin_type, margin):
    outputs, codes, rng = case
    labels = rng.integers(C, size=N)
    options = {"scale": 6.5, "margin": margin, "margin_type": margin_type}
    expected = reference(outputs, codes, np.eye(C)[labels], **options)
    assert loss(outputs, codes, labels, **options) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("margin_type", ["cosine", "angular"])
def test_multilabel_against_reference(case, margin_type):
    outputs, codes, rng = case
    indicator = (rng.random((N, C)) < 0.4).astype(float)
    indicator[0], indicator[1] = 0, 1
    options = {"scale": 4.0, "margin": 0.2, "margin_type": margin_type}
    expected = reference(outputs, codes, indicator, **options)
    assert loss(outputs, codes, indicator, **options) == pytest.approx(expected, rel=1e-12)


def test_one_label_each_is_the_same_either_way(case):
    outputs, codes, rng = case
    labels = rng.integers(C, size=N)
    options = {"scale": 8.0, "margin": 0.2}
    single = loss(outputs, codes, labels, **options)
    assert loss(outputs, codes, np.eye(C)[labels], **options) == pytest.approx(single, rel=1e-12)


def test_a_batch_without_the_last_class(case):
    """The default margin is that of the cosine."""
    outputs, codes, rng = case
    labels = rng.integers(C - 2, size=N)
    expected = reference(outputs, codes, np.eye(C)[labels], 5.0, 0.3, "cosine")
    assert loss(outputs, codes, labels, scale=5.0, margin=0.3) == pytest.approx(expected, rel=1e-12)


def test_the_second_label_counts(case):
    """An argmax of the indicator would see its first label only."""
    outputs, codes, _ = case
    first, both = np.zeros((N, C)), np.zeros((N, C))
    first[:, 1] = both[:, 1] = both[:, 3] = 1
    options = {"scale": 4.0, "margin": 0.2}
    assert loss(outputs, codes, both, **options) != pytest.approx(
        loss(outputs, codes, first, **options), abs=1e-3
    )
    swapped = [0, 3, 2, 1, 4]
    assert loss(outputs, codes[swapped], both, **options) == pytest.approx(
        loss(outputs, codes, both, **options), rel=1e-12
    )


def test_rows_without_labels_do_not_count(case):
    outputs, codes, _ = case
    indicator = np.zeros((N, C))
    indicator[:3, 2] = 1
    options = {"scale": 4.0, "margin": 0.2}
    assert loss(outputs, codes, indicator, **options) == pytest.approx(
        loss(outputs[:3], codes, indicator[:3], **options), rel=1e-12
    )
    assert loss(outputs, codes, np.zeros((N, C)), **options) == 0


def test_flipping_a_bit_everywhere_and_scaling_outputs_change_nothing(case):
    outputs, codes, rng = case
    labels = rng.integers(C, size=N)
    flip = rng.choice([-1.0, 1.0], size=K)
    lengths = rng.uniform(0.1, 10, size=(N, 1))
    options = {"scale": 6.5, "margin": 0.2}
    assert loss(lengths * outputs * flip, codes * flip, labels, **options) == pytest.approx(
        loss(outputs, codes, labels, **options), rel=1e-12
    )


@pytest.mark.parametrize("margin_type", ["cosine", "angular"])
def test_gradient(case, margin_type):
    outputs, codes, rng = case
    outputs = torch.from_numpy(outputs).requires_grad_()
    indicator = torch.from_numpy((rng.random((N, C)) < 0.5).astype(float))

    def value(outputs):
        return cosine_margin_loss(
            outputs,
            torch.from_numpy(codes),
            indicator,
            scale=6.5,
            margin=0.2,
            margin_type=margin_type,
        )

    assert torch.autograd.gradcheck(value, (outputs,))


@pytest.mark.parametrize("margin_type", ["cosine", "angular"])
def test_finite_at_the_code_its_opposite_and_nothing(margin_type):
    codes = torch.tensor([[1.0, 1.0], [-1.0, -1.0]])
    outputs = torch.tensor([[2.0, 2.0], [-3.0, -3.0], [0.0, 0.0]], requires_grad=True)
    value = cosine_margin_loss(
        outputs, codes, torch.tensor([0, 0, 1]), scale=8.0, margin=0.2, margin_type=margin_type
    )
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(outputs.grad).all()
