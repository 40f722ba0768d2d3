"""The losses against slow float64 references, gradcheck and the reference values."""

import numpy as np
import pytest
import torch
from scipy import stats

from skhash._torch.losses import (
    beta_quantiles,
    classification_loss,
    draw_from_quantiles,
    empirical_kl_loss,
    pair_distances,
    relational_loss,
)
from skhash.metrics import empirical_kl_divergence


def outputs_and_targets(n=7, n_bits=5, seed=0):
    random = np.random.default_rng(seed)
    outputs = random.random((n, n_bits))
    targets = random.random((n, n))
    targets = (targets + targets.T) / 2
    np.fill_diagonal(targets, 0)
    return outputs, targets


def slow_relational_loss(outputs, targets, form, gamma, rho):
    """The formula of the docstring, pair by pair."""
    n, n_bits = outputs.shape
    code, target = [], []
    for i in range(n):
        for j in range(n):
            if i != j:
                z, w = outputs[i], outputs[j]
                if form == "manhattan":
                    code.append(sum(abs(z[k] - w[k]) for k in range(n_bits)))
                else:  # a bit of one is 1 and of the other 0, or the other way round
                    code.append(sum(z[k] * (1 - w[k]) + (1 - z[k]) * w[k] for k in range(n_bits)))
                target.append(targets[i, j])
    tau_z, tau_y = sum(code) / len(code), sum(target) / len(target)
    weights = [(gamma / (gamma + d)) ** rho for d in target]
    errors = [w * abs(c / tau_z - d / tau_y) for w, c, d in zip(weights, code, target)]
    return sum(errors) / sum(weights)


@pytest.mark.parametrize("form", ["manhattan", "product"])
@pytest.mark.parametrize(("gamma", "rho"), [(0.1, 2.0), (0.5, 1.0), (0.1, 0.0)])
def test_relational_loss_is_its_formula(form, gamma, rho):
    outputs, targets = outputs_and_targets()
    expected = slow_relational_loss(outputs, targets, form, gamma, rho)
    actual = relational_loss(
        torch.tensor(outputs), torch.tensor(targets), form=form, gamma=gamma, rho=rho
    )
    assert actual.item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("form", ["manhattan", "product"])
def test_relational_loss_gradient(form):
    outputs, targets = outputs_and_targets()
    outputs = torch.tensor(outputs, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda z: relational_loss(z, torch.tensor(targets), form=form), outputs
    )


@pytest.mark.parametrize("form", ["manhattan", "product"])
def test_relational_loss_needs_no_scale_and_no_order(form):
    outputs, targets = (torch.tensor(a) for a in outputs_and_targets())
    loss = relational_loss(outputs, targets, form=form, rho=0.0)
    # the weights have a scale of their own; without them only ratios of distances matter
    torch.testing.assert_close(loss, relational_loss(outputs, targets / 3, form=form, rho=0.0))
    order = torch.randperm(len(outputs), generator=torch.Generator().manual_seed(0))
    shuffled = relational_loss(outputs[order], targets[order][:, order], form=form, rho=0.0)
    torch.testing.assert_close(loss, shuffled)
    # a bit flipped in all outputs leaves every distance as it is
    flipped = outputs.clone()
    flipped[:, 2] = 1 - flipped[:, 2]
    torch.testing.assert_close(loss, relational_loss(flipped, targets, form=form, rho=0.0))


def test_relational_loss_reads_no_diagonal():
    outputs, targets = (torch.tensor(a) for a in outputs_and_targets())
    other = targets.clone().fill_diagonal_(0.7)
    assert relational_loss(outputs, targets) == relational_loss(outputs, other)


def test_relational_loss_vanishes_on_codes_at_the_target_distances():
    codes = torch.tensor(np.random.default_rng(0).integers(0, 2, (20, 16)), dtype=torch.float64)
    hamming = (codes[:, None] != codes).double().sum(2)
    for form in ("manhattan", "product"):
        loss = relational_loss(codes, hamming / 16, form=form)
        assert loss.item() == pytest.approx(0, abs=1e-12)


def test_pair_distances_are_hamming_distances_on_bits():
    codes = np.random.default_rng(1).integers(0, 2, (9, 13))
    hamming = (codes[:, None] != codes).mean(2)
    for form in ("manhattan", "product"):
        actual = pair_distances(torch.tensor(codes, dtype=torch.float64), form)
        np.testing.assert_allclose(actual, hamming, atol=1e-12)


def test_product_form_is_the_expected_hamming_distance():
    """Mean over draws of independent bits: the meaning that the docstring claims."""
    outputs, _ = outputs_and_targets(n=4, n_bits=6)
    bits = np.random.default_rng(0).random((40_000, 4, 6)) < outputs
    mean = (bits[:, :, None] != np.roll(bits, 1, axis=0)[:, None]).mean(axis=(0, 3))
    actual = pair_distances(torch.tensor(outputs), "product")
    np.testing.assert_allclose(actual, mean, atol=0.005)


def test_pair_distances_refuse_an_unknown_form():
    with pytest.raises(ValueError, match=r"form must be one of .*'euclid'"):
        pair_distances(torch.zeros(2, 2), "euclid")


@pytest.mark.parametrize("outputs", [torch.zeros(4, 3), torch.rand(4, 3)])
def test_relational_loss_of_one_class_is_finite(outputs):
    outputs = outputs.requires_grad_()
    loss = relational_loss(outputs, torch.zeros(4, 4), form="manhattan")
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(outputs.grad).all()


def slow_kl(outputs, draws, eps, k=1):
    total = 0.0
    for i, z in enumerate(outputs):
        nu = sorted(np.abs(z - t).sum() for t in draws)[k - 1]
        rho = sorted(np.abs(z - w).sum() for j, w in enumerate(outputs) if j != i)[k - 1]
        total += np.log(nu + eps) - np.log(rho + eps)
    return total / len(outputs)


@pytest.mark.parametrize("k", [1, 3, 9])
def test_kl_is_its_formula(k):
    random = np.random.default_rng(0)
    outputs, draws = random.random((12, 4)), random.random((9, 4))
    tensors = torch.tensor(outputs), torch.tensor(draws)
    actual = empirical_kl_loss(*tensors, n_neighbors=k, eps=1e-6)
    assert actual.item() == pytest.approx(slow_kl(outputs, draws, 1e-6, k), rel=1e-12)
    # the metric finds neighbours in a tree, and adds the constants
    estimate = empirical_kl_divergence(outputs, draws, k, metric="manhattan", eps=1e-6)
    assert 4 * actual.item() + np.log(9 / 11) == pytest.approx(estimate, rel=1e-12)


def test_kl_takes_no_more_neighbours_than_there_are():
    outputs, draws = torch.rand(4, 3), torch.rand(9, 3)
    most = empirical_kl_loss(outputs, draws, n_neighbors=3)
    assert empirical_kl_loss(outputs, draws, n_neighbors=7) == most
    few = empirical_kl_loss(outputs, draws[:2], n_neighbors=2)
    assert empirical_kl_loss(outputs, draws[:2], n_neighbors=3) == few


def test_normalizers_of_the_relational_loss():
    """By hand: targets 0 and .1 and .1, so that weights are 1, 1/4, 1/4 at gamma .1, rho 2."""
    targets = torch.tensor([[0.0, 0.0, 0.1], [0.0, 0.0, 0.1], [0.1, 0.1, 0.0]])
    outputs = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    # distances 1/2, 1, 1/2 over their mean 2/3 are .75, 1.5, .75; targets 0, .1, .1 over theirs,
    # 1/15, are 0, 1.5, 1.5: errors .75, 0, .75
    total = 0.75 * 1 + 0.0 / 4 + 0.75 / 4
    for normalizer, divisor in (("weights", 1.5), ("pairs", 3)):
        loss = relational_loss(outputs, targets, form="manhattan", normalizer=normalizer)
        assert loss.item() == pytest.approx(total / divisor, rel=1e-5)


def test_kl_gradient():
    random = np.random.default_rng(0)
    outputs = torch.tensor(random.random((8, 3)), requires_grad=True)
    draws = torch.tensor(random.random((6, 3)))
    assert torch.autograd.gradcheck(lambda z: empirical_kl_loss(z, draws), outputs)


def test_kl_differentiates_only_the_pairs_it_found():
    """No tensor of n x n elements is kept for the backward pass."""
    sizes = []
    outputs = torch.rand(40, 3, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(
        lambda t: (sizes.append(t.numel()), t)[1], lambda t: t
    ):
        empirical_kl_loss(outputs, torch.rand(50, 3)).backward()
    assert max(sizes) <= outputs.numel()


def test_kl_of_identical_outputs_is_finite():
    outputs = torch.full((5, 4), 0.5, requires_grad=True)
    loss = empirical_kl_loss(outputs, torch.rand(5, 4))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(outputs.grad).all()


@pytest.mark.parametrize("dimension", [1, 2])
def test_kl_estimates_the_divergence_of_gaussians(dimension):
    """With its constants it is the published estimator: KL = K * loss + log(m / (n - 1)).

    In the plane the constant uses Manhattan balls, which cancel between the two densities.
    """
    n, shift = 4000, 1.0
    estimates = []
    for seed in range(5):
        g = torch.Generator().manual_seed(seed)
        p = torch.randn(n, dimension, generator=g, dtype=torch.float64)
        q = torch.randn(n, dimension, generator=g, dtype=torch.float64) + shift
        loss = empirical_kl_loss(p, q, eps=0.0).item()
        estimates.append(dimension * loss + np.log(n / (n - 1)))
    true = dimension * shift**2 / 2
    assert np.mean(estimates) == pytest.approx(true, rel=0.1)


def reference_outputs(name, n, n_bits, g):
    uniform = torch.rand(n, n_bits, generator=g, dtype=torch.float64)
    jitter = 1e-3 * torch.randn(n, n_bits, generator=g, dtype=torch.float64)
    if name in ("ten codes", "one code"):
        codes = torch.rand(10 if name == "ten codes" else 1, n_bits, generator=g) < 0.5
        return codes[torch.randint(len(codes), (n,), generator=g)] + jitter
    if name == "target":
        return draw_from_quantiles(beta_quantiles(0.1, dtype=torch.float64), (n, n_bits), g)
    return {
        "bits": (uniform < 0.5).double(),
        "uniform": uniform,
        "gaussian": 0.5 + 100 * jitter,
        "ninety per cent": (uniform < 0.9).double(),
    }[name]


@pytest.mark.parametrize(
    ("name", "value", "tolerance"),
    [
        ("target", 0.00, 0.02),
        ("bits", 0.05, 0.02),
        ("uniform", 0.34, 0.02),
        ("gaussian", 1.49, 0.02),
        ("ninety per cent", 1.4, 0.12),
        ("ten codes", 5.9, 0.1),
        ("one code", 6.0, 0.1),
    ],
)
def test_kl_reference_values(name, value, tolerance):
    """n = m = 128, 64 bits, mean of ten draws; the values were measured independently."""
    quantiles = beta_quantiles(0.1, dtype=torch.float64)
    losses = []
    for seed in range(10):
        g = torch.Generator().manual_seed(seed)
        outputs = reference_outputs(name, 128, 64, g)
        losses.append(empirical_kl_loss(outputs, draw_from_quantiles(quantiles, (128, 64), g)))
    assert np.mean(losses) == pytest.approx(value, abs=tolerance)


@pytest.mark.parametrize("alpha", [0.1, 0.5, 3.0])
def test_draws_follow_the_beta_distribution(alpha):
    g = torch.Generator().manual_seed(0)
    draws = draw_from_quantiles(beta_quantiles(alpha, dtype=torch.float64), (20_000,), g).numpy()
    assert draws.mean() == pytest.approx(0.5, abs=0.01)
    variance = 1 / (4 * (2 * alpha + 1))
    assert draws.var() == pytest.approx(variance, rel=0.03)
    inside = ((draws > 0.2) & (draws < 0.8)).mean()
    beta = stats.beta(alpha, alpha)
    assert inside == pytest.approx(beta.cdf(0.8) - beta.cdf(0.2), abs=0.01)


def test_classification_loss_of_classes_and_of_indicators():
    logits = torch.tensor([[2.0, 0.0, -1.0], [0.5, 0.5, 0.0]], dtype=torch.float64)
    p = torch.softmax(logits, dim=1)
    expected = -(torch.log(p[0, 0]) + torch.log(p[1, 2])) / 2
    torch.testing.assert_close(classification_loss(logits, torch.tensor([0, 2])), expected)
    indicator = torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]], dtype=torch.float64)
    s = torch.sigmoid(logits)
    expected = -(indicator * torch.log(s) + (1 - indicator) * torch.log(1 - s)).mean()
    torch.testing.assert_close(classification_loss(logits, indicator), expected)
