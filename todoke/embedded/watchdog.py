"""Stop the embedded server when its last user is gone. A program of its own.

Run by path with a bare interpreter (`python -I -S watchdog.py PLACE LOCK`): one small process a
server. PLACE is `<data>/postgres`; LOCK the file descriptor of watchdog.lock, held since before we
were started, so that there is never a moment without a watchdog and never two.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import time
from pathlib import Path

GLANCE = 0.02
SOCKET_FILE = ".s.PGSQL.5432"
SOCKET_FILES = (SOCKET_FILE, f"{SOCKET_FILE}.lock")
"""All that PostgreSQL keeps in its socket's directory."""


def main() -> None:
    place, watching = Path(sys.argv[1]), int(sys.argv[2])
    users = os.open(place / "users.lock", os.O_RDWR)
    fcntl.flock(users, fcntl.LOCK_EX)
    _stop(place)
    _tidy(place)
    # In this order: whoever comes next must find that nobody is watching.
    os.close(watching)
    os.close(users)


def runs_in(pid: int, directory: Path) -> bool:
    """Whether the process lives and works in that directory, as every server does in its own.

    Directories are compared as the file system knows them: the server may see ours by another name.
    """
    try:
        return Path(f"/proc/{pid}/cwd").samefile(directory)
    except OSError:
        return False


def _stop(place: Path) -> None:
    """Fast shutdown: there is nobody left to wait for. It ends with a checkpoint, which may take its time."""
    try:
        server = os.open(place / "server.lock", os.O_RDWR)
        pid = int((place / "cluster" / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return
    if runs_in(pid, place / "cluster"):
        os.kill(pid, signal.SIGINT)
        while not _free(server):
            time.sleep(GLANCE)
    os.close(server)


def _free(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _tidy(place: Path) -> None:
    """Take away the short directory that stood in for one too long for a socket, and a killed server's socket in it."""
    run = place / "run"
    if run.is_symlink() and _gone(place):
        try:
            for name in SOCKET_FILES:
                (run / name).unlink(missing_ok=True)
            run.readlink().rmdir()
        except OSError:
            return
        run.unlink()


def _gone(place: Path) -> bool:
    """Whether no server lives, not even where we see none of its processes."""
    server = os.open(place / "server.lock", os.O_RDWR)
    try:
        return _free(server)
    finally:
        os.close(server)


if __name__ == "__main__":
    main()
