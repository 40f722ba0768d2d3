"""Run the suite under other arithmetic than this processor's own, and print which runs failed.

    python tools/test_matrix.py            every run, some four minutes each on two cores
    python tools/test_matrix.py --quick    one run of the tests that arithmetic has a say in

Each run has kernels of its own for numpy, scipy and torch, a number of threads, a seed of Python's
hashes, and an order of the tests. What the processor lacks is left out.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass

_OLD_NUMPY = "X86_V3 X86_V4 AVX512_ICL"
# torch has three sets of kernels of its own, and MKL and oneDNN beneath
_BASELINE = {
    "ATEN_CPU_CAPABILITY": "default",
    "MKL_CBWR": "COMPATIBLE",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "NPY_DISABLE_CPU_FEATURES": _OLD_NUMPY,
}
_AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_CBWR": "AVX2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL",
}
_AVX512 = {"ATEN_CPU_CAPABILITY": "avx512", "ONEDNN_MAX_CPU_ISA": "AVX512_CORE"}
# the tests whose outcome could hang on rounding
_QUICK = ["tests/test_golden.py", "tests/test_common.py", "tests/hashers", "tests/codebooks"]


@dataclass(frozen=True)
class Run:
    """One way to compute."""

    name: str
    needs: str
    variables: dict[str, str]
    threads: int
    seed: int
    quick: bool = False

    def environment(self):
        """What the processes of the run are given."""
        threads = dict.fromkeys(
            ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(self.threads)
        )
        return os.environ | self.variables | threads | {"PYTHONHASHSEED": str(self.seed)}


RUNS = [
    Run("Prescott", "sse2", {"OPENBLAS_CORETYPE": "Prescott", **_BASELINE}, 1, 1, quick=True),
    Run("Nehalem", "sse4_2", {"OPENBLAS_CORETYPE": "Nehalem", **_BASELINE}, 2, 2),
    Run("Haswell", "avx2", {"OPENBLAS_CORETYPE": "Haswell", **_AVX2}, 1, 3),
    Run("Zen", "avx2", {"OPENBLAS_CORETYPE": "Zen", **_AVX2}, 2, 4),
    Run("SkylakeX", "avx512f", {"OPENBLAS_CORETYPE": "SkylakeX", **_AVX512}, 1, 5),
    Run("this processor", "", {}, 2, 6),
]

_SHOW = """
import numpy, scipy.linalg, threadpoolctl, torch
blas = {pool.get("architecture") for pool in threadpoolctl.threadpool_info()}
kernels = torch.backends.cpu.get_cpu_capability()
print("/".join(sorted(filter(None, blas))), kernels, f"{torch.get_num_threads()} threads")
"""


def main():
    """Run what the command line asks for; the exit status is 1 where a run failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a chosen part, for every change")
    parser.add_argument("tests", nargs="*", help="files or directories instead of the suite")
    arguments = parser.parse_args()
    has = _processor()
    runs = [run for run in RUNS if run.needs in has and (run.quick or not arguments.quick)]
    tests = arguments.tests or (_QUICK if arguments.quick else [])
    rows = [(run, *_report(run, tests)) for run in runs]
    print(f"\n{'run':<16} {'kernels':<34} {'seed':>4} {'seconds':>8}  outcome")
    for run, status, kernels, seconds, outcome in rows:
        mark = "" if status == 0 else "  <- failed"
        print(f"{run.name:<16} {kernels:<34} {run.seed:>4} {seconds:>8.0f}  {outcome}{mark}")
    sys.exit(any(status for _, status, *_ in rows))


def _processor():
    """What the processor can do, as Linux tells; elsewhere all is taken for possible."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return {*re.findall(r"^flags\s*:(.*)$", file.read(), re.M)[0].split(), ""}
    except (OSError, IndexError):
        return {run.needs for run in RUNS}


def _report(run, tests):
    environment = run.environment()
    shown = subprocess.run(
        [sys.executable, "-c", _SHOW], env=environment, capture_output=True, text=True, check=True
    )
    kernels = shown.stdout.strip()
    print(f"\n== {run.name}: {kernels}, seed {run.seed}", flush=True)
    order = ["--random-order", f"--random-order-seed={run.seed}"]
    workers = max(1, (os.cpu_count() or 1) // run.threads)
    command = [sys.executable, "-m", "pytest", "-n", str(workers), "-q", *order, *tests]
    started, lines = time.perf_counter(), []
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            lines.append(line)
            print(line, end="", flush=True)
    closing = [line for line in lines if re.search(r"\d+ (passed|failed|error)", line)]
    outcome = re.sub(r"\s+in .*|=", "", closing[-1]).strip() if closing else "no tests ran"
    return process.returncode, kernels, time.perf_counter() - started, outcome


if __name__ == "__main__":
    main()
