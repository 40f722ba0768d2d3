"""The expected code of a label, against kernel ridge regression and leaving out one by one."""

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge

from skhash._closed_form.label_regression import _NOISES, label_weights
from skhash.similarity import class_similarity, load_taxonomy


def make_problem(seed=0, n_labels=12, n_bits=5):
    """Codes that follow the similarity in part."""
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(n_labels, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    similarity = (1 + vectors @ vectors.T) / 2
    signal = vectors @ random.normal(size=(3, n_bits))
    return similarity, (signal + random.normal(scale=0.5, size=signal.shape) > 0).astype(float)


def left_out_error(similarity, residuals, noise):
    """Mean squared error, each label in turn predicted by a regression on the others."""
    errors = []
    for left in range(len(similarity)):
        rest = np.delete(np.arange(len(similarity)), left)
        ridge = KernelRidge(alpha=noise, kernel="precomputed")
        ridge.fit(similarity[np.ix_(rest, rest)], residuals[rest])
        errors.append(residuals[left] - ridge.predict(similarity[left : left + 1, rest])[0])
    return np.square(errors).mean()


@pytest.mark.parametrize("seed", range(4))
def test_is_the_kernel_ridge_regression_that_predicts_left_out_labels_best(seed):
    similarity, codes = make_problem(seed)
    residuals = codes - codes.mean(axis=0)
    best = min(_NOISES, key=lambda noise: left_out_error(similarity, residuals, noise))
    ridge = KernelRidge(alpha=best, kernel="precomputed").fit(similarity, residuals)
    # the similarity has rank 4, and the weights only matter within it
    predicted = similarity @ label_weights(similarity, codes)
    np.testing.assert_allclose(predicted, ridge.predict(similarity), atol=1e-7)


def test_noisier_codes_are_smoothed_more():
    """As the sum of squares of what is predicted for the labels themselves says."""
    similarity, codes = make_problem(n_labels=60)
    noisy = np.random.default_rng(1).integers(2, size=codes.shape).astype(float)

    def kept(codes):
        residuals = codes - codes.mean(axis=0)
        return np.square(similarity @ label_weights(similarity, codes)).sum() / (residuals**2).sum()

    assert kept(noisy) < 0.5 * kept(codes)


def test_labels_that_nothing_connects_keep_their_codes():
    codes = np.array([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    weights = label_weights(np.eye(3), codes)
    # residuals from the means 2/3 and 1/3, and the least noise of .01
    expected = np.array([[1, -1], [-2, -1], [1, 2]]) / 3 / 1.01
    np.testing.assert_allclose(weights, expected, atol=1e-12)


def test_order_of_the_labels_does_not_matter():
    similarity, codes = make_problem()
    order = np.random.default_rng(0).permutation(len(codes))
    shuffled = label_weights(similarity[np.ix_(order, order)], codes[order])
    np.testing.assert_allclose(shuffled, label_weights(similarity, codes)[order], atol=1e-9)


def test_a_similarity_that_is_no_inner_product_counts_by_its_part_that_is():
    taxonomy = load_taxonomy("cifar100-wordnet")
    similarity = class_similarity(taxonomy.similarity, taxonomy.leaves)
    values, vectors = np.linalg.eigh(similarity)
    assert values.min() < -0.01
    part = (vectors * values.clip(min=0)) @ vectors.T
    codes = np.random.default_rng(0).integers(2, size=(len(values), 4))
    np.testing.assert_allclose(
        label_weights(similarity, codes), label_weights(part, codes), atol=1e-7
    )
