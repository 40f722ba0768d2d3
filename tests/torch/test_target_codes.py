"""Losses towards target codes, quantisation, and the straight-through sign."""

import math

import numpy as np
import pytest
import torch

from skhash._torch.losses import (
    binary_with_gradient,
    central_similarity_loss,
    polarization_loss,
    quantization_loss,
    sign_with_gradient,
)


def outputs_and_codes(n=5, n_bits=4, seed=0):
    random = np.random.default_rng(seed)
    return random.normal(size=(n, n_bits)), random.choice([-1.0, 1.0], size=(n, n_bits))


def central(v, t):
    """The paper's cross-entropy, with the centre in 0 and 1."""
    h, c = (np.tanh(v) + 1) / 2, (t + 1) / 2
    return -(c * np.log(h) + (1 - c) * np.log(1 - h))


def polarization(v, t):
    return np.maximum(0, 1 - v * t)


LOSSES = [(central_similarity_loss, central), (polarization_loss, polarization)]


@pytest.mark.parametrize(("loss", "reference"), LOSSES)
def test_target_code_loss_is_its_formula(loss, reference):
    outputs, codes = outputs_and_codes()
    actual = loss(torch.tensor(outputs), torch.tensor(codes))
    assert actual.item() == pytest.approx(reference(outputs, codes).mean(), rel=1e-12)
    outputs = torch.tensor(outputs, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: loss(v, torch.tensor(codes)), outputs)


@pytest.mark.parametrize(("loss", "reference"), LOSSES)
def test_rows_without_a_target_do_not_count(loss, reference):
    outputs, codes = outputs_and_codes()
    codes[[1, 3]] = 0
    values = torch.tensor(outputs, requires_grad=True)
    actual = loss(values, torch.tensor(codes))
    counted = [0, 2, 4]
    expected = reference(outputs[counted], codes[counted]).mean()
    assert actual.item() == pytest.approx(expected, rel=1e-12)
    actual.backward()
    assert not values.grad[[1, 3]].any()
    nothing = loss(values, torch.zeros_like(values))
    assert nothing.item() == 0


def test_central_similarity_does_not_overflow():
    loss = central_similarity_loss(torch.tensor([[500.0]]), torch.tensor([[-1.0]]))
    assert loss.item() == pytest.approx(1000)


def test_polarization_bounds_the_hamming_distance():
    """With margin 1, a wrong bit costs 1 at least; beyond the margin a right one costs nothing."""
    random = torch.Generator().manual_seed(0)
    outputs = 2 * torch.randn(200, 8, generator=random)
    codes = torch.where(torch.rand(200, 8, generator=random) > 0.5, 1.0, -1.0)
    wrong = ((outputs > 0) != (codes > 0)).float().mean()
    assert polarization_loss(outputs, codes) >= wrong
    assert polarization_loss(2.5 * codes, codes, margin=2.5) == 0
    assert polarization_loss(2 * codes, codes, margin=2.5) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("penalty", "reference"),
    [
        ("square", lambda g: g**2),
        ("cube", lambda g: np.abs(g) ** 3),
        ("log_cosh", lambda g: np.log(np.cosh(g))),
    ],
)
def test_quantization_is_the_distance_to_the_nearest_bit(penalty, reference):
    values, _ = outputs_and_codes()
    gap = np.minimum(np.abs(values - 1), np.abs(values + 1))
    actual = quantization_loss(torch.tensor(values), penalty)
    assert actual.item() == pytest.approx(reference(gap).mean(), rel=1e-12)
    values = torch.tensor(values, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: quantization_loss(v, penalty), values)
    bits = torch.tensor([[1.0, -1.0]])
    assert quantization_loss(bits, penalty).item() == pytest.approx(0, abs=1e-7)


def test_log_cosh_of_large_values():
    loss = quantization_loss(torch.tensor([[1001.0]]), "log_cosh")
    assert loss.item() == pytest.approx(1000 - math.log(2))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_signs_are_exact_and_pass_the_gradient_on(dtype):
    random = torch.Generator().manual_seed(0)
    values = 1e4 * torch.randn(1000, generator=random, dtype=dtype)
    values[0] = 0
    values.requires_grad_()
    bits = sign_with_gradient(values)
    assert bits.dtype == dtype
    assert torch.equal(bits.detach(), torch.where(values > 0, 1.0, -1.0).to(dtype))
    assert bits[0] == -1
    weights = torch.randn(1000, generator=random, dtype=dtype)
    (bits * weights).sum().backward()
    assert torch.equal(values.grad, weights)


def test_bits_of_probabilities_have_twice_the_gradient():
    probabilities = torch.tensor([0.2, 0.5, 0.7], requires_grad=True)
    bits = binary_with_gradient(probabilities)
    assert bits.tolist() == [-1, -1, 1]
    bits.sum().backward()
    assert probabilities.grad.tolist() == [2, 2, 2]
