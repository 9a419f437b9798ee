"""Ageing: what was sent is kept by the year, and a year that was kept long enough is dropped whole.

A year begins in April, as municipalities count. Of a dispatch that is dropped its event, its signatures
and how many recipients ended with which outcome stay; who they were does not. Sending never waits for
this: tables are dropped in a moment at which nobody uses them, or not yet.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from asyncpg import CheckViolationError, InsufficientPrivilegeError, LockNotAvailableError

from dispatcher import metrics
from dispatcher import outcomes as states
from dispatcher.model import Outcome
from dispatcher.trouble import Trouble
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool, Record
    from asyncpg.pool import PoolConnectionProxy

    Connection = PoolConnectionProxy[Record]

_LIST = sql("dispatcher", "year_list")
_NOW = sql("dispatcher", "year_now")
_ADD = sql("dispatcher", "year_add")
_DROP = sql("dispatcher", "year_drop")
_SPENT = sql("dispatcher", "year_spent")
_DISPATCHES = sql("dispatcher", "year_dispatches")
_STRAYS = sql("dispatcher", "year_strays")
_OUTCOMES = sql("dispatcher", "dispatch_outcomes")
_SUMMARY_INSERT = sql("dispatcher", "summary_insert")
_AGED = sql("dispatcher", "dispatch_aged")

_LOCK = 7_032_003
"""The advisory lock of whoever adds or drops years just now."""
_PATIENCE = "set local lock_timeout = '100ms'"
"""Sending may stand still for as long as this while a year is added."""
_TRIES, _PAUSE_SECONDS = 20, 0.1
_AT_ONCE = 1_000
"""Batches read at once while they are counted."""
EVERY_SECONDS = 3600.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Aged:
    """What was done: years that now have tables, and those whose tables are gone."""

    added: Sequence[str]
    dropped: Sequence[str]


class Ageing:
    """`tick` is called every hour. `keep_years` counts from the April after a dispatch; 0 keeps everything."""

    def __init__(self, pool: Pool, *, keep_years: int) -> None:
        self._pool = pool
        self._keep_years = keep_years
        self._strays = False

    def trouble(self) -> list[Trouble]:
        """For people to see."""
        return [_strays()] if self._strays else []

    async def tick(self) -> None:
        await add_years(self._pool)
        await drop_years(self._pool, keep_years=self._keep_years)
        self._strays = await self._pool.fetchval(_STRAYS)
        metrics.STRAYS.set(self._strays)
        if self._strays:
            log.error("batches_outside_every_year")


async def age(pool: Pool, *, keep_years: int) -> Aged:
    """Add the years that are needed soon, and drop those that were kept for `keep_years` after their end."""
    return Aged(await add_years(pool), await drop_years(pool, keep_years=keep_years))


async def add_years(pool: Pool) -> list[str]:
    """See that there are tables for this year, and for the next one two months ahead; returns what was added."""
    (needed,) = await pool.fetch(_NOW)
    known = {row["year"] for row in await pool.fetch(_LIST)}
    return [str(year) for year in sorted(set(needed)) if str(year) not in known and await _tried(pool, year)]


async def _tried(pool: Pool, year: int) -> bool:
    """Without tables of its own a year is trouble, all the more once something of it stands outside; but it is sent."""
    try:
        return await _add(pool, year)
    except (CheckViolationError, InsufficientPrivilegeError, LockNotAvailableError) as error:
        log.warning("year_not_added", year=year, error=type(error).__name__)
        return False


async def _add(pool: Pool, year: int) -> bool:
    async with pool.acquire() as connection, connection.transaction():
        if not await connection.fetchval("select pg_try_advisory_xact_lock($1)", _LOCK):
            return False
        if str(year) in {row["year"] for row in await connection.fetch(_LIST)}:
            return False
        await connection.execute(_PATIENCE)
        await connection.execute(_ADD, year)
    log.info("year_added", year=year)
    return True


async def drop_years(pool: Pool, *, keep_years: int, today: int | None = None) -> list[str]:
    """Drop the years that ended more than `keep_years` ago and hold nothing unfinished; returns which.

    `today` is the year it is, the database's where none is given.
    """
    if keep_years == 0:
        return []
    first_kept = (today or await pool.fetchval(_NOW)) - keep_years
    past = [row for row in await pool.fetch(_LIST) if row["next"] <= first_kept]
    return [row["year"] for row in past if await _drop(pool, row, first_kept)]


async def _drop(pool: Pool, year: Record, first_kept: int) -> bool:
    """Count, note and drop in one transaction. False: not yet."""
    names = year["first"], year["last"]
    try:
        async with pool.acquire() as connection, connection.transaction():
            if not await connection.fetchval("select pg_try_advisory_xact_lock($1)", _LOCK):
                return False
            if year["year"] not in {row["year"] for row in await connection.fetch(_LIST)}:
                return False
            if not await connection.fetchval(_SPENT, *names, first_kept):
                log.warning("year_not_spent", year=year["year"])
                return False
            for row in await connection.fetch(_DISPATCHES, *names):
                await _summarize(connection, row["id"])
            await _when_nobody_looks(connection, year["year"])
    except LockNotAvailableError:
        log.info("year_in_use", year=year["year"])
        return False
    log.info("year_dropped", year=year["year"])
    return True


async def _summarize(connection: Connection, dispatch: str) -> None:
    """Keep how many recipients ended how: all that will be known of them."""
    totals: Counter[tuple[str, Outcome]] = Counter()
    async for row in connection.cursor(_OUTCOMES, dispatch, prefetch=_AT_ONCE):
        for outcome, number in states.counts([states.refined(row["outcomes"], row["proofs"])]).items():
            totals[row["channel"], outcome] += number
    rows = [(dispatch, channel, outcome, number) for (channel, outcome), number in totals.items()]
    await connection.executemany(_SUMMARY_INSERT, rows)
    await connection.execute(_AGED, dispatch)


async def _when_nobody_looks(connection: Connection, year: str) -> None:
    """The lock is taken at once or not at all: who waits for it would make everybody else wait behind."""
    for tries_left in reversed(range(_TRIES)):
        try:
            async with connection.transaction():
                await connection.execute(_DROP, year)
        except LockNotAvailableError:
            if not tries_left:
                raise
            await asyncio.sleep(_PAUSE_SECONDS)
        else:
            return


def _strays() -> Trouble:
    return Trouble(
        "ageing.failed",
        "",
        "どの年度の表にも入らない送信記録があります。送信は続いていますが、期限が来ても削除されません。"
        "テーブルを作れる権限のある利用者で `todoke age` を実行してください。",
        "Some batches stand outside every year's tables. They are sent all the same, but would not be dropped in time. "
        "Run `todoke age` as a database role that may create tables.",
    )
