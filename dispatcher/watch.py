"""The watch: looks every few seconds at what could be wrong, and makes alarms of it.

One process at a time looks for all of a fleet. There is no leader that could freeze: each look is a duty, which goes
to the first who asks when it is due again, so the next look is another's when somebody dies or sleeps. What is seen
stands in the table `alarm` (dispatcher/alarms.py); telling it through the town's hook is the teller's business
(dispatcher/teller.py), which never stands in the way of looking, nor either of them in that of sending.

A process that cannot reach the database has nothing to read or write alarms in. It raises that one alarm itself, from
memory, and every process does: who is cut off alone says so too.

`canary.py` is the other half: what looks well from inside may still reach nobody.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog
from asyncpg import (
    InsufficientResourcesError,
    InterfaceError,
    InternalClientError,
    OperatorInterventionError,
    PostgresConnectionError,
    PostgresError,
    PostgresSystemError,
)

from dispatcher import alarms, metrics
from dispatcher.alarms import Notice
from dispatcher.trouble import Trouble
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool

_TAKE = sql("dispatcher", "duty_take")

DATABASE_GONE = (
    OSError,
    TimeoutError,
    PostgresConnectionError,
    InterfaceError,
    InternalClientError,
    OperatorInterventionError,
    InsufficientResourcesError,
    PostgresSystemError,
)
"""It does not answer, is starting or stopping, or has no room (a full disk, no connection left)."""
GONE_SECONDS = 15.0
"""Without the database for so long is an alarm: an ordinary restart is over by then (fault matrix, row 8: 10 s)."""
_LOOK_LIMIT = 10.0
_NEARLY = 0.9
"""A look is due this part of an interval after the last, so that clocks that differ leave none out."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Looker:
    """One thing to look at. `look` gives what is wrong just now; nothing when all is well."""

    name: str
    look: Callable[[], Awaitable[Sequence[Trouble]]]


class Watch:
    """`tick` is called every `look_seconds`. `tell` hears of the one alarm that is not in the database."""

    def __init__(
        self,
        pool: Pool,
        lookers: Sequence[Looker],
        *,
        look_seconds: float,
        repeat_seconds: float,
        tell: Callable[[Notice], Awaitable[None]],
        woken: Callable[[], None],
    ) -> None:
        self._pool = pool
        self._lookers = lookers
        self._look_seconds = look_seconds
        self._settled = max(alarms.SETTLED_SECONDS, 3 * look_seconds)
        self._woken = woken
        self._gone = _Gone(tell, repeat_seconds)

    async def tick(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_LIMIT):
                await self._look()
        except (*DATABASE_GONE, PostgresError) as error:
            await self._gone.failed(error)
        else:
            await self._gone.answered()

    async def _look(self) -> None:
        seen: list[Trouble] = []
        looked = False
        for looker in self._lookers:
            if await take_duty(self._pool, f"look/{looker.name}", self._look_seconds * _NEARLY):
                seen += await _seen_by(looker)
                looked = True
        if looked:
            await self._note(seen)

    async def _note(self, seen: Sequence[Trouble]) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            raised, ended = await alarms.saw(connection, seen, settled=self._settled)
        for row in raised:
            metrics.ALARMS.labels(row["code"]).inc()
            log.error("alarm_raised", alarm=row["code"], where=row["place"], says=row["en"])
        for row in ended:
            log.warning("alarm_ended", alarm=row["code"], where=row["place"])
        if raised or ended:
            self._woken()


async def take_duty(pool: Pool, name: str, seconds: float) -> bool:
    """Whether this process is the first to ask for the duty `seconds` after it was last done."""
    return await pool.fetchval(_TAKE, name, seconds) is not None


async def _seen_by(looker: Looker) -> Sequence[Trouble]:
    """What it sees. One that fails is trouble itself, and keeps no other from looking."""
    try:
        return await looker.look()
    except DATABASE_GONE:
        raise
    except Exception:
        metrics.AGENT_ERRORS.labels(f"watch {looker.name}").inc()
        log.exception("look_failed", looker=looker.name)
        return [_blind(looker.name)]


class _Gone:
    """The alarm that the database is gone: kept in memory, told by every process that cannot reach it."""

    def __init__(self, tell: Callable[[Notice], Awaitable[None]], repeat_seconds: float) -> None:
        self._tell = tell
        self._repeat_seconds = repeat_seconds
        self._since: datetime | None = None
        self._failing = 0.0
        self._told: float | None = None

    async def failed(self, error: BaseException) -> None:
        now = time.monotonic()
        if self._since is None:
            self._since, self._failing = datetime.now(UTC), now
            log.warning("database_gone", error=type(error).__name__)
        if now - self._failing < GONE_SECONDS or (self._told is not None and now - self._told < self._repeat_seconds):
            return
        again, self._told = self._told is not None, now
        metrics.ALARMS.labels("database.gone").inc(not again)
        log.error("alarm_raised", alarm="database.gone", where="")
        await self._tell(Notice("still" if again else "raised", database_gone(), self._since))

    async def answered(self) -> None:
        since, told = self._since, self._told
        self._since = self._told = None
        if since is not None and told is not None:
            log.warning("alarm_ended", alarm="database.gone", where="")
            await self._tell(Notice("ended", database_gone(), since, datetime.now(UTC)))


def database_gone() -> Trouble:
    return Trouble(
        "database.gone",
        "",
        "データベースが使えません。新しい配信は始められません。サーバー、ディスクの空き、ネットワークを確かめてください。"
        "承認済みで送り終えていない避難情報は、todoke emergency で送れます。",
        "The database cannot be used, so nothing new is sent. See to the server, its disk and the network. "
        "An approved evacuation that is not through can be sent with todoke emergency.",
    )


def _blind(looker: str) -> Trouble:
    return Trouble(
        "watch.failed",
        looker,
        "監視の一部が失敗しています。ログ(look_failed)で原因を確かめてください。",
        "A part of the watch fails. See look_failed in the log for the cause.",
    )
