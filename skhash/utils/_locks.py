"""An object that several threads read, and one changes: never both at a time.

An interrupt may come at any line. So what must not be left undone is done in C, by `with` on a lock
of Python's, or undoes itself: a reader is known by an object that dies with its call.
"""

from __future__ import annotations

import os
import threading
import time
from functools import wraps
from typing import Any
from weakref import WeakKeyDictionary, ref

# searches are short
_SECONDS_BETWEEN_LOOKS = 0.0005


class _Call:
    """A call that reads, for as long as it lasts."""


class _Lock:
    """Held by any number of readers or by one writer, each as often as it likes.

    A thread that reads must not write before it is done. Readers that come while a writer waits
    let it pass.
    """

    def __init__(self):
        self.writer = threading.RLock()
        self._calls: dict[int, ref[_Call]] = {}

    def enter(self) -> _Call | None:
        """Begin to read; None where this thread reads already."""
        if self._is_reading(threading.get_ident()):
            return None
        call = _Call()
        with self.writer:
            self._calls[threading.get_ident()] = ref(call)
        return call

    def leave(self) -> None:
        """End what `enter` began."""
        self._calls.pop(threading.get_ident(), None)

    def wait_for_readers(self) -> None:
        """Return when no other thread reads; `writer`, which must be held, lets none begin."""
        own = threading.get_ident()
        while any(thread != own and self._is_reading(thread) for thread in list(self._calls)):
            time.sleep(_SECONDS_BETWEEN_LOOKS)

    def _is_reading(self, thread):
        call = self._calls.get(thread)
        return call is not None and call() is not None


# beside the objects, whose copies and pickles have locks of their own
_locks: WeakKeyDictionary[Any, _Lock] = WeakKeyDictionary()
_guard = threading.Lock()


def _forget():
    """A forked process has none of the threads that held locks."""
    global _locks, _guard
    _locks, _guard = WeakKeyDictionary(), threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _lock_of(thing) -> _Lock:
    with _guard:
        return _locks.setdefault(thing, _Lock())


def reading(method):
    """A function of an object during which no other thread changes it."""

    @wraps(method)
    def locked(self, *args, **kwargs):
        lock = _lock_of(self)
        call = lock.enter()
        try:
            return method(self, *args, **kwargs)
        finally:
            if call is not None:
                lock.leave()

    return locked


def changing(method):
    """A function of an object during which no other thread reads or changes it."""

    @wraps(method)
    def locked(self, *args, **kwargs):
        lock = _lock_of(self)
        with lock.writer:
            lock.wait_for_readers()
            return method(self, *args, **kwargs)

    return locked
