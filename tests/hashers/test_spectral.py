"""SpectralHasher against Laplacians solved by brute force, and its box."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist
from scipy.stats import ortho_group
from sklearn.decomposition import PCA
from sklearn.utils.estimator_checks import parametrize_with_checks

from skhash.datasets import load_cifar100_features
from skhash.hashers._itq import ITQHasher
from skhash.hashers._random_projection import RandomProjectionHasher
from skhash.hashers._spectral import SpectralHasher
from skhash.metrics import mean_average_precision_score
from skhash.neighbors import unpack_codes
from skhash.utils.estimator_checks import parametrize_with_hasher_checks


@parametrize_with_checks([SpectralHasher(n_bits=6)])
def test_scikit_learn(estimator, check):
    check(estimator)


@parametrize_with_hasher_checks([SpectralHasher(n_bits=6)])
def test_hasher(estimator, check):
    check(estimator)


def neumann(n_cells, side):
    """Minus the second difference on cells of equal width, with walls that reflect."""
    matrix = 2 * np.eye(n_cells) - np.eye(n_cells, k=1) - np.eye(n_cells, k=-1)
    matrix[0, 0] = matrix[-1, -1] = 1
    return matrix * (n_cells / side) ** 2


def test_eigenfunctions_of_a_box():
    """The smoothest eigenvectors of a discrete Laplacian in the plane but for products."""
    sides, n_cells = np.array([np.pi, 2.0]), np.array([40, 30])
    identity = [np.eye(n) for n in n_cells]
    laplacian = np.kron(neumann(n_cells[0], sides[0]), identity[1])
    laplacian += np.kron(identity[0], neumann(n_cells[1], sides[1]))
    eigenvalues, vectors = np.linalg.eigh(laplacian)
    tables = vectors.T.reshape(-1, *n_cells)
    along_one_side = (np.ptp(tables, axis=1).max(axis=1) < 1e-6) | (
        np.ptp(tables, axis=2).max(axis=1) < 1e-6
    )
    # the first is the constant, which makes no bit
    smoothest = np.flatnonzero(along_one_side)[1:8]
    corners = [[x, y] for x in (0, sides[0]) for y in (0, sides[1])]
    hasher = SpectralHasher(n_bits=7).fit(corners)
    np.testing.assert_allclose(hasher.eigenvalues_, eigenvalues[smoothest], rtol=0.02)
    centres = [(np.arange(n) + 0.5) / n * side for n, side in zip(n_cells, sides)]
    grid = np.stack(np.meshgrid(*centres, indexing="ij"), axis=-1).reshape(-1, 2)
    values = hasher.decision_function(grid)
    values /= np.linalg.norm(values, axis=0)
    agreement = np.abs((values * vectors[:, smoothest]).sum(axis=0))
    np.testing.assert_allclose(agreement, 1, atol=1e-5)


def test_eigenvectors_of_a_graph():
    """What the method is for: samples joined by a Gaussian kernel, as in the paper."""
    X = np.sort(np.random.RandomState(0).uniform(size=(1500, 1)), axis=0)
    weights = np.exp(-cdist(X, X, "sqeuclidean") / (2 * 0.03**2))
    scale = 1 / np.sqrt(weights.sum(axis=0))
    vectors = np.linalg.eigh(scale[:, None] * weights * scale)[1][:, ::-1] * scale[:, None]
    values = SpectralHasher(n_bits=3).fit(X).decision_function(X)
    agreement = np.abs(np.corrcoef(values, vectors[:, 1:4], rowvar=False)[:3, 3:].diagonal())
    assert np.all(agreement > 0.98)


def test_reference():
    """Every function of every side as the paper writes it, the smoothest by sorting a list."""
    random = np.random.RandomState(1)
    X = random.normal(size=(300, 6)) @ random.normal(size=(6, 6)) + 5
    n_bits, epsilon = 20, 0.1
    projections = PCA(6, svd_solver="full").fit_transform(X)
    functions = []
    for values in projections.T:
        low, high = values.min(), values.max()
        for mode in range(1, n_bits + 1):
            frequency = mode * np.pi / (high - low)
            eigenvalue = 1 - np.exp(-(epsilon**2) / 2 * frequency**2)
            sine = np.sin(np.pi / 2 + frequency * (values - low))
            functions.append((eigenvalue, mode, sine))
    functions.sort(key=lambda function: function[0])
    hasher = SpectralHasher(n_bits=n_bits).fit(X)
    values = hasher.decision_function(X)
    assert len(set(hasher.directions_)) > 2
    for bit, (eigenvalue, mode, sine) in enumerate(functions[:n_bits]):
        ours = 1 - np.exp(-(epsilon**2) / 2 * hasher.eigenvalues_[bit])
        assert ours == pytest.approx(eigenvalue)
        assert hasher.modes_[bit] == mode
        # seen from the other end of the box, a function of an odd mode is turned over
        sign = np.sign(values[0, bit] * sine[0])
        np.testing.assert_allclose(values[:, bit], sign * sine, atol=1e-4)
        assert sign == 1 or mode % 2 == 1


def test_bits_by_hand():
    """A side of 6 beside one of 2: three functions of the first as long as one of the second."""
    X = np.array([[x, y] for x in (0.0, 6.0) for y in (0.0, 2.0)])
    hasher = SpectralHasher(n_bits=7).fit(X)
    sixths = np.sqrt(hasher.eigenvalues_) * 6 / np.pi
    np.testing.assert_allclose(sixths, [1, 2, 3, 3, 4, 5, 6], rtol=1e-6)
    assert sorted(zip(hasher.directions_, hasher.modes_))[:5] == [(0, m) for m in range(1, 6)]
    np.testing.assert_allclose(hasher.box_, [[-3, -1], [3, 1]], atol=1e-12)


@pytest.mark.parametrize("n_bits", [1, 5, 12])
def test_each_bit_changes_as_often_as_its_mode_says(n_bits):
    line = np.linspace(-2, 3, 1001)[:, np.newaxis]
    hasher = SpectralHasher(n_bits=n_bits).fit(line)
    changes = np.count_nonzero(np.diff(hasher.transform(line).astype(int), axis=0), axis=0)
    assert changes.tolist() == hasher.modes_.tolist() == list(range(1, n_bits + 1))


@pytest.fixture(scope="module")
def features():
    return load_cifar100_features()


def test_distances_do_not_depend_on_the_coordinates(features):
    X = features.data[:400, :8].astype(np.float64)
    distances = pdist(SpectralHasher(n_bits=24).fit_transform(X), "cityblock")
    turn = ortho_group.rvs(8, random_state=0)
    for changed in (X + 3, X * 0.01, X @ turn, -X, np.hstack([X, np.ones((400, 2))])):
        codes = SpectralHasher(n_bits=24).fit_transform(changed)
        # a value on its threshold may fall on the other side by rounding
        assert np.mean(pdist(codes, "cityblock") == distances) > 0.999


def test_directions_without_variance_get_no_bits():
    random = np.random.RandomState(0)
    X = random.normal(size=(200, 3)) @ random.normal(size=(3, 9))
    hasher = SpectralHasher(n_bits=40).fit(X)
    assert hasher.components_.shape == (3, 9)
    assert hasher.box_.shape == (2, 3)
    assert set(hasher.directions_) == {0, 1, 2}
    assert np.all(hasher.transform(X).std(axis=0) > 0)


def test_evenly_filled_box_is_where_it_is_best():
    """The nearest of evenly spread samples are found better than by hyperplanes."""
    random = np.random.RandomState(0)
    X = random.uniform(size=(2000, 2)) * [2, 1]
    queries = random.uniform(size=(200, 2)) * [2, 1]
    nearest = cdist(queries, X).argsort(axis=1)[:, :20]
    recall = []
    for hasher in (SpectralHasher(n_bits=12), RandomProjectionHasher(n_bits=12, random_state=0)):
        distances = cdist(hasher.fit(X).transform(queries), hasher.transform(X), "cityblock")
        order = (distances + 0.5 * random.uniform(size=distances.shape)).argsort(axis=1)[:, :20]
        recall.append(np.mean([np.isin(n, o).mean() for n, o in zip(nearest, order)]))
    assert recall[0] > 1.5 * recall[1]


def test_among_baselines_on_real_features(features):
    """Above random projections and below ITQ, as in the papers that came after."""
    train, queries = features.train_indices, features.query_indices
    scores = []
    for hasher in (
        RandomProjectionHasher(n_bits=16, random_state=0),
        SpectralHasher(n_bits=16),
        ITQHasher(n_bits=16, random_state=0),
    ):
        codes = hasher.fit(features.data[train]).transform(features.data)
        scores.append(
            mean_average_precision_score(
                codes[queries],
                features.target[queries],
                codes[train],
                features.target[train],
                exclude_self=False,
            )
        )
    of_random, of_spectral, of_itq = scores
    assert of_random < of_spectral < of_itq


def test_stored_codes(features):
    X, y = features.data[:50], features.target[:50]
    hasher = SpectralHasher(n_bits=13, store_codes=True).fit(X, y)
    np.testing.assert_array_equal(unpack_codes(hasher.training_codes_, 13), hasher.transform(X))
    np.testing.assert_array_equal(hasher.training_labels_, y)


@pytest.mark.filterwarnings("ignore:X is the same for all samples")
def test_refusals():
    with pytest.raises(ValueError, match="X must vary for a box"):
        SpectralHasher(n_bits=2).fit(np.full((5, 3), 0.1))
    with pytest.raises(ValueError, match="minimum of 2"):
        SpectralHasher(n_bits=2).fit([[1.0, 2.0]])
    with pytest.raises(ValueError, match="n_bits"):
        SpectralHasher(n_bits=0).fit([[1.0], [2.0]])
