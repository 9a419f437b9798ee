"""Why messages did not arrive, as providers say it; and when each channel was last heard of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from dispatcher.model import Outcome
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool

_REFUSALS = sql("console.watch", "refusals")
_BOUNCES = sql("console.watch", "bounces")
_LAST_CALLS = sql("console.watch", "last_calls")
_MOST = 30


@dataclass(frozen=True, slots=True)
class Reason:
    """`code` is the provider's; calls with RETRY and AMBIGUOUS are made again, and one person may be counted twice."""

    channel: str
    outcome: Outcome
    code: str
    people: int

    @property
    def final(self) -> bool:
        return self.outcome.final


async def reasons(pool: Pool, dispatch: str) -> tuple[Reason, ...]:
    """What is final first, the most frequent first; at most thirty."""
    rows = [*await pool.fetch(_REFUSALS, dispatch), *await pool.fetch(_BOUNCES, dispatch)]
    found = [Reason(row["channel"], Outcome(row["outcome"]), row["code"], row["people"]) for row in rows]
    return tuple(sorted(found, key=lambda each: (not each.final, -each.people, each.channel, each.code))[:_MOST])


async def last_calls(pool: Pool, dispatch: str) -> Mapping[str, datetime]:
    """By channel."""
    return {row["channel"]: row["at"] for row in await pool.fetch(_LAST_CALLS, dispatch)}
