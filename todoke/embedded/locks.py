"""Locks between processes: flock, which the kernel lets go when its holder ends, however it ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

READABLE_BY_OWNER = 0o600


def open_lock(path: Path) -> int:
    """A file descriptor of the lock file, made if there is none. The caller closes it."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, READABLE_BY_OWNER)


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock alone; waits for whoever holds it."""
    lock = open_lock(path)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def claim(path: Path) -> int | None:
    """The lock's file descriptor, held alone, or None when somebody else holds it."""
    lock = open_lock(path)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def held(path: Path) -> bool:
    """Whether anybody holds the lock."""
    lock = claim(path)
    if lock is None:
        return True
    os.close(lock)
    return False


class UsersLock:
    """The shared lock of one user of the server; waits while the watchdog is stopping it."""

    def __init__(self, path: Path) -> None:
        self._lock: int | None = open_lock(path)
        fcntl.flock(self._lock, fcntl.LOCK_SH)

    def release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
