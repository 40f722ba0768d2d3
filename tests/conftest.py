"""Settings of the whole suite."""

import os

import matplotlib
import pytest

# xdist uses the cores; threads of torch and BLAS on top of its processes would fight over them
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
matplotlib.use("Agg")


@pytest.fixture(scope="session")
def shared_data():
    """Folder of the larger data sets, or a skip with the reason."""
    folder = os.environ.get("SKHASH_DATA")
    if not folder:
        pytest.skip("SKHASH_DATA is not set: the larger data sets are not here")
    from pathlib import Path

    return Path(folder)
