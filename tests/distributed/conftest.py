"""A cluster of two processes, and data to encode."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from skhash import ITQHasher

# none of these tests can be imported without the extra `distributed`
if not all(find_spec(module) for module in ("distributed", "pyarrow")):
    collect_ignore_glob = ["test_*.py"]

N_BITS = 21


@pytest.fixture(scope="session")
def client():
    from distributed import Client, LocalCluster

    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True}
    with (
        # any free port: another session on this machine may have the usual one
        LocalCluster(**options, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def serial():
    """Tasks run one by one in this process, so that they can be watched."""
    import dask

    with dask.config.set(scheduler="synchronous"):
        yield


@pytest.fixture(scope="session")
def X():
    random = np.random.default_rng(0)
    return random.normal(size=(1000, 32)).astype(np.float32)


@pytest.fixture(scope="session")
def hasher(X):
    return ITQHasher(n_bits=N_BITS, random_state=0).fit(X)
