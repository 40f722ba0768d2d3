"""Neighbours by Hamming distance: against their definition, by faiss and by numpy alike."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.pipeline import make_pipeline

from skhash import ITQHasher
from skhash.datasets import load_cifar100_features
from skhash.neighbors import (
    HammingNeighbors,
    _exact,
    asymmetric_distances,
    pack_codes,
)
from skhash.utils import _threads

LENGTHS = [1, 7, 8, 9, 63, 64, 65, 200]
INDEXES = ["ivf", "hnsw", "multihash"]


@pytest.fixture(params=["faiss", "numpy"])
def backend(request, monkeypatch):
    if request.param == "faiss":
        pytest.importorskip("faiss", reason="faiss is not installed")
    else:
        # small blocks, so that there are several of queries and of codes
        monkeypatch.setattr(_exact, "_BLOCK_PAIRS", 64)
        monkeypatch.setitem(sys.modules, "faiss", None)
    return request.param


@pytest.fixture(scope="module")
def real():
    """Codes of 64 bits of real images: 8,000 of a database, 300 queries, and their values."""
    cifar = load_cifar100_features()
    X, queries = cifar.data[cifar.train_indices], cifar.data[cifar.query_indices[:300]]
    hasher = ITQHasher(n_bits=64, random_state=0).fit(X)
    labels = cifar.target[cifar.train_indices]
    return hasher.transform(X), hasher.transform(queries), hasher.decision_function(queries), labels


def draw(n_samples, n_bits, seed=0, n_distinct=None):
    """Random codes, many of them the same."""
    random = np.random.default_rng(seed)
    codes = random.integers(0, 2, (n_distinct or n_samples, n_bits), dtype=np.uint8)
    return codes[random.integers(len(codes), size=n_samples)]


def by_definition(query, codes, k):
    """Distances and rows by sorting pairs of distance and row."""
    pairs = sorted((int((query != code).sum()), row) for row, code in enumerate(codes))[:k]
    return [list(column) for column in zip(*pairs)]


@pytest.mark.parametrize("n_bits", LENGTHS)
def test_brute_force_is_the_definition_and_ties_go_by_order(n_bits, backend):
    codes, queries = draw(60, n_bits, n_distinct=25), draw(9, n_bits, seed=1)
    index = HammingNeighbors(algorithm="brute").fit(codes)
    for k in (1, 13, 60):
        distances, ids = index.kneighbors(queries, k)
        expected = [by_definition(query, codes, k) for query in queries]
        np.testing.assert_array_equal(distances, [distances for distances, _ in expected])
        np.testing.assert_array_equal(ids, [rows for _, rows in expected])
        assert distances.dtype == np.int32
        assert ids.dtype == np.int64


@pytest.mark.parametrize("n_bits", LENGTHS)
def test_radius_search_is_the_definition(n_bits, backend):
    codes, queries = draw(60, n_bits, n_distinct=25), draw(9, n_bits, seed=1)
    index = HammingNeighbors(algorithm="brute").fit(codes)
    for radius in (0, n_bits // 2, n_bits / 2 + 0.5, 10 * n_bits):
        distances, ids = index.radius_neighbors(queries, radius)
        assert distances.shape == ids.shape == (9,)
        for query, own_distances, own_ids in zip(queries, distances, ids):
            expected, rows = by_definition(query, codes, len(codes))
            n_within = np.searchsorted(expected, radius, side="right")
            np.testing.assert_array_equal(own_distances, expected[:n_within])
            np.testing.assert_array_equal(own_ids, rows[:n_within])


def test_neighbors_of_the_fitted_rows_leave_themselves_out(backend):
    codes = draw(40, 6, n_distinct=10)
    index = HammingNeighbors(n_neighbors=7, radius=1).fit(codes)
    distances, ids = index.kneighbors()
    near_distances, near = index.radius_neighbors()
    for row, code in enumerate(codes):
        pairs = zip(*by_definition(code, codes, len(codes)))
        others = [pair for pair in pairs if pair[1] != row]
        np.testing.assert_array_equal(np.stack([distances[row], ids[row]], 1), others[:7])
        within = [pair for pair in others if pair[0] <= 1]
        np.testing.assert_array_equal(near_distances[row], [pair[0] for pair in within])
        np.testing.assert_array_equal(near[row], [pair[1] for pair in within])


@given(st.integers(1, 80), st.integers(1, 30), st.integers(0, 2**32 - 1), st.data())
def test_faiss_and_numpy_agree(n_bits, n_samples, seed, data):
    faiss = pytest.importorskip("faiss", reason="faiss is not installed")
    k = data.draw(st.integers(1, n_samples))
    codes, queries = draw(n_samples, n_bits, seed), draw(4, n_bits, seed + 1)
    index = HammingNeighbors(algorithm="brute").fit(codes)
    found = index.kneighbors(queries, k), index.radius_neighbors(queries, n_bits // 3)
    sys.modules["faiss"] = None
    try:
        again = index.kneighbors(queries, k), index.radius_neighbors(queries, n_bits // 3)
    finally:
        sys.modules["faiss"] = faiss
    np.testing.assert_array_equal(found[0], again[0])
    for part, same in zip(found[1], again[1]):
        np.testing.assert_array_equal(np.concatenate(part), np.concatenate(same))


def test_codes_searched_by_faiss_are_not_copied():
    faiss = pytest.importorskip("faiss", reason="faiss is not installed")
    codes, queries = draw(500, 20, n_distinct=200), draw(50, 20, seed=1)
    flat = faiss.IndexBinaryFlat(24)
    flat.add(pack_codes(codes))
    packed = pack_codes(codes, return_n_bits=True)
    index = HammingNeighbors(100).fit(packed)
    np.testing.assert_array_equal(index.kneighbors(queries), flat.search(pack_codes(queries), 100))
    assert index._searcher.codes is packed.data


def test_packed_codes_are_the_same_as_codes(backend):
    codes, queries = draw(50, 13), draw(5, 13, seed=1)
    expected = HammingNeighbors().fit(codes).kneighbors(queries)
    packed = pack_codes(codes, return_n_bits=True)
    for index in (
        HammingNeighbors().fit(packed),
        HammingNeighbors(n_bits=13).fit(packed.data),
        HammingNeighbors(n_bits=13).fit(codes),
    ):
        assert index.n_bits_ == index.n_features_in_ == 13
        for same in (queries, pack_codes(queries), pack_codes(queries, return_n_bits=True)):
            np.testing.assert_array_equal(index.kneighbors(same), expected)


def test_one_bit_may_be_packed():
    packed = pack_codes([[1], [0], [1]])
    index = HammingNeighbors(n_bits=1).fit(packed)
    np.testing.assert_array_equal(index.kneighbors(packed, 3)[1], [[0, 2, 1], [1, 0, 2], [0, 2, 1]])
    np.testing.assert_array_equal(index.kneighbors([[1]], 3)[1], [[0, 2, 1]])


def test_packed_codes_in_a_file_are_searched_where_they_are(tmp_path, backend):
    codes = draw(300, 24)
    np.save(tmp_path / "codes.npy", pack_codes(codes))
    mapped = np.load(tmp_path / "codes.npy", mmap_mode="r")
    index = HammingNeighbors(n_bits=24).fit(mapped)
    assert np.shares_memory(index._searcher.codes, mapped)
    expected = HammingNeighbors().fit(codes).kneighbors(codes[:9])
    np.testing.assert_array_equal(index.kneighbors(codes[:9]), expected)


def test_binarize_is_the_threshold():
    values = np.random.default_rng(0).normal(size=(30, 10))
    expected = HammingNeighbors().fit(values > 0.3).kneighbors(values[:4] > 0.3)
    found = HammingNeighbors(binarize=0.3).fit(values).kneighbors(values[:4])
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("algorithm", ["brute", *INDEXES])
def test_what_was_added_and_removed_is_as_if_fitted_so(algorithm):
    if algorithm != "brute":
        pytest.importorskip("faiss", reason="faiss is not installed")
    codes, queries = draw(600, 32, n_distinct=500), draw(40, 32, seed=1)
    # everything is looked at, so that indexes are exact
    thorough = {"n_lists": 5, "n_probe": 5, "ef_search": 600, "ef_construction": 600, "n_flips": 5}
    options = {**thorough, "algorithm": algorithm, "random_state": 0, "n_jobs": 1}
    names = np.char.add("row ", np.arange(600).astype(str))
    index = HammingNeighbors(10, **options).fit(codes[:400], ids=names[:400])
    index.add(codes[400:500], names[400:500])
    left = np.ones(600, dtype=bool)
    # first few, then so many that an index is filled anew
    for removed in (slice(3, 600, 20), slice(0, 500, 3)):
        gone = names[removed][left[removed] & (np.arange(600)[removed] < 500)]
        index.remove(np.random.default_rng(0).permutation(gone))
        left &= ~np.isin(names, gone)
        rest = left & (np.arange(600) < 500)
        assert index.n_samples_fit_ == rest.sum()
        expected = HammingNeighbors(10).fit(codes[rest], ids=names[rest])
        assert_same_search(index, expected, queries)
    index.add(pack_codes(codes[500:]), names[500:])
    expected = HammingNeighbors(10).fit(codes[left], ids=names[left])
    assert_same_search(index, expected, queries)
    np.testing.assert_array_equal(index.kneighbors()[0], expected.kneighbors()[0])


def assert_same_search(index, expected, queries):
    np.testing.assert_array_equal(index.ids_, expected.ids_)
    distances, ids = index.kneighbors(queries)
    same_distances, same_ids = expected.kneighbors(queries)
    np.testing.assert_array_equal(distances, same_distances)
    # an index may take another of those that are equally far for the last places
    before_last = (distances < distances[:, -1:]) | (index.algorithm_ == "brute")
    np.testing.assert_array_equal(ids[before_last], same_ids[before_last])
    radius = 5 if index.algorithm_ == "multihash" else 11
    found = index.radius_neighbors(queries, radius)[1]
    for part, same in zip(found, expected.radius_neighbors(queries, radius)[1]):
        np.testing.assert_array_equal(part, same)


def test_ids_go_on_from_the_greatest_and_do_not_come_back():
    index = HammingNeighbors().fit(draw(4, 8))
    index.remove([3]).add(draw(2, 8))
    np.testing.assert_array_equal(index.ids_, [0, 1, 2, 4, 5])
    index.add(draw(1, 8), [100]).add(draw(1, 8))
    np.testing.assert_array_equal(index.ids_[-2:], [100, 101])
    assert index.ids_.dtype == np.int64


def test_an_index_may_be_emptied_and_filled(backend):
    codes = draw(5, 8)
    index = HammingNeighbors(n_neighbors=2).fit(codes)
    index.remove(index.ids_)
    assert [len(found) for found in index.radius_neighbors(codes, 8)[1]] == [0] * 5
    with pytest.raises(ValueError, match="n_neighbors <= 0"):
        index.kneighbors(codes)
    index.add(codes)
    expected = HammingNeighbors(n_neighbors=2).fit(codes).kneighbors(codes)
    np.testing.assert_array_equal(index.kneighbors(codes)[0], expected[0])
    np.testing.assert_array_equal(index.kneighbors(codes)[1], expected[1] + 5)


@pytest.mark.parametrize(
    ("algorithm", "least"), [("ivf", 0.9), ("hnsw", 0.95), ("multihash", 0.65)]
)
def test_recall_of_approximate_search(real, algorithm, least):
    pytest.importorskip("faiss", reason="faiss is not installed")
    codes, queries, _, _ = real
    exact = HammingNeighbors(10).fit(codes)
    index = HammingNeighbors(10, algorithm=algorithm, random_state=0, n_jobs=1).fit(codes)
    assert (exact.algorithm_, index.algorithm_) == ("brute", algorithm)
    truth = exact.kneighbors(queries)[0]
    distances, ids = index.kneighbors(queries)
    recall = (distances <= truth[:, -1:]).mean()
    assert recall > least
    true_distances = (codes[ids] != queries[:, np.newaxis]).sum(axis=2)
    np.testing.assert_array_equal(distances, true_distances)
    order = distances.astype(np.int64) * len(codes) + ids
    assert (np.diff(order) > 0).all()
    again = clone(index).fit(codes).kneighbors(queries)
    np.testing.assert_array_equal(again, (distances, ids))


def test_more_effort_finds_more(real):
    pytest.importorskip("faiss", reason="faiss is not installed")
    codes, queries, _, _ = real
    truth = HammingNeighbors(10).fit(codes).kneighbors(queries)[0][:, -1:]
    for algorithm, name, values in [
        ("ivf", "n_probe", (1, 30)),
        ("hnsw", "ef_search", (10, 200)),
        ("multihash", "n_flips", (1, 3)),
    ]:
        index = HammingNeighbors(10, algorithm=algorithm, random_state=0).fit(codes)
        found = []
        for value in values:
            distances, _ = index.set_params(**{name: value}).kneighbors(queries)
            found.append((distances <= truth).mean())
        assert found[0] < found[1] - 0.02, algorithm


def test_enough_flips_miss_nothing_within_the_radius(real):
    pytest.importorskip("faiss", reason="faiss is not installed")
    codes, queries, _, _ = real
    index = HammingNeighbors(algorithm="multihash", n_hashes=4, n_flips=2).fit(codes)
    found = index.radius_neighbors(queries, 11)[1]
    expected = HammingNeighbors().fit(codes).radius_neighbors(queries, 11)[1]
    assert sum(map(len, expected)) > 300
    for part, same in zip(found, expected):
        np.testing.assert_array_equal(part, same)


def test_queries_that_an_index_finds_too_little_for_are_searched_exactly():
    pytest.importorskip("faiss", reason="faiss is not installed")
    codes, queries = draw(300, 64), draw(20, 64, seed=1)
    index = HammingNeighbors(20, algorithm="multihash", n_flips=0, bits_per_hash=16).fit(codes)
    expected = HammingNeighbors(20).fit(codes).kneighbors(queries)
    np.testing.assert_array_equal(index.kneighbors(queries), expected)


def test_graphs_hold_rows_and_bits(backend):
    codes, queries = draw(30, 12), draw(4, 12, seed=1)
    index = HammingNeighbors(n_neighbors=3, radius=4).fit(codes, ids=np.arange(30)[::-1])
    all_distances = np.rint(12 * pairwise_distances(queries, codes, metric="hamming"))
    graph = index.kneighbors_graph(queries, mode="distance")
    assert graph.shape == (4, 30)
    assert graph.nnz == 12
    rows = graph.indices.reshape(4, 3)
    np.testing.assert_array_equal(29 - rows, index.kneighbors(queries)[1])
    np.testing.assert_array_equal(
        graph.data.reshape(4, 3), np.take_along_axis(all_distances, rows, 1)
    )
    assert set(index.kneighbors_graph(queries).data) == {1.0}
    near = index.radius_neighbors_graph(queries, mode="connectivity").toarray()
    np.testing.assert_array_equal(near, all_distances <= 4)


def test_classifier_over_the_graph_is_the_classifier_over_codes(real):
    codes, queries, _, labels = real
    codes, labels = codes[:1500], labels[:1500] % 5
    direct = KNeighborsClassifier(9, metric="hamming", algorithm="brute").fit(codes, labels)
    over_graph = make_pipeline(
        HammingNeighbors(9), KNeighborsClassifier(9, metric="precomputed")
    ).fit(codes, labels)
    # scikit-learn leaves it open which of several equally far rows are the nearest
    gap = NearestNeighbors(n_neighbors=10, metric="hamming").fit(codes).kneighbors(queries)[0]
    clear = gap[:, 8] < gap[:, 9]
    assert clear.sum() > 20
    np.testing.assert_array_equal(
        over_graph.predict(queries)[clear], direct.predict(queries)[clear]
    )
    _, rows = HammingNeighbors(9).fit(codes).kneighbors(queries)
    votes = np.stack([np.bincount(labels[near], minlength=5) for near in rows])
    np.testing.assert_array_equal(over_graph.predict(queries), votes.argmax(axis=1))


def test_reranking_all_is_sorting_by_asymmetric_distance(real, backend):
    codes, _, values, _ = real
    codes, values = codes[:400], values[:20]
    index = HammingNeighbors(n_neighbors=6).fit(codes)
    distances, ids = index.kneighbors(values, rerank=400)
    every = asymmetric_distances(values, codes)
    np.testing.assert_array_equal(ids, np.argsort(every, axis=1, kind="stable")[:, :6])
    np.testing.assert_allclose(distances, np.sort(every, axis=1)[:, :6], rtol=1e-4, atol=1e-5)

    distances, ids = index.kneighbors(values, rerank=30)
    candidates = index.kneighbors(values > 0, 30, return_distance=False)
    expected = np.sort(np.take_along_axis(every, candidates, 1), axis=1)[:, :6]
    np.testing.assert_allclose(distances, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(np.take_along_axis(every, ids, 1), distances, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_reranking_all_by_vectors_is_search_by_vectors(metric):
    random = np.random.default_rng(0)
    vectors = random.normal(size=(200, 5)).astype(np.float32)
    queries = random.normal(size=(7, 5)).astype(np.float32)
    exact = NearestNeighbors(n_neighbors=4, metric=metric, algorithm="brute").fit(vectors)
    index = HammingNeighbors(4, vector_metric=metric).fit(vectors[:150] > 0, vectors=vectors[:150])
    index.add(vectors[150:] > 0, vectors=vectors[150:])
    distances, ids = index.kneighbors(queries > 0, rerank=200, vectors=queries)
    expected = exact.kneighbors(queries)
    np.testing.assert_array_equal(ids, expected[1])
    np.testing.assert_allclose(distances, expected[0], atol=1e-6)
    np.testing.assert_array_equal(index.kneighbors(rerank=200)[1], exact.kneighbors()[1])

    index.remove(np.arange(0, 200, 2))
    exact.fit(vectors[1::2])
    ids = index.kneighbors(queries > 0, return_distance=False, rerank=100, vectors=queries)
    np.testing.assert_array_equal(ids, 2 * exact.kneighbors(queries)[1] + 1)


def test_threads_are_those_of_the_call_only(monkeypatch):
    faiss = pytest.importorskip("faiss", reason="faiss is not installed")
    seen, search = [], faiss.knn_hamming

    def watch(*arguments, **options):
        seen.append(faiss.omp_get_max_threads())
        return search(*arguments, **options)

    monkeypatch.setattr(faiss, "knn_hamming", watch)
    before = faiss.omp_get_max_threads()
    monkeypatch.setattr(_threads, "cpu_count", lambda: before + 2)
    codes = draw(20, 16)
    for n_jobs in (before + 2, None):
        HammingNeighbors(n_jobs=n_jobs).fit(codes).kneighbors(codes)
    assert seen == [before + 2, before]
    with pytest.raises(ValueError, match="n_jobs == 0"):
        HammingNeighbors(n_jobs=0).fit(codes).kneighbors(codes)
    assert faiss.omp_get_max_threads() == before


@pytest.mark.parametrize("algorithm", INDEXES)
def test_without_faiss_an_index_says_what_to_install(algorithm, monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(ImportError, match="pip install faiss-cpu"):
        HammingNeighbors(algorithm=algorithm).fit(draw(20, 16))


def test_auto_goes_by_size_and_length(monkeypatch):
    pytest.importorskip("faiss", reason="faiss is not installed")
    from skhash.neighbors import _hamming_neighbors

    monkeypatch.setattr(_hamming_neighbors, "_MAX_BRUTE_CODES", 99)
    assert HammingNeighbors().fit(draw(99, 64)).algorithm_ == "brute"
    assert HammingNeighbors().fit(draw(100, 64)).algorithm_ == "ivf"
    assert HammingNeighbors().fit(draw(100, 32)).algorithm_ == "brute"
    monkeypatch.setitem(sys.modules, "faiss", None)
    assert HammingNeighbors().fit(draw(100, 64)).algorithm_ == "brute"


@pytest.mark.parametrize(
    ("X", "options", "message"),
    [
        ([[0, 2]], {}, "X must hold only 0 and 1, got 2"),
        ([[0.5, 1.0]], {}, "got 0.5"),
        ([[0, 1]], {"n_bits": 3}, "3 columns of bits, or 1 of bytes"),
        (np.array([[1]], np.uint8), {"n_bits": 5}, "padded with zeros"),
        (pack_codes([[0, 1]], return_n_bits=True), {"n_bits": 5}, "2 bits, but n_bits is 5"),
        ([[0, 1]], {"n_neighbors": 0}, "n_neighbors"),
        ([[0, 1]], {"algorithm": "kd_tree"}, "algorithm"),
        ([[0, 1]], {"algorithm": "ivf", "n_lists": 2}, "at most the 1 codes, got 2"),
        ([[0, 1]], {"algorithm": "multihash"}, "n_hashes must be at most the 2 bits"),
        ([[0, 1]], {"algorithm": "multihash", "n_hashes": 1, "bits_per_hash": 3}, "1 \\* 3"),
    ],
)
def test_what_cannot_be_fitted_is_refused(X, options, message):
    pytest.importorskip("faiss", reason="faiss is not installed")
    with pytest.raises(ValueError, match=message):
        HammingNeighbors(**options).fit(X)


@pytest.mark.parametrize(
    ("ids", "error", "message"),
    [
        ([1, 2], ValueError, r"shape \(3,\).*got \(2,\)"),
        ([1, 2, 1], ValueError, "got 1 more than once"),
        ([1, "a", 2.5], TypeError, "integers or all strings"),
        ([1.0, 2.0, 3.0], TypeError, "float64"),
        ([True, False, True], TypeError, "bool"),
        (np.array([1, 2, 2**63], np.uint64), ValueError, "64 bits"),
        (np.array([1, True, 2], object), TypeError, "integers or all strings"),
    ],
)
def test_ids_must_be_ids(ids, error, message):
    with pytest.raises(error, match=message):
        HammingNeighbors().fit(np.eye(3, dtype=int), ids=ids)


def test_ids_of_objects_become_plain():
    index = HammingNeighbors(2).fit(np.eye(3, dtype=int), ids=np.array(["b", "a", "c"], object))
    assert index.kneighbors([[0, 1, 0]])[1].tolist() == [["a", "b"]]
    assert index.ids_.dtype.kind == "U"
    index = HammingNeighbors().fit(np.eye(3, dtype=int), ids=np.array([3, 2, np.int8(1)], object))
    assert index.ids_.dtype == np.int64


def test_what_cannot_be_asked_is_refused():
    codes = np.eye(4, 9, dtype=np.uint8)
    index = HammingNeighbors(2).fit(codes, ids=list("abcd"))
    for call, error, message in [
        (lambda: index.kneighbors(codes, 5), ValueError, "n_neighbors <= 4"),
        (lambda: index.kneighbors(None, 4), ValueError, "n_neighbors <= 3"),
        (lambda: index.kneighbors(codes, 1.5), ValueError, "integer"),
        (lambda: index.kneighbors(codes[:, :8]), ValueError, "8 features.*9 features"),
        (lambda: index.radius_neighbors(codes, -1), ValueError, "radius.*got -1"),
        (lambda: index.kneighbors(codes, rerank=3), ValueError, "holds uint8"),
        (lambda: index.kneighbors(codes / 1, rerank=1), ValueError, "at least n_neighbors=2"),
        (lambda: index.kneighbors(rerank=3), ValueError, "fit was given none"),
        (lambda: index.kneighbors(codes, vectors=codes), ValueError, "pass rerank"),
        (lambda: index.kneighbors_graph(codes, mode="other"), ValueError, "mode"),
        (lambda: index.remove(["a", "x"]), ValueError, "not in the index: 'x'"),
        (lambda: index.remove([1]), TypeError, "are strings, got integers"),
        (lambda: index.add(codes), ValueError, "needs the ids"),
        (lambda: index.add(codes[:2], ["x", "a"]), ValueError, "already: 'a'"),
        (lambda: index.add(codes[:1], ["x"], vectors=[[1.0]]), ValueError, "only if, fit"),
    ]:
        with pytest.raises(error, match=message):
            call()
    np.testing.assert_array_equal(index.ids_, list("abcd"))
    assert index.n_samples_fit_ == 4


@pytest.mark.parametrize("radius", [0.25, np.float32(0.5)])
def test_a_share_of_the_bits_is_no_radius(radius):
    codes = np.eye(8, dtype=np.uint8)
    message = rf"number of bits, not a share .* of 8 bits that would be {int(8 * radius)}$"
    for index in (HammingNeighbors().fit(codes), HammingNeighbors(radius=radius).fit(codes)):
        with pytest.raises(ValueError, match=message):
            index.radius_neighbors(codes, radius)
        with pytest.raises(ValueError, match=message):
            index.radius_neighbors_graph(codes, radius)
