"""Directories and files are written beside their place, and moved there once they are complete.

At every moment the old or the new is at the path, whole. A directory is made in a workplace, a
hidden directory beside the path, and changes places with what is there: on Linux by one call of the
system. Where the system or the file system has none, the old one moves into the workplace and the
new one out of it. Only a process that is killed between these two leaves nothing at the path; the
old one is then in the workplace, under the name ``old``.

A workplace holds a file that its writer keeps locked. What killed writers leave behind is not
locked, and the next save at the path removes it.
"""

from __future__ import annotations

import ctypes
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows, where nothing tells whether a writer is alive
    fcntl = None  # type: ignore[assignment]

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def write_directory(
    path: Path, fill: Callable[[Path], None], check: Callable[[Path], None]
) -> None:
    """Have a directory filled, and put it at a path; parent folders are made.

    Parameters
    ----------
    path : Path
        An absolute path.
    fill : callable
        Writes files into the directory that it is given.
    check : callable
        Raises if the path is not to be written at. It is asked before anything is done, and
        again before what is there gives way.
    """
    check(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if os.path.lexists(path):
        _remove_leftovers(path)
    work, lock = _make_workplace(path)
    try:
        new = work / "new"
        new.mkdir()
        fill(new)
        for entry in (*new.iterdir(), new):
            _flush(entry)
        check(path)
        _put(new, path, work / "old")
    finally:
        if os.path.lexists(work / "old") and not os.path.lexists(path):
            os.rename(work / "old", path)
        lock.close()
        _remove(work)
    _remove_leftovers(path)
    _flush(path.parent)


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """Yield a file that takes its place at a path when the block ends without an error."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        with open(unfinished, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def unfinished_files(path: Path) -> list[Path]:
    """What processes that were killed in `new_file` have left beside a path."""
    name = re.compile(re.escape(f".{path.name}.") + r"[0-9a-f]{12}\.tmp")
    return [entry for entry in path.parent.iterdir() if name.fullmatch(entry.name)]


def set_aside(path: Path) -> Path | None:
    """Where the old directory is while `path` is empty; None unless a save has moved it there."""
    aside = (work / "old" for work in _workplaces(path))
    return next((old for old in aside if old.is_dir()), None)


def _put(new, path, old):
    try:
        # nothing is there, as a rule: a directory with anything in it does not give way
        os.rename(new, path)
    except OSError:
        if not path.is_dir():
            raise
        if not _exchange(new, path):
            os.rename(path, old)
            os.rename(new, path)


def _exchange(one, other):
    """Have two directories change places at once, and tell whether the system could."""
    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    names = os.fsencode(one), os.fsencode(other)
    return call(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0


def _make_workplace(path):
    while True:
        work = path.parent / f".{path.name}.{secrets.token_hex(6)}.saving"
        work.mkdir()
        with suppress(FileNotFoundError):
            lock = open(work / "lock", "w")  # noqa: SIM115 - it is held for as long as we write
            _lock(lock, wait=True)
            if (work / "lock").exists():
                return work, lock
        # another save took it for a leftover before it was locked


def _workplaces(path):
    name = re.compile(re.escape(f".{path.name}.") + r"[0-9a-f]{12}\.saving")
    try:
        return [entry for entry in path.parent.iterdir() if name.fullmatch(entry.name)]
    except OSError:
        return []


def _remove_leftovers(path):
    """Remove the workplaces of writers that are no more."""
    for work in _workplaces(path):
        try:
            with open(work / "lock", "r+") as lock:
                if _lock(lock, wait=False):
                    _remove(work)
        except FileNotFoundError:
            # all but removed, or made this instant: its writer makes another then
            with suppress(OSError):
                work.rmdir()
        except OSError:
            # another user's
            continue


def _remove(work):
    with suppress(OSError):
        # the lock goes last: without it nobody would dare to remove the rest
        for entry in sorted(work.iterdir(), key=lambda entry: entry.name == "lock"):
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        work.rmdir()


def _lock(file, *, wait):
    """Lock a file until it is closed or its process ends; tell whether that was possible."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True


def _flush(path):
    """Have the system write down a file, or the names in a directory where it can."""
    if path.is_dir():
        if os.name == "posix":
            handle = os.open(path, os.O_RDONLY)
            try:
                with suppress(OSError):
                    os.fsync(handle)
            finally:
                os.close(handle)
        return
    with path.open("rb+") as file:
        os.fsync(file.fileno())
