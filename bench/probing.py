"""What a process feels while it works: how late its event loop comes, and how much memory it holds."""

from __future__ import annotations

import asyncio
import gc
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.reporting import percentile

EVERY = 0.01
_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident() -> int:
    """Bytes of memory this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


class Probe:
    """Looks every 10 ms, for as long as the context lasts."""

    def __init__(self) -> None:
        self._late: list[float] = []
        self._most = 0
        self._idle = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def lag_ms(self) -> float:
        """How late the event loop came, at the 99th percentile."""
        return round(percentile(self._late, 99) * 1000, 1)

    @property
    def longest_ms(self) -> float:
        return round(max(self._late, default=0.0) * 1000, 1)

    @property
    def above_idle_mb(self) -> float:
        """The most memory held, above what was held when the probe began."""
        return round((self._most - self._idle) / 1e6, 1)

    async def __aenter__(self) -> Self:
        gc.collect()
        self._idle = self._most = resident()
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            due = clock() + EVERY
            await asyncio.sleep(EVERY)
            self._late.append(max(0.0, clock() - due))
            self._most = max(self._most, resident())
