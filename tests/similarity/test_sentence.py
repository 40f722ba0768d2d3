"""Sentences as targets: what is encoded, when, and that nobody takes them for classes."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.pipeline import make_pipeline

from skhash import SemanticHasher
from skhash.metrics import hierarchical_precision_score, mean_average_precision_score
from skhash.similarity import (
    EmbeddingSimilarity,
    LabelSimilarity,
    PrecomputedSimilarity,
    SentenceSimilarity,
    check_labels,
    prepare_similarity,
)

TEXTS = ["a dog runs", "the dog runs fast", "a boat at sea", "boats on the sea", "a dog runs"]


class Encoder:
    """Counts letters, and remembers what it was asked for."""

    def __init__(self):
        self.calls = []

    def encode(self, sentences):
        assert type(sentences) is list
        self.calls.append(sentences)
        return np.array([[text.count(c) for c in "abdefgnorsu"] for text in sentences], float)

    @property
    def seen(self):
        return [text for call in self.calls for text in call]

    # as models of sentence-transformers, which are called with tensors
    def __call__(self, features):
        raise AssertionError("a model with a method encode is not called")


class Recording(SentenceSimilarity):
    """Records the shapes that are compared."""

    def compare(self, prepared_a, prepared_b):
        self.shapes = [*getattr(self, "shapes", []), (len(prepared_a), len(prepared_b))]
        return super().compare(prepared_a, prepared_b)


def make_texts(n_samples, seed=0):
    words = ["dog", "cat", "boat", "sea", "tree", "house", "runs", "sleeps", "red", "blue"]
    chosen = np.random.default_rng(seed).choice(words, (n_samples, 5))
    # the number makes every text another one
    return np.array([" ".join(row) + f" {i}" for i, row in enumerate(chosen)])


# ---------------------------------------------------------------------------------- encoding


@pytest.mark.parametrize("form", [list, np.array, lambda y: np.array(y, dtype=object)])
def test_similarity_is_the_cosine_of_the_vectors(form):
    target, vectors = SentenceSimilarity(Encoder()), Encoder().encode(TEXTS)
    wanted = cosine_similarity(vectors[:2], vectors)
    np.testing.assert_allclose(target(form(TEXTS[:2]), form(TEXTS)), wanted, rtol=1e-12)
    calibrated = SentenceSimilarity(Encoder(), floor=0.4, temperature=0.2)
    np.testing.assert_array_equal(
        calibrated(TEXTS, TEXTS), EmbeddingSimilarity(floor=0.4, temperature=0.2)(vectors, vectors)
    )


def test_latent_semantic_analysis_as_the_encoder():
    lsa = make_pipeline(TfidfVectorizer(), TruncatedSVD(2, random_state=0)).fit(TEXTS)
    wanted = np.clip(cosine_similarity(lsa.transform(TEXTS)), 0, 1)
    values = SentenceSimilarity(lsa.transform)(TEXTS, TEXTS)
    np.testing.assert_allclose(values, wanted, atol=1e-12)
    assert values[0, 1] > 0.5 > values[0, 2]


def test_each_distinct_sentence_is_encoded_once():
    encoder = Encoder()
    target = SentenceSimilarity(encoder, batch_size=3)
    target(TEXTS, TEXTS[::-1])
    assert encoder.calls == [TEXTS[:3], [TEXTS[3]]]
    clone(target)([*TEXTS, "a new one"], TEXTS)
    assert encoder.seen == [*TEXTS[:4], "a new one"]
    np.testing.assert_array_equal(target.encode(TEXTS[::-1]), Encoder().encode(TEXTS[::-1]))


def test_cache_keeps_the_last_and_is_not_pickled():
    encoder = Encoder()
    target = SentenceSimilarity(encoder, cache_size=2)
    target.encode(TEXTS[:4])
    target.encode(TEXTS[2:4])
    assert encoder.seen == TEXTS[:4]
    target.encode(TEXTS[:1])
    assert encoder.seen == [*TEXTS[:4], TEXTS[0]]
    # the oldest of the two has made room
    target.encode(TEXTS[2:4])
    assert encoder.seen == [*TEXTS[:4], TEXTS[0], TEXTS[2]]
    copied = pickle.loads(pickle.dumps(target))
    copied.encode(TEXTS[2:3])
    assert copied.encoder.seen == [*encoder.seen, TEXTS[2]]

    forgetful = SentenceSimilarity(Encoder(), cache_size=0)
    for _ in range(2):
        np.testing.assert_array_equal(forgetful.encode(TEXTS), Encoder().encode(TEXTS))
    assert len(forgetful.encoder.calls) == 2


def test_another_encoder_encodes_anew():
    target = SentenceSimilarity(Encoder())
    target.encode(TEXTS)
    target.set_params(encoder=lambda sentences: np.ones((len(sentences), 2)))
    assert target.encode(TEXTS).shape == (5, 2)


def test_clones_share_the_encoder():
    target = SentenceSimilarity(Encoder(), floor=0.1, batch_size=7)
    hasher = clone(SemanticHasher(similarity=target))
    assert hasher.similarity is not target
    assert hasher.similarity.encoder is target.encoder
    assert hasher.similarity.get_params() == target.get_params()
    hasher.set_params(similarity__floor=0.3)
    assert target.floor == 0.1


def test_a_search_encodes_each_sentence_once():
    encoder = Encoder()
    target = SentenceSimilarity(encoder)
    for temperature in (None, 0.5):
        # as a search does: clones of one that has never been used
        clone(target).set_params(temperature=temperature)(TEXTS, TEXTS)
    assert encoder.seen == TEXTS[:4]
    clone(SentenceSimilarity("no encoder"))


def test_progress(capsys):
    SentenceSimilarity(Encoder(), batch_size=3, verbose=1).encode(TEXTS)
    assert capsys.readouterr().out == "encoded 3 of 4 sentences\nencoded 4 of 4 sentences\n"
    SentenceSimilarity(Encoder()).encode(TEXTS)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        ("all-MiniLM-L6-v2", r"SentenceTransformer\(name\), got 'all-MiniLM-L6-v2'"),
        (Encoder, "encoder must be a callable or have a method encode"),
        (TfidfVectorizer(), r"got TfidfVectorizer. Pass the transform of a fitted pipeline"),
        (None, "got NoneType"),
    ],
)
def test_what_is_no_encoder(encoder, message):
    with pytest.raises(TypeError, match=message):
        SentenceSimilarity(encoder)(TEXTS, TEXTS)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (np.zeros(4), r"shape \(4, n_features\) for 4 sentences, got shape \(4,\)"),
        (np.zeros((3, 2)), r"got shape \(3, 2\)"),
        (np.full((4, 2), np.nan), "what encoder returned contains NaN"),
        (np.array([["a"]] * 4), "dtype <U1"),
        (sparse.csr_array(np.eye(4)), "sparse"),
    ],
)
def test_what_an_encoder_must_return(returned, message):
    with pytest.raises(ValueError, match=message):
        SentenceSimilarity(lambda sentences: returned)(TEXTS, TEXTS)


def test_encoder_of_changing_width():
    target = SentenceSimilarity(lambda sentences: np.ones((len(sentences), len(sentences))))
    target.encode(TEXTS[:2])
    with pytest.raises(ValueError, match="same number of features, got 1 after 2"):
        target.encode(TEXTS[2:3])


@pytest.mark.parametrize(
    "y", [[1, 2], [["a", "b"]], [[0.5, 1.0]], [b"a dog"], np.array([1, None]), 3]
)
def test_what_is_no_sentence(y):
    with pytest.raises((TypeError, ValueError), match=r"y_a (must|has)"):
        SentenceSimilarity(Encoder())(y, TEXTS)


@pytest.mark.parametrize(
    "parameters", [{"batch_size": 0}, {"cache_size": -1}, {"floor": 1}, {"temperature": 0}]
)
def test_parameters_are_validated(parameters):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        SentenceSimilarity(Encoder(), **parameters)(TEXTS, TEXTS)


# ---------------------------------------------------------------------------- never confused


def test_strings_are_sentences_for_this_target_alone():
    kind, y = check_labels(SentenceSimilarity(Encoder()), TEXTS)
    assert kind == "sentence"
    assert y.tolist() == TEXTS
    assert check_labels(LabelSimilarity(), TEXTS)[0] == "class"
    assert check_labels(SentenceSimilarity(Encoder()), [[0.5, 1.0]])[0] == "vector"


def test_names_of_classes_by_their_sentences():
    names = np.array(TEXTS[:4])
    target = PrecomputedSimilarity(SentenceSimilarity(Encoder())(names, names), labels=names)
    assert check_labels(target, names)[0] == "class"


def test_hasher_takes_sentences_by_the_batch():
    texts = make_texts(3000)
    lsa = make_pipeline(TfidfVectorizer(), TruncatedSVD(8, random_state=0)).fit(texts)
    target = Recording(lsa.transform)
    hasher = SemanticHasher(
        16, similarity=target, max_iter=3, hidden_layer_sizes=(32,), random_state=0
    )
    hasher.fit(lsa.transform(texts), texts)
    assert hasher.classes_ is None
    assert set(hasher.loss_terms_) == {"similarity", "kl"}
    # batches; for the start all rows, in blocks, with 1,024 of them; and as many labels are kept
    start = {(1024, 1024), (2048, 1024), (3000 - 2048, 1024)}
    assert max(set(hasher.similarity_.shapes) - start) == (128, 128)
    by_vectors = clone(hasher).set_params(similarity=EmbeddingSimilarity())
    by_vectors.fit(lsa.transform(texts), lsa.transform(texts))
    np.testing.assert_allclose(hasher.loss_curve_, by_vectors.loss_curve_, rtol=1e-5)


def test_metrics_encode_once_and_compare_in_blocks(monkeypatch):
    texts = make_texts(500)
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 2, (500, 12), dtype=np.uint8)
    encoder = Encoder()
    monkeypatch.setattr("skhash.metrics._gains.MAX_TABLE_CELLS", 1000)
    monkeypatch.setattr("skhash.metrics._hamming.HammingRanking.pairs_per_block", 5000)
    target = Recording(encoder, temperature=0.5)
    data = codes[:100], texts[:100], codes, texts
    value = hierarchical_precision_score(
        *data, similarity=target, k=20, exclude_self=np.arange(100)
    )
    assert sorted(encoder.seen) == sorted(texts)
    assert max(target.shapes) == (10, 500)
    dense = target(texts[:100], texts)
    wanted = hierarchical_precision_score(
        *data, similarity=dense, k=20, exclude_self=np.arange(100)
    )
    np.testing.assert_allclose(value, wanted, rtol=1e-12)
    # without the target the same strings are classes, each of one text only
    with pytest.raises(ValueError, match="100 of 100 queries have nothing relevant"):
        mean_average_precision_score(*data, exclude_self=np.arange(100))


def test_a_subclass_that_changes_the_call_is_called():
    class Squared(EmbeddingSimilarity):
        def __call__(self, y_a, y_b):
            return super().__call__(y_a, y_b) ** 2

    y = np.array([[1.0, 0.0], [1.0, 1.0]])
    compare, prepared = prepare_similarity(Squared(), y)
    assert prepared is y
    np.testing.assert_allclose(compare(y, y), [[1, 0.5], [0.5, 1]])
