"""The epoch: whether this database is the one it was, or a backup of it that somebody restored.

A restored backup believes that last night's order is still to be sent. So nothing of what it left unfinished is sent
before an officer says so: every dispatch that might still write to anybody is held (dispatcher/holding.py).

Nobody has to remember to say that it was restored. While anybody is at work a counter in the database rises, and every
process knows how far it saw it rise (dispatcher/witness.py). The server says who it is: its system's number, the
timeline of its log, and when its files were made. Whoever connects compares:

- It has come less far than was seen: a backup, and what happened since is lost.
- It stands in another server, and is as far as was seen: it moved. A standby that lost nothing took over, or it was dumped
  and restored with nobody at work.
- It stands in another server otherwise: a backup, or a copy to try things with.
- Its files are copies: a backup of them.
- It stands where it stood: itself.

Each connection compares before anything else is asked on it, so there is no claim, plan or late entry in a database of
which this was not settled. It is decided once, in a transaction that holds the epoch's row. A process that finds its
database replaced knows people and positions that may never have been: it begins nothing more, and has itself started anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from dispatcher import metrics
from dispatcher import outcomes as states
from dispatcher.background import DATABASE_TROUBLE, Agent
from dispatcher.witness import Seen, Witness
from words.sql import sql

if TYPE_CHECKING:
    import asyncpg
    from asyncpg import Pool, Record
    from asyncpg.pool import PoolConnectionProxy

    Connection = asyncpg.Connection | PoolConnectionProxy[Record]

_LOOK = sql("dispatcher", "epoch_look")
_LOCK = sql("dispatcher", "epoch_lock")
_RISE = sql("dispatcher", "epoch_rise")
_SETTLE = sql("dispatcher", "epoch_settle")
_HOLD = sql("dispatcher", "epoch_hold")
_DOUBTFUL = sql("dispatcher", "epoch_doubtful")
_DOUBT = sql("dispatcher", "epoch_doubt")
_END_SESSIONS = sql("dispatcher", "epoch_end_sessions")

RISES_A_NOTE = 12
"""The file is written when the counter has risen so often: every minute, with a beat of five seconds."""
MOST_UNSEEN = RISES_A_NOTE + 3
"""So much further than a witness saw it a database may have come before the server under it died."""

log = structlog.get_logger(__name__)


class Verdict(StrEnum):
    SAME = "same"
    MOVED = "moved"
    BEHIND = "behind"
    """It has come less far than was seen."""
    ELSEWHERE = "elsewhere"
    """It stands in another server, and nobody can say that nothing was lost on the way."""
    COPIED = "copied"
    UNKNOWN = "unknown"
    """It was never at work, and this server was, on another database: one of before there were epochs, restored."""

    @property
    def restored(self) -> bool:
        return self not in {Verdict.SAME, Verdict.MOVED}


@dataclass(frozen=True, slots=True)
class Server:
    """Where a database stands. `files` is None where our role may not know."""

    system: int
    timeline: int
    files: datetime | None

    def same_log(self, other: Server) -> bool:
        return (self.system, self.timeline) == (other.system, other.timeline)

    def copied_from(self, other: Server) -> bool:
        return self.same_log(other) and None not in {self.files, other.files} and self.files != other.files

    def is_that(self, other: Server | None) -> bool:
        return other is not None and self.same_log(other) and not self.copied_from(other)


@dataclass(frozen=True, slots=True)
class Look:
    """What a connection finds: how far the database has come, where it stood then, and where it stands."""

    seen: Seen
    stood: Server | None
    stands: Server

    @classmethod
    def of(cls, row: Record) -> Look:
        stood = Server(row["system"], row["timeline"], row["files"]) if row["system"] is not None else None
        stands = Server(row["system_now"], row["timeline_now"], row["files_now"])
        return cls(Seen(row["lineage"], row["number"], row["counter"]), stood, stands)


def judge(look: Look, witness: Seen | None, *, knows_others: bool) -> Verdict:
    """`witness`: what this process, or one of this server before it, saw of this database last."""
    if look.stood is None:
        return Verdict.UNKNOWN if knows_others else Verdict.MOVED
    if witness is not None and look.seen.progress < witness.progress:
        return Verdict.BEHIND
    if look.stands.copied_from(look.stood):
        return Verdict.COPIED
    if look.stands.is_that(look.stood):
        return Verdict.SAME
    if witness is None or witness.number != look.seen.number:
        return Verdict.ELSEWHERE
    # A dump is as far as its source only if nobody was at work after it; of a log that goes on in a standby, the end
    # may have been seen by nobody.
    most = MOST_UNSEEN if look.stands.system == look.stood.system else 0
    return Verdict.MOVED if look.seen.counter - witness.counter <= most else Verdict.ELSEWHERE


class Epoch:
    """This process's knowledge of its database. `folder` keeps what it saw for those after it.

    `on_replaced` is called, once, when the database under this process turns out to be another than it was.
    """

    def __init__(self, folder: Path | None = None, *, on_replaced: Callable[[], None] | None = None) -> None:
        self._witness = Witness(folder)
        self._on_replaced = on_replaced
        self._seen: Seen | None = None
        self._server: Server | None = None
        self._judging = asyncio.Lock()
        self._noted = 0
        self.replaced = False

    # -- meeting a server --------------------------------------------------------------------------

    async def meet(self, connection: Connection) -> None:
        """Settle on a new connection whether it leads where it should. A process that was replaced settles nothing."""
        if self.replaced or self._knows(Look.of(await _look(connection))):
            return
        async with self._judging:
            if self.replaced:
                return
            async with connection.transaction():
                await connection.fetch(_LOCK)
                look = Look.of(await _look(connection))
                if not self._knows(look):
                    look = await self._settle(connection, look)
            await self._now(look)

    def _knows(self, look: Look) -> bool:
        """Whether it is where, and at least as far as, this process saw it last."""
        if self._seen is None or not look.stands.is_that(self._server) or not look.stands.is_that(look.stood):
            return False
        same = (look.seen.lineage, look.seen.number) == (self._seen.lineage, self._seen.number)
        if same and look.seen.counter >= self._seen.counter:
            self._seen = look.seen
            return True
        return False

    async def _settle(self, connection: Connection, look: Look) -> Look:
        """Decide, in this transaction, unless somebody has; gives what the database then says."""
        lineage, mine = look.seen.lineage, self._seen
        kept = await asyncio.to_thread(self._witness.recall, lineage)
        witness = max(
            (seen for seen in (mine, kept) if seen is not None and seen.lineage == lineage),
            key=lambda seen: seen.progress,
            default=None,
        )
        others = (mine is not None and mine.lineage != lineage) or self._witness.knows_others(lineage)
        verdict = judge(look, witness, knows_others=others)
        if verdict is Verdict.SAME:
            return look
        number, counter = look.seen.number, look.seen.counter
        if verdict.restored:
            number = max(number, witness.number if witness else 0) + 1
            held = await _hold_everything(connection)
            metrics.RESTORES.inc()
            log.error("database_restored", sign=verdict.value, epoch=number, held=held)
        elif look.stood is not None:
            log.info("database_moved", epoch=number, counter=counter)
        await connection.execute(_SETTLE, number, counter)
        return Look(Seen(lineage, number, counter), look.stands, look.stands)

    async def _now(self, look: Look) -> None:
        """Take it as it is; somebody may have found it restored before us."""
        before, self._seen, self._server = self._seen, look.seen, look.stands
        if before is not None and (before.lineage, before.number) != (look.seen.lineage, look.seen.number):
            self.replaced = True
            log.error("database_replaced", epoch=look.seen.number)
            if self._on_replaced is not None:
                self._on_replaced()
        await self.note()

    # -- while at work -----------------------------------------------------------------------------

    @asynccontextmanager
    async def at_work(self, pool: Pool, *, every: float) -> AsyncIterator[None]:
        """The database was met before this begins; at its end what was seen last is kept."""
        async with pool.acquire() as connection:
            await self.meet(connection)
        async with Agent("epoch", partial(self.tick, pool), every=every):
            yield
        await self._look_back(pool)

    async def _look_back(self, pool: Pool) -> None:
        """Whoever leaves last has seen it all: by that a database that moves with nobody at work is known again."""
        try:
            async with pool.acquire() as connection:
                await self.meet(connection)
        except DATABASE_TROUBLE as trouble:
            log.warning("epoch_not_looked_back", error=type(trouble).__name__)
        await self.note()

    async def tick(self, pool: Pool) -> None:
        """Look again, say that somebody is at work, and now and then keep what was seen."""
        async with pool.acquire() as connection:
            before = self._seen
            await self.meet(connection)
            if self.replaced or self._seen is None or before != self._seen:
                return
            counter = await connection.fetchval(_RISE, self._seen.number, self._seen.counter)
        if counter is not None:
            self._seen = Seen(self._seen.lineage, self._seen.number, counter)
        if self._seen.counter - self._noted >= RISES_A_NOTE:
            await self.note()

    async def note(self) -> None:
        """Keep what was seen for whoever comes after this process."""
        if self._seen is not None:
            self._noted = self._seen.counter
            await asyncio.to_thread(self._witness.note, self._seen)

    def unless_replaced(self, tick: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """`tick`, for as long as what this process knows is true of the database."""

        async def guarded() -> None:
            if not self.replaced:
                await tick()

        return guarded


async def _look(connection: Connection) -> Record:
    row = await connection.fetchrow(_LOOK)
    if row is None:
        raise LookupError("the table epoch has no row")
    return row


async def _hold_everything(connection: Connection) -> int:
    """Hold what is unfinished, and take all of it that is not certain for doubtful; gives how many dispatches."""
    await connection.execute(_END_SESSIONS)
    held = [row["dispatch"] for row in await connection.fetch(_HOLD)]
    batches = await connection.fetch(_DOUBTFUL, held)
    doubts = await asyncio.to_thread(lambda: [_doubted(batch) for batch in batches])
    await connection.executemany(_DOUBT, doubts)
    return len(held)


def _doubted(batch: Record) -> tuple[str, int, bytes]:
    known = states.refined(batch["outcomes"], batch["proofs"])
    return batch["dispatch"], batch["number"], states.doubted(known, batch["repeated"])
