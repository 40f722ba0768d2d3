"""Sparse X: the codes of the same rows made dense, without making them dense."""

import tracemalloc

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from torch import nn

from skhash import (
    CCAITQHasher,
    HashRetriever,
    ITQHasher,
    KLBinaryHasher,
    OrthoHasher,
    PCAHasher,
    SemanticHasher,
    SpectralHasher,
    hashers,
)
from skhash._closed_form import components
from skhash._closed_form.components import principal_components, reduce_sparse
from skhash._torch import data, networks
from skhash.datasets import load_captions
from skhash.encoders import PosteriorEncoder, RelationalEncoder
from skhash.metrics import mean_average_precision_score

N_SAMPLES, N_FEATURES, N_CLASSES = 300, 60, 5
SMALL = {"hidden_layer_sizes": (8,), "max_iter": 3, "batch_size": 32, "device": "cpu"}
TEXT = {"hidden_layer_sizes": (64,), "max_iter": 10, "device": "cpu", "random_state": 0}
VECTORS = np.random.default_rng(1).normal(size=(N_CLASSES, 3))
CASES = {
    **{
        name: (getattr(hashers, name), {}, "class")
        for name in hashers.__all__
        if name != "HashRetriever"
    },
    "Semantic linear": (SemanticHasher, {"network": "linear"}, "class"),
    "Semantic relational": (SemanticHasher, {"encoder": RelationalEncoder()}, "class"),
    "Semantic vectors": (SemanticHasher, {}, "vector"),
    "Semantic own network": (SemanticHasher, {"network": nn.Linear}, "class"),
    "Ortho linear": (OrthoHasher, {"network": "linear"}, "class"),
}
CLOSED = [PCAHasher, ITQHasher, SpectralHasher, CCAITQHasher]


def make_rows(n_samples, n_features, dtype=np.float32, seed=0):
    """Counts of words, some of which are more frequent in a class than elsewhere."""
    random = np.random.default_rng(seed)
    y = np.arange(n_samples) % N_CLASSES
    rows = sparse.random(n_samples, n_features, 0.1, "csr", random_state=seed)
    words = random.integers(n_features // 2, size=(N_CLASSES, max(n_features // 20, 3)))
    chosen = words[y] * (random.uniform(size=(n_samples, words.shape[1])) < 0.7)
    start = np.arange(0, chosen.size + 1, chosen.shape[1])
    ones = sparse.csr_array((np.ones(chosen.size), chosen.ravel(), start), shape=rows.shape)
    return sparse.csr_array(rows + ones).astype(dtype), y


@pytest.fixture(scope="module")
def rows():
    return make_rows(N_SAMPLES, N_FEATURES)


def make(case, y, **changes):
    hasher, parameters, labels = CASES[case]
    known = hasher().get_params()
    given = {**SMALL, "random_state": 0, **changes}
    made = hasher(n_bits=12).set_params(**{k: v for k, v in given.items() if k in known})
    return made.set_params(**parameters), y if labels == "class" else VECTORS[y]


def assert_same_codes(values, expected):
    np.testing.assert_array_equal(values > 0, expected > 0)
    np.testing.assert_allclose(values, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("case", CASES)
def test_codes_are_those_of_dense_rows(case, rows):
    X, y = rows
    hasher, y = make(case, y)
    dense = clone(hasher).fit(X.toarray(), y)
    expected = dense.decision_function(X.toarray())
    # transform alone, and beside 64 rows or fewer, which are all computed in float64
    assert_same_codes(dense.decision_function(X), expected)
    assert_same_codes(dense.decision_function(X[:3]), expected[:3])
    if case == "ClassCodeHasher":
        return  # its classifier sees sparse rows uncentred
    fitted = clone(hasher).fit(X, y)
    found = fitted.decision_function(X)
    assert_same_codes(fitted.decision_function(X.toarray()), found)
    # the steps of a fit make a little more of rounding
    near = 1e-3 * np.abs(expected).max()
    np.testing.assert_allclose(found, expected, atol=near)
    assert np.abs(expected[(found > 0) != (expected > 0)]).max(initial=0) < near


@pytest.mark.parametrize("case", CASES)
def test_forms(case, rows):
    """Matrices and arrays, in any layout, with zeros and places that are stored twice."""
    X, y = rows
    hasher, y = make(case, y, max_iter=1)
    hasher.fit(X, y)
    expected = hasher.decision_function(X)
    half = sparse.coo_array(X)
    twice = [np.tile(half.data / 2, 2), np.tile(half.row, 2), np.tile(half.col, 2)]
    zeros = X.copy()
    zeros.data[:100] = 0
    forms = {
        "csc": sparse.csc_array(X),
        "coo": half,
        "matrix": sparse.csr_matrix(X),
        "twice": sparse.coo_array((twice[0], (twice[1], twice[2])), shape=X.shape),
        "float64": X.astype(np.float64),
    }
    wide = X.copy()
    wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
    forms["int64"] = wide
    for form in forms.values():
        assert_same_codes(hasher.decision_function(form), expected)
    removed = zeros.copy()
    removed.eliminate_zeros()
    assert_same_codes(hasher.decision_function(zeros), hasher.decision_function(removed))
    nothing = hasher.decision_function(sparse.csr_array((3, N_FEATURES), dtype=X.dtype))
    assert_same_codes(nothing, hasher.decision_function(np.zeros((3, N_FEATURES), X.dtype)))
    for name in ("matrix", "int64"):
        again = clone(hasher).fit(forms[name], y)
        assert_same_codes(again.decision_function(X), expected)


@pytest.fixture
def all_large(monkeypatch):
    """Any sparse rows count as large."""
    monkeypatch.setattr(components, "DENSE_ELEMENTS", 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("few", [2**11, 1], ids=["covariance", "lanczos"])
def test_large_principal_components_are_those_of_dense_rows(dtype, few, all_large, monkeypatch):
    monkeypatch.setattr(components, "FEW_FEATURES", few)
    X, _ = make_rows(N_SAMPLES, N_FEATURES, dtype)
    expected = PCA(20, svd_solver="full").fit(X.toarray().astype(np.float64))
    mean, found, projections = principal_components(X, 20, random_state=0)
    assert mean.dtype == found.dtype == projections.dtype == dtype
    tolerance = 1e-4 if dtype == np.float32 else 1e-8
    np.testing.assert_allclose(mean, expected.mean_, atol=1e-6)
    np.testing.assert_allclose(found, expected.components_, atol=tolerance)
    np.testing.assert_allclose(projections, expected.transform(X.toarray()), atol=10 * tolerance)


@pytest.mark.parametrize("few", [2**11, 1], ids=["covariance", "lanczos"])
def test_directions_in_which_large_rows_do_not_vary_are_zeros(few, all_large, monkeypatch):
    monkeypatch.setattr(components, "FEW_FEATURES", few)
    random = np.random.default_rng(0)
    X = sparse.csr_array(np.eye(6)[random.integers(6, size=50)] @ random.normal(size=(6, 30)))
    _, found, _ = principal_components(X, 9, random_state=0)
    # six points have five directions between them
    np.testing.assert_array_equal(found.any(axis=1), np.arange(9) < 5)
    few_rows = principal_components(X[:5], 5, random_state=0)[1]
    assert not few_rows[-1].any()
    mean, found, projections = principal_components(X[[0, 0, 0]], 2, random_state=0)
    np.testing.assert_allclose(mean, X[[0]].toarray()[0])
    assert not found.any()
    assert not projections.any()


@pytest.mark.parametrize("few", [2**11, 1], ids=["covariance", "lanczos"])
@pytest.mark.parametrize("hasher", CLOSED)
def test_closed_forms_of_large_rows(hasher, few, all_large, monkeypatch):
    """With as many dimensions as there are features, nothing is lost."""
    X, y = make_rows(N_SAMPLES, N_FEATURES, np.float64)
    hasher, _ = make(hasher.__name__, y)
    expected = hasher.fit(X.toarray(), y).decision_function(X)
    monkeypatch.setattr(components, "FEW_FEATURES", few)
    monkeypatch.setattr("skhash.hashers._cca_itq.FEW_FEATURES", few)
    again = clone(hasher).fit(X, y)
    if few == 1 and isinstance(hasher, CCAITQHasher):
        # Lanczos iterations leave out the component of least variance
        np.testing.assert_allclose(again.correlations_, hasher.correlations_, atol=0.02)
        return
    found = again.decision_function(X)
    np.testing.assert_array_equal(found > 0, expected > 0)


def test_reduction_can_be_undone(rows, all_large):
    X, _ = rows
    reduction = reduce_sparse(X, 12)
    assert reduction.components.shape == (N_FEATURES, N_FEATURES)
    random = np.random.default_rng(0)
    small_mean, small = random.normal(size=N_FEATURES), random.normal(size=(N_FEATURES, 4))
    mean, directions = reduction.undone(small_mean, small)
    np.testing.assert_allclose(
        (X.toarray() - mean) @ directions, (reduction.values - small_mean) @ small, atol=1e-4
    )
    assert reduce_sparse(X.toarray(), 12) is None


def learned(hasher, X, y):
    codes = hasher.fit(X[::2], y[::2]).transform(X)
    return mean_average_precision_score(codes[1::2], y[1::2], codes[::2], y[::2])


@pytest.mark.parametrize(
    "hasher",
    [
        SemanticHasher(16, encoder=PosteriorEncoder()),
        SemanticHasher(16, encoder=RelationalEncoder(start="closed-form")),
        CCAITQHasher(16),
    ],
    ids=["posterior", "relational", "cca-itq"],
)
def test_large_rows_teach_as_much(hasher, rows, all_large, monkeypatch):
    """As principal components, far fewer than there are features, they nearly do."""
    X, y = rows
    monkeypatch.setattr(components, "FEW_FEATURES", 30)
    monkeypatch.setattr("skhash.hashers._cca_itq.FEW_FEATURES", 30)
    monkeypatch.setattr(components, "_REDUCED_DIMENSIONS", 40)
    known = hasher.get_params()
    hasher = clone(hasher).set_params(**{k: v for k, v in SMALL.items() if k in known})
    hasher.set_params(random_state=0)
    of_dense, of_sparse = learned(hasher, X.toarray(), y), learned(hasher, X, y)
    coins = np.random.default_rng(0).integers(2, size=(len(y), 16))
    by_chance = mean_average_precision_score(coins[1::2], y[1::2], coins[::2], y[::2])
    assert of_sparse - by_chance > (of_dense - by_chance) / 2 > 0


@pytest.mark.parametrize("network", ["mlp", "linear"])
@pytest.mark.parametrize("case", ["SemanticHasher", "KLBinaryHasher", "OrthoHasher", "CSQHasher"])
def test_networks_take_wide_rows_as_they_are(case, network, rows, monkeypatch):
    X, y = rows
    hasher, y = make(case, y, network=network)
    expected = hasher.fit(X, y).decision_function(X)
    monkeypatch.setattr(networks, "_DENSE_FEATURES", N_FEATURES - 1)
    monkeypatch.setattr(networks, "dense_rows", lambda block: pytest.fail("made dense"))
    assert_same_codes(hasher.decision_function(X), expected)
    assert_same_codes(hasher.decision_function(X[:5]), expected[:5])


def test_no_more_than_a_block_is_made_dense(rows, all_large, monkeypatch):
    """Dense rows never hold more numbers than the blocks of training and statistics."""
    X, y = make_rows(1200, 400)
    monkeypatch.setattr(components, "FEW_FEATURES", 100)
    monkeypatch.setattr("skhash.hashers._cca_itq.FEW_FEATURES", 100)
    monkeypatch.setattr("skhash._closed_form.components.DENSE_ELEMENTS", 0)
    monkeypatch.setattr("skhash.hashers._class_code._BLOCK_NUMBERS", 4000)
    monkeypatch.setattr(networks, "_DENSE_FEATURES", 100)
    monkeypatch.setattr(data, "_BLOCK_ELEMENTS", 4000)
    most, original = [0], sparse.csr_array.toarray

    def toarray(self, *arguments, **options):
        most[0] = max(most[0], self.shape[0] * self.shape[1])
        return original(self, *arguments, **options)

    monkeypatch.setattr(sparse.csr_array, "toarray", toarray)
    for case in CASES:
        if case in ("Semantic own network", "KLBinaryHasher"):
            continue  # outputs for many rows at once; rows set aside to judge by, see its own tests
        hasher, labels = make(case, y, max_iter=1)
        most[0] = 0
        hasher.fit(X, labels).transform(X)
        # a batch of 32 rows, or the 256 of a step of CCA's
        assert most[0] <= 32 * 400, case


def test_memory_of_wide_rows():
    X, y = make_rows(1000, 1000, seed=1)
    X = sparse.csr_array((X.data, X.indices * 100, X.indptr), (1000, 100_000))
    dense = 4 * X.shape[0] * X.shape[1]
    for hasher in (ITQHasher(8, random_state=0), SpectralHasher(8)):
        tracemalloc.start()
        hasher.fit(X, y).transform(X)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < dense / 4


@pytest.fixture(scope="module")
def captions():
    """Texts, vectors of their meaning, and topics found among these."""
    loaded = load_captions()
    texts, vectors = np.array(loaded.data[:2000], dtype=object), loaded.target[:2000]
    return texts, vectors, KMeans(8, n_init=1, random_state=0).fit_predict(vectors)


@pytest.mark.parametrize(
    ("hasher", "labels"),
    [
        (SemanticHasher(32, **TEXT), "topics"),
        (SemanticHasher(32, **TEXT), "vectors"),
        (OrthoHasher(32, **TEXT), "topics"),
        (CCAITQHasher(32, random_state=0), "topics"),
        (CCAITQHasher(32, random_state=0), "vectors"),
    ],
    ids=["semantic", "semantic of vectors", "ortho", "cca-itq", "cca-itq of vectors"],
)
def test_texts(hasher, labels, captions):
    """With labels, words lead to nearer meanings in new texts than without."""
    texts, vectors, topics = captions
    y = topics if labels == "topics" else vectors
    train, new = slice(0, 1500), slice(1500, None)
    words = TfidfVectorizer()
    assert words.fit_transform(texts[train]).shape[1] > 2**11  # wide
    learned = make_pipeline(words, hasher).fit(texts[train], y[train])
    without = make_pipeline(words, ITQHasher(32, random_state=0)).fit(texts[train])
    assert learned.score(texts[new], y[new]) > without.score(texts[new], y[new])


def test_texts_are_found(captions):
    texts, _, topics = captions
    retriever = HashRetriever(make_pipeline(TfidfVectorizer(), KLBinaryHasher(32, **TEXT)))
    retriever.fit(texts[:500], topics[:500])
    _, ids = retriever.kneighbors(texts[:50], 1)
    assert np.mean(ids[:, 0] == np.arange(50)) > 0.9
    sparse_rows = TfidfVectorizer().fit_transform(texts[:500])
    found = HashRetriever(ITQHasher(16, random_state=0)).fit(sparse_rows)
    assert found.kneighbors(sparse_rows[:5], 3)[1].shape == (5, 3)
