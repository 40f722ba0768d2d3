"""A hasher and an index in one estimator, on real features."""

from __future__ import annotations

import inspect
import pickle
from copy import deepcopy

import numpy as np
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Binarizer, MultiLabelBinarizer, StandardScaler

from skhash import (
    CCAITQHasher,
    HashRetriever,
    ITQHasher,
    KLBinaryHasher,
    LoadError,
    RandomProjectionHasher,
    SemanticHasher,
    load,
    save,
)
from skhash.datasets import load_cifar100_features
from skhash.neighbors import HammingNeighbors, asymmetric_distances


@pytest.fixture(scope="module")
def data():
    """Features and class names of 2,000 rows to fit, 500 to add and 300 to ask for."""
    cifar = load_cifar100_features()
    labels = cifar.target_names[cifar.target]
    rows = cifar.train_indices[:2000], cifar.train_indices[2000:2500], cifar.query_indices[:300]
    return [(cifar.data[part], labels[part]) for part in rows]


@pytest.fixture
def hasher():
    return CCAITQHasher(n_bits=48, random_state=0)


def test_neighbors_are_those_of_the_codes(data, hasher):
    (X, y), (more, _), (queries, _) = data
    ids = np.char.add("image ", np.arange(2500).astype(str))
    retriever = HashRetriever(hasher, HammingNeighbors(7)).fit(X, y, ids=ids[:2000])
    assert not hasattr(hasher, "n_bits_"), "a clone is fitted"
    retriever.add(more, ids[2000:]).remove(ids[5:15])
    fitted = retriever.hasher_
    codes = np.delete(fitted.transform(np.concatenate([X, more])), np.arange(5, 15), axis=0)
    expected = HammingNeighbors(7).fit(codes, ids=np.delete(ids, np.arange(5, 15)))
    np.testing.assert_array_equal(
        retriever.kneighbors(queries), expected.kneighbors(fitted.transform(queries))
    )
    np.testing.assert_array_equal(retriever.kneighbors(), expected.kneighbors())
    assert retriever.kneighbors(queries, 3, return_distance=False).shape == (300, 3)


def test_reranking_is_by_asymmetric_distance(data, hasher):
    (X, y), _, (queries, _) = data
    retriever = HashRetriever(hasher, HammingNeighbors(5), rerank=2000).fit(X, y)
    every = asymmetric_distances(
        retriever.hasher_.decision_function(queries), retriever.hasher_.transform(X)
    )
    distances, ids = retriever.kneighbors(queries)
    expected = np.sort(every, axis=1)[:, :5]
    np.testing.assert_allclose(distances, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(np.take_along_axis(every, ids, 1), expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="rerank needs the real values"):
        retriever.kneighbors()


@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_votes_are_those_of_a_classifier_over_the_graph(data, hasher, weights):
    (X, y), _, (queries, truth) = data
    retriever = HashRetriever(hasher, HammingNeighbors(9), weights=weights).fit(X, y)
    index = HammingNeighbors(9)
    voters = KNeighborsClassifier(9, metric="precomputed", weights=weights)
    classifier = make_pipeline(FrozenEstimator(retriever.hasher_), index, voters).fit(X, y)
    shares = retriever.predict_proba(queries)
    np.testing.assert_allclose(shares, classifier.predict_proba(queries), atol=1e-12)
    # sums of inverse distances differ by rounding, which must not decide between equal shares
    best = np.sort(shares, axis=1)[:, -2:]
    clear = best[:, 1] > best[:, 0] + 1e-9
    assert clear.mean() > 0.5
    np.testing.assert_array_equal(
        retriever.predict(queries)[clear], classifier.predict(queries)[clear]
    )
    assert retriever.score(queries, truth) > 0.3
    assert retriever.classes_.dtype == y.dtype


def test_indicators_are_voted_on_label_by_label(data, hasher):
    (X, y), (more, more_y), (queries, _) = data
    binarizer = MultiLabelBinarizer().fit([sorted(set("".join(y)))])
    letters = binarizer.transform([set(name) for name in y])
    more_letters = binarizer.transform([set(name) for name in more_y])
    retriever = HashRetriever(RandomProjectionHasher(64, random_state=0), HammingNeighbors(7))
    retriever.fit(X, letters).add(more, y=more_letters)
    voters = KNeighborsClassifier(7, metric="precomputed")
    classifier = make_pipeline(FrozenEstimator(retriever.hasher_), HammingNeighbors(7), voters)
    classifier.fit(np.concatenate([X, more]), np.concatenate([letters, more_letters]))
    np.testing.assert_array_equal(retriever.predict(queries), classifier.predict(queries))
    own, other = retriever.predict_proba(queries), classifier.predict_proba(queries)
    # scikit-learn has one column only where a label is the same in all rows
    for share, expected in zip(own, other):
        np.testing.assert_allclose(share[:, 0], expected[:, 0], atol=1e-12)
    with pytest.raises(ValueError, match="y must have"):
        retriever.add(more, y=more_letters[:, :5])


def test_rows_without_labels_are_found_and_do_not_vote(data, hasher):
    (X, y), (more, _), _ = data
    retriever = HashRetriever(hasher, HammingNeighbors(5)).fit(X, y)
    before = retriever.predict(more)
    retriever.add(more).neighbors_.set_params(n_neighbors=1)
    distances, ids = retriever.kneighbors(more)
    assert (distances == 0).all()
    unlabelled = ids[:, 0] >= 2000
    assert unlabelled.mean() > 0.5
    prior = np.array([(y == name).mean() for name in retriever.classes_])
    shares = retriever.predict_proba(more)
    expected = np.broadcast_to(prior, (unlabelled.sum(), len(prior)))
    np.testing.assert_allclose(shares[unlabelled], expected)
    np.testing.assert_array_equal(retriever.predict_proba(more[~unlabelled]).max(axis=1), 1)
    assert before.dtype == retriever.predict(more).dtype


def test_classes_may_come_later(data, hasher):
    (X, y), (more, more_y), _ = data
    known = y != max(y)
    retriever = HashRetriever(hasher, HammingNeighbors(1)).fit(X[known], y[known])
    assert max(y) not in retriever.classes_
    new = np.where(more_y < "m", "a new class", more_y)
    retriever.add(X[~known], y=y[~known]).add(more, y=new)
    np.testing.assert_array_equal(retriever.classes_, np.union1d(y, new))
    all_labels = np.concatenate([y[known], y[~known], new])
    _, ids = retriever.kneighbors(more)
    np.testing.assert_array_equal(retriever.predict(more), all_labels[ids[:, 0]])
    retriever.remove(np.arange(known.sum()))
    np.testing.assert_array_equal(
        retriever.predict(more), all_labels[retriever.kneighbors(more)[1][:, 0]]
    )
    with pytest.raises(TypeError, match="type of classes_"):
        retriever.add(more, y=np.arange(len(more)) // 9)
    with pytest.raises(ValueError, match="y must hold labels like those of fit"):
        retriever.add(more, y=np.eye(len(more), 3, dtype=int))
    assert retriever.neighbors_.n_samples_fit_ == len(retriever._labels) == 2500 - known.sum()


def test_any_transformer_to_codes_will_do(data):
    (X, y), _, (queries, truth) = data
    pipeline = make_pipeline(StandardScaler(), CCAITQHasher(n_bits=48, random_state=0))
    retriever = HashRetriever(pipeline, rerank=20).fit(X, y)
    assert retriever.n_features_in_ == 256
    assert retriever.score(queries, truth) > 0.2
    HashRetriever(Binarizer()).fit(X).kneighbors(queries)
    with pytest.raises(ValueError, match="X must hold only 0 and 1"):
        HashRetriever(StandardScaler()).fit(X)
    with pytest.raises(TypeError, match="rerank needs decision_function"):
        HashRetriever(Binarizer(), rerank=10).fit(X)


def test_a_frozen_hasher_is_not_fitted_again(data, hasher):
    (X, y), (more, _), (queries, _) = data
    hasher.fit(X, y)
    retriever = HashRetriever(FrozenEstimator(hasher), rerank=9).fit(more)
    np.testing.assert_array_equal(retriever.hasher_.transform(queries), hasher.transform(queries))
    with pytest.raises(ValueError, match="predict needs labels"):
        retriever.predict(queries)
    with pytest.raises(ValueError, match="fit was given no labels"):
        retriever.add(more, y=np.arange(len(more)))


def test_defaults_are_semantic_codes_with_labels_and_kl_codes_without(monkeypatch):
    X = np.random.default_rng(0).normal(size=(60, 4))
    for make in (SemanticHasher, KLBinaryHasher):
        init = inspect.unwrap(make.__init__)
        defaults = init.__kwdefaults__ | {"max_iter": 1, "device": "cpu"}
        monkeypatch.setattr(init, "__kwdefaults__", defaults)
    assert type(HashRetriever().fit(X, np.arange(60) % 3).hasher_) is SemanticHasher
    assert type(HashRetriever().fit(X).hasher_) is KLBinaryHasher


def test_parameters_of_both_parts_can_be_searched(data, hasher):
    X, y = data[0]
    search = GridSearchCV(
        HashRetriever(hasher, HammingNeighbors()),
        {"hasher__n_bits": [4, 48], "neighbors__n_neighbors": [1, 9]},
        cv=2,
    ).fit(X, y)
    assert search.best_params_["hasher__n_bits"] == 48
    assert cross_val_score(search.best_estimator_, X, y, cv=2).min() > 0.2


@pytest.mark.parametrize("way", ["directory", "mapped", "pickle", "deepcopy"])
@pytest.mark.parametrize("labels", ["names", "objects", "none"])
def test_what_comes_back_answers_alike(data, hasher, way, labels, tmp_path):
    (X, y), (more, _), (queries, _) = data
    index = HammingNeighbors(4)
    if labels == "none":
        retriever = HashRetriever(ITQHasher(32, random_state=0), index).fit(X)
    else:
        y = y.astype(object) if labels == "objects" else y
        retriever = HashRetriever(hasher, index, weights="distance", rerank=30).fit(X, y)
    retriever.add(more)
    path = tmp_path / "saved"
    if way in ("directory", "mapped"):
        save(retriever, path)
        again = load(path, mmap=way == "mapped")
    else:
        again = pickle.loads(pickle.dumps(retriever)) if way == "pickle" else deepcopy(retriever)
    assert repr(again) == repr(retriever)
    np.testing.assert_array_equal(again.kneighbors(queries), retriever.kneighbors(queries))
    if labels != "none":
        np.testing.assert_array_equal(again.predict(queries), retriever.predict(queries))
        assert again.classes_.dtype == y.dtype
    again.add(more[:3])
    np.testing.assert_array_equal(again.neighbors_.ids_[-3:], [2500, 2501, 2502])


def test_labels_that_are_not_those_of_the_rows_are_refused(data, hasher, tmp_path):
    X, y = data[0]
    retriever = HashRetriever(hasher).fit(X, y)
    retriever._labels = retriever._labels[:-1]
    save(retriever, tmp_path / "saved")
    with pytest.raises(LoadError, match="1999 labels of 2000 rows"):
        load(tmp_path / "saved")


def test_random_state_seeds_what_is_made(data):
    X, y = data[0][0][:80], data[0][1][:80]
    first, same, other = (HashRetriever(random_state=seed).fit(X, y) for seed in (0, 0, 1))
    codes = [retriever.hasher_.transform(X) for retriever in (first, same, other)]
    np.testing.assert_array_equal(codes[0], codes[1])
    assert (codes[0] != codes[2]).any()
    expected = SemanticHasher(random_state=0).fit(X, y).transform(X)
    np.testing.assert_array_equal(codes[0], expected)
    assert first.neighbors_.random_state == 0
    # what is given has its own
    given = HashRetriever(ITQHasher(8, random_state=3), HammingNeighbors(), random_state=0).fit(X)
    assert given.hasher_.random_state == 3
    assert given.neighbors_.random_state is None
    unsupervised = HashRetriever(random_state=0).fit(X).hasher_
    assert (type(unsupervised), unsupervised.random_state) == (KLBinaryHasher, 0)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.linspace(0, 1, 30), "Unknown label type: continuous"),
        (np.arange(29), "inconsistent numbers of samples"),
        (np.full(30, np.nan), "NaN"),
    ],
)
def test_labels_must_be_labels(y, message):
    X = np.random.default_rng(0).normal(size=(30, 4))
    with pytest.raises(ValueError, match=message):
        HashRetriever(RandomProjectionHasher(8)).fit(X, y)


def test_a_hasher_may_learn_from_vectors():
    X = np.random.default_rng(0).normal(size=(30, 4))
    retriever = HashRetriever(RandomProjectionHasher(8, random_state=0)).fit(X, X / 2)
    assert not hasattr(retriever, "classes_")
    assert retriever.kneighbors(X)[0].max() <= 8


@pytest.fixture(scope="module")
def semantic(data):
    X, y = data[0]
    return SemanticHasher(32, max_iter=3, random_state=0).fit(X, y)


def test_labelled_rows_are_indexed_with_features_and_label(data, semantic):
    (X, y), (more, y_more), (queries, _) = data
    new = np.arange(100) % 2 == 0
    y_more = np.where(np.arange(500) < 100, "no class of fit", y_more)
    retriever = HashRetriever(FrozenEstimator(semantic), use_labels=True).fit(X, y)
    retriever.add(more, y=y_more)
    retriever.add(queries[:100][new], y=["another"] * 50).add(queries[:100][~new])
    codes = [
        semantic.transform_database(X, y),
        semantic.transform(more[:100]),
        semantic.transform_database(more[100:], y_more[100:]),
        semantic.transform(queries[:100][new]),
        semantic.transform(queries[:100][~new]),
    ]
    expected = HammingNeighbors().fit(np.concatenate(codes))
    found = retriever.kneighbors(queries, 10)
    np.testing.assert_array_equal(found, expected.kneighbors(semantic.transform(queries), 10))


def test_labels_in_codes_find_classes(data, semantic):
    """Of items that the hasher was not fitted on, in the same run."""
    _, (X, y), (queries, y_query) = data
    plain, labelled = (
        HashRetriever(FrozenEstimator(semantic), use_labels=use_labels).fit(X, y)
        for use_labels in (False, True)
    )
    # about 0.1
    assert labelled.score(queries, y_query) > plain.score(queries, y_query) + 0.03


def test_labels_for_codes_must_be_there(data):
    X, y = data[1]
    with pytest.raises(ValueError, match="use_labels=True asks for y with one class label"):
        HashRetriever(use_labels=True).fit(X)
    with pytest.raises(TypeError, match=r"use_labels needs transform_database.*CCAITQHasher"):
        HashRetriever(CCAITQHasher(16), use_labels=True).fit(X, y)
