"""Threads of the libraries below: how many, and what is left of them in a forked process."""

from __future__ import annotations

import os
import sys
import warnings
from numbers import Integral

from joblib import cpu_count
from threadpoolctl import threadpool_info, threadpool_limits

# libraries whose threads may have run before a fork
_THREADED = ("torch", "faiss")

_state = {"used": False, "forked": False, "alone": False}


def bounded_jobs(n_jobs: int | None) -> int | None:
    """A number of jobs as it is, but no more than there are processors."""
    if n_jobs is None:
        return None
    if not isinstance(n_jobs, Integral):
        raise TypeError(f"n_jobs must be a whole number or None, got {n_jobs!r}")
    return min(int(n_jobs), cpu_count())


def begin_threads() -> bool:
    """Say that threads of OpenMP may run from here on; call it before they do.

    A process that was forked from one in which they had run would wait for them for ever, for a
    fork copies no threads. Such a process computes in one thread, and is told so.

    Returns
    -------
    alone : bool
        Whether that is the case.
    """
    if _state["forked"]:
        _state["forked"] = False
        _state["alone"] = _compute_alone()
    _state["used"] = True
    return _state["alone"]


def _after_fork():
    _state["forked"] = _state["used"] or any(name in sys.modules for name in _THREADED)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _compute_alone():
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "openmp"]
    if not any(pool["num_threads"] > 1 for pool in pools):
        return False
    threadpool_limits(1, user_api="openmp")
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    warnings.warn(
        "this process was forked from one whose threads of OpenMP it would wait for without end: "
        "it computes in one thread. Start processes by spawn or forkserver "
        '(multiprocessing.get_context("spawn")), or fork before anything is computed',
        RuntimeWarning,
        stacklevel=3,
    )
    return True
