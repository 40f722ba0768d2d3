"""What comes back from a target is checked, and "auto" takes the kind of labels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from skhash.similarity import (
    EmbeddingSimilarity,
    LabelSimilarity,
    MultilabelSimilarity,
    PrecomputedSimilarity,
    Taxonomy,
    class_similarity,
    evaluate_similarity,
    load_taxonomy,
    resolve_similarity,
)


def nearness(y_a, y_b):
    return 1 / (1 + np.abs(np.subtract.outer(y_a, y_b)))


def returning(values):
    def target(y_a, y_b):
        return values

    return target


def test_any_function_will_do():
    values = evaluate_similarity(nearness, [1, 2], [2, 4, 1])
    np.testing.assert_allclose(values, [[1 / 2, 1 / 4, 1], [1, 1 / 3, 1 / 2]])


@pytest.mark.parametrize("values", [[[True, False]], [[1, 0]], np.array([[1, 0]], np.float32)])
def test_numbers_of_any_type_become_float64(values):
    evaluated = evaluate_similarity(returning(values), ["a"], ["a", "b"])
    assert evaluated.dtype == np.float64
    np.testing.assert_array_equal(evaluated, [[1, 0]])


def test_sparse_labels_and_no_labels():
    y = sparse.csr_array([[1, 0], [1, 1]])
    assert evaluate_similarity(MultilabelSimilarity(), y, y[:1]).shape == (2, 1)
    assert evaluate_similarity(LabelSimilarity(), [], ["a"]).shape == (0, 1)


def test_rounding_is_clipped_and_the_array_of_the_target_left_alone():
    own = np.array([[1 + 5e-7, -5e-7]])
    evaluated = evaluate_similarity(returning(own), [0], [0, 1])
    np.testing.assert_array_equal(evaluated, [[1, 0]])
    assert own[0, 0] > 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.ones((3, 2)), r"target must return shape \(2, 3\).*got \(3, 2\)"),
        (np.ones(3), r"got \(3,\)"),
        (1.0, r"got \(\)"),
        ([[1, 0, 0], [0, np.nan, 0]], r"target must.*\[0, 1\], got nan at index \(1, 1\)"),
        ([[1, 0, 2.5], [9, 0, 0]], r"got 2.5 at index \(0, 2\)"),
        ([[1, 0, 0], [0, -0.1, 0]], r"got -0.1 at index \(1, 1\)"),
        ([[1, 0, 0], [np.inf, 0, 0]], r"got inf at index \(1, 0\)"),
        ([["a", "b", "c"]] * 2, "real numbers, got list of dtype <U1"),
        (sparse.csr_array(np.ones((2, 3))), "real numbers, got csr_array"),
        (None, "real numbers, got NoneType"),
    ],
)
def test_wrong_answers_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        evaluate_similarity(returning(values), [0, 1], [0, 1, 2])


def test_targets_are_named_by_their_parameters():
    class Broken(EmbeddingSimilarity):
        def __call__(self, y_a, y_b):
            return np.full((1, 1), 7.0)

    with pytest.raises(ValueError, match=r"Broken\(temperature=3\) must return.*got 7"):
        evaluate_similarity(Broken(temperature=3), [[0.5]], [[0.5]])


def test_class_similarity_is_symmetric_to_the_last_bit():
    rng = np.random.default_rng(0)
    matrix = rng.random((5, 5))
    matrix = (matrix + matrix.T) / 2
    np.fill_diagonal(matrix, 1)
    blurred = matrix + rng.uniform(-1e-8, 0, (5, 5))
    values = class_similarity(returning(blurred), np.arange(5))
    np.testing.assert_array_equal(values, values.T)
    np.testing.assert_array_equal(np.diagonal(values), 1)
    np.testing.assert_allclose(values, matrix, atol=1e-7)


def test_class_similarity_refuses():
    one_way = np.array([[1, 0.7], [0.2, 1]])
    with pytest.raises(ValueError, match=r"symmetric, got 0\.7 from 'cat' to 'dog' but 0\.2 back"):
        class_similarity(returning(one_way), ["cat", "dog"])
    with pytest.raises(ValueError, match=r"of class 'dog' with itself must be 1, got 0\.5"):
        class_similarity(returning(np.diag([1, 0.5])), ["cat", "dog"])


@pytest.mark.parametrize(
    ("y", "kind"),
    [
        (["cat", "dog"], LabelSimilarity),
        ([[0, 1], [1, 1]], MultilabelSimilarity),
        (sparse.csr_array([[0, 1]]), MultilabelSimilarity),
        ([[0.5, 0.1]], EmbeddingSimilarity),
    ],
)
def test_auto_takes_the_kind_of_labels(y, kind):
    target = resolve_similarity("auto", y)
    assert type(target) is kind
    assert evaluate_similarity(target, y, y)[0, 0] == pytest.approx(1)


def test_callables_pass():
    assert resolve_similarity(nearness, None) is nearness


@pytest.mark.parametrize(
    ("similarity", "message"),
    [
        (LabelSimilarity, r"instance, got the class LabelSimilarity; write LabelSimilarity\("),
        ("taxonomy", "'auto' or a callable.*got 'taxonomy'"),
        (None, "got None"),
        (np.eye(3), r"an array of shape \(3, 3\).*PrecomputedSimilarity\(matrix, labels\)"),
        (load_taxonomy("cifar100"), r"TaxonomySimilarity\(taxonomy\)"),
    ],
)
def test_what_is_no_target(similarity, message):
    with pytest.raises(TypeError, match=message):
        resolve_similarity(similarity, [0, 1])


def test_precomputed_by_class():
    classes = np.array(["a", "b"])
    matrix = np.array([[1, 0.3], [0.3, 1]])
    np.testing.assert_array_equal(
        class_similarity(PrecomputedSimilarity(matrix, classes), classes[::-1]), matrix[::-1, ::-1]
    )


def test_an_inner_node_as_class_is_wholly_similar_to_itself():
    taxonomy = Taxonomy.from_edges([("R", "A"), ("A", "a")])
    assert class_similarity(lambda a, b: taxonomy.similarity(a, b), ["A", "a"])[0, 0] == 1
