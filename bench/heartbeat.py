"""How long an event loop stands still: how late it comes back from a short sleep."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

import numpy as np

BEAT = 0.002
"""Seconds slept."""


class Heartbeat:
    """`late` are the seconds that each sleep took too long."""

    def __init__(self) -> None:
        self.late: list[float] = []

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._beat(), name="heartbeat")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def told(self) -> dict[str, float]:
        """The longest and the 999th of a thousand, in milliseconds."""
        late = np.array(self.late or [0.0]) * 1_000
        return {"longest_ms": round(float(late.max()), 1), "p999_ms": round(float(np.percentile(late, 99.9)), 1)}

    async def _beat(self) -> None:
        while True:
            before = monotonic()
            await asyncio.sleep(BEAT)
            self.late.append(monotonic() - before - BEAT)
