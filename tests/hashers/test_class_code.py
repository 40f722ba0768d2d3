"""ClassCodeHasher: the code is the class, and nothing else."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.neighbors import KNeighborsClassifier

from skhash.codebooks import balanced_codebook
from skhash.datasets import load_cifar100_features
from skhash.hashers._class_code import ClassCodeHasher
from skhash.metrics import mean_average_hierarchical_precision_score
from skhash.similarity import LabelSimilarity


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X, np.array([f"digit {label}" for label in y])


@pytest.mark.parametrize(
    ("n_classes", "n_bits"),
    [(2, 1), (3, 2), (4, 2), (7, 3), (8, 3), (100, 7), (128, 7), (999, 10), (100, 31), (100, 64)],
)
def test_codebook_is_distinct_and_balanced(n_classes, n_bits):
    for seed in range(5):
        codebook = balanced_codebook(n_classes, n_bits, np.random.RandomState(seed))
        assert codebook.shape == (n_classes, n_bits)
        assert codebook.dtype == np.uint8
        assert codebook.max() == 1
        assert len(np.unique(codebook, axis=0)) == n_classes
        ones = codebook.sum(axis=0, dtype=int)
        assert np.all((ones == n_classes // 2) | (ones == (n_classes + 1) // 2))


def test_codes_say_nothing_of_the_order_of_the_classes():
    """Over seeds, every two classes are as far apart as any others."""
    n_classes, n_seeds = 6, 2000
    distances = np.zeros((n_classes, n_classes))
    for seed in range(n_seeds):
        codebook = balanced_codebook(n_classes, 40, np.random.RandomState(seed)).astype(int)
        distances += np.abs(codebook[:, np.newaxis] - codebook).sum(axis=2)
    distances = distances[np.triu_indices(n_classes, 1)] / n_seeds
    assert distances.std() < 0.05 * distances.mean()


def test_code_is_that_of_the_predicted_class(digits):
    X, y = digits
    hasher = ClassCodeHasher(n_bits=16, random_state=0).fit(X[:1000], y[:1000])
    predicted = hasher.classes_[hasher.estimator_.predict(X)]
    assert np.mean(predicted[1000:] == y[1000:]) > 0.85
    rows = [hasher.classes_.tolist().index(name) for name in predicted]
    np.testing.assert_array_equal(hasher.transform(X), hasher.codebook_[rows])
    values = hasher.decision_function(X)
    np.testing.assert_array_equal(values, 2.0 * hasher.codebook_[rows] - 1)


def test_is_perfect_at_the_class_where_the_classifier_is(digits):
    """The trivial solution: precision among training items without any structure learned."""
    X, y = digits
    hasher = ClassCodeHasher(32, estimator=KNeighborsClassifier(1), random_state=0)
    codes = hasher.fit_transform(X, y)
    score = mean_average_hierarchical_precision_score(
        codes, y, similarity=LabelSimilarity(), k=100, exclude_self=True
    )
    assert score == pytest.approx(1)


def test_default_classifier_is_a_fair_opponent():
    cifar = load_cifar100_features()
    train, query = cifar.train_indices[::4], cifar.query_indices
    hasher = ClassCodeHasher(n_bits=64, random_state=0).fit(cifar.data[train], cifar.target[train])
    predicted = hasher.classes_[hasher.estimator_.predict(cifar.data[query])]
    assert np.mean(predicted == cifar.target[query]) > 0.45


def test_the_users_classifier_is_cloned_and_used(digits):
    X, y = digits
    classifier = DummyClassifier(strategy="most_frequent")
    codes = ClassCodeHasher(8, estimator=classifier, random_state=0).fit_transform(X, y)
    assert len(np.unique(codes, axis=0)) == 1
    assert not hasattr(classifier, "classes_")


def test_sparse_rows(digits):
    X, y = digits
    hasher = ClassCodeHasher(8, random_state=0).fit(sparse.csr_array(X), y)
    np.testing.assert_array_equal(hasher.transform(sparse.csr_array(X)), hasher.transform(X))
    expected = ClassCodeHasher(8, random_state=0).fit(X, y)
    assert np.mean(hasher.transform(X) == expected.transform(X)) > 0.99


def test_sparse_tag_is_that_of_the_classifier():
    accepts = [
        ClassCodeHasher(estimator=estimator).__sklearn_tags__().input_tags.sparse
        for estimator in (None, KNeighborsClassifier(), LinearDiscriminantAnalysis())
    ]
    assert accepts == [True, True, False]


@pytest.mark.parametrize(
    ("y", "n_bits", "message"),
    [
        (np.repeat([[0, 1], [1, 1]], 10, axis=0), 8, "y must hold class labels.*multilabel"),
        (np.linspace(0, 1, 40).reshape(20, 2), 8, "y must hold class labels.*vector"),
        (["cat"] * 20, 8, r"2 classes or more, got 1 class.*cat"),
        (np.arange(20) % 5, 2, "n_bits=2 gives 4 codes, too few for 5 classes"),
        (None, 8, "requires y to be passed"),
        (np.arange(19) % 5, 8, "inconsistent numbers of samples"),
    ],
)
def test_refusals(y, n_bits, message):
    X = np.random.RandomState(0).normal(size=(20, 3))
    with pytest.raises(ValueError, match=message):
        ClassCodeHasher(n_bits).fit(X, y)
