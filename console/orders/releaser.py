"""The releaser: what was approved and not taken back becomes a dispatch, once, by whichever server lives.

The row says when; every process looks, and whoever locks it releases it. The dispatch and the row are one transaction:
a server that is killed in the middle has released nothing, and the next one does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import TYPE_CHECKING

import structlog
from asyncpg import Pool

from console import audit
from console.orders import problems
from console.orders.book import read
from console.orders.content import submitted_event
from console.orders.desk import Rules
from console.orders.lookout import not_released
from console.orders.model import Connection, State
from console.orders.signing import signatures
from dispatcher.alarms import raise_at_once
from dispatcher.background import DATABASE_TROUBLE, Agent
from dispatcher.dispatches import approve
from dispatcher.model import Mode
from words.problem import Refused
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Record

_DUE = sql("console.orders", "due")
_TAKE_DUE = sql("console.orders", "take_due")
_RELEASE = sql("console.orders", "release")
_MAKE_VOID = sql("console.orders", "make_void")
_WAITING = sql("console.orders", "waiting")
_TAKE_WAITING = sql("console.orders", "take_waiting")
_LIVE_ORDER = sql("console.orders", "live_order")
_BEGIN_DRILL = sql("console.orders", "begin_drill")

POLL_SECONDS = 0.25

log = structlog.get_logger(__name__)


class Releaser:
    """`tick` is called at every poll, in every process."""

    def __init__(self, pool: Pool, rules: Rules | None = None) -> None:
        self._pool = pool
        self._rules = rules or Rules()

    def at_work(self, *, every: float = POLL_SECONDS) -> AbstractAsyncContextManager[Agent]:
        return Agent("releaser", self.tick, every=every)

    async def tick(self) -> None:
        """Drills first: one whose time has come begins to count, or cancels itself."""
        await self._each(_WAITING, self._begin)
        await self._each(_DUE, self._release)

    async def _each(self, which: str, do: Callable[[Connection, int], Awaitable[None]]) -> None:
        """One that fails keeps no other from leaving."""
        for row in await self._pool.fetch(which):
            try:
                async with self._pool.acquire() as connection, connection.transaction():
                    await do(connection, row["id"])
            except DATABASE_TROUBLE:
                raise
            except Exception:
                log.exception("release_failed", order=row["id"])

    async def _release(self, connection: Connection, number: int) -> None:
        row = await connection.fetchrow(_TAKE_DUE, number)
        if row is None:
            return
        why = self._too_late(row, row["release_at"])
        if why is None and row["scheduled"] and await connection.fetchval(_LIVE_ORDER):
            why = "real_order"
        if why is not None:
            await self._make_void(connection, number, why)
            return
        try:
            async with connection.transaction():
                dispatch = await _send(connection, number)
        except Refused as refusal:
            await self._make_void(connection, number, refusal.problems[0].code)
        else:
            log.info("order_released", order=number, dispatch=dispatch)

    def _too_late(self, row: Record, due: datetime) -> str | None:
        if row["restored"]:
            return "restored"
        return "stale" if (row["now"] - due).total_seconds() > self._rules.stale_seconds else None

    async def _begin(self, connection: Connection, number: int) -> None:
        row = await connection.fetchrow(_TAKE_WAITING, number)
        if row is None:
            return
        late = row["now"] >= row["start_at"]
        if await connection.fetchval(_LIVE_ORDER):
            await self._make_void(connection, number, "real_order")
        elif late and (why := self._too_late(row, row["start_at"])) is not None:
            await self._make_void(connection, number, why)
        elif late and row["state"] == State.APPROVED:
            await connection.execute(_BEGIN_DRILL, number, self._rules.undo_seconds)
            await self._record(connection, number, "order.begun", {"hash": row["hash"]})

    async def _make_void(self, connection: Connection, number: int, why: str) -> None:
        order = await read(connection, number)
        await connection.execute(_MAKE_VOID, number, why)
        if order.mode is Mode.LIVE:
            await raise_at_once(connection, not_released(number))
        await self._record(connection, number, "order.void", {"hash": order.hash, "why": why})
        log.warning("order_void", order=number, why=why)

    async def _record(self, connection: Connection, number: int, action: str, details: dict[str, str | None]) -> None:
        await audit.record(connection, actor=None, action=action, subject=f"order:{number}", details=details)


async def _send(connection: Connection, number: int) -> str:
    """What was approved becomes a dispatch like any other. Raises Refused when it may not be sent (any more)."""
    order = await read(connection, number)
    if order.hash is None:
        raise ValueError("an order that counts down has a hash")
    event = await submitted_event(connection, number, order.hash, order.start_at)
    if event.valid_until <= order.now:
        raise Refused(problems.expired())
    dispatch = await approve(connection, event, await signatures(connection, order))
    await connection.execute(_RELEASE, number, dispatch)
    await audit.record(
        connection,
        actor=None,
        action="order.released",
        subject=f"order:{number}",
        details={"hash": order.hash, "dispatch": dispatch},
    )
    return dispatch
