"""What waits for somebody: orders to approve, on their way out, released alone, begun; and what is in force."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asyncpg import Pool

from console.orders.book import listed
from console.orders.model import Order, State
from dispatcher.model import EventClass, Mode
from words.sql import sql

_LIST = sql("console.orders", "list")
_ALONE = sql("console.orders", "alone")
_NAMES = sql("console.orders", "names")
_IN_FORCE = sql("console.orders", "in_force")
_HISTORY = sql("console.orders", "history")


@dataclass(frozen=True, slots=True)
class InForce:
    """A dispatch whose time is not over, and which nothing sent since has taken the place of."""

    dispatch: str
    mode: Mode
    event_class: EventClass
    level: int | None
    hazard: str | None
    area_name: str
    valid_until: datetime
    people: int | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Each the latest changed first. A correction prepared for an order nobody has to correct is in none of them."""

    to_approve: Sequence[Order]
    counting: Sequence[Order]
    to_look_at: Sequence[Order]
    """Released by one officer alone, and nobody else has looked at them."""
    drafts: Sequence[Order]
    scheduled: Sequence[Order]
    in_force: Sequence[InForce]


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the record. `name` is None where the program itself did it."""

    at: datetime
    name: str | None
    action: str
    details: Mapping[str, Any]


async def waiting(pool: Pool) -> Waiting:
    """As of now."""
    alone = [row["id"] for row in await pool.fetch(_ALONE)]
    submitted = await listed(pool, (State.SUBMITTED,))
    return Waiting(
        to_approve=submitted,
        counting=await listed(pool, (State.COUNTING,)),
        to_look_at=[Order.of(row) for row in await pool.fetch(_LIST, alone, [], len(alone))] if alone else [],
        drafts=[each for each in await listed(pool, (State.DRAFT, State.TAKEN_BACK)) if not put_away(each)],
        scheduled=await listed(pool, (State.APPROVED,)),
        in_force=await in_force(pool),
    )


def put_away(order: Order) -> bool:
    """A correction that was prepared and that nobody has taken up."""
    return order.prepared_for is not None and order.version.number == 1


async def in_force(pool: Pool) -> list[InForce]:
    """The latest first."""
    return [
        InForce(
            row["id"],
            Mode(row["mode"]),
            EventClass(row["class"]),
            row["level"],
            row["hazard"],
            row["area_name"] or "",
            row["valid_until"],
            row["people"],
        )
        for row in await pool.fetch(_IN_FORCE)
    ]


async def names(pool: Pool, officers: Iterable[int | None]) -> dict[int, str]:
    """What officers are called, by number."""
    wanted = sorted({each for each in officers if each is not None})
    return {row["id"]: row["name"] for row in await pool.fetch(_NAMES, wanted)}


async def history(pool: Pool, order: int) -> list[Entry]:
    """What the record says of an order, the latest first."""
    return [
        Entry(row["at"], row["name"], row["action"], json.loads(row["details"]))
        for row in await pool.fetch(_HISTORY, f"order:{order}")
    ]
