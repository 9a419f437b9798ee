"""A process that follows a town: what it holds, how far behind it is, and how long its event loop stood still.

It answers each line on its standard input by one on its standard output: `["match", west, south, east, north]`,
`["begin"]`, `["end"]`. Called with `idle` it follows nothing: what its loop shows then is the machine.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import json
import logging
import resource
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from time import monotonic, process_time
from typing import Any

import numpy as np
import shapely
import structlog

from bench.heartbeat import Heartbeat
from bench.mover import MARKED, Marks
from bench.people import Numbers
from dispatcher.audience import Changes
from geo.area import Area
from subscribers.columns import Columns, open_audience
from todoke.context import open_pool

WEIGH_EVERY = 0.5
_PAGE = resource.getpagesize()


def memory() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


def digest(subscribers: Numbers, places: Numbers) -> str:
    """Who was found by which place, in a few letters."""
    return hashlib.sha256(subscribers.astype("<i8").tobytes() + places.astype("<i8").tobytes()).hexdigest()[:16]


class Follower:
    """One process's audience, and what is measured of it."""

    def __init__(self, audience: Columns | None) -> None:
        self._audience = audience
        self._heartbeat = Heartbeat()
        self._lags: list[float] = []
        self._catching_up: list[float] = []
        self._began = 0.0
        self._memory: list[int] = []

    async def run(self) -> None:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._heartbeat.beating())
            if self._audience is not None:
                changes = stack.enter_context(self._audience.changes())
                await stack.enter_async_context(self._audience.following())
                looking = asyncio.create_task(self._look(self._audience, changes))
                weighing = asyncio.create_task(self._weigh())
                stack.callback(looking.cancel)
                stack.callback(weighing.cancel)
            await self._answer()

    async def _answer(self) -> None:
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        print(json.dumps(self._begin()), flush=True)
        while line := await reader.readline():
            word, *more = json.loads(line)
            answer = await self._match(more) if word == "match" else self._begin() if word == "begin" else self._end()
            print(json.dumps(answer), flush=True)

    async def _match(self, box: list[float]) -> dict[str, Any]:
        """What a plan does: catch up, and match."""
        if self._audience is None:
            raise RuntimeError("an idle process has no audience")
        began = monotonic()
        await self._audience.catch_up()
        self._catching_up.append(monotonic() - began)
        match = await asyncio.to_thread(self._audience.match, Area.of(shapely.box(*box)))
        return {"people": len(match), "digest": await asyncio.to_thread(digest, match.subscribers, match.places)}

    async def _look(self, audience: Columns, changes: Changes) -> None:
        while True:
            numbers = await changes.next()
            marked = numbers[: np.searchsorted(numbers, MARKED, side="right")]
            match, now = await audience.among(marked), monotonic()
            self._lags += [Marks.age(lon, now) for lon in match.lons.tolist()]

    async def _weigh(self) -> None:
        while True:
            self._memory.append(memory())
            await asyncio.sleep(WEIGH_EVERY)

    def _begin(self) -> dict[str, Any]:
        self._heartbeat.begin()
        self._lags.clear()
        self._memory.clear()
        self._began = process_time()
        return {}

    def _end(self) -> dict[str, Any]:
        found: dict[str, Any] = {"cpu": process_time() - self._began, **self._heartbeat.told()}
        if self._audience is None:
            return found
        return found | {
            "lags": self._lags,
            "catching_up": self._catching_up,
            "memory": self._memory,
            "rows": self._audience.sizes(),
        }


async def _main(dsn: str) -> None:
    if dsn == "idle":
        await Follower(None).run()
        return
    async with open_pool(dsn, 3) as pool:
        audience = await open_audience(pool)
        gc.freeze()
        await Follower(audience).run()


if __name__ == "__main__":
    # Standard output is for answers.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    asyncio.run(_main(sys.argv[1]))
