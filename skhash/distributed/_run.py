"""Compute tasks on the scheduler in force, with Dask's own progress bar."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any


def current_client():
    """The client of the cluster that Dask would compute on; None for a local scheduler."""
    import dask

    scheduler = dask.base.get_scheduler()
    # a client computes by its own method `get`
    owner = getattr(scheduler, "__self__", None)
    return owner if hasattr(owner, "scatter") else None


def share(estimator, name: str) -> Any:
    """The estimator as an argument of tasks: sent to each worker once, not with every task."""
    import dask

    client = current_client()
    if client is None:
        return dask.delayed(estimator, name=name, traverse=False)
    return client.scatter([estimator], broadcast=True, hash=False)[0]


def compute(tasks: list, *, verbose: bool) -> list:
    """Results of delayed tasks; the first that fails raises, and the rest is called off."""
    import dask

    client = current_client()
    if client is None:
        from dask.diagnostics import ProgressBar

        with ProgressBar() if verbose else nullcontext():
            return list(dask.compute(*tasks))
    from distributed import progress

    futures = client.compute(tasks)
    try:
        if verbose:
            progress(futures, notebook=False)
            print()
        return client.gather(futures)
    except BaseException:
        client.cancel(futures)
        raise
