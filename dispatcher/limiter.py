"""Rate limits as GCRA (the virtual-scheduling leaky bucket): several keys and n tokens in one decision.

A key that was never seen is an *empty* bucket: a process that starts, or a store that lost its
memory, owes a full interval before its first burst, so restarts cannot add up to a violation.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from channels.contract import Limit

HEADROOM = 0.985
"""Share of a provider's limit that is used: what arrives jitters by a few milliseconds on the way."""


SHARE_MARGIN = 0.8
"""What several processes without a common memory use of their even shares: they learn of one another late."""


class Limiter(Protocol):
    def shared_among(self, processes: int) -> None:
        """How many processes draw on the same limits now."""
        ...

    async def take(self, limits: Sequence[Limit], cost: int) -> float:
        """Wait until `cost` tokens of every limit are ours; returns the seconds waited."""
        ...


class MemoryLimiter:
    """Remembers alone. Several processes each take their share. `clock` is monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next: dict[str, float] = {}
        self._share = 1.0

    def shared_among(self, processes: int) -> None:
        self._share = SHARE_MARGIN / processes if processes > 1 else 1.0

    async def take(self, limits: Sequence[Limit], cost: int) -> float:
        waited = 0.0
        while wait := self.try_take(limits, cost):
            await asyncio.sleep(wait)
            waited += wait
        return waited

    def try_take(self, limits: Sequence[Limit], cost: int) -> float:
        """0 when the tokens were taken from every limit, else the seconds to wait; then nothing was taken."""
        now = self._clock()
        wait = max((self._wait(limit, cost, now) for limit in limits), default=0.0)
        if wait > 0:
            return wait
        for limit in limits:
            start = max(self._next[limit.key], now)
            self._next[limit.key] = start + cost * self._interval(limit)
        return 0.0

    def _wait(self, limit: Limit, cost: int, now: float) -> float:
        """Seconds until this limit alone would let `cost` tokens go."""
        interval = self._interval(limit)
        tolerance = (max(limit.burst, cost) - cost) * interval
        theoretical = self._next.setdefault(limit.key, now + max(limit.burst, cost) * interval)
        return max(0.0, theoretical - tolerance - now)

    def _interval(self, limit: Limit) -> float:
        return 1 / (limit.rate * HEADROOM * self._share)
