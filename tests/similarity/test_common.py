"""Every check of a similarity target on every target."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator

from skhash import similarity as package
from skhash.similarity import (
    ColumnsSimilarity,
    EmbeddingSimilarity,
    LabelSimilarity,
    MappedSimilarity,
    MultilabelSimilarity,
    PrecomputedSimilarity,
    SentenceSimilarity,
    Taxonomy,
    TaxonomySimilarity,
    WeightedSimilarity,
    WordNetSimilarity,
)
from skhash.similarity._wordnet_corpus import find_wordnet
from skhash.utils.estimator_checks import parametrize_with_similarity_checks

NAMES = np.array(["cat", "oak", "dog", "cat", "elm"])
TAXONOMY = Taxonomy.from_paths(
    [("animal", "cat"), ("animal", "dog"), ("plant", "tree", "oak"), ("plant", "tree", "elm")]
)
# of the nodes above, in the order in which they come there
RANDOM = np.random.default_rng(0)
VECTORS = np.vstack([RANDOM.normal(size=(5, 3)), np.zeros((1, 3))])
SETS = np.array([[1, 1, 0, 0], [0, 1, 1, 1], [0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0]])
LEVELS = np.array([["pet", "cat"], ["pet", "dog"], ["tree", "oak"], ["pet", "cat"]], dtype=object)
MATRIX = np.array([[1, 0.5, 0.2], [0.5, 1, 0], [0.2, 0, 1]])


def letters(sentences):
    """How often each of a few letters is there: an encoder that pickles."""
    return np.array([[text.count(letter) for letter in "aeost"] for text in sentences], float)


# a target that is new belongs here, with labels that it takes
EXAMPLES = [
    (LabelSimilarity(), NAMES),
    (LabelSimilarity(), np.array([3, 1, 1, 7])),
    *((TaxonomySimilarity(TAXONOMY, measure), NAMES) for measure in ("lcs_height", "wu_palmer")),
    *((TaxonomySimilarity(TAXONOMY, measure), NAMES) for measure in ("path", "leacock_chodorow")),
    *((MultilabelSimilarity(measure), SETS) for measure in ("jaccard", "cosine", "overlap", "any")),
    (EmbeddingSimilarity(), VECTORS),
    (EmbeddingSimilarity(floor=-1.0), VECTORS.astype(np.float32)),
    (EmbeddingSimilarity(temperature=0.3), VECTORS),
    (EmbeddingSimilarity("euclidean", temperature=2.0), VECTORS),
    (SentenceSimilarity(letters), np.array(["a boat", "toast", "toast", "see a seat"])),
    (PrecomputedSimilarity(MATRIX, ["cat", "dog", "oak"]), np.array(["oak", "dog", "oak"])),
    (PrecomputedSimilarity(MATRIX), np.array([2, 0, 1, 2])),
    (MappedSimilarity(EmbeddingSimilarity(), dict(zip("abc", VECTORS))), np.array([*"abca"])),
    (MappedSimilarity(TaxonomySimilarity(TAXONOMY), ["dog", "oak", "elm"]), np.array([2, 0, 1])),
    (WeightedSimilarity([(LabelSimilarity(), 1), (TaxonomySimilarity(TAXONOMY), 2)]), NAMES),
    (WeightedSimilarity([(EmbeddingSimilarity(), 1.0)]), VECTORS),
    (ColumnsSimilarity([(0, LabelSimilarity(), 1), (1, LabelSimilarity(), 3)]), LEVELS),
]
try:
    find_wordnet()
except LookupError:
    WITHOUT_WORDNET = {"WordNetSimilarity"}
else:
    WITHOUT_WORDNET = set()
    SYNSETS = {"cat": "cat.n.01", "dog": "dog.n.01", "oak": "oak.n.02", "elm": "n12402051"}
    EXAMPLES += [(WordNetSimilarity("wu_palmer", synsets=SYNSETS), NAMES)]
    EXAMPLES += [
        (WordNetSimilarity(measure), np.array(["run.v.01", "walk.v.01", "eat.v.01"]))
        for measure in ("path", "leacock_chodorow", "lcs_height")
    ]


@parametrize_with_similarity_checks(EXAMPLES)
def test_similarity_checks(check):
    check()


def test_every_target_is_checked():
    public = (getattr(package, name) for name in package.__all__)
    targets = {
        member.__name__
        for member in public
        if isinstance(member, type) and issubclass(member, BaseEstimator)
    }
    assert targets == {type(target).__name__ for target, _ in EXAMPLES} | WITHOUT_WORDNET
