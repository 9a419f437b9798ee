"""How many people are subscribed, by language, channel and topic."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool

_PEOPLE, _LANGUAGES, _KINDS, _TOPICS = (
    sql("console.people", verb) for verb in ("count_people", "count_languages", "count_kinds", "count_topics")
)
KEPT_SECONDS = 60.0
"""A million people are counted in about a second; nobody needs that at every look."""


@dataclass(frozen=True, slots=True)
class Counts:
    """People at one moment. `kinds` of contact that are open; somebody with two is in both. The largest first."""

    at: datetime
    here: int
    gone: int
    unreachable: int
    languages: Mapping[str, int]
    kinds: Mapping[str, int]
    topics: Mapping[str, int]


class Counting:
    """Counts at most once a minute, however many ask; whoever comes meanwhile waits for the same count."""

    def __init__(self, pool: Pool, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._clock = clock
        self._lock = asyncio.Lock()
        self._kept: tuple[float, Counts] | None = None

    async def counts(self) -> Counts:
        async with self._lock:
            if self._kept is None or self._clock() - self._kept[0] >= KEPT_SECONDS:
                self._kept = (self._clock(), await count(self._pool))
            return self._kept[1]


async def count(pool: Pool) -> Counts:
    """All of it as of one moment."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        [people] = await connection.fetch(_PEOPLE)
        return Counts(
            at=await connection.fetchval("select now()"),
            here=people["here"],
            gone=people["gone"],
            unreachable=people["unreachable"],
            languages={row["language"]: row["people"] for row in await connection.fetch(_LANGUAGES)},
            kinds={row["kind"]: row["people"] for row in await connection.fetch(_KINDS)},
            topics={row["name"]: row["people"] for row in await connection.fetch(_TOPICS)},
        )
