"""Threads: no more than processors, and none in a process forked from one that had them."""

import os
import subprocess
import sys
import warnings

import joblib
import pytest

from skhash.utils import _threads
from skhash.utils._threads import bounded_jobs

FORKED = """
import os, signal, sys, warnings
import numpy as np
import torch
from sklearn.datasets import load_digits
from skhash import CSQHasher
from skhash.neighbors import HammingNeighbors

X, y = load_digits(return_X_y=True)
torch.set_num_threads(2)
hasher = CSQHasher(n_bits=64, max_iter=2, random_state=0).fit(X, y)
codes = hasher.transform(X)
index = HammingNeighbors(n_jobs=2).fit(codes)
found = index.kneighbors(codes)

def transform():
    np.testing.assert_array_equal(hasher.transform(X), codes)

def fit():
    CSQHasher(n_bits=64, max_iter=1).fit(X, y)

def kneighbors():
    np.testing.assert_array_equal(index.kneighbors(codes), found)

for work in (transform, fit, kneighbors):
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        failed = 1
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            work()
            work()
        told = [w for w in caught if "forked" in str(w.message) and "spawn" in str(w.message)]
        os._exit(len(told) != 1)
    if os.waitpid(child, 0)[1]:
        sys.exit(f"{work.__name__} hangs, or says nothing, in a forked process")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_computes_and_says_how():
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_process_that_computed_nothing_forks_in_silence(monkeypatch):
    monkeypatch.setattr(_threads, "_state", {"used": False, "forked": False, "alone": False})
    monkeypatch.setattr(_threads, "_THREADED", ())
    _threads._after_fork()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not _threads.begin_threads()


def test_jobs_are_bounded_by_processors():
    assert bounded_jobs(None) is None
    assert bounded_jobs(-1) == -1
    assert bounded_jobs(1) == 1
    assert bounded_jobs(100_000) == joblib.cpu_count()
