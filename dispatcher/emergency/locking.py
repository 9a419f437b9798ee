"""A lock between processes, which the kernel lets go however its holder ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


def claim(path: Path) -> int | None:
    """The lock's file descriptor, held alone; None when somebody else holds it. Closing it lets go."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock
