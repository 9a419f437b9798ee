"""Alarms in the database: seen, raised once they have lasted, told, repeated, ended.

Every process of a fleet may see, and any may tell: rows are the only memory, so an alarm that one process raised is
repeated and ended by another when that one is gone. A notice is told at least once; twice when a process dies between
the hook and the commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from dispatcher.trouble import Trouble
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool, Record
    from asyncpg.pool import PoolConnectionProxy

    Connection = PoolConnectionProxy[Record]

_SEEN = sql("dispatcher", "alarm_seen")
_RAISE = sql("dispatcher", "alarm_raise")
_END = sql("dispatcher", "alarm_end")
_FORGET = sql("dispatcher", "alarm_forget")
_CLAIM = sql("dispatcher", "alarm_claim")
_TOLD = sql("dispatcher", "alarm_told")
_UNTOLD = sql("dispatcher", "alarm_untold")
_LIST = sql("dispatcher", "alarm_list")

PATIENCE_SECONDS: Mapping[str, float] = {"lane.paused": 120.0, "provider.slowed": 120.0}
"""How long a trouble may last before it is an alarm; others are one at once. A lane that is paused goes on by itself:
greylisting takes a minute or two (RFC 6647), and nobody can do anything about it."""
SETTLED_SECONDS = 15.0
"""An alarm is over when nobody has seen it for so long: three beats of a session, so that what is tried and refused
again and again is one alarm."""
KEPT_DAYS = 90
_LEASE_SECONDS = 120.0
"""After so long without a word from who was telling a notice, another tells it."""
_AGAIN_SECONDS, _AGAIN_MOST = 5.0, 300.0

State = Literal["raised", "still", "ended"]


@dataclass(frozen=True, slots=True)
class Notice:
    """What a hook is told: an alarm was raised, still lasts, or has ended. `trouble.where` is a channel or a lane."""

    state: State
    trouble: Trouble
    since: datetime
    until: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "alarm": self.trouble.code,
            "state": self.state,
            "where": self.trouble.where,
            "since": self.since.isoformat(),
            "until": self.until.isoformat() if self.until else None,
            "ja": self.trouble.ja,
            "en": self.trouble.en,
        }


@dataclass(frozen=True, slots=True)
class Due:
    """A notice this process has to tell. `told` names the hooks that have taken it already."""

    number: int
    notice: Notice
    told: frozenset[str]
    failures: int


@dataclass(frozen=True, slots=True)
class Standing:
    """An alarm that lasts. `failures` counts how often a hook did not take its last notice."""

    trouble: Trouble
    since: datetime
    told_at: datetime | None
    failures: int

    def as_json(self) -> dict[str, Any]:
        return self.trouble.as_json() | {
            "since": self.since.isoformat(),
            "told_at": self.told_at.isoformat() if self.told_at else None,
            "failures": self.failures,
        }


async def saw(
    connection: Connection, troubles: Iterable[Trouble], *, settled: float = SETTLED_SECONDS
) -> tuple[list[Record], list[Record]]:
    """Note everything that is wrong now, in the transaction of who looks; returns what is an alarm since, and what ended.

    What nobody has seen for `settled` seconds is over: longer than it takes until every process has looked.
    """
    each = {(trouble.code, trouble.where): trouble for trouble in troubles}
    for key in sorted(each):
        trouble = each[key]
        patience = PATIENCE_SECONDS.get(trouble.code, 0.0)
        await connection.execute(_SEEN, trouble.code, trouble.where, trouble.ja, trouble.en, patience)
    raised = await connection.fetch(_RAISE)
    ended = await connection.fetch(_END, settled)
    await connection.execute(_FORGET, KEPT_DAYS)
    return raised, ended


async def raise_at_once(connection: Connection, trouble: Trouble) -> None:
    """An alarm with the transaction of who causes it. It lasts as long as some looker sees it."""
    await connection.execute(_SEEN, trouble.code, trouble.where, trouble.ja, trouble.en, 0.0)
    await connection.fetch(_RAISE)


async def due(pool: Pool) -> Due | None:
    """A notice to be told by who asks, within the lease."""
    row = await pool.fetchrow(_CLAIM, _LEASE_SECONDS)
    return _due(row) if row is not None else None


async def told(pool: Pool, what: Due, *, repeat_seconds: float) -> None:
    """Every hook took it."""
    await pool.execute(_TOLD, what.number, repeat_seconds, what.notice.state == "ended")


async def untold(pool: Pool, what: Due, took: Sequence[str]) -> float:
    """Some hook did not take it; returns the seconds until it is tried again, doubling from 5 up to 300."""
    seconds = min(_AGAIN_SECONDS * 2.0 ** min(what.failures, 10), _AGAIN_MOST)
    await pool.execute(_UNTOLD, what.number, sorted(took), seconds, what.notice.state == "ended")
    return seconds


async def standing(pool: Pool) -> list[Standing]:
    """The alarms that last, oldest first."""
    return [Standing(_trouble(row), row["since"], row["told_at"], row["failures"]) for row in await pool.fetch(_LIST)]


def _due(row: Record) -> Due:
    state: State = "ended" if row["ended_at"] else "still" if row["told_at"] else "raised"
    notice = Notice(state, _trouble(row), row["since"], row["ended_at"])
    return Due(row["number"], notice, frozenset(row["told"]), row["failures"])


def _trouble(row: Record) -> Trouble:
    return Trouble(row["code"], row["place"], row["ja"], row["en"])
