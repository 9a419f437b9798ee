"""The roll call: after an outage a server waits a moment for those others that have not come back, or have yet to merge.

Changes of a beat count, never timestamps: a clock that was stepped meanwhile does no harm.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from dispatcher.background import DATABASE_TROUBLE
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool

_BEAT = sql("dispatcher", "station_beat")
_END = sql("dispatcher", "station_end")
_OTHERS = sql("dispatcher", "station_others")
_LOOK_SECONDS = 0.2
_MERGING = 6
"""Graces that a server which is there is given to merge in."""

log = structlog.get_logger(__name__)


class RollCall:
    """`name` is this data directory's; `grace` in seconds."""

    def __init__(self, pool: Pool, name: str, *, grace: float) -> None:
        self._pool = pool
        self._name = name
        self._grace = grace

    async def beat(self, *, unmerged: bool) -> None:
        """A write, and so the proof that there is a database."""
        await self._pool.execute(_BEAT, self._name, socket.gethostname(), unmerged)

    async def sign_off(self) -> None:
        try:
            async with asyncio.timeout(1):
                await self._pool.execute(_END, self._name)
        except (*DATABASE_TROUBLE, TimeoutError) as trouble:
            log.warning("station_not_ended", error=type(trouble).__name__)

    async def wait(self, meanwhile: Callable[[], None]) -> None:
        """Until every other server has shown itself and merged, or was waited for long enough."""
        began = time.monotonic()
        first = {row["id"]: row["beat"] for row in await self._pool.fetch(_OTHERS, self._name)}
        while first:
            meanwhile()
            await self.beat(unmerged=False)
            rows = {row["id"]: row for row in await self._pool.fetch(_OTHERS, self._name)}
            back = {name for name in first if name in rows and rows[name]["beat"] != first[name]}
            away = first.keys() & rows.keys() - back
            merging = {name for name in back if rows[name]["unmerged"]}
            waited = time.monotonic() - began
            if (not away or waited > self._grace) and (not merging or waited > _MERGING * self._grace):
                if away or merging:
                    log.warning("servers_not_waited_for", away=len(away), merging=len(merging))
                return
            await asyncio.sleep(_LOOK_SECONDS)
