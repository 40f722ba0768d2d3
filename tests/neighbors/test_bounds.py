"""Options of absurd size, and indexes that are nearly or wholly emptied."""

import joblib
import numpy as np
import pytest

from skhash.neighbors import HammingNeighbors

INDEXES = ("ivf", "hnsw", "multihash")


def codes(n_samples, n_bits=64, seed=0):
    return np.random.default_rng(seed).integers(2, size=(n_samples, n_bits), dtype=np.uint8)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"algorithm": "hnsw", "M": 10**9}, "'M'"),
        ({"algorithm": "ivf", "n_lists": 10**9}, "n_lists"),
        ({"algorithm": "multihash", "n_hashes": 10**9}, "n_hashes"),
        ({"algorithm": "multihash", "bits_per_hash": 10**9}, "bits_per_hash"),
        ({"algorithm": "multihash", "n_flips": 10**9}, "n_flips"),
        ({"n_bits": 10**9}, "1000000000 columns"),
        ({"n_neighbors": 10**9}, "n_neighbors"),
        ({"n_jobs": 0}, "n_jobs"),
    ],
)
def test_what_no_memory_holds_is_refused_by_name(options, name):
    with pytest.raises(ValueError, match=name):
        HammingNeighbors(**options).fit(codes(50)).kneighbors(codes(3))


@pytest.mark.parametrize("options", [{"ef_search": 10**9}, {"ef_construction": 10**9}])
def test_a_graph_has_no_more_candidates_than_codes(options):
    pytest.importorskip("faiss")
    X = codes(300)
    index = HammingNeighbors(algorithm="hnsw", **options).fit(X)
    distances, _ = index.kneighbors(X[:20], n_neighbors=3)
    np.testing.assert_array_equal(distances, HammingNeighbors(3).fit(X).kneighbors(X[:20])[0])
    assert index._searcher.index.hnsw.efSearch <= 300


def test_there_are_no_more_threads_than_processors(monkeypatch):
    faiss = pytest.importorskip("faiss")
    given = []
    monkeypatch.setattr(faiss, "omp_set_num_threads", given.append)
    HammingNeighbors(n_jobs=100_000).fit(codes(50)).kneighbors(codes(3))
    assert given
    assert max(given) <= joblib.cpu_count()


@pytest.mark.parametrize("algorithm", INDEXES)
def test_removed_codes_are_never_found(algorithm):
    """An index is filled anew on the way; some versions of faiss then keep the old tables."""
    pytest.importorskip("faiss")
    X = codes(2000)
    index = HammingNeighbors(algorithm=algorithm, n_flips=2).fit(X).remove(np.arange(1500))
    distances, ids = index.kneighbors(X, n_neighbors=10)
    assert ids.min() == 1500
    np.testing.assert_array_equal(distances, (X[:, None] != X[ids]).sum(axis=2))
    distances, ids = index.radius_neighbors(X[1500:], 18)
    for query, found, own in zip(X[1500:], distances, ids):
        np.testing.assert_array_equal(found, (query != X[own]).sum(axis=1))
        assert len(set(own)) == len(own)


@pytest.mark.parametrize("algorithm", INDEXES)
def test_an_emptied_index_is_filled_again(algorithm):
    pytest.importorskip("faiss")
    X = codes(200)
    index = HammingNeighbors(1, algorithm=algorithm, n_lists=4).fit(X)
    index.remove(index.ids_)
    assert [len(found) for found in index.radius_neighbors(X[:5], 64)[1]] == [0] * 5
    index.add(X[:50])
    distances, ids = index.kneighbors(X[:50])
    assert not distances.any()
    np.testing.assert_array_equal(ids.ravel(), np.arange(200, 250))
