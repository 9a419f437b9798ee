"""The load on the limits: what is still to be sent, by limit and priority, and how long the limits need for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from channels.contract import Channel, Limit
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool, Record

_OPEN = sql("dispatcher", "watch_late")
_SLOWER = 1.05
"""What the limits need, and the part of it that a limiter leaves unused (service levels: recipients ÷ rate × 1.05)."""

Load = Mapping[tuple[str, int], float]
"""Tokens by limit's key and priority."""


async def open_work(pool: Pool) -> Sequence[Record]:
    """Everything of open dispatches, by lane: how much there is, how much of it waits, and since when."""
    rows: Sequence[Record] = await pool.fetch(_OPEN)
    return rows


def load_of(rows: Sequence[Record], channels: Mapping[str, Channel], *, column: str = "people") -> Load:
    """Calls of everything that is open; with the column `waiting`, of what is still to be called."""
    load: defaultdict[tuple[str, int], float] = defaultdict(float)
    for row in rows:
        channel = channels.get(row["channel"])
        if channel is not None and row["people"]:
            share = row[column] / row["people"]
            calls = share * (row["batches"] if channel.call_size > 1 else row["people"])
            for limit in channel.lane(row["lane"]).limits:
                load[limit.key, row["priority"]] += float(calls)
    return load


def seconds_needed(limits: Sequence[Limit], load: Load, priority: int) -> float:
    """Seconds until everything of this priority, and all that goes before it, has passed the narrowest of `limits`."""
    before = range(priority + 1)
    return max((_SLOWER * sum(load.get((each.key, i), 0.0) for i in before) / each.rate for each in limits), default=0)
