"""What is often given by mistake is answered with what was meant."""

import warnings

import numpy as np
import pandas as pd
import pytest

from skhash import (
    CSQHasher,
    HashNetHasher,
    ITQHasher,
    KLBinaryHasher,
    OrthoHasher,
    RankConsistencyHasher,
    SemanticHasher,
)
from skhash.similarity import (
    ColumnsSimilarity,
    EmbeddingSimilarity,
    LabelSimilarity,
    Taxonomy,
    TaxonomySimilarity,
)

SMALL = {"hidden_layer_sizes": (4,), "max_iter": 1, "device": "cpu", "random_state": 0}
X = np.random.default_rng(0).normal(size=(40, 6))
NAMES = np.array(["cat", "dog", "oak", "rose"])
COARSE = np.array(["animal", "animal", "plant", "plant"])
y = np.arange(40) % 4
TAXONOMY = Taxonomy.from_paths(zip(COARSE, NAMES))
WITH_SIMILARITY = [SemanticHasher, OrthoHasher, CSQHasher, RankConsistencyHasher]


def refused(hasher, X, y, error=ValueError):
    with pytest.raises(error) as caught:
        hasher.fit(X, y)
    return str(caught.value)


@pytest.mark.parametrize("make", [SemanticHasher, OrthoHasher, HashNetHasher])
def test_labels_in_two_columns(make):
    hint = "ColumnsSimilarity"
    hasher = make(4, **SMALL)
    assert hint in refused(hasher, X, np.column_stack([COARSE[y], NAMES[y]]))
    assert hint in refused(hasher, X, pd.DataFrame({"coarse": COARSE[y], "fine": NAMES[y]}))
    numbers = np.column_stack([y // 2 + 1, y])
    if make is not SemanticHasher:
        assert hint in refused(hasher, X, numbers)
        return
    with pytest.warns(UserWarning, match=r"trained on the cosine .*=ColumnsSimilarity"):
        hasher.fit(X, numbers)


def test_what_was_chosen_needs_no_hint():
    columns = ColumnsSimilarity([(0, LabelSimilarity(), 1), (1, LabelSimilarity(), 3)])
    numbers = np.column_stack([y // 2 + 1, y])
    for similarity in (columns, EmbeddingSimilarity()):
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            SemanticHasher(4, similarity=similarity, **SMALL).fit(X, numbers)


@pytest.mark.parametrize("make", WITH_SIMILARITY)
@pytest.mark.parametrize(
    ("similarity", "hint"),
    [
        (TAXONOMY, "TaxonomySimilarity(taxonomy)"),
        (np.eye(4), "PrecomputedSimilarity(matrix, labels)"),
        (LabelSimilarity, "LabelSimilarity(...)"),
        ("cosine", "EmbeddingSimilarity()"),
        ("Jaccard", "MultilabelSimilarity()"),
        ("cifar100", "TaxonomySimilarity('cifar100')"),
    ],
    ids=["taxonomy", "matrix", "class", "cosine", "jaccard", "name"],
)
def test_similarities_that_are_none(make, similarity, hint):
    message = refused(make(4, similarity=similarity, **SMALL), X, NAMES[y], TypeError)
    assert message.startswith("similarity must be")
    assert hint in message


@pytest.mark.parametrize("make", [SemanticHasher, ITQHasher, KLBinaryHasher])
@pytest.mark.parametrize(
    "texts",
    [
        lambda texts: texts,
        np.array,
        lambda texts: np.array(texts, dtype=object)[:, np.newaxis],
        lambda texts: pd.DataFrame({"text": texts}),
    ],
    ids=["list", "array", "column", "frame"],
)
def test_texts_as_X(make, texts):
    texts = texts(["a dog runs", "a boat at sea"] * 20)
    message = refused(make(2), texts, y)
    assert message.startswith("X must hold numbers, and has strings")
    assert "a dog runs" in message
    assert "TfidfVectorizer" in message
    assert "TextFeatures" in message


def test_texts_as_X_after_fit():
    with pytest.raises(ValueError, match="TfidfVectorizer"):
        ITQHasher(2).fit(X).transform(["a dog runs", "a boat at sea"])


@pytest.mark.parametrize("make", [SemanticHasher, OrthoHasher])
def test_sentences_as_classes(make):
    rows = np.random.default_rng(0).normal(size=(1000, 4))
    sentences = [f"sentence {i}" for i in range(1000)]
    with pytest.warns(UserWarning, match=r"1000 different strings .*=SentenceSimilarity"):
        make(16, **SMALL).fit(rows, sentences)
    # as many classes of two rows, or of numbers, may be meant
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        make(16, **SMALL).fit(np.tile(rows, (2, 1)), sentences * 2)
        make(16, **SMALL).fit(rows, np.arange(1000))


def test_a_single_class():
    with pytest.warns(UserWarning, match="single class, 'cat', .* trained on X alone"):
        SemanticHasher(4, **SMALL).fit(X, ["cat"] * 40)
    assert "2 classes or more, got 1 class: 'cat'" in refused(OrthoHasher(4), X, ["cat"] * 40)


@pytest.mark.parametrize("make", WITH_SIMILARITY)
def test_numbers_for_a_taxonomy_of_names(make):
    hasher = make(4, similarity=TaxonomySimilarity(TAXONOMY), **SMALL)
    message = refused(hasher, X, y)
    assert "not in the taxonomy: 0, 1, 2, 3" in message
    assert "target_names[y]" in message
    assert "target_names" not in refused(hasher, X, np.where(y == 0, "cow", NAMES[y]))
