"""semantic_codebook: the optimum where it is known, the CIFAR-100 tree, and hard cases."""

from itertools import combinations_with_replacement, permutations, product

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from skhash.codebooks import (
    balanced_codebook,
    codebook_rank_correlation,
    codebook_report,
    maxhd_codebook,
    semantic_codebook,
)
from skhash.codebooks._descent import descend, exchange_codes
from skhash.codebooks._stress import Stress
from skhash.metrics import mean_average_hierarchical_precision_score
from skhash.similarity import TaxonomySimilarity, class_similarity, load_taxonomy


def kernel(n_classes, seed):
    points = np.random.RandomState(seed).standard_normal((n_classes, 3))
    return np.exp(-((points[:, np.newaxis] - points) ** 2).sum(axis=2) / 4)


def stress_of(codebook, similarity, **options):
    return codebook_report(codebook, similarity, **options).stress


@pytest.fixture(scope="module")
def cifar():
    taxonomy = load_taxonomy("cifar100")
    return class_similarity(TaxonomySimilarity(taxonomy), list(taxonomy.leaves))


def least_stress(similarity, n_bits):
    """Among all balanced codebooks of distinct codes."""
    n_classes = len(similarity)
    stress = Stress(similarity)
    halves = (n_classes // 2, (n_classes + 1) // 2)
    # a column and its complement are the same to all distances
    columns = np.array([(1.0, *rest) for rest in product((-1.0, 1.0), repeat=n_classes - 1)])
    columns = columns[np.isin((columns > 0).sum(axis=1), halves)]
    least = np.inf
    for chosen in combinations_with_replacement(range(len(columns)), n_bits):
        codes = columns[list(chosen)].T
        if len(np.unique(codes, axis=0)) == n_classes:
            least = min(least, stress(codes))
    return least


@pytest.mark.parametrize(
    ("n_classes", "n_bits"), [(3, 2), (3, 4), (4, 2), (4, 3), (4, 5), (5, 3), (6, 3)]
)
def test_finds_the_optimum_of_small_problems(n_classes, n_bits):
    for seed in range(3):
        similarity = kernel(n_classes, seed)
        codebook = semantic_codebook(similarity, n_bits, random_state=seed)
        least = least_stress(similarity, n_bits)
        assert stress_of(codebook, similarity) == pytest.approx(least, rel=1e-9)


def test_finds_the_best_order_where_all_codes_are_needed():
    every = (np.arange(8)[:, np.newaxis] >> np.arange(3) & 1) * 2.0 - 1
    for seed in range(2):
        similarity = kernel(8, seed)
        stress = Stress(similarity)
        least = min(stress(every[[0, *order]]) for order in permutations(range(1, 8)))
        codebook = semantic_codebook(similarity, 3, random_state=seed)
        assert stress_of(codebook, similarity) == pytest.approx(least, rel=1e-9)


def test_no_single_exchange_would_have_helped():
    """Brute force over all exchanges of two bits of a column, and of two codes."""
    similarity = kernel(12, 0)
    stress = Stress(similarity)
    codes = balanced_codebook(12, 6, 0) * 2.0 - 1
    descend(stress, codes, 1000, np.random.RandomState(0))
    exchange_codes(stress, codes, 1000)
    descend(stress, codes, 1000, np.random.RandomState(0))
    settled = stress(codes)
    for k in range(6):
        for i in np.flatnonzero(codes[:, k] > 0):
            for j in np.flatnonzero(codes[:, k] < 0):
                other = codes.copy()
                other[[i, j], k] = other[[j, i], k]
                if len(np.unique(other, axis=0)) == 12:
                    assert stress(other) > settled - 1e-12


def test_exchange_of_codes_is_the_best_one_at_each_step():
    similarity = kernel(9, 1)
    stress = Stress(similarity)
    codes = balanced_codebook(9, 5, 1) * 2.0 - 1
    # at a fixed scale, which the move is judged at
    products = codes @ codes.T
    wanted = stress.wanted(products, 5)

    def fixed(codes):
        return np.vdot(stress.weights, (wanted - codes @ codes.T) ** 2)

    values = {}
    for i in range(9):
        for j in range(i):
            other = codes.copy()
            other[[i, j]] = other[[j, i]]
            values[i, j] = fixed(other)
    assert exchange_codes(stress, codes, 1) == 1
    assert fixed(codes) == pytest.approx(min(values.values()))


@pytest.mark.parametrize(
    ("n_classes", "n_bits"),
    [(1, 1), (1, 5), (2, 1), (2, 256), (3, 2), (7, 3), (8, 3), (31, 5), (32, 5), (33, 64)],
)
def test_codes_are_distinct_and_balanced(n_classes, n_bits):
    for similarity in (kernel(n_classes, 0), np.eye(n_classes), np.ones((n_classes, n_classes))):
        codebook = semantic_codebook(similarity, n_bits, random_state=0, max_sweeps=30)
        assert codebook.shape == (n_classes, n_bits)
        assert codebook.dtype == np.uint8
        assert len(np.unique(codebook, axis=0)) == n_classes
        ones = codebook.sum(axis=0, dtype=int)
        assert np.all((ones == n_classes // 2) | (ones == (n_classes + 1) // 2))


def test_two_classes_are_complements():
    codebook = semantic_codebook([[1, 0.9], [0.9, 1]], 12, random_state=0)
    assert np.all(codebook[0] != codebook[1])


@pytest.mark.parametrize("value", [0, 0.4, 1])
def test_equally_similar_classes_are_equally_far(value):
    similarity = np.full((40, 40), float(value))
    np.fill_diagonal(similarity, 1)
    d = pdist(semantic_codebook(similarity, 64, random_state=0, max_sweeps=60), "cityblock")
    random = pdist(balanced_codebook(40, 64, 0), "cityblock")
    assert d.std() < 0.4 * random.std()
    assert d.min() > pdist(maxhd_codebook(40, 64, 0), "cityblock").min() - 4


def test_classes_of_similarity_1_are_neighbours_with_different_codes():
    groups = np.repeat(np.arange(5), 3)
    similarity = (groups[:, np.newaxis] == groups).astype(float)
    codebook = semantic_codebook(similarity, 24, random_state=0)
    d = np.abs(codebook[:, np.newaxis].astype(int) - codebook).sum(axis=2)
    same = similarity.astype(bool) & ~np.eye(15, dtype=bool)
    assert d[same].min() >= 1
    assert d[same].max() <= 4
    assert d[~similarity.astype(bool)].min() >= 8


def test_random_state_decides():
    similarity = kernel(20, 0)

    def codebook(random_state):
        return semantic_codebook(similarity, 16, random_state=random_state, max_sweeps=30)

    np.testing.assert_array_equal(codebook(0), codebook(np.random.RandomState(0)))
    assert np.any(codebook(0) != codebook(1))


def test_input_is_left_alone():
    similarity = kernel(10, 0)
    before = similarity.copy()
    semantic_codebook(similarity, 8, random_state=0)
    np.testing.assert_array_equal(similarity, before)


def test_more_sweeps_are_no_worse(cifar):
    values = [
        stress_of(semantic_codebook(cifar, 24, random_state=0, max_sweeps=n), cifar)
        for n in (0, 1, 20, 100)
    ]
    start = balanced_codebook(100, 24, 0)
    assert values[0] == stress_of(start, cifar)
    assert values == sorted(values, reverse=True)
    assert values[-1] < 0.97 * values[-2] < 0.3 * values[0]


def test_order_of_the_classes_does_not_matter(cifar):
    order = np.random.RandomState(0).permutation(100)
    shuffled = cifar[np.ix_(order, order)]
    options = {"random_state": 0, "max_sweeps": 100}
    one = stress_of(semantic_codebook(cifar, 32, **options), cifar)
    other = stress_of(semantic_codebook(shuffled, 32, **options), shuffled)
    assert one == pytest.approx(other, rel=0.03)


def embedding_codes(similarity, n_bits, random_state):
    """The naive method: rotate the spectral embedding at random and cut each axis at its median."""
    n_classes = len(similarity)
    center = np.eye(n_classes) - 1 / n_classes
    values, vectors = np.linalg.eigh(center @ similarity @ center)
    embedding = vectors[:, values > 1e-9] * np.sqrt(values[values > 1e-9])
    scores = embedding @ random_state.standard_normal((embedding.shape[1], n_bits))
    return (scores > np.median(scores, axis=0)) * 2.0 - 1


@pytest.mark.parametrize(
    ("n_bits", "correlation", "precision"),
    [(16, 0.68, (0.95, 0.95)), (32, 0.77, (0.98, 0.97)), (64, 0.8, (0.99, 0.98))],
)
def test_cifar_tree(cifar, n_bits, correlation, precision):
    codebook = semantic_codebook(cifar, n_bits, random_state=0)
    stress = Stress(cifar)
    value = stress_of(codebook, cifar)

    # better than the best of 50 random rotations, of 50 random codebooks, and of its start
    random_state = np.random.RandomState(0)
    rotated = min(stress(embedding_codes(cifar, n_bits, random_state)) for _ in range(50))
    drawn = min(stress(balanced_codebook(100, n_bits, s) * 2.0 - 1) for s in range(50))
    assert value < 0.6 * rotated
    assert value < 0.2 * drawn
    start = balanced_codebook(100, n_bits, 0)
    assert codebook_rank_correlation(codebook, cifar) > correlation
    assert codebook_rank_correlation(start, cifar) < 0.1

    # what a perfect classifier would reach: 20 items of each class
    items = np.repeat(np.arange(100), 20)
    for k, least in zip((100, 500), precision):
        score = mean_average_hierarchical_precision_score(
            codebook,
            np.arange(100),
            codebook[items],
            items,
            similarity=cifar[:, items],
            k=k,
        )
        assert score > least


def test_better_than_restarts(cifar):
    """Shuffling a column beats most descents from as many starts as the same sweeps allow."""
    stress = Stress(cifar)
    restarts, n_left = [], 150
    for seed in range(50):
        if n_left <= 0:
            break
        random_state = np.random.RandomState(seed)
        codes = balanced_codebook(100, 16, random_state) * 2.0 - 1
        n_left -= descend(stress, codes, 1000, random_state)
        restarts.append(stress(codes))
    assert len(restarts) > 5
    codebook = semantic_codebook(cifar, 16, random_state=0, max_sweeps=150)
    assert stress_of(codebook, cifar) < np.median(restarts)


def test_weights_favour_near_classes(cifar):
    near = cifar[np.triu_indices(100, 1)] > 0.5
    d = 1 - cifar[np.triu_indices(100, 1)]

    def error_of_near(rho):
        codebook = semantic_codebook(cifar, 16, random_state=0, rho=rho, max_sweeps=60)
        h = pdist(codebook, "hamming")
        scale = h @ d / (d @ d)
        return np.square(h - scale * d)[near].mean()

    assert error_of_near(2) < 0.8 * error_of_near(0)


@pytest.mark.slow
def test_thousand_classes():
    levels = np.random.RandomState(0).randint(2, size=(1000, 9))
    first_apart = np.cumprod(levels[:, np.newaxis] == levels, axis=2).sum(axis=2)
    similarity = first_apart / 10
    np.fill_diagonal(similarity, 1)
    codebook = semantic_codebook(similarity, 64, random_state=0)
    assert len(np.unique(codebook, axis=0)) == 1000
    assert codebook_rank_correlation(codebook, similarity) > 0.8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gamma": 0}, r"'gamma' .* float in the range \(0.0, inf\). Got 0"),
        ({"rho": -1}, r"'rho' .* float in the range \[0.0, inf\). Got -1"),
        ({"max_sweeps": 1.5}, r"'max_sweeps' .* int in the range \[0, inf\). Got 1\.5"),
        ({"n_bits": 1}, r"n_bits=1 gives 2 codes, too few for 3 classes"),
    ],
)
def test_options(options, message):
    with pytest.raises(ValueError, match=message):
        semantic_codebook(np.eye(3), **{"n_bits": 8, **options})
