"""A process that moves people at a rate, and marks a few of them with the time, so that others can see how far behind
they are. Every second somebody also changes their language, leaves, or closes their contact."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic, process_time

import numpy as np
from asyncpg import Pool

from bench.people import CENTRE, FAR, Numbers
from subscribers.moving import Position, move
from subscribers.store import leave_contact
from todoke.context import open_pool
from words.sql import sql

MARKED = 100
"""The first so many subscribers are moved one after the other, each to where the time is."""
TICK = 0.05
MARK_WEST, MARK_LAT, MARK_WRAPS = 130.0, 40.0, 10_000.0
"""A mark stands one degree further east with every thousand seconds, far from all others."""

_BEGIN = sql("bench", "begin_moves")
_END = sql("bench", "end_moves")
_CHANGE = sql("bench", "change_language")
_LEAVE = sql("bench", "leave_by_number")


@dataclass(frozen=True, slots=True)
class Marks:
    """Where the time is."""

    @staticmethod
    def position(number: int, at: float, until: datetime) -> Position:
        return Position(number, MARK_WEST + at % MARK_WRAPS / 1_000, MARK_LAT, until)

    @staticmethod
    def age(lon: float, at: float) -> float:
        return (at % MARK_WRAPS - (lon - MARK_WEST) * 1_000) % MARK_WRAPS


class Mover:
    """Moves people of a town of so many subscribers."""

    def __init__(self, pool: Pool, subscribers: int, rate: int) -> None:
        self._pool = pool
        self._subscribers = subscribers
        self._rate = rate
        self._chance = np.random.default_rng(4)
        self._dice = random.Random(4)  # noqa: S311
        self.moved = 0
        self.late = 0.0

    async def go(self, seconds: float) -> float:
        """Seconds it took; more than asked for when the database cannot take them at the rate."""
        began = monotonic()
        ticks = round(seconds / TICK)
        for tick in range(ticks):
            due = began + tick * TICK
            await asyncio.sleep(max(due - monotonic(), 0))
            self.late = max(self.late, monotonic() - due)
            async with self._pool.acquire() as connection:
                await connection.execute(_BEGIN)
                try:
                    await self._tick(tick)
                finally:
                    await connection.execute(_END)
        return monotonic() - began

    async def _tick(self, tick: int) -> None:
        until = datetime.now(UTC) + timedelta(hours=2)
        numbers = self._chance.integers(MARKED + 1, self._subscribers + 1, round(self._rate * TICK))
        positions = self._somewhere(numbers, until)
        positions.append(Marks.position(1 + tick % MARKED, monotonic(), until))
        self.moved += await move(self._pool, positions)
        if tick % round(1 / TICK) == 0:
            await self._live()

    def _somewhere(self, numbers: Numbers, until: datetime) -> list[Position]:
        lons = (CENTRE[0] + self._chance.uniform(-FAR, FAR, len(numbers))).tolist()
        lats = (CENTRE[1] + self._chance.uniform(-FAR, FAR, len(numbers))).tolist()
        return [Position(*each, until) for each in zip(numbers.tolist(), lons, lats, strict=True)]

    async def _live(self) -> None:
        anybody = [self._dice.randint(MARKED + 1, self._subscribers) for _ in range(30)]
        await self._pool.execute(_CHANGE, anybody[:10], self._dice.choice(["ja", "en", "vi", "zh-Hans"]))
        await self._pool.execute(_LEAVE, anybody[10:20])
        for number in anybody[20:]:
            await leave_contact(self._pool, number, "line")


async def _main(dsn: str, subscribers: int, rate: int, seconds: float) -> None:
    async with open_pool(dsn, 3) as pool:
        mover = Mover(pool, subscribers, rate)
        took = await mover.go(seconds)
    found = {"moved": mover.moved, "seconds": took, "cpu": process_time(), "latest": mover.late}
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
