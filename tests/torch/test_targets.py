"""Binary targets of the KL term: their distributions, their seeds, what they refuse."""

import numpy as np
import pytest
import torch
from scipy import stats

from skhash._torch.losses import BernoulliTarget, BetaTarget, SampledTarget, binary_target

SHAPE = (500, 20)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("alpha", [0.1, 0.5, 1.0, 3.0])
def test_beta_draws_follow_the_distribution(alpha):
    draws = BetaTarget(alpha)(SHAPE, generator=generator()).numpy().ravel()
    # not at the ends, where single precision rounds a Beta(.1, .1) to 1
    points = np.linspace(0.001, 0.999, 99)
    below = (draws[:, None] <= points).mean(axis=0)
    np.testing.assert_allclose(below, stats.beta(alpha, alpha).cdf(points), atol=0.02)


def test_annealing_goes_from_first_to_last_by_equal_ratios():
    target = BetaTarget((1.0, 0.1))
    ratios = target.alphas[1:] / target.alphas[:-1]
    np.testing.assert_allclose(ratios, ratios[0])
    variances = [
        target(SHAPE, progress, generator()).var().item() for progress in (0.0, 0.3, 0.6, 1.0)
    ]
    assert variances == sorted(variances)
    # of Beta(a, a): 1 / (4 (2a + 1))
    assert variances[0] == pytest.approx(1 / 12, abs=0.003)
    assert variances[-1] == pytest.approx(1 / 4.8, abs=0.003)


def test_bernoulli_stays_within_its_jitter():
    draws = BernoulliTarget(0.05)(SHAPE, generator=generator()).numpy()
    away = np.minimum(draws, 1 - draws)
    assert draws.min() >= 0
    assert draws.max() <= 1
    assert away.max() <= 0.05 + 1e-6
    assert stats.kstest(away.ravel() / 0.05, "uniform").pvalue > 1e-3
    assert (draws > 0.5).mean() == pytest.approx(0.5, abs=0.02)
    independent = np.corrcoef(draws.T)[np.triu_indices(20, k=1)]
    assert np.abs(independent).max() < 0.2


def test_a_function_is_asked_for_every_batch():
    def corners(size, rng):
        return np.tile(rng.integers(2, size=(size[0], 1)), (1, size[1]))

    target = binary_target(corners, 0.1, seed=3)
    first, second = target((40, 6)), target((40, 6))
    assert (first == first[:, :1]).all()
    assert (first != second).any()
    again = binary_target(corners, 0.1, seed=3)
    assert torch.equal(again((40, 6)), first)


@pytest.mark.parametrize(
    ("sampler", "message"),
    [
        (lambda size, rng: rng.random(size[0]), r"shape \(8, 3\), got \(8,\)"),
        (lambda size, rng: rng.normal(size=size), r"values in \[0, 1\]"),
        (lambda size, rng: np.full(size, np.nan), "nan"),
    ],
)
def test_wrong_draws_are_refused(sampler, message):
    with pytest.raises(ValueError, match=message):
        SampledTarget(sampler, seed=0)((8, 3))


@pytest.mark.parametrize("target", ["beta", "bernoulli"])
def test_seeds(target):
    draw = binary_target(target, 0.1, seed=0)
    assert torch.equal(draw(SHAPE, generator=generator(1)), draw(SHAPE, generator=generator(1)))
    assert not torch.equal(draw(SHAPE, generator=generator(1)), draw(SHAPE, generator=generator(2)))


def test_names_choose_the_distribution():
    assert type(binary_target("beta", 0.1, seed=0)) is BetaTarget
    assert type(binary_target("bernoulli", 0.1, seed=0)) is BernoulliTarget


@pytest.mark.parametrize("values", [(0.5, 1.5), (-0.5, 0.5)])
def test_values_on_one_side_of_the_unit_interval_are_refused(values):
    def sampler(shape, rng):
        return np.resize(values, shape)

    with pytest.raises(ValueError, match=r"kl_target must return values in \[0, 1\], got values"):
        SampledTarget(sampler, 0)((4, 2))
    draws = SampledTarget(lambda shape, rng: np.full(shape, 0.25), 0)((4, 2))
    assert draws.dtype == torch.float32
