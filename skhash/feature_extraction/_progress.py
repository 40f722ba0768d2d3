"""How far a long computation is."""

from __future__ import annotations

import time

_REPORT_SECONDS = 2.0


class Progress:
    """Lines such as ``encoded 640 of 2,000 images  3.1 s``, one every few seconds.

    Parameters
    ----------
    n_items : int
    what : str
        What they are called.
    """

    def __init__(self, n_items: int, what: str):
        self._n_items, self._what, self._n_done = n_items, what, 0
        self._started = self._reported = time.perf_counter()

    def advance(self, n: int) -> None:
        self._n_done += n
        now = time.perf_counter()
        if self._n_done == self._n_items or now - self._reported > _REPORT_SECONDS:
            self._reported = now
            done = f"encoded {self._n_done:,} of {self._n_items:,} {self._what}"
            print(f"{done}  {now - self._started:.1f} s", flush=True)
