"""One thread to a task, for Dask already runs a task for each core."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager

from threadpoolctl import ThreadpoolController


class _OneThread:
    """Holds BLAS and torch to one thread while any task encodes in this process.

    Limits belong to the process, and tasks overlap: the first sets them, the last puts back what
    was before. Torch is held once it has been imported; it is not imported for that.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._n_tasks = 0
        self._pools = None
        self._limits = None
        self._torch_threads = None

    @contextmanager
    def __call__(self):
        with self._lock:
            self._enter(sys.modules.get("torch"))
        try:
            yield
        finally:
            with self._lock:
                self._leave()

    def _enter(self, torch):
        # before the limits, which torch would report as its own number
        if torch is not None and self._torch_threads is None:
            self._torch_threads = torch.get_num_threads()
        if self._n_tasks == 0:
            # to look for the libraries of a process takes as long as to encode thousands of rows
            self._pools = self._pools or ThreadpoolController()
            self._limits = self._pools.limit(limits=1)
        self._n_tasks += 1
        if torch is not None:
            # OpenMP keeps a number for each thread of Python, so every task sets its own
            torch.set_num_threads(1)

    def _leave(self):
        self._n_tasks -= 1
        if self._n_tasks == 0:
            self._limits.restore_original_limits()
            if self._torch_threads is not None:
                sys.modules["torch"].set_num_threads(self._torch_threads)
            self._torch_threads = None


one_thread = _OneThread()
