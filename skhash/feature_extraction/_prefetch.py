"""Work done ahead by threads, in order, and not further ahead than memory allows."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def prefetch(
    function: Callable[[Item], Result], items: Iterable[Item], n_threads: int
) -> Iterator[Result]:
    """Results of a function for each item, in order.

    Threads suffice for images: decoding and resizing release the interpreter's lock, and nothing
    has to be copied between processes. At most two results a thread are computed or kept ahead;
    ``joblib.Parallel(return_as="generator")`` and ``Executor.map`` would go on without end where
    the consumer is the slower.

    Parameters
    ----------
    function : callable
    items : iterable
    n_threads : int

    Yields
    ------
    result : object

    Examples
    --------
    >>> from skhash.feature_extraction._prefetch import prefetch
    >>> list(prefetch(abs, [-3, 2, -1], n_threads=2))
    [3, 2, 1]
    """
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(n_threads, thread_name_prefix="skhash-images") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > 2 * n_threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
