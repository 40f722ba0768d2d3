"""The closed form that a direct encoder of labels without classes begins with."""

import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits

from skhash import ITQHasher, SemanticHasher
from skhash._closed_form.similarity_start import label_vectors, similarity_start
from skhash.encoders import RelationalEncoder
from skhash.metrics import ndcg_score
from skhash.similarity import EmbeddingSimilarity, MultilabelSimilarity, evaluate_similarity


def comparing(similarity, y):
    return lambda rows, others: evaluate_similarity(similarity, y[rows], y[others])


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    # what is drawn, and two things that are said of it: several labels a row
    labels = np.column_stack([np.eye(10, dtype=int)[y], y % 2 == 0, y > 4]).astype(np.uint8)
    return X[:1200].astype(np.float32), labels[:1200], X[1200:].astype(np.float32), labels[1200:]


def test_inner_products_of_the_vectors_are_the_similarity(digits):
    compare, rows = comparing(MultilabelSimilarity(), digits[1]), np.arange(300)
    similarity = compare(rows, rows)
    vectors = label_vectors(compare, rows, rows, 300)
    assert vectors.shape[1] == np.linalg.matrix_rank(similarity, tol=1e-4) < 20
    np.testing.assert_allclose(vectors @ vectors.T, similarity, atol=1e-6)


def test_rounding_chooses_no_vectors(digits):
    """Classes of one size have one eigenvalue: any rotation of their vectors is as good."""
    y = np.eye(10, dtype=np.uint8)[np.arange(300) % 10]
    compare, rows = comparing(MultilabelSimilarity(), y), np.arange(300)

    def rounded(a, b):
        noise = np.random.RandomState(len(a)).normal(size=(len(a), len(b)), scale=1e-14)
        return compare(a, b) + noise

    for n_components in (4, 300):
        vectors = label_vectors(compare, rows, rows, n_components)
        again = label_vectors(rounded, rows, rows, n_components)
        np.testing.assert_allclose(again, vectors, atol=1e-8)


THREADS = """
import sys
import numpy as np
import torch
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_limits
from skhash import SemanticHasher
from skhash.encoders import RelationalEncoder

n_threads = int(sys.argv[1])
torch.set_num_threads(n_threads)
threadpool_limits(n_threads)
X, y = load_digits(return_X_y=True)
X, y = X[:600], y[:600]
options = {"max_iter": 3, "random_state": 0, "device": "cpu", "encoder": RelationalEncoder()}
hasher = SemanticHasher(n_bits=32, **options)
codes = [hasher.fit(X, labels).transform(X) for labels in (y, np.eye(10, dtype=int)[y])]
np.save(sys.argv[2], codes)
"""


@pytest.mark.slow
def test_threads_change_no_more_bits_of_indicators_than_of_classes(tmp_path):
    for n_threads in ("1", "2"):
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": n_threads,
            "OPENBLAS_NUM_THREADS": n_threads,
        }
        command = [sys.executable, "-W", "ignore", "-c", THREADS, n_threads]
        subprocess.run([*command, tmp_path / f"{n_threads}.npy"], env=environment, check=True)
    one, two = (np.load(tmp_path / f"{n_threads}.npy") for n_threads in (1, 2))
    classes, indicators = (one != two).mean(axis=(1, 2))
    # before, a third and more of the bits of indicators were others
    assert indicators <= classes + 0.05


def test_few_landmarks_say_all_where_the_rank_is_low():
    """Cosines of vectors in a cone of three dimensions: any three of them span the others."""
    y = np.random.default_rng(0).uniform(1, 2, size=(5000, 3))
    compare, rows = comparing(EmbeddingSimilarity(), y), np.arange(5000)
    vectors = label_vectors(compare, rows, rows[::1000], 8)
    assert vectors.shape == (5000, 3)
    np.testing.assert_allclose(vectors[:50] @ vectors.T, compare(rows[:50], rows), atol=1e-5)


def test_directions_below_zero_are_left_out():
    similarity = np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1.0]])
    values, basis = np.linalg.eigh(similarity)
    assert values[0] < 0
    vectors = label_vectors(lambda a, b: similarity[np.ix_(a, b)], np.arange(3), np.arange(3), 3)
    assert vectors.shape == (3, 2)
    nearest = (basis * values.clip(min=0)) @ basis.T
    # nearest in a norm whose weights differ by a hundredth
    np.testing.assert_allclose(vectors @ vectors.T, nearest, atol=0.02)
    assert np.linalg.eigvalsh(vectors @ vectors.T)[0] > -1e-12


def test_map_follows_the_labels_and_not_the_features(digits):
    X, y, X_test, y_test = digits
    mean, directions = similarity_start(
        X, comparing(MultilabelSimilarity(), y), 16, np.random.RandomState(0)
    )
    assert directions.shape == (64, 16)
    values = (X - mean) @ directions
    np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-2)
    assert np.sqrt(np.square(values).mean()) == pytest.approx(6, rel=1e-3)

    def judge(codes):
        options = {"similarity": MultilabelSimilarity(), "k": 50, "exclude_self": True}
        return ndcg_score(codes, y_test, **options)

    itq = ITQHasher(16, random_state=0).fit(X)
    found = ((X_test - mean) @ directions > 0).astype(np.uint8)
    assert judge(found) > judge(itq.transform(X_test)) + 0.02


@pytest.mark.parametrize("network", ["linear", "mlp"])
def test_training_begins_there(digits, network):
    X, y = digits[:2]
    options = {"n_bits": 16, "random_state": 0, "device": "cpu", "max_iter": 1, "network": network}
    hasher = SemanticHasher(learning_rate=1e-8, hidden_layer_sizes=(8,), **options).fit(X, y)
    assert isinstance(hasher.encoder_, RelationalEncoder)
    mean, directions = similarity_start(
        X, comparing(MultilabelSimilarity(), y), 16, np.random.RandomState(0)
    )
    values = (X - mean) @ directions
    np.testing.assert_allclose(hasher.decision_function(X), values, atol=0.02)


def test_labels_that_say_nothing(digits):
    X = digits[0][:200]
    same = np.tile([1, 0, 1], (200, 1))
    compare = comparing(MultilabelSimilarity(), same)
    _, directions = similarity_start(X, compare, 8, np.random.RandomState(0))
    assert np.isfinite(directions).all()
    hasher = SemanticHasher(8, max_iter=1, hidden_layer_sizes=(8,), device="cpu", random_state=0)
    assert np.isfinite(hasher.fit(X, same).decision_function(X)).all()
    constant = np.ones_like(X)
    _, directions = similarity_start(
        constant, comparing(MultilabelSimilarity(), digits[1][:200]), 8, np.random.RandomState(0)
    )
    assert not directions.any()


def test_class_labels_keep_their_own_network(digits):
    X, y = digits[0][:200], digits[1][:200, :10].argmax(axis=1)
    hasher = SemanticHasher(
        8, encoder=RelationalEncoder(), max_iter=1, device="cpu", random_state=0
    )
    assert "shortcut" not in hasher.fit(X, y).architecture_
