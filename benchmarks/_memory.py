"""The memory that a step takes, beyond what there was before. Linux only."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np


def memory():
    """Resident memory in MiB: allocated by the process, and mapped from files."""
    status = Path("/proc/self/status").read_text().split("\n")
    fields = dict(line.split(":", 1) for line in status if ":" in line)
    return np.array([int(fields[name].split()[0]) / 1024 for name in ("RssAnon", "RssFile")])


class PeakMemory:
    """The most memory used inside a ``with`` block, beyond that at its start."""

    def __enter__(self):
        self._start = self._peak = memory()
        self._done = threading.Event()
        self._watcher = threading.Thread(target=self._watch)
        self._watcher.start()
        self._began = time.perf_counter()
        return self

    def __exit__(self, *error):
        self.seconds = time.perf_counter() - self._began
        self._done.set()
        self._watcher.join()
        self.own, self.file = self._peak - self._start

    def _watch(self):
        while not self._done.wait(0.02):
            self._peak = np.maximum(self._peak, memory())
