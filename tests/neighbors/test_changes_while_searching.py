"""One thread changes an index, others search it: each answer is of one state of the index."""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from skhash import HashRetriever, PCAHasher, load, save
from skhash.neighbors import HammingNeighbors

X = np.random.default_rng(0).normal(size=(300, 8))
CODES = np.random.default_rng(1).integers(2, size=(300, 32), dtype=np.uint8)


def while_changing(change, search, n_changes=15):
    """Search in three threads until all changes are made; what a search raises is raised."""
    done = threading.Event()

    def go_on():
        n_searches = 0
        while not done.is_set() or not n_searches:
            search()
            n_searches += 1

    with ThreadPoolExecutor(3) as threads:
        searches = [threads.submit(go_on) for _ in range(3)]
        try:
            for number in range(n_changes):
                change(number)
        finally:
            done.set()
        for of_thread in searches:
            of_thread.result()


@pytest.mark.parametrize("algorithm", ["brute", "ivf", "hnsw", "multihash"])
def test_an_index(algorithm):
    if algorithm != "brute":
        pytest.importorskip("faiss")
    # a row has the code that its id says
    index = HammingNeighbors(algorithm=algorithm, n_lists=4).fit(CODES)

    def change(number):
        if number % 5 == 4:
            index.fit(CODES[: 250 + number])
        new = 300 + np.arange(20) + 20 * number
        index.add(CODES[new % 300], new)
        index.remove(index.ids_[:20])

    def search():
        distances, ids = index.kneighbors(CODES[:5])
        np.testing.assert_array_equal(distances, (CODES[:5, None] != CODES[ids % 300]).sum(axis=2))
        for found, own, query in zip(*index.radius_neighbors(CODES[:5], 8), CODES):
            np.testing.assert_array_equal(found, (query != CODES[own % 300]).sum(axis=1))
        graph = index.kneighbors_graph(CODES[:5])
        assert graph.indices.max() < graph.shape[1]
        assert pickle.loads(pickle.dumps(index)).kneighbors(CODES[:5])[1].shape == (5, 5)

    while_changing(change, search)


def test_a_retriever(tmp_path):
    retriever = HashRetriever(PCAHasher(8)).fit(X, np.arange(300) % 3)

    def change(number):
        retriever.add(X[:20], y=np.arange(20) % 3)
        retriever.remove(retriever.neighbors_.ids_[:20])

    def search():
        assert retriever.kneighbors(X[:5])[1].shape == (5, 5)
        assert set(retriever.predict(X[:5])) <= {0, 1, 2}
        path = tmp_path / str(threading.get_ident())
        save(retriever, path, overwrite=True)
        assert load(path).predict(X[:5]).shape == (5,)

    while_changing(change, search)
