"""How long an event loop stands still: how late it comes back from a short sleep.

On a busy machine most of that is waiting for a processor, which says nothing about the program. Linux counts for
every thread how long it waited for one (/proc/PID/task/TID/schedstat); what is left is the program's own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

BEAT = 0.005
"""Seconds slept."""

_THREADS = Path("/proc/self/task")


class Heartbeat:
    """`late` are the seconds that each sleep took too long; `own` those in which no thread waited for a processor."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self.own: list[float] = []

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._beat(), name="heartbeat")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def begin(self) -> None:
        """Forget what was before."""
        self.late.clear()
        self.own.clear()

    def told(self) -> dict[str, float]:
        """The longest, in milliseconds."""
        return {
            "longest_ms": round(1_000 * max(self.late, default=0.0), 1),
            "longest_own_ms": round(1_000 * max(self.own, default=0.0), 1),
        }

    async def _beat(self) -> None:
        while True:
            before, waited = monotonic(), _waited()
            await asyncio.sleep(BEAT)
            late = monotonic() - before - BEAT
            self.late.append(late)
            self.own.append(max(late - (_waited() - waited), 0.0))


def _waited() -> float:
    """Seconds that the threads of this process waited for a processor, since each began."""
    total = 0
    for thread in _THREADS.iterdir() if _THREADS.exists() else ():
        try:
            total += int((thread / "schedstat").read_text().split()[1])
        except OSError:
            continue  # it has just ended, or is not counted here
    return total / 1e9
