"""Settings of the whole suite."""

import os

import matplotlib

# xdist uses the cores; threads of torch and BLAS on top of its processes would fight over them
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
matplotlib.use("Agg")
