"""Settings of the whole suite."""

import os

import matplotlib
from hypothesis import settings

# xdist uses the cores; threads of torch and BLAS on top of its processes would fight over them
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
matplotlib.use("Agg")

# the same examples in every run; `make fuzz` asks for more of them, and others
times = int(os.environ.get("SKHASH_FUZZ", "1"))
settings.register_profile("skhash", deadline=None, derandomize=times == 1, max_examples=50 * times)
settings.load_profile("skhash")
