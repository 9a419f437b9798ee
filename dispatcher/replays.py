"""The record of replays: who had a dispatch sent again to those whom it had not reached (dispatcher/replaying.py)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool, Record
    from asyncpg.pool import PoolConnectionProxy

    Connection = PoolConnectionProxy[Record]

_LIST = sql("dispatcher", "replay_list")


@dataclass(frozen=True, slots=True)
class Replay:
    """One that was ordered. `messages`: by channel and the reason that had stood in the way."""

    number: int
    at: datetime
    requested_by: str
    approved_by: str
    people: int
    messages: Mapping[str, Mapping[str, int]]

    @classmethod
    def of(cls, row: Record) -> Replay:
        signed = {name: row[name] for name in ("number", "at", "requested_by", "approved_by", "people")}
        return cls(**signed, messages=json.loads(row["why"]))


async def replays(database: Pool | Connection, dispatch: str) -> list[Replay]:
    """All that were ordered, the oldest first."""
    return [Replay.of(row) for row in await database.fetch(_LIST, dispatch)]
