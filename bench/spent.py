"""Processor seconds of this process and of a town's PostgreSQL: what work costs, whoever else is busy on the machine."""

from __future__ import annotations

import os
import time
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PARENT, _USER, _SYSTEM, _ENDED_USER, _ENDED_SYSTEM = 1, 11, 12, 13, 14
"""Fields of /proc/<pid>/stat behind the name (proc(5)), from 0 for the state."""


def processor_seconds(postmaster: int) -> float:
    """So far: this process, the server, its backends, and those of them that have ended."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        fields = _fields(stat)
        if fields and (int(fields[_PARENT]) == postmaster or stat.parent.name == str(postmaster)):
            ticks += int(fields[_USER]) + int(fields[_SYSTEM])
        if fields and stat.parent.name == str(postmaster):
            ticks += int(fields[_ENDED_USER]) + int(fields[_ENDED_SYSTEM])
    return time.process_time() + ticks / _TICKS


def _fields(stat: Path) -> list[str]:
    """None of a process that has just ended."""
    try:
        return stat.read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
