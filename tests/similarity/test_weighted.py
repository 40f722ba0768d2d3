"""Targets made of others: weighted means, columns of labels, labels that stand for something."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import train_test_split

from skhash import OrthoHasher, SemanticHasher
from skhash.metrics import (
    get_scorer,
    mean_average_hierarchical_precision_score,
    ndcg_score,
)
from skhash.similarity import (
    ColumnsSimilarity,
    EmbeddingSimilarity,
    LabelSimilarity,
    MappedSimilarity,
    MultilabelSimilarity,
    PrecomputedSimilarity,
    Taxonomy,
    TaxonomySimilarity,
    WeightedSimilarity,
    check_labels,
    class_similarity,
)

TAXONOMY = Taxonomy.from_paths([("animal", "cat"), ("animal", "dog"), ("plant", "oak")])
VECTORS = {"cat": [1.0, 0.0], "dog": [0.8, 0.6], "oak": [0.0, 1.0]}
NAMES = np.array(["cat", "dog", "oak"])
LEVELS = np.array([["animal", "cat"], ["animal", "dog"], ["plant", "oak"]])
COLUMNS = ColumnsSimilarity(
    [(0, LabelSimilarity(), 1), (1, MappedSimilarity(EmbeddingSimilarity(), VECTORS), 3)]
)
MIXED = WeightedSimilarity(
    [(TaxonomySimilarity(TAXONOMY), 0.7), (MappedSimilarity(EmbeddingSimilarity(), VECTORS), 0.3)]
)


# ------------------------------------------------------------------------------- weighted mean


def test_weighted_mean_by_hand():
    # the taxonomy says 1/2 of cat and dog, the vectors .8
    expected = [[1, 0.7 * 0.5 + 0.3 * 0.8, 0], [0.59, 1, 0.3 * 0.6], [0, 0.18, 1]]
    np.testing.assert_allclose(MIXED(NAMES, NAMES), expected)
    for_other_weights = WeightedSimilarity([(target, 10 * w) for target, w in MIXED.targets])
    np.testing.assert_allclose(for_other_weights(NAMES, NAMES), expected)


def test_weighted_mean_of_other_kinds_of_labels():
    sets = np.array([[1, 1, 0], [0, 1, 0]])
    similarity = WeightedSimilarity(
        [(MultilabelSimilarity("jaccard"), 1), (MultilabelSimilarity("overlap"), 1)]
    )
    np.testing.assert_allclose(similarity(sets, sets), [[1, 0.75], [0.75, 1]])


@pytest.mark.parametrize("target", [MIXED, COLUMNS, COLUMNS.columns[1][1]])
def test_manners(target):
    y = LEVELS if target is COLUMNS else NAMES
    for copied in (clone(target), pickle.loads(pickle.dumps(target))):
        np.testing.assert_array_equal(copied(y, y), target(y, y))
        assert copied is not target
    assert target(y[:0], y).shape == (0, 3)
    assert repr(target).startswith(type(target).__name__)
    np.testing.assert_allclose(target(y[[2, 0, 2]], y), target(y, y)[[2, 0, 2]])


def test_a_clone_does_not_share_its_targets():
    copied = clone(MIXED)
    copied.targets[0][0].set_params(measure="path")
    assert MIXED.targets[0][0].measure == "lcs_height"


@pytest.mark.parametrize("targets", [[], None, [LabelSimilarity()], [(LabelSimilarity(),)]])
def test_targets_of_another_form(targets):
    with pytest.raises(ValueError, match=r"targets must be a list of \(target, weight\)"):
        WeightedSimilarity(targets)(NAMES, NAMES)


@pytest.mark.parametrize("weight", [0, -1, np.nan, np.inf, "1", None])
def test_wrong_weight(weight):
    with pytest.raises(ValueError, match="weight must be a positive number"):
        WeightedSimilarity([(LabelSimilarity(), weight)])(NAMES, NAMES)


def test_a_part_that_is_no_target():
    with pytest.raises(TypeError, match=r"write LabelSimilarity\(...\)"):
        WeightedSimilarity([(LabelSimilarity, 1)])(NAMES, NAMES)
    with pytest.raises(TypeError, match="target must be a callable"):
        ColumnsSimilarity([(0, "auto", 1)])(LEVELS, LEVELS)

    def wrong(y_a, y_b):
        return np.full((len(y_a), len(y_b)), 2.0)

    with pytest.raises(ValueError, match=r"wrong must return values in \[0, 1\], got 2.0"):
        WeightedSimilarity([(LabelSimilarity(), 1), (wrong, 1)])(NAMES, NAMES)


# ------------------------------------------------------------------------------------- columns


def test_columns_by_hand():
    expected = [[1, 0.25 + 0.75 * 0.8, 0], [0.85, 1, 0.75 * 0.6], [0, 0.45, 1]]
    np.testing.assert_allclose(COLUMNS(LEVELS, LEVELS), expected)
    # the same columns, whatever they come in
    for y in (LEVELS.tolist(), pd.DataFrame(LEVELS), [tuple(row) for row in LEVELS.tolist()]):
        np.testing.assert_allclose(COLUMNS(y, LEVELS), expected)
    classes = check_labels(COLUMNS, LEVELS)[1]
    np.testing.assert_allclose(class_similarity(COLUMNS, classes), expected)


def test_columns_of_numbers_and_strings():
    y = pd.DataFrame({"coarse": [0, 0, 1], "fine": ["a", "b", "a"]})
    similarity = ColumnsSimilarity([(0, LabelSimilarity(), 1), (-1, LabelSimilarity(), 1)])
    expected = [[1, 0.5, 0.5], [0.5, 1, 0], [0.5, 0, 1]]
    np.testing.assert_array_equal(similarity(y, y), expected)
    matrix = PrecomputedSimilarity([[1, 0.2], [0.2, 1]])
    np.testing.assert_allclose(
        ColumnsSimilarity([(0, matrix, 1)])(y, y), [[1, 1, 0.2], [1, 1, 0.2], [0.2, 0.2, 1]]
    )


@pytest.mark.parametrize("column", [2, -3, "fine", 0.0, True])
def test_column_that_is_not_there(column):
    with pytest.raises(ValueError, match="column must be the number of one of the 2 columns"):
        ColumnsSimilarity([(column, LabelSimilarity(), 1)])(LEVELS, LEVELS)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (NAMES, "rows with the same number"),
        ([("a", "b"), ("c",)], "rows with the same number"),
        ([["a", None], ["b", "c"]], "column 1 of y_a has missing labels"),
        ([["a", 0.5], ["b", 1.0]], "column 1 of y_a is one-dimensional with fractional"),
        (np.zeros((2, 0)), "a column of class labels for each level"),
        (np.zeros((2, 2, 2)), "a column of class labels for each level"),
    ],
)
def test_labels_that_are_no_table(y, message):
    with pytest.raises(ValueError, match=message):
        COLUMNS(y, LEVELS)


def test_only_a_target_of_levels_takes_columns_of_strings():
    kind, labels = check_labels(COLUMNS, LEVELS)
    assert (kind, labels.tolist()) == ("class", [tuple(row) for row in LEVELS.tolist()])
    nested = WeightedSimilarity([(COLUMNS, 1), (LabelSimilarity(), 1)])
    assert check_labels(nested, LEVELS)[0] == "class"
    assert nested(LEVELS, LEVELS)[0, 1] == pytest.approx(0.85 / 2)
    for similarity in ("auto", LabelSimilarity(), MIXED):
        with pytest.raises(ValueError, match="y has strings in 2 columns"):
            check_labels(similarity, LEVELS)
    # numbers are vectors or indicators elsewhere
    numbers = np.array([[0, 3], [1, 2]])
    assert check_labels("auto", numbers)[0] == "vector"
    assert check_labels(COLUMNS, numbers)[1].tolist() == [(0, 3), (1, 2)]


def test_targets_that_take_labels_for_different_things():
    class Sentences(LabelSimilarity):
        label_kind = "sentence"

    assert WeightedSimilarity([(Sentences(), 1), (LabelSimilarity(), 1)]).label_kind == "sentence"
    assert MIXED.label_kind is None
    with pytest.raises(ValueError, match=r"different things: \['levels', 'sentence'\]"):
        check_labels(WeightedSimilarity([(Sentences(), 1), (COLUMNS, 1)]), LEVELS)


# -------------------------------------------------------------------------------------- mapped


@pytest.mark.parametrize(
    "mapping",
    [
        VECTORS,
        pd.DataFrame(VECTORS).T,
        pd.Series(VECTORS),
        {name: np.array(vector) for name, vector in VECTORS.items()},
    ],
)
def test_vectors_of_classes(mapping):
    values = MappedSimilarity(EmbeddingSimilarity(), mapping)(NAMES, NAMES[1:])
    np.testing.assert_allclose(values, [[0.8, 0], [1, 0.6], [0.6, 1]])


@pytest.mark.parametrize("mapping", [NAMES, NAMES.tolist(), {0: "cat", 1: "dog", 2: "oak"}])
def test_names_of_numbers(mapping):
    similarity = MappedSimilarity(TaxonomySimilarity(TAXONOMY), mapping)
    np.testing.assert_allclose(similarity([2, 0], np.array([0, 1])), [[0, 0], [1, 0.5]])


def test_fine_to_coarse():
    similarity = MappedSimilarity(LabelSimilarity(), {"cat": "animal", "dog": "animal", "oak": "p"})
    np.testing.assert_array_equal(similarity(["cat"], NAMES), [[1, 1, 0]])


def test_imagenet_by_class_number():
    from skhash.similarity import load_taxonomy

    imagenet = load_taxonomy("imagenet1k")
    similarity = MappedSimilarity(TaxonomySimilarity("imagenet1k"), list(imagenet.names))
    crane, machine, flamingo = 134, 517, 130
    values = similarity([crane], [machine, flamingo])
    assert values[0, 1] > 0.7 > 0.3 > values[0, 0]


def test_labels_without_a_mapping():
    with pytest.raises(ValueError, match="mapping lacks: 'elm', 'yew'; it has, for example,"):
        MappedSimilarity(EmbeddingSimilarity(), VECTORS)(["elm", "yew"], NAMES)
    with pytest.raises(ValueError, match=r"lacks: 3; it has, for example, \[0, 1, 2\]"):
        MappedSimilarity(LabelSimilarity(), NAMES)([3], [0])
    for mapping in ("name", 5, None):
        with pytest.raises(TypeError, match="mapping must be a mapping, Series, DataFrame"):
            MappedSimilarity(LabelSimilarity(), mapping)([0], [0])


# --------------------------------------------------------------------------------- end to end


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 40)
    centers = rng.normal(size=(3, 6)) * 3
    return (centers[y] + rng.normal(size=(120, 6))).astype(np.float32), y


def fit(X, y, similarity):
    hasher = SemanticHasher(
        n_bits=16, similarity=similarity, batch_size=40, max_iter=20, random_state=0
    )
    return hasher.fit(X, y)


def mean_distances(hasher, X, y):
    codes = hasher.transform(X).astype(float)
    means = np.array([codes[y == i].mean(axis=0) for i in range(3)])
    return (means @ (1 - means).T + (1 - means) @ means.T)[np.triu_indices(3, 1)]


def test_hasher_learns_a_mixture_of_names_and_vectors(data):
    X, y = data
    calls = []

    def counted(y_a, y_b):
        calls.append((len(y_a), len(y_b)))
        return EmbeddingSimilarity()(y_a, y_b)

    similarity = WeightedSimilarity(
        [(TaxonomySimilarity(TAXONOMY), 0.7), (MappedSimilarity(counted, VECTORS), 0.3)]
    )
    hasher = fit(X, NAMES[y], similarity)
    np.testing.assert_allclose(hasher.class_similarity_, MIXED(NAMES, NAMES))
    # once, for classes by classes, and not batch by batch
    assert calls == [(3, 3)]
    cat_dog, cat_oak, dog_oak = mean_distances(hasher, X, y)
    assert cat_dog < min(cat_oak, dog_oak)


def test_hasher_learns_labels_of_several_levels(data):
    X, y = data
    hasher = fit(X, LEVELS[y], COLUMNS)
    assert hasher.classes_.tolist() == [tuple(row) for row in LEVELS.tolist()]
    np.testing.assert_allclose(hasher.class_similarity_, COLUMNS(LEVELS, LEVELS))
    cat_dog, cat_oak, dog_oak = mean_distances(hasher, X, y)
    assert cat_dog < min(cat_oak, dog_oak)


def test_metrics_and_scorers_take_levels(data):
    """The same as for rows that are classes, and for the matrix of similarities."""
    X, y = data
    labels, matrix = LEVELS[y], COLUMNS(LEVELS[y], LEVELS[y])
    codes = fit(X, labels, COLUMNS).transform(X)
    options = {"k": 20, "exclude_self": True}
    score = mean_average_hierarchical_precision_score(codes, labels, similarity=COLUMNS, **options)
    as_classes = PrecomputedSimilarity(COLUMNS(LEVELS, LEVELS), np.arange(len(LEVELS)))
    expected = mean_average_hierarchical_precision_score(codes, y, similarity=as_classes, **options)
    assert score == pytest.approx(expected)
    of_matrix = ndcg_score(codes, None, similarity=matrix, **options)
    assert ndcg_score(codes, labels, similarity=COLUMNS, **options) == pytest.approx(of_matrix)
    hasher = fit(X, labels, COLUMNS)
    scorer = get_scorer("mahp@20", similarity=COLUMNS)
    assert scorer(hasher, X, labels) == pytest.approx(
        scorer(hasher, X, check_labels(COLUMNS, labels)[1])
    )
    frame = pd.DataFrame(labels, columns=["kind", "fine"])
    assert scorer(hasher, X, frame) == pytest.approx(scorer(hasher, X, labels))


def test_other_hashers_take_levels(data):
    X, y = data
    options = {"max_iter": 3, "device": "cpu", "random_state": 0}
    hasher = OrthoHasher(16, codebook="semantic", similarity=COLUMNS, **options).fit(X, LEVELS[y])
    assert hasher.classes_.tolist() == [tuple(row) for row in LEVELS.tolist()]
    np.testing.assert_allclose(hasher.class_similarity_, COLUMNS(LEVELS, LEVELS))


def test_rows_of_levels_are_classes_that_can_be_split(data):
    labels = check_labels(COLUMNS, LEVELS[data[1]])[1]
    train, test = train_test_split(labels, stratify=labels, random_state=0, test_size=30)
    assert sorted(set(test)) == sorted(set(train)) == sorted(map(tuple, LEVELS.tolist()))
