"""CCAITQHasher against generalised eigenproblems, scikit-learn's CCA and LDA, and ITQ."""

import numpy as np
import pytest
from scipy import sparse
from scipy.linalg import eigh, subspace_angles
from sklearn.cross_decomposition import CCA
from sklearn.datasets import load_digits
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.utils.estimator_checks import parametrize_with_checks

from skhash.datasets import load_cifar100_features
from skhash.hashers._cca_itq import CCAITQHasher
from skhash.hashers._itq import ITQHasher
from skhash.metrics import mean_average_precision_score
from skhash.neighbors import unpack_codes
from skhash.utils.estimator_checks import parametrize_with_hasher_checks

ESTIMATORS = [CCAITQHasher(n_bits=6)]


@parametrize_with_checks(ESTIMATORS)
def test_scikit_learn(estimator, check):
    check(estimator)


@parametrize_with_hasher_checks(ESTIMATORS)
def test_hasher(estimator, check):
    check(estimator)


def fit(X, y, n_bits=8, **parameters):
    return CCAITQHasher(n_bits=n_bits, random_state=0, **parameters).fit(X, y)


@pytest.fixture(scope="module")
def tagged():
    """Samples with several labels, of which the features tell something."""
    random = np.random.RandomState(0)
    X = random.normal(size=(400, 9)) @ random.normal(size=(9, 9)) + 4
    noisy = X[:, :5] - 4 + random.normal(size=(400, 5)) * [1, 2, 3, 4, 5]
    return X, (noisy > [0, 1, 2, -1, 0]).astype(int)


@pytest.fixture(scope="module")
def digits():
    return load_digits(return_X_y=True)


@pytest.mark.parametrize("regularization", [1e-6, 0.01, 1.0])
def test_generalised_eigenproblem(tagged, regularization):
    """The squares of the correlations are its eigenvalues, the directions its eigenvectors."""
    X, Y = tagged
    hasher = fit(X, Y, n_bits=5, regularization=regularization)
    covariance = np.cov(X, Y, rowvar=False, bias=True)
    cov_X, cross, cov_Y = covariance[:9, :9], covariance[:9, 9:], covariance[9:, 9:]
    cov_X = cov_X + regularization * np.trace(cov_X) / 9 * np.eye(9)
    cov_Y = cov_Y + regularization * np.trace(cov_Y) / 5 * np.eye(5)
    eigenvalues, vectors = eigh(cross @ np.linalg.solve(cov_Y, cross.T), cov_X)
    eigenvalues, vectors = eigenvalues[:-6:-1], vectors[:, :-6:-1]
    np.testing.assert_allclose(hasher.correlations_, np.sqrt(eigenvalues), rtol=1e-8)
    # eigh gives the vectors unit variance; ours have their correlation as deviation
    expected = (vectors * np.sqrt(eigenvalues)).T
    signs = np.sign((hasher.components_ * expected).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(hasher.components_, signs * expected, rtol=1e-6, atol=1e-9)


def test_scikit_learn_finds_the_same_directions(tagged):
    X, Y = tagged
    hasher = fit(X, Y, n_bits=5, regularization=1e-9)
    theirs = CCA(n_components=5, max_iter=5000, tol=1e-12).fit(X, Y)
    scores, label_scores = theirs.transform(X, Y)
    correlations = [np.corrcoef(a, b)[0, 1] for a, b in zip(scores.T, label_scores.T)]
    np.testing.assert_allclose(hasher.correlations_, correlations, atol=1e-5)
    ours = (X - hasher.mean_) @ hasher.components_.T
    agreement = np.abs(np.corrcoef(ours, scores, rowvar=False)[:5, 5:])
    np.testing.assert_allclose(agreement, np.eye(5), atol=1e-3)
    # what is scaled is that the deviation is the correlation
    np.testing.assert_allclose(ours.std(axis=0), hasher.correlations_, rtol=1e-6)


def test_classes_give_the_directions_of_discriminant_analysis(digits):
    X, y = digits
    X = X[:, X.std(axis=0) > 0]
    hasher = fit(X, y, n_bits=16, regularization=1e-9)
    lda = LinearDiscriminantAnalysis(solver="eigen").fit(X, y)
    angles = subspace_angles(hasher.components_[:9].T, lda.scalings_[:, :9])
    assert np.max(angles) < 1e-4
    # the share of the variance along a direction that lies between classes
    ours = (X - X.mean(axis=0)) @ hasher.components_[:9].T
    between = np.stack([ours[y == c].mean(axis=0) for c in range(10)])[y].var(axis=0)
    np.testing.assert_allclose(between / ours.var(axis=0), hasher.correlations_**2, rtol=1e-6)


def test_linear_maps_change_nothing_without_regularization(tagged):
    X, Y = tagged
    expected = fit(X, Y, regularization=1e-13)
    mixing = np.random.RandomState(1).normal(size=(9, 9)) + 3 * np.eye(9)
    mixed = fit(X @ mixing + 2, 2 * Y, regularization=1e-13)
    np.testing.assert_allclose(mixed.correlations_, expected.correlations_, rtol=1e-5)
    same = fit(X * 1000, Y, regularization=0.5)
    np.testing.assert_allclose(
        same.correlations_, fit(X, Y, regularization=0.5).correlations_, rtol=1e-9
    )


def test_regularization_prefers_directions_that_vary():
    """A faint column that copies the class, and a loud one that mostly does."""
    random = np.random.RandomState(0)
    y = random.randint(2, size=500)
    X = np.column_stack([1e-3 * y, 2 * y + 0.5 * random.normal(size=500)])
    faint, loud = np.abs(fit(X, y, 1, regularization=1e-12).components_[0] * X.std(axis=0))
    assert faint > 100 * loud
    faint, loud = np.abs(fit(X, y, 1, regularization=0.1).components_[0] * X.std(axis=0))
    assert loud > 100 * faint


def test_classes_are_their_indicator(digits):
    X, y = digits
    expected = fit(X, y)
    assert expected.classes_.tolist() == list(range(10))
    for labels in (
        np.eye(10)[y],
        sparse.csr_array(np.eye(10)[y]),
        sparse.coo_matrix(np.eye(10)[y]),
    ):
        hasher = fit(X, labels)
        assert not hasattr(hasher, "classes_")
        np.testing.assert_array_equal(hasher.transform(X), expected.transform(X))
    # vectors, which are dense, in place of an indicator, which is sparse
    vectors = fit(X, np.eye(10)[y] * 0.3 + 1)
    np.testing.assert_allclose(vectors.correlations_, expected.correlations_, rtol=1e-9)
    assert not hasattr(expected.fit(X, np.eye(10)[y]), "classes_")


def test_vectors(digits):
    """Embeddings that are turned images: each correlation is 1 as far as there are any."""
    X, _ = digits
    X = X[:, X.std(axis=0) > 2]
    targets = X[:, :7] @ np.random.RandomState(0).normal(size=(7, 7)) + 3
    hasher = fit(X, targets.astype(np.float32), n_bits=12, regularization=1e-9)
    np.testing.assert_allclose(hasher.correlations_, np.ones(7), atol=1e-6)


def test_more_bits_than_directions(digits):
    """Nine directions over 24 bits: no bit is constant, and no two are the same."""
    X, y = digits
    hasher = fit(X, y, n_bits=24)
    assert hasher.correlations_.shape == (9,)
    assert not hasher.components_[9:].any()
    codes = hasher.transform(X)
    np.testing.assert_allclose(hasher.rotation_ @ hasher.rotation_.T, np.eye(24), atol=1e-6)
    assert np.all((codes.mean(axis=0) > 0.05) & (codes.mean(axis=0) < 0.95))
    assert len(np.unique(codes, axis=1).T) == 24
    few = fit(X, y, n_bits=4)
    np.testing.assert_allclose(few.correlations_, hasher.correlations_[:4])
    assert few.quantization_error_[-1] < few.quantization_error_[0]


def test_two_classes_have_one_direction(digits):
    X, y = digits
    codes = fit(X, y > 4, n_bits=5).transform(X)
    assert len(np.unique(codes, axis=0)) == 2


def test_float32_beside_a_large_mean(tagged):
    X, Y = tagged
    # the offset leaves float32 about 1e-4 of precision, so both see the same rounded X
    rounded = (X + 1000).astype(np.float32)
    narrow, wide = fit(rounded, Y), fit(rounded.astype(np.float64), Y)
    assert narrow.components_.dtype == narrow.rotation_.dtype == np.float32
    np.testing.assert_allclose(narrow.correlations_, wide.correlations_, rtol=1e-6)
    np.testing.assert_allclose(wide.correlations_, fit(X, Y).correlations_, rtol=1e-3)


def test_batches_do_not_matter(tagged, monkeypatch):
    X, Y = tagged
    cases = [Y, Y.sum(axis=1), Y + 0.5]
    expected = [fit(X, labels) for labels in cases]
    monkeypatch.setattr("skhash.hashers._cca_itq._BATCH_ROWS", 37)
    for labels, one_batch in zip(cases, expected):
        hasher = fit(X, labels)
        np.testing.assert_allclose(hasher.correlations_, one_batch.correlations_, rtol=1e-9)
        np.testing.assert_array_equal(hasher.transform(X), one_batch.transform(X))


def test_stored_codes(tagged):
    X, Y = tagged
    hasher = fit(X, sparse.csr_array(Y), n_bits=13, store_codes=True)
    np.testing.assert_array_equal(unpack_codes(hasher.training_codes_, 13), hasher.transform(X))
    np.testing.assert_array_equal(hasher.training_labels_.toarray(), Y)


def test_the_data_are_left_as_they_are(tagged):
    X, Y = tagged[0].copy(), tagged[1].copy()
    fit(X, Y)
    np.testing.assert_array_equal(X, tagged[0])
    np.testing.assert_array_equal(Y, tagged[1])


def test_better_than_itq_on_real_features():
    cifar = load_cifar100_features()
    train, queries = cifar.train_indices, cifar.query_indices
    X, y = cifar.data, cifar.target
    scores = []
    for hasher in (ITQHasher(n_bits=32, random_state=0), CCAITQHasher(n_bits=32, random_state=0)):
        codes = hasher.fit(X[train], y[train]).transform(X)
        scores.append(
            mean_average_precision_score(
                codes[queries], y[queries], codes[train], y[train], exclude_self=False
            )
        )
    of_itq, of_cca_itq = scores
    # about 0.145 and 0.237, give or take 0.003
    assert of_cca_itq > of_itq + 0.05


X = np.random.RandomState(0).normal(size=(30, 4))
y = np.arange(30) % 3


@pytest.mark.filterwarnings("ignore:X is the same for all samples")
@pytest.mark.parametrize(
    ("X", "y", "parameters", "message"),
    [
        (X, None, {}, "requires y"),
        (X, np.zeros(30, int), {}, "2 classes or more, got 1 class"),
        (X, np.tile([0, 1], (30, 1)), {}, "y must vary"),
        (X, y + 0.5, {}, "fractional"),
        (X, y[:20], {}, "inconsistent numbers of samples"),
        (X, np.full((30, 3), 0.1), {}, "y must vary"),
        (np.full((30, 4), 0.1), y, {}, "X must vary"),
        (X, y, {"regularization": 0}, "regularization"),
        (X[:, [0, 0]], y, {"regularization": 1e-300}, "1e-300 is too small: X does not vary"),
        (X, y, {"max_iter": 0}, "max_iter"),
        (X, y, {"tol": -1.0}, "tol"),
        (X, y, {"random_state": "seed"}, "random_state"),
    ],
)
def test_refusals(X, y, parameters, message):
    with pytest.raises(ValueError, match=message):
        CCAITQHasher(n_bits=2, **parameters).fit(X, y)


def test_uncorrelated():
    X = np.array([[1.0], [1.0], [-1.0], [-1.0]])
    with pytest.raises(ValueError, match="X and y are uncorrelated"):
        CCAITQHasher(n_bits=2).fit(X, [0, 1, 0, 1])
