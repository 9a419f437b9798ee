"""The closer: ends dispatches that are through, past their time or stopped, and says so of every recipient left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from dispatcher import outcomes as states
from dispatcher.model import DispatchState, Outcome
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool, Record
    from asyncpg.pool import PoolConnectionProxy

    Connection = PoolConnectionProxy[Record]

_EXPIRE = sql("dispatcher", "dispatch_expire")
_FINISH = sql("dispatcher", "dispatch_finish")
_LEFTOVER = sql("dispatcher", "batch_leftover")
_CHANNEL_LEFTOVER = sql("dispatcher", "channel_leftover")
_CLOSE = sql("dispatcher", "batch_close")
_LATE_LEFTOVER = sql("dispatcher", "late_leftover")
_END = {DispatchState.CANCELLED: Outcome.CANCELLED, DispatchState.EXPIRED: Outcome.EXPIRED}

log = structlog.get_logger(__name__)


class Closer:
    """`tick` is called at every poll; it works in small transactions beside the senders."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def tick(self) -> None:
        for row in await self._pool.fetch(_FINISH):
            log.info("dispatch_drained", dispatch=row["id"])
        for row in await self._pool.fetch(_EXPIRE):
            log.warning("dispatch_expired", dispatch=row["id"])
        while await self._close_leftovers():
            pass
        async with self._pool.acquire() as connection, connection.transaction():
            await close_late_entries(connection)

    async def _close_leftovers(self) -> int:
        async with self._pool.acquire() as connection, connection.transaction():
            return await _close(connection, _LEFTOVER) + await _close(connection, _CHANNEL_LEFTOVER)


async def close_late_entries(connection: Connection) -> None:
    """End what of late entry still waits in orders that are no longer in force: in this transaction, but for batches in
    others' hands, which the closer finds when they are put back."""
    while await _close(connection, _LATE_LEFTOVER):
        pass


async def _close(connection: Connection, leftover: str) -> int:
    rows = await connection.fetch(leftover)
    await connection.executemany(_CLOSE, [_closed(row) for row in rows])
    return len(rows)


def _closed(row: Record) -> tuple[str, int, bytes]:
    known = states.refined(row["outcomes"], row["proofs"])
    return row["dispatch"], row["number"], states.abandoned(known, _END[DispatchState(row["state"])])
