"""Ending a database server as a power cut ends it: what is not written yet is never written."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from todoke.embedded.locks import held

GLANCE = 0.01
PATIENCE = 60.0
"""Seconds. The kernel ends a killed process at once, unless it waits for a disk."""


def power_cut(place: Path) -> None:
    """SIGKILL to every process of the embedded server in `place` (`<data>/postgres`); returns when the last is gone.

    Not the server's own immediate shutdown: that is the server's work, done by its rules and in its time. Raises
    RuntimeError with what still lives when something does.
    """
    cluster = place / "cluster"
    lines = (cluster / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)
    with suppress(ProcessLookupError):
        os.kill(int(lines[0]), signal.SIGSTOP)  # or it would start a child while we look
    for pid in family(cluster):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    last_look = time.monotonic() + PATIENCE
    while held(place / "server.lock"):
        if time.monotonic() > last_look:
            raise RuntimeError(f"killed, and still there: {list(map(_described, family(cluster)))}")
        time.sleep(GLANCE)


def family(cluster: Path) -> Iterator[int]:
    """The server and its children: whoever works in the cluster's directory."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                if (entry / "cwd").samefile(cluster):
                    yield int(entry.name)


def _described(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return f"{pid} gone"
