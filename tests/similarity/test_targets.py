"""Similarity targets: values by hand, independent libraries, and scikit-learn's manners."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist
from sklearn.metrics import jaccard_score
from sklearn.metrics.pairwise import cosine_similarity

from skhash import SemanticHasher
from skhash.similarity import (
    EmbeddingSimilarity,
    LabelSimilarity,
    MultilabelSimilarity,
    PrecomputedSimilarity,
    Taxonomy,
    TaxonomySimilarity,
)

TAXONOMY = Taxonomy.from_paths([("animal", "cat"), ("animal", "dog"), ("plant", "oak")])
MATRIX = np.array([[1, 0.5, 0.2], [0.5, 1, 0], [0.2, 0, 1]])
SETS = np.array([[1, 1, 0, 0], [0, 1, 1, 1], [0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0]])


# ------------------------------------------------------------------------------- all of them


def test_parameters_can_be_searched():
    target = TaxonomySimilarity(TAXONOMY).set_params(measure="path")
    assert target.get_params() == {"taxonomy": TAXONOMY, "measure": "path"}
    np.testing.assert_allclose(target(["cat"], ["dog"]), 1 / 3)
    assert "measure='path'" in repr(target)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (MultilabelSimilarity("dice"), "measure must be one of"),
        (EmbeddingSimilarity("manhattan"), "metric must be"),
        (EmbeddingSimilarity(floor=1.0), r"floor must be a number in \[-1, 1\), got 1.0"),
        (EmbeddingSimilarity(floor="auto"), "floor must be"),
        (
            EmbeddingSimilarity(temperature=0),
            "temperature must be a positive number or None, got 0",
        ),
        (EmbeddingSimilarity(temperature=np.nan), "temperature must be"),
    ],
)
def test_parameters_are_validated_when_called(target, message):
    with pytest.raises(ValueError, match=message):
        target([[0, 1]], [[0, 1]])


# ------------------------------------------------------------------------------------ labels


@pytest.mark.parametrize(
    ("y_a", "y_b"),
    [
        (["cat", "dog"], ["dog", "cow", "cat"]),
        (np.array(["cat", "dog"], dtype=object), np.array(["dog", "elephant", "cat"])),
        (np.array([1, 2], dtype=np.int8), [2.0, 3.0, 1.0]),
        ([[1], [2]], [2, 3, 1]),
    ],
)
def test_equal_labels(y_a, y_b):
    np.testing.assert_array_equal(LabelSimilarity()(y_a, y_b), [[0, 0, 1], [1, 0, 0]])


def test_labels_of_different_types_are_not_quietly_different():
    with pytest.raises(ValueError, match="'1' in one and 1 in the other"):
        LabelSimilarity()(["1"], [1])
    with pytest.raises(ValueError, match=r"y_b must hold class labels.*vector"):
        LabelSimilarity()([1], [[0.5, 1.0]])


# ---------------------------------------------------------------------------------- taxonomy


def test_taxonomy_gathers_repeats():
    rng = np.random.default_rng(0)
    labels = np.array(["cat", "dog", "oak", "animal"])
    codes_a, codes_b = rng.integers(0, 4, 300), rng.integers(0, 4, 200)
    values = TaxonomySimilarity(TAXONOMY)(labels[codes_a], labels[codes_b].astype(object))
    wanted = TAXONOMY.similarity(labels)[codes_a[:, None], codes_b]
    np.testing.assert_array_equal(values, wanted)


def test_taxonomy_by_name():
    target = TaxonomySimilarity("cifar100-coarse")
    np.testing.assert_array_equal(target(["bee"], ["bee", "beetle", "rose"]), [[1, 0.5, 0]])
    assert target.taxonomy == "cifar100-coarse"


def test_taxonomy_refuses():
    with pytest.raises(ValueError, match=r"'dgo' \(did you mean 'dog'\?\)"):
        TaxonomySimilarity(TAXONOMY)(["cat"], ["dgo"])
    with pytest.raises(TypeError, match=r"taxonomy must be a Taxonomy.*got dict"):
        TaxonomySimilarity({"cat": "animal"})(["cat"], ["cat"])
    with pytest.raises(ValueError, match="measure"):
        TaxonomySimilarity(TAXONOMY, "resnik")(["cat"], ["cat"])
    with pytest.raises(ValueError, match="y_a must hold class labels"):
        TaxonomySimilarity(TAXONOMY)([[0.5, 0.5]], ["cat"])


# ------------------------------------------------------------------------------- precomputed


def test_matrix_entries():
    target = PrecomputedSimilarity(MATRIX, labels=["cat", "dog", "oak"])
    np.testing.assert_array_equal(target(["oak", "cat", "oak"], ["cat"]), [[0.2], [1], [0.2]])
    np.testing.assert_array_equal(
        PrecomputedSimilarity(MATRIX.tolist())([0, 2], [1, 0]), [[0.5, 1], [0, 0.2]]
    )


@pytest.mark.parametrize(
    ("matrix", "labels", "message"),
    [
        (MATRIX[:2], None, r"square, got shape \(2, 3\)"),
        ([[1, np.nan], [0, 1]], None, "NaN"),
        ([[1, 1.5], [1.5, 1]], None, r"\[0, 1\], got 1.5 at \[0, 1\]"),
        ([[1, -0.5], [-0.5, 1]], None, r"\[0, 1\], got -0.5"),
        ([[1, 0.5], [0.5, 0.9]], None, r"diagonal, got 0.9 at \[1, 1\]"),
        ([[1, 0.5], [0.4, 1]], None, r"symmetric, got 0.5 at \[0, 1\] and 0.4 at \[1, 0\]"),
        (MATRIX, ["cat", "dog"], "as many as the 3 rows, got 2"),
        (MATRIX, ["cat", "dog", "cat"], r"distinct, got several of \['cat'\]"),
        (MATRIX, [[0.5, 1], [1, 2], [2, 2]], "labels must hold class labels"),
    ],
)
def test_what_is_no_similarity_matrix(matrix, labels, message):
    with pytest.raises(ValueError, match=message):
        PrecomputedSimilarity(matrix, labels)([0], [0])


@pytest.mark.parametrize("unknown", [-1, 3])
def test_labels_that_the_matrix_lacks(unknown):
    with pytest.raises(ValueError, match=rf"y_b has labels that the matrix of 3.*\[{unknown}\]"):
        PrecomputedSimilarity(MATRIX)([0], [0, unknown])


def test_rounding_in_a_matrix_is_forgiven():
    matrix = np.array([[1 + 1e-9, -1e-9], [1e-9, 1]])
    values = PrecomputedSimilarity(matrix)([0, 1], [0, 1])
    assert values.min() >= 0
    assert values.max() <= 1


# -------------------------------------------------------------------------------- embeddings


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_cosine(dtype):
    rng = np.random.default_rng(0)
    y_a, y_b = rng.normal(size=(20, 6)).astype(dtype), rng.normal(size=(30, 6)).astype(dtype)
    cosine = cosine_similarity(y_a.astype(float), y_b.astype(float))
    tolerance = 1e-12 if dtype == np.float64 else 1e-6
    for floor in (0.0, -1.0, 0.3):
        values = EmbeddingSimilarity(floor=floor)(y_a, y_b)
        assert values.dtype == np.float64
        wanted = np.maximum(0, (cosine - floor) / (1 - floor))
        np.testing.assert_allclose(values, wanted, atol=tolerance)


def test_cosine_does_not_depend_on_lengths():
    rng = np.random.default_rng(0)
    y = rng.normal(size=(4, 6))
    stretched = y * np.array([[1e-200], [1e200], [3], [0.1]])
    np.testing.assert_allclose(
        EmbeddingSimilarity()(stretched, stretched), EmbeddingSimilarity()(y, y), atol=1e-12
    )


@pytest.mark.parametrize("floor", [-1.0, 0.0, 0.4])
@pytest.mark.parametrize("temperature", [1e-3, 0.1, 0.7, 5.0])
def test_temperature(floor, temperature):
    angles = np.linspace(0, np.pi, 50)
    y = np.column_stack([np.cos(angles), np.sin(angles)])
    values = EmbeddingSimilarity(floor=floor, temperature=temperature)([[2.0, 0.0]], y)[0]
    low, high = np.exp((floor - 1) / temperature), 1.0
    cosine = np.maximum(y[:, 0], floor)
    wanted = (np.exp((cosine - 1) / temperature) - low) / (high - low)
    np.testing.assert_allclose(values, wanted, atol=1e-12)
    assert values[0] == 1
    assert values[-1] == 0
    # contrast: below the straight line, the more the lower the temperature
    linear = EmbeddingSimilarity(floor=floor)([[2.0, 0.0]], y)[0]
    assert np.all(values <= linear + 1e-12)


def test_high_temperatures_are_linear():
    y = np.random.default_rng(0).normal(size=(20, 5))
    for floor in (-1, 0.2):
        np.testing.assert_allclose(
            EmbeddingSimilarity(floor=floor, temperature=1e12)(y, y),
            EmbeddingSimilarity(floor=floor)(y, y),
            atol=1e-11,
        )


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_rows_of_prepared_vectors(metric):
    rng = np.random.default_rng(0)
    y = np.vstack([rng.normal(size=(30, 4)), np.zeros((2, 4))])
    target = EmbeddingSimilarity(metric, floor=-0.5, temperature=0.8)
    prepared = target.prepare(y)
    rows, columns = rng.integers(0, 32, 10), rng.integers(0, 32, 20)
    wanted = target(y, y)[np.ix_(rows, columns)]
    np.testing.assert_allclose(
        target.compare(prepared[rows], prepared[columns]), wanted, atol=1e-12
    )


def test_fit_compares_no_more_than_a_batch_or_a_block():
    class Recording(EmbeddingSimilarity):
        def compare(self, prepared_a, prepared_b):
            shapes.add((len(prepared_a), len(prepared_b)))
            return super().compare(prepared_a, prepared_b)

    shapes: set = set()
    y = np.random.default_rng(0).normal(size=(30_000, 4)).astype(np.float32)
    hasher = SemanticHasher(
        8, similarity=Recording(), network="linear", max_iter=1, batch_size=1000, random_state=0
    )
    hasher.fit(y[:100], y[:100])  # what a first fit imports is not counted
    shapes.clear()
    tracemalloc.start()
    try:
        hasher.fit(y, y)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # batches; for the start a sample of rows, in blocks, with 1,024 of them; and the labels kept
    assert shapes == {(1000, 1000), (1024, 1024), (2048, 1024)}
    assert peak < 100e6 < len(y) ** 2 / 8


def test_cosine_of_zero_vectors():
    values = EmbeddingSimilarity(floor=-1)([[0, 0], [1, 0]], [[0, 0], [0, 1], [0, 0]])
    np.testing.assert_array_equal(values, [[1, 0, 1], [0, 0.5, 0]])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_euclidean(dtype):
    rng = np.random.default_rng(0)
    # far from the origin, where squared norms would swamp the distances
    y_a = (1000 + rng.normal(size=(20, 6))).astype(dtype)
    y_b = (1000 + rng.normal(size=(30, 6))).astype(dtype)
    y_b[0] = y_a[0]
    wanted = np.exp(-cdist(y_a.astype(float), y_b.astype(float)) / 2.5)
    values = EmbeddingSimilarity("euclidean", temperature=2.5)(y_a, y_b)
    np.testing.assert_allclose(values, wanted, atol=1e-6 if dtype == np.float64 else 1e-3)


@pytest.mark.parametrize(
    ("y_a", "y_b", "message"),
    [
        ([0.5, 1.0], [[0.5]], r"column of shape \(n_samples, 1\)"),
        ([[0.5, 1.0]], [[0.5]], "same space, got 2 and 1 features"),
        ([[0.5, np.nan]], [[0.5, 1]], "y_a contains NaN"),
        ([["cat", "dog"]], [[0.5, 1]], "could not convert string"),
    ],
)
def test_what_is_no_vector(y_a, y_b, message):
    with pytest.raises(ValueError, match=message):
        EmbeddingSimilarity()(y_a, y_b)


# -------------------------------------------------------------------------------- label sets


def by_definition(measure: str, a: np.ndarray, b: np.ndarray) -> float:
    a, b = set(np.flatnonzero(a)), set(np.flatnonzero(b))
    if not a or not b:
        return float(a == b)
    shared = len(a & b)
    return {
        "jaccard": shared / len(a | b),
        "cosine": shared / np.sqrt(len(a) * len(b)),
        "overlap": shared / min(len(a), len(b)),
        "any": float(shared > 0),
    }[measure]


@pytest.mark.parametrize("measure", ["jaccard", "cosine", "overlap", "any"])
@pytest.mark.parametrize("as_a", [np.asarray, sparse.csr_array, sparse.coo_matrix])
@pytest.mark.parametrize("as_b", [np.asarray, sparse.csc_array, np.ndarray.tolist])
def test_label_sets(measure, as_a, as_b):
    rng = np.random.default_rng(0)
    y_a, y_b = np.vstack([SETS, rng.random((20, 4)) < 0.4]), np.vstack([SETS, [[1, 0, 1, 0]]])
    values = MultilabelSimilarity(measure)(as_a(y_a), as_b(y_b))
    wanted = [[by_definition(measure, a, b) for b in y_b] for a in y_a]
    np.testing.assert_allclose(values, wanted, rtol=1e-12)


def test_jaccard_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    y = (rng.random((12, 9)) < 0.4).astype(int)
    values = MultilabelSimilarity()(y, y)
    wanted = [[jaccard_score(a, b, zero_division=1) for b in y] for a in y]
    np.testing.assert_allclose(values, wanted, rtol=1e-12)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("dtype", [bool, np.uint8, np.float64])
def test_sets_of_more_labels_than_a_byte_counts(kind, dtype):
    y = np.ones((2, 700), dtype=dtype)
    y[1, 600:] = 0
    np.testing.assert_allclose(MultilabelSimilarity()(kind(y), kind(y))[0, 1], 6 / 7)


@pytest.mark.parametrize(
    ("y_a", "y_b", "message"),
    [
        ([[0, 2]], [[0, 1]], "y_a must be an indicator of 0 and 1"),
        ([[0, 1]], [0, 1], r"y_b must be an indicator.*shape \(2,\)"),
        ([["a", "b"]], [[0, 1]], "y_a must be an indicator"),
        (sparse.csr_array([[0, 2]]), [[0, 1]], "only 0 and 1"),
        ([[0, 1]], [[0, 1, 1]], "same labels, got 2 and 3 columns"),
    ],
)
def test_what_is_no_label_set(y_a, y_b, message):
    with pytest.raises(ValueError, match=message):
        MultilabelSimilarity()(y_a, y_b)
