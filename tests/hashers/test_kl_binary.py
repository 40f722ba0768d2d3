"""KLBinaryHasher: what it learns, from which data, and what it refuses."""

import pickle
import warnings

import numpy as np
import pytest
from scipy import sparse
from scipy.linalg import subspace_angles
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

from skhash import HashRetriever, ITQHasher, KLBinaryHasher
from skhash._closed_form.linear_start import linear_start
from skhash.datasets import load_cifar100_features
from skhash.metrics import (
    mean_average_hierarchical_precision_score,
    mean_average_precision_score,
    recall_at_k_score,
)
from skhash.neighbors import asymmetric_distances
from skhash.similarity import TaxonomySimilarity, load_taxonomy

SMALL = {
    "n_bits": 12,
    "hidden_layer_sizes": (16,),
    "max_iter": 5,
    "batch_size": 64,
    "learning_rate": 5e-3,
    "early_stopping": False,  # few rows seldom show that training helps
    "device": "cpu",
    "random_state": 0,
}


@pytest.fixture(scope="module")
def ring():
    """Points on a noisy circle in 10 dimensions, whose neighbours no two axes tell."""
    random = np.random.default_rng(0)
    angle = random.uniform(0, 2 * np.pi, size=600)
    plane = np.linalg.qr(random.normal(size=(10, 2)))[0]
    X = np.c_[np.cos(angle), np.sin(angle)] @ plane.T + 0.02 * random.normal(size=(600, 10))
    return (X + 3).astype(np.float32)


@pytest.fixture(scope="module")
def cifar():
    bunch = load_cifar100_features()
    names = bunch.target_names[bunch.target]
    train, query = bunch.train_indices[:4000], bunch.query_indices[:800]
    return bunch.data[train], names[train], bunch.data[query], names[query]


def neighbor_recall(hasher, X, X_query, k):
    graph = NearestNeighbors(n_neighbors=10, algorithm="brute").fit(X).kneighbors_graph(X_query)
    relevance = graph.toarray().astype(bool)
    codes, query = hasher.transform(X), hasher.transform(X_query)
    return recall_at_k_score(query, None, codes, None, k=k, relevance=relevance)


def asymmetric_recall(hasher, X, X_query, k):
    true = NearestNeighbors(n_neighbors=10, algorithm="brute").fit(X)
    rows = true.kneighbors(X_query, return_distance=False)
    distances = asymmetric_distances(hasher.decision_function(X_query), hasher.transform(X))
    found = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return (found[:, :, np.newaxis] == rows[:, np.newaxis]).any(axis=1).mean()


@pytest.mark.parametrize("n_bits", [16, pytest.param(64, marks=pytest.mark.slow)])
def test_keeps_more_than_itq_on_real_features(cifar, n_bits):
    X, _, X_query, y_query = cifar
    itq = ITQHasher(n_bits, random_state=0).fit(X)
    hasher = KLBinaryHasher(n_bits, random_state=0, device="cpu").fit(X)
    assert hasher.best_iter_ > 0
    for recall in (neighbor_recall, asymmetric_recall):
        for k in (10, 100):
            # at 64 bits by asymmetric distance nearly all are among the first 100 with both
            assert recall(hasher, X, X_query, k) > recall(itq, X, X_query, k) - 0.002
    assert neighbor_recall(hasher, X, X_query, 100) > neighbor_recall(itq, X, X_query, 100)
    if n_bits == 64:
        return  # so many bits are for the neighbours themselves
    target = TaxonomySimilarity(load_taxonomy("cifar100"))
    precision, of_itq = (
        mean_average_hierarchical_precision_score(
            h.transform(X_query), y_query, k=100, exclude_self=True, similarity=target
        )
        for h in (hasher, itq)
    )
    assert precision > of_itq


@pytest.mark.parametrize("network", ["linear", "mlp"])
@pytest.mark.parametrize("n_bits", [16, 256])
def test_where_training_does_harm_the_codes_are_those_of_itq(cifar, n_bits, network):
    """Steps far too large, and no neighbourhood to gain: not one bit is another."""
    X, _, X_query, _ = (part[:1500] for part in cifar)
    itq = ITQHasher(n_bits, random_state=3).fit(X)
    settings = {"network": network, "hidden_layer_sizes": (8,), "device": "cpu", "max_iter": 2}
    settings |= {"learning_rate": 1.0, "random_state": 3}
    hasher = KLBinaryHasher(n_bits, **settings).fit(X)
    assert hasher.best_iter_ == 0
    np.testing.assert_array_equal(hasher.transform(X_query), itq.transform(X_query))
    # the curve has the start, and is far above it
    assert len(hasher.validation_loss_curve_) == 1 + hasher.n_iter_
    assert min(hasher.validation_loss_curve_[1:]) > hasher.validation_loss_curve_[0]
    spoiled = KLBinaryHasher(n_bits, **settings, early_stopping=False).fit(X)
    assert (spoiled.transform(X_query) != itq.transform(X_query)).mean() > 0.05


def test_stops_when_nothing_is_gained(cifar):
    hasher = KLBinaryHasher(
        64, network="linear", learning_rate=1e-9, random_state=0, device="cpu", max_iter=20
    ).fit(cifar[0])
    assert (hasher.best_iter_, hasher.n_iter_) == (0, hasher.n_iter_no_change)


def test_another_fit_is_no_worse_than_the_last(cifar):
    X = cifar[0][:1500]
    hasher = KLBinaryHasher(
        16, hidden_layer_sizes=(32,), random_state=0, device="cpu", warm_start=True
    )
    values = hasher.fit(X).decision_function(X)
    again = hasher.set_params(learning_rate=1.0, max_iter=1).fit(X)
    assert again.best_iter_ == 0
    np.testing.assert_array_equal(again.decision_function(X), values)


def test_with_a_classification_term_validation_is_by_loss(cifar):
    X, y = cifar[0][:1000], cifar[1][:1000]
    settings = {**SMALL, "early_stopping": True, "classification_weight": 1.0}
    hasher = KLBinaryHasher(**settings).fit(X, y)
    assert len(hasher.validation_loss_curve_) == hasher.n_iter_
    assert hasher.best_iter_ > 0


@pytest.mark.parametrize("network", ["linear", "mlp"])
def test_begins_as_itq(ring, network):
    """With almost no learning rate the codes are those of ITQ's map."""
    settings = {**SMALL, "n_bits": 2, "max_iter": 1, "learning_rate": 1e-12}
    hasher = KLBinaryHasher(**settings, network=network).fit(ring)
    mean, directions = linear_start(ring, 2, np.random.RandomState(0), as_itq=True)
    expected = (ring - mean) @ directions
    np.testing.assert_allclose(hasher.decision_function(ring), expected, rtol=1e-3, atol=1e-3)
    values = ITQHasher(2, random_state=0).fit(ring).decision_function(ring)
    np.testing.assert_allclose(expected, 6 * values / np.sqrt(np.mean(values**2)), rtol=1e-3)


def test_more_bits_than_features(ring):
    hasher = KLBinaryHasher(**{**SMALL, "n_bits": 40}).fit(ring)
    codes = hasher.transform(ring)
    assert codes.shape == (600, 40)
    # the bits beyond the principal components are as alive as the others
    assert (np.abs(codes[:, 10:].mean(axis=0) - 0.5) < 0.45).all()
    assert neighbor_recall(hasher, ring, ring, 100) > 0.5


@pytest.mark.parametrize("n_bits", [1, 3])
def test_few_rows(n_bits):
    X = np.array([[0.0, 1.0], [1.0, 0.0]])
    hasher = KLBinaryHasher(**{**SMALL, "n_bits": n_bits}).fit(X)
    assert np.isfinite(hasher.decision_function(X)).all()


def test_metric():
    """Two directions, each with near and far points: only Euclidean codes tell the lengths."""
    random = np.random.default_rng(0)
    length = np.repeat([1.0, 30.0], 100)
    direction = np.tile(random.normal(size=(2, 6)), (100, 1))
    X = np.r_[direction * length[:, None], -direction * length[:, None]]
    X += 0.01 * random.normal(size=X.shape)
    settings = {**SMALL, "n_bits": 16, "max_iter": 60, "perplexity": 5, "network": "mlp"}
    share = {}
    for metric in ("cosine", "euclidean"):
        codes = KLBinaryHasher(**settings, metric=metric).fit_transform(X)
        near, far = codes[:100:2], codes[100:200:2]
        share[metric] = (near[:, None] != far).mean()
    assert share["euclidean"] > 2 * share["cosine"]


def test_labels_bring_classes_together():
    X, y = load_digits(return_X_y=True)
    settings = {**SMALL, "n_bits": 16, "hidden_layer_sizes": (64,), "max_iter": 10}
    precision = {}
    for weight in (0, 3.0):
        hasher = KLBinaryHasher(**settings, classification_weight=weight).fit(X[:1200], y[:1200])
        codes = hasher.transform(X[1200:])
        precision[weight] = mean_average_precision_score(codes, y[1200:], exclude_self=True)
        assert ("classification" in hasher.loss_terms_) == (weight > 0)
    # over five seeds from 0.06 to 0.085 more
    assert precision[3.0] > precision[0] + 0.02


def test_labels_are_ignored_unless_asked_for(cifar):
    X, y, X_query = (part[:500] for part in cifar[:3])
    settings = {**SMALL, "max_iter": 2}
    expected = KLBinaryHasher(**settings).fit(X).decision_function(X_query)
    hasher = KLBinaryHasher(**settings, store_codes=True).fit(X, y)
    np.testing.assert_array_equal(hasher.decision_function(X_query), expected)
    assert (hasher.classes_, "classification" in hasher.loss_terms_) == (None, False)
    # kept for scorers, as by every hasher
    np.testing.assert_array_equal(hasher.training_labels_, y)
    chunks = [KLBinaryHasher(**settings).partial_fit(X, given) for given in (None, y)]
    np.testing.assert_array_equal(*(h.decision_function(X_query) for h in chunks))
    retriever = HashRetriever(KLBinaryHasher(**settings)).fit(X, y)
    np.testing.assert_array_equal(retriever.hasher_.decision_function(X_query), expected)


def test_label_types(ring):
    labels = (ring[:, 0] > 3).astype(int) + (ring[:, 1] > 3)
    settings = {**SMALL, "classification_weight": 1.0}
    codes = KLBinaryHasher(**settings).fit_transform(ring, labels)
    names = np.array(["ant", "bee", "cat"])[labels]
    named = KLBinaryHasher(**settings).fit(ring, names)
    assert named.classes_.tolist() == ["ant", "bee", "cat"]
    np.testing.assert_array_equal(named.transform(ring), codes)
    indicators = np.eye(3, dtype=int)[labels]
    dense = KLBinaryHasher(**settings).fit_transform(ring, indicators)
    again = KLBinaryHasher(**settings).fit_transform(ring, sparse.csr_array(indicators))
    np.testing.assert_array_equal(dense, again)
    assert KLBinaryHasher(**settings).fit(ring).classes_ is None
    with pytest.raises(ValueError, match="y holds real numbers"):
        KLBinaryHasher(**settings).fit(ring, ring[:, :2])


def test_kl_term_pulls_outputs_to_the_target(ring):
    """Alone, it makes outputs of any start as binary as its target is."""
    settings = {**SMALL, "network": half_open, "max_iter": 60, "neighborhood_weight": 0}
    gaps = {}
    for name, target in {
        "beta": {"kl_alpha": 0.1},
        "uniform": {"kl_alpha": 1.0},
        "bernoulli": {"kl_target": "bernoulli"},
        "callable": {"kl_target": lambda size, rng: rng.uniform(0.4, 0.6, size)},
    }.items():
        hasher = KLBinaryHasher(**settings, **target, kl_weight=1.0).fit(ring)
        z = 1 / (1 + np.exp(-hasher.decision_function(ring)))
        gaps[name] = np.abs(z - z.round()).mean()
    assert gaps["beta"] < 0.75 * gaps["uniform"]
    assert gaps["bernoulli"] < 0.75 * gaps["uniform"]
    assert gaps["callable"] > 1.1 * gaps["uniform"]


def half_open(n_features, n_bits):
    from torch import nn

    return nn.Sequential(nn.BatchNorm1d(n_features), nn.Linear(n_features, n_bits))


@pytest.fixture(scope="module")
def sparse_rows():
    """Three groups of 100 rows that differ in which of 500 features they have."""
    random = np.random.default_rng(0)
    X = sparse.csr_array(sparse.random(300, 500, density=0.05, random_state=random))
    groups = np.repeat(np.diag([4.0, 2.0, 1.0]), 100, axis=0) @ (random.random((3, 500)) < 0.1)
    return (X + sparse.csr_array(groups)).astype(np.float32)


@pytest.mark.parametrize("network", ["linear", "mlp"])
def test_sparse_rows_give_the_codes_of_dense_ones(sparse_rows, network):
    hasher = KLBinaryHasher(**SMALL, network=network).fit(sparse_rows)
    rows = sparse_rows.toarray()
    expected = KLBinaryHasher(**SMALL, network=network).fit(rows).decision_function(rows)
    np.testing.assert_array_equal(hasher.decision_function(sparse_rows), expected)


def test_large_sparse_matrices_are_made_dense_in_parts(sparse_rows, monkeypatch):
    made_dense = []
    original = sparse.csr_array.toarray
    monkeypatch.setattr(
        sparse.csr_array, "toarray", lambda self: made_dense.append(self.shape) or original(self)
    )
    monkeypatch.setattr("skhash._closed_form.components.DENSE_ELEMENTS", 20_000)
    monkeypatch.setattr("skhash._torch.data._BLOCK_ELEMENTS", 20_000)
    monkeypatch.setattr("skhash._torch.networks._ENCODE_ELEMENTS", 20_000)
    KLBinaryHasher(**SMALL).fit(sparse_rows).decision_function(sparse_rows)
    assert max(rows for rows, _ in made_dense) <= 64


def test_large_sparse_matrices_begin_with_the_same_components(sparse_rows, monkeypatch):
    """Two, as far apart as the groups; the rotation among them may be another."""
    dense_mean, expected = linear_start(sparse_rows.toarray(), 2, np.random.RandomState(0))
    monkeypatch.setattr("skhash._closed_form.components.DENSE_ELEMENTS", 0)
    mean, directions = linear_start(sparse_rows, 2, np.random.RandomState(0))
    np.testing.assert_allclose(mean, dense_mean, atol=1e-5)
    assert np.max(subspace_angles(directions, expected)) < 1e-3


def test_memory_map_is_streamed_to_the_same_codes(ring, tmp_path, monkeypatch):
    expected = KLBinaryHasher(**SMALL).fit(ring).decision_function(ring)
    mapped = np.memmap(tmp_path / "X", dtype=np.float32, mode="w+", shape=ring.shape)
    mapped[:] = ring
    mapped.flush()
    mapped = np.memmap(tmp_path / "X", dtype=np.float32, mode="r", shape=ring.shape)
    monkeypatch.setattr("skhash._torch.data._resident_bytes", lambda device: 1000)
    monkeypatch.setattr("skhash._torch.data._BLOCK_ELEMENTS", 1000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hasher = KLBinaryHasher(**SMALL).fit(mapped)
    # the mean is summed in another order
    np.testing.assert_allclose(hasher.decision_function(mapped), expected, rtol=0.02, atol=0.02)


def test_validation_does_not_copy_a_memory_map(ring, tmp_path):
    mapped = np.memmap(tmp_path / "X", dtype=np.float32, mode="w+", shape=ring.shape)
    mapped[:] = ring
    assert np.shares_memory(KLBinaryHasher()._validate(mapped, reset=True), mapped)


def test_partial_fit_learns_from_chunks(ring):
    # begun as ITQ, codes of a circle can hardly be better
    settings = {**SMALL, "n_bits": 24, "network": half_open}
    hasher = KLBinaryHasher(**settings)
    begun = clone(hasher).partial_fit(ring[:200])
    for _ in range(30):
        for chunk in np.split(ring, 3):
            hasher.partial_fit(chunk)
    assert hasher.n_iter_ == len(hasher.loss_curve_) == 90
    assert set(map(len, hasher.loss_terms_.values())) == {90}
    assert np.mean(hasher.loss_curve_[-3:]) < np.mean(hasher.loss_curve_[:3])
    assert neighbor_recall(hasher, ring, ring, 20) > neighbor_recall(begun, ring, ring, 20)
    # fit starts afresh
    again = hasher.fit(ring).transform(ring)
    np.testing.assert_array_equal(again, KLBinaryHasher(**settings).fit_transform(ring))


def test_partial_fit_with_labels(ring):
    labels = np.array(["b", "a"])[(ring[:, 0] > 3).astype(int)]
    hasher = KLBinaryHasher(**SMALL, classification_weight=1.0)
    hasher.partial_fit(ring[labels == "a"], labels[labels == "a"], classes=["a", "b"])
    hasher.partial_fit(ring[labels == "b"], labels[labels == "b"])
    assert hasher.classes_.tolist() == ["a", "b"]
    with pytest.raises(ValueError, match=r"not in classes: \['c'\]"):
        hasher.partial_fit(ring[:10], np.repeat(["a", "c"], 5))
    with pytest.raises(ValueError, match="in all calls"):
        hasher.partial_fit(ring)
    with pytest.raises(ValueError, match="features"):
        hasher.partial_fit(ring[:, :5], labels)
    with pytest.raises(ValueError, match="warm_start=True goes on"):
        clone(hasher).partial_fit(ring).set_params(n_bits=5).partial_fit(ring)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"metric": "hamming"}, "'metric'"),
        ({"perplexity": 0.5}, "'perplexity'"),
        ({"kl_target": "normal"}, "'kl_target'"),
        ({"kl_alpha": (1.0, 0)}, "kl_alpha must be"),
        ({"kl_alpha": (1.0, 0.5, 0.1)}, "kl_alpha must be"),
        ({"neighborhood_weight": 0, "kl_weight": 0}, "one must be above 0"),
    ],
)
def test_wrong_parameters_are_named(ring, parameters, message):
    with pytest.raises(ValueError, match=message):
        KLBinaryHasher(**{**SMALL, **parameters}).fit(ring)


def test_terms_of_weight_zero_are_left_out(ring):
    hasher = KLBinaryHasher(**SMALL, kl_weight=0).fit(ring)
    assert set(hasher.loss_terms_) == {"neighborhood"}
    hasher = KLBinaryHasher(**SMALL, kl_weight=0.5, classification_weight=1.0)
    hasher.fit(ring, ring[:, 0] > 3)
    terms = {name: np.array(values) for name, values in hasher.loss_terms_.items()}
    total = terms["neighborhood"] + 0.5 * terms["kl"] + terms["classification"]
    np.testing.assert_allclose(hasher.loss_curve_, total, rtol=1e-6)


def test_annealing_and_draws(ring):
    """The target starts uniform: as steps go by, the KL term changes what it asks for."""
    fixed = KLBinaryHasher(**SMALL, kl_weight=1.0).fit(ring)
    annealed = KLBinaryHasher(**SMALL, kl_weight=1.0, kl_alpha=(1.0, 0.1)).fit(ring)
    assert annealed.loss_terms_["kl"][0] > fixed.loss_terms_["kl"][0] + 0.1
    few = KLBinaryHasher(**SMALL, kl_n_draws=2).fit(ring)
    # the nearest of fewer draws is farther
    assert few.loss_terms_["kl"][0] > fixed.loss_terms_["kl"][0]


def test_seeds_warm_start_and_pickle(ring):
    hasher = KLBinaryHasher(**SMALL, warm_start=True, dropout=0.2).fit(ring)
    values, first = hasher.decision_function(ring), hasher.loss_curve_[0]
    np.testing.assert_array_equal(clone(hasher).fit(ring).decision_function(ring), values)
    stream = pickle.dumps(hasher)
    assert b"torch" not in stream
    np.testing.assert_array_equal(pickle.loads(stream).decision_function(ring), values)
    assert hasher.fit(ring).loss_curve_[0] < first
    with pytest.raises(ValueError, match="warm_start=True goes on from the last fit"):
        hasher.set_params(n_bits=hasher.n_bits + 1).fit(ring)
