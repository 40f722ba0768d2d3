"""Fits and codes in threads, and in processes started in any way, are those of one thread."""

import multiprocessing
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from sklearn.base import clone

from skhash import CSQHasher, HashRetriever, ITQHasher, KLBinaryHasher
from skhash.neighbors import HammingNeighbors

SMALL = {"hidden_layer_sizes": (16,), "max_iter": 2, "batch_size": 32, "device": "cpu"}
# in a process that was forked torch computes in one thread: tests/utils/test_threads.py
MODELS = {
    "closed form": ITQHasher(n_bits=8, random_state=0),
    "trained": CSQHasher(n_bits=13, dropout=0.2, random_state=0, **SMALL),
    "trained without labels": KLBinaryHasher(n_bits=13, random_state=0, **SMALL),
    "brute": HashRetriever(ITQHasher(n_bits=8, random_state=0)),
    "graph": HashRetriever(
        ITQHasher(n_bits=8, random_state=0), HammingNeighbors(algorithm="hnsw", random_state=0)
    ),
}


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    y = np.arange(300) % 4
    return (rng.normal(size=(300, 12)) + y[:, np.newaxis]).astype(np.float32), y


def outcome(model, X):
    """What a fitted model makes of rows."""
    if isinstance(model, HashRetriever):
        return np.concatenate([*model.kneighbors(X), model.predict(X)[:, np.newaxis]], axis=1)
    return model.decision_function(X)


def encoding(model):
    """A method of it, which other processes know by its name."""
    return model.predict if isinstance(model, HashRetriever) else model.transform


@pytest.mark.parametrize("name", MODELS)
def test_eight_threads(name, data):
    """They share a fitted model, and fit models of their own at the same time."""
    X, y = data
    model = clone(MODELS[name]).fit(X, y)
    expected = outcome(model, X)
    with ThreadPoolExecutor(8) as threads:
        fits = [threads.submit(lambda: clone(model).fit(X, y)) for _ in range(8)]
        looks = [threads.submit(outcome, model, X) for _ in range(24)]
        for look in looks:
            np.testing.assert_array_equal(look.result(), expected)
        for fit in fits:
            np.testing.assert_array_equal(outcome(fit.result(), X), expected)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["loky", "spawn"])
def test_other_processes(way, data):
    """A model goes there and back, and is fitted there as here."""
    X, y = data
    models = [clone(model).fit(X, y) for model in MODELS.values()]
    calls = [clone(model).fit for model in models], [encoding(model) for model in models]
    if way == "loky":
        run = joblib.Parallel(n_jobs=2, backend="loky")
        fits = run(joblib.delayed(fit)(X, y) for fit in calls[0])
        codes = run(joblib.delayed(encode)(X) for encode in calls[1])
    else:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            fits = [pool.apply(fit, (X, y)) for fit in calls[0]]
            codes = [pool.apply(encode, (X,)) for encode in calls[1]]
    for model, fitted, found in zip(models, fits, codes, strict=True):
        np.testing.assert_array_equal(outcome(fitted, X), outcome(model, X))
        np.testing.assert_array_equal(found, encoding(model)(X))
