"""The neighbourhood loss: perplexities, agreement with t-SNE's own, and the loss by hand."""

import numpy as np
import pytest
import torch
from scipy.stats import entropy
from sklearn.manifold import _utils

from skhash._torch.losses import binary_with_gradient, neighbor_probabilities, neighborhood_loss


@pytest.fixture
def distances():
    points = np.random.default_rng(0).normal(size=(60, 5)) * np.linspace(0.1, 9, 60)[:, None]
    return ((points[:, None] - points) ** 2).sum(axis=2).astype(np.float32)


@pytest.mark.parametrize("perplexity", [2, 10, 25])
def test_every_row_has_the_perplexity(distances, perplexity):
    p = neighbor_probabilities(torch.from_numpy(distances), perplexity).numpy()
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
    assert (p.diagonal() == 0).all()
    np.testing.assert_allclose(np.exp(entropy(p, axis=1)), perplexity, rtol=0.02)


def test_agrees_with_scikit_learn(distances):
    expected = _utils._binary_search_perplexity(distances, 10, 0)
    p = neighbor_probabilities(torch.from_numpy(distances), 10).numpy()
    np.testing.assert_allclose(p, expected, atol=0.005)


def test_unit_and_offset_do_not_matter(distances):
    p = neighbor_probabilities(torch.from_numpy(distances), 10)
    other = neighbor_probabilities(torch.from_numpy(1e3 * distances + 5), 10)
    torch.testing.assert_close(p, other, atol=1e-3, rtol=1e-2)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_small_batches_and_identical_rows_stay_finite(n):
    for given in (torch.zeros(n, n), torch.rand(n, n, generator=torch.Generator().manual_seed(0))):
        p = neighbor_probabilities(given, 10)
        assert torch.isfinite(p).all()
        torch.testing.assert_close(p.sum(dim=1), torch.ones(n))


def test_loss_by_hand():
    bits = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])
    p = torch.tensor([[0.0, 1.0, 0.0], [0.5, 0.0, 0.5], [0.0, 1.0, 0.0]])
    # Hamming distances 1 and 2 of the outer rows, 1 and 1 of the middle one; s / K = 2
    outer = -np.log(np.exp(-2) / (np.exp(-2) + np.exp(-4)))
    expected = (2 * outer + np.log(2)) / 3
    assert neighborhood_loss(bits, p, 4.0).item() == pytest.approx(expected, rel=1e-5)


def test_gradient_draws_neighbours_together():
    soft = torch.tensor([[0.6], [0.4], [0.4]], requires_grad=True)
    p = torch.tensor([[0.0, 0.9, 0.1], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    neighborhood_loss(binary_with_gradient(soft), p, 4.0).backward()
    # downhill, row 1 moves towards row 0
    assert soft.grad[1, 0] < 0


def test_binary_forward_and_soft_backward():
    z = torch.tensor([0.1, 0.5, 0.9], requires_grad=True)
    bits = binary_with_gradient(z)
    assert bits.tolist() == [-1, -1, 1]
    bits.sum().backward()
    assert z.grad.tolist() == [2, 2, 2]
