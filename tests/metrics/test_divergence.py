"""Divergences against closed forms, their definition, and torch against numpy."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from scipy.special import betaln, digamma
from scipy.stats import ortho_group

from skhash._torch.losses import empirical_kl_loss
from skhash.metrics._divergence import binary_kl, empirical_kl_divergence

METRICS = {"euclidean": "euclidean", "manhattan": "cityblock", "chebyshev": "chebyshev"}


def normal(loc, scale=1.0):
    loc = np.asarray(loc, dtype=float)
    return lambda random, n: random.normal(loc, scale, size=(n, len(loc)))


def uniform(low, high, n_features):
    return lambda random, n: random.uniform(low, high, size=(n, n_features))


def beta(a, b):
    return lambda random, n: random.beta(a, b, size=(n, 1))


def beta_divergence(a, b, c, d):
    return (
        betaln(c, d)
        - betaln(a, b)
        + (a - c) * digamma(a)
        + (b - d) * digamma(b)
        + (c - a + d - b) * digamma(a + b)
    )


def mean_estimate(draw_P, draw_Q, n, m, n_seeds=10, **options):
    estimates = []
    for seed in range(n_seeds):
        random = np.random.RandomState(seed)
        estimates.append(empirical_kl_divergence(draw_P(random, n), draw_Q(random, m), **options))
    return np.mean(estimates)


def by_definition(P, Q, k, metric):
    inside = np.sort(cdist(P, P, METRICS[metric]), axis=1)[:, k]
    across = np.sort(cdist(P, Q, METRICS[metric]), axis=1)[:, k - 1]
    n, d = P.shape
    return d / n * np.log(across / inside).sum() + np.log(len(Q) / (n - 1))


@pytest.fixture
def samples():
    random = np.random.RandomState(0)
    return random.normal(size=(83, 5)), random.normal(size=(61, 5)) * 1.5 + 0.3


def test_by_hand():
    """rho = 1, 1, 2 and nu = 1/2, 1/2, 2; as many draws as the other samples of P."""
    divergence = empirical_kl_divergence([[0.0], [1.0], [3.0]], [[0.5], [5.0]])
    assert divergence == pytest.approx(np.log(0.5 * 0.5 * 1) / 3)
    # a second sample of Q, nowhere near, only changes the constant
    divergence = empirical_kl_divergence([[0.0], [1.0], [3.0]], [[0.5], [5.0], [99.0]])
    assert divergence == pytest.approx(np.log(0.25) / 3 + np.log(3 / 2))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("k", [1, 4, 61])
def test_definition(samples, metric, k):
    P, Q = samples
    expected = by_definition(P, Q, k, metric)
    assert empirical_kl_divergence(P, Q, k, metric=metric) == pytest.approx(expected, rel=1e-12)
    tensors = torch.from_numpy(P), torch.from_numpy(Q)
    divergence = empirical_kl_divergence(*tensors, k, metric=metric)
    assert isinstance(divergence, torch.Tensor)
    assert divergence.shape == ()
    assert divergence.item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("draw_P", "draw_Q", "expected"),
    [
        (normal([0]), normal([1]), 0.5),
        (normal([0], 0.5), normal([1], 2), np.log(4) + 1.25 / 8 - 0.5),
        (normal([0, 0, 0]), normal([0.5, 0.5, 0]), 0.25),
        (uniform(0, 1, 1), uniform(0, 2, 1), np.log(2)),
        (uniform(0, 1, 2), uniform(-1, 1, 2), np.log(4)),
        (beta(2, 3), beta(1, 1), beta_divergence(2, 3, 1, 1)),
        (beta(4, 4), beta(0.5, 0.5), beta_divergence(4, 4, 0.5, 0.5)),
        (beta(0.5, 1), beta(1, 0.5), beta_divergence(0.5, 1, 1, 0.5)),
    ],
)
@pytest.mark.parametrize("k", [1, 3])
def test_closed_forms(draw_P, draw_Q, expected, k):
    """Sizes differ, so that a wrong constant would be off by log(2)."""
    assert mean_estimate(draw_P, draw_Q, 2000, 4000, k=k) == pytest.approx(expected, abs=0.04)
    assert mean_estimate(draw_P, draw_Q, 4000, 2000, k=k) == pytest.approx(expected, abs=0.04)


@pytest.mark.parametrize("metric", METRICS)
def test_any_norm_tends_to_the_same(metric):
    estimate = mean_estimate(normal([0, 0]), normal([0.7, 0]), 2000, 2000, metric=metric)
    assert estimate == pytest.approx(0.245, abs=0.03)


def test_equal_distributions():
    """Without bias: around 0, and not always above."""
    estimates = []
    for seed in range(200):
        P, Q = np.random.RandomState(seed).normal(size=(2, 50, 4))
        estimates.append(empirical_kl_divergence(P, Q))
    error = np.std(estimates) / np.sqrt(len(estimates))
    assert abs(np.mean(estimates)) < 3 * error
    assert min(estimates) < 0 < max(estimates)


@pytest.mark.parametrize(
    ("draw_P", "small", "large"),
    [(normal([1, 1]), 0.86, 0.955), (normal([0, 0], np.sqrt(3.1461932206)), 0.44, 0.70)],
    ids=["shifted", "wider"],
)
def test_known_low_bias(draw_P, small, large):
    """Both are at a divergence of 1 from the standard normal distribution in the plane.

    Where P reaches into the tails of Q, no neighbour is as far as the density says.
    """
    standard = normal([0, 0])
    assert mean_estimate(draw_P, standard, 200, 200, 80) == pytest.approx(small, abs=0.06)
    assert mean_estimate(draw_P, standard, 2000, 2000) == pytest.approx(large, abs=0.04)


@pytest.mark.parametrize("metric", METRICS)
def test_invariances(samples, metric):
    P, Q = samples
    expected = empirical_kl_divergence(P, Q, metric=metric)
    random = np.random.RandomState(1)
    rows, columns = random.permutation(len(P)), random.permutation(P.shape[1])
    for changed in (
        (P[rows], Q[::-1]),
        (P[:, columns], Q[:, columns]),
        (P * 1e-3 + 7, Q * 1e-3 + 7),
        (-P, -Q),
    ):
        assert empirical_kl_divergence(*changed, metric=metric) == pytest.approx(expected)
    turn = ortho_group.rvs(5, random_state=2)
    turned = empirical_kl_divergence(P @ turn, Q @ turn, metric=metric)
    assert (turned == pytest.approx(expected)) == (metric == "euclidean")


def test_duplicates_are_refused_or_softened(samples):
    P, Q = samples
    twice = np.concatenate([P, P[:3]])
    with pytest.raises(ValueError, match=r"86 samples of P, 6 have 1 or more dup.* P and 0 in Q"):
        empirical_kl_divergence(twice, Q)
    with pytest.raises(ValueError, match=r"83 samples of P, 0 have .* and 2 in Q"):
        empirical_kl_divergence(P, np.concatenate([Q, P[:2]]))
    with pytest.raises(ValueError, match="6 have 1 or more"):
        empirical_kl_divergence(torch.from_numpy(twice), torch.from_numpy(Q))
    # the second neighbour of a pair is no duplicate
    assert np.isfinite(empirical_kl_divergence(twice, Q, k=2))
    clump, draws = np.zeros((4, 2)), np.ones((3, 2))
    softened = 2 * np.log((2 + 1e-3) / 1e-3)
    for make in (np.asarray, torch.as_tensor):
        divergence = empirical_kl_divergence(make(clump), make(draws), metric="manhattan", eps=1e-3)
        assert float(divergence) == pytest.approx(softened)


def test_near_duplicates_far_from_the_origin():
    """Distances of 1e-9 beside coordinates of 1: a product form would lose them."""
    P = np.array([[1.0, 1.0], [1.0, 1.0 + 2e-9], [1.0, 3.0]])
    Q = np.array([[2.0, 1.0], [5.0, 5.0]])
    expected = 2 / 3 * np.log(1 * 1 * 5**0.5 / (2e-9**2 * 2))
    assert empirical_kl_divergence(P, Q) == pytest.approx(expected, rel=1e-6)
    divergence = empirical_kl_divergence(torch.from_numpy(P), torch.from_numpy(Q))
    assert divergence.item() == pytest.approx(expected, rel=1e-6)


def test_blocks_do_not_matter(samples, monkeypatch):
    P, Q = map(torch.from_numpy, samples)
    expected = empirical_kl_divergence(P, Q, 3)
    monkeypatch.setattr("skhash.metrics._divergence_torch._PAIRS_PER_BLOCK", 700)
    assert empirical_kl_divergence(P, Q, 3).item() == expected.item()


@pytest.mark.parametrize("metric", METRICS)
def test_gradients(samples, metric):
    P, Q = (torch.from_numpy(sample[:9]).requires_grad_() for sample in samples)
    assert torch.autograd.gradcheck(
        lambda p, q: empirical_kl_divergence(p, q, 2, metric=metric), (P, Q)
    )


def test_the_loss_is_the_same_without_constants():
    random = np.random.RandomState(0)
    outputs, draws = (torch.from_numpy(random.uniform(size=(n, 16))).float() for n in (40, 70))
    divergence = empirical_kl_divergence(outputs, draws, metric="manhattan", eps=1e-6)
    loss = empirical_kl_loss(outputs, draws)
    assert divergence.item() == pytest.approx(16 * loss.item() + np.log(70 / 39), rel=1e-4)


def test_arrays_do_not_import_torch():
    program = (
        "import sys\n"
        "from skhash.metrics._divergence import empirical_kl_divergence\n"
        "empirical_kl_divergence([[0.0], [1.0]], [[0.5]])\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


A, T = np.eye(4)[:, :3], torch.eye(4)[:, :3]


@pytest.mark.parametrize(
    ("P", "Q", "options", "error", "message"),
    [
        (A, T, {}, TypeError, "two arrays or two tensors, got ndarray and Tensor"),
        (A, A[:, :2], {}, ValueError, "number of features, got 3 and 2"),
        (T, T[:, :2], {}, ValueError, "number of features, got 3 and 2"),
        (A[0], A, {}, ValueError, "2D array"),
        (T[0], T, {}, ValueError, r"P must have the shape .* got \(3,\)"),
        (A[:1], A, {}, ValueError, "minimum of 2"),
        (T[:1], T, {}, ValueError, "k=1 needs 2 samples of P and 1 of Q, got 1 and 4"),
        (A, A, {"k": 4}, ValueError, "k=4 needs 5 samples of P and 4 of Q, got 4 and 4"),
        (A, A[:1], {"k": 2}, ValueError, "k=2 needs 3 samples of P and 2 of Q, got 4 and 1"),
        (A, A, {"k": 0}, ValueError, "k must be an integer of at least 1, got 0"),
        (A, A, {"k": 1.0}, ValueError, "k must be an integer"),
        (A * np.nan, A, {}, ValueError, "P contains NaN"),
        (A, A * np.nan, {}, ValueError, "Q contains NaN"),
        (T, T * np.nan, {}, ValueError, "Q contains NaN"),
        (T.int(), T, {}, ValueError, "P must be a tensor of floats"),
        (T, T.double(), {}, ValueError, "same dtype and device"),
        (A, A, {"metric": "cosine"}, ValueError, "metric must be one of 'euclidean'"),
        (A, A, {"eps": -1.0}, ValueError, "eps must be"),
        (A, A, {"eps": np.nan}, ValueError, "eps must be"),
    ],
)
def test_refusals(P, Q, options, error, message):
    with pytest.raises(error, match=message):
        empirical_kl_divergence(P, Q, **options)


N_BITS = 64


def ten_codes(random, n):
    return random.randint(2, size=(10, N_BITS))[random.randint(10, size=n)]


@pytest.mark.parametrize(
    ("draw", "expected", "tolerance"),
    [
        (lambda r, n: r.beta(0.1, 0.1, size=(n, N_BITS)), 0, 0.01),
        (lambda r, n: r.randint(2, size=(n, N_BITS)), 0.045, 0.015),
        (lambda r, n: r.uniform(size=(n, N_BITS)), 0.34, 0.015),
        (lambda r, n: r.normal(0.5, 0.1, size=(n, N_BITS)).clip(0, 1), 1.49, 0.03),
        (lambda r, n: r.uniform(size=(n, N_BITS)) < 0.9, 1.4, 0.06),
        (lambda r, n: np.abs(ten_codes(r, n) - np.abs(r.normal(0, 1e-3, (n, 64)))), 6.44, 0.05),
        (ten_codes, 16.93, 0.05),
    ],
    ids=["target", "bits", "uniform", "normal", "unbalanced", "ten jittered", "ten"],
)
def test_yardstick(draw, expected, tolerance):
    random = np.random.RandomState(0)
    values = [binary_kl(draw(random, 128), random_state=random) for _ in range(5)]
    assert np.mean(values) == pytest.approx(expected, abs=tolerance)


def test_jitter_across_the_corners():
    """With noise on both sides of 0 and 1, outside of what binary_kl takes."""
    random = np.random.RandomState(0)
    values = []
    for _ in range(10):
        outputs = ten_codes(random, 128) + random.normal(0, 1e-3, (128, N_BITS))
        draws = random.beta(0.1, 0.1, size=outputs.shape)
        values.append(empirical_kl_divergence(outputs, draws, metric="manhattan", eps=1e-6))
    assert np.mean(values) / N_BITS == pytest.approx(5.9, abs=0.03)


def test_binary_kl_is_a_divergence_per_bit():
    random = np.random.RandomState(3)
    outputs = random.uniform(size=(50, 8))
    value = binary_kl(outputs, alpha=0.5, n_repeats=1, random_state=7)
    source = np.random.RandomState(7)
    source.permutation(50)  # all samples make the batch, in some order
    draws = source.beta(0.5, 0.5, size=(50, 8))
    expected = empirical_kl_divergence(outputs, draws, metric="manhattan", eps=1e-6) / 8
    assert value == pytest.approx(expected)


def test_batches_make_sizes_comparable():
    """Three thousand codes score as a hundred do, where all at once would be far more clumped."""
    codes = np.random.RandomState(0).uniform(size=(3000, N_BITS)) < 0.9
    assert binary_kl(codes, n_repeats=20, random_state=0) == pytest.approx(1.39, abs=0.04)
    assert binary_kl(codes, batch_size=1500, n_repeats=1, random_state=0) > 1.5


def test_codes_of_any_type():
    codes = np.random.RandomState(0).randint(2, size=(200, 16), dtype=np.uint8)
    expected = binary_kl(codes, random_state=0)
    for other in (codes.astype(bool), codes.astype(np.float32), torch.from_numpy(codes)):
        assert binary_kl(other, random_state=0) == expected
    assert binary_kl(codes, random_state=1) != expected


@pytest.mark.parametrize(
    ("outputs", "options", "message"),
    [
        ([[0.0, -0.5], [1.0, 1.0]], {}, "outputs must be between 0 and 1, got -0.5 to 1"),
        ([[0.0, 2.0], [1.0, 1.0]], {}, "got 0 to 2"),
        ([[0.0, np.nan], [1.0, 1.0]], {}, "outputs contains NaN"),
        ([[0.0, 1.0]], {}, "minimum of 2"),
        (A, {"alpha": 0}, "alpha must be"),
        (A, {"batch_size": 1}, "batch_size must be an integer of at least 2, got 1"),
        (A, {"n_repeats": 0}, "n_repeats must be an integer of at least 1, got 0"),
        (A, {"eps": "small"}, "eps must be"),
    ],
)
def test_binary_kl_refusals(outputs, options, message):
    with pytest.raises(ValueError, match=message):
        binary_kl(outputs, **options)
