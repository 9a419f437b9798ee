"""From a draft to exactly what would be sent, and the hash an approval is bound to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from console.orders import problems
from console.orders.desk import Desk
from console.orders.model import Connection, Order
from dispatcher.digest import digest
from dispatcher.events import Event
from geo.area import Area
from words.problem import Refused
from words.sql import sql

_SUBMITTED = sql("console.orders", "submitted")


async def event_of(desk: Desk, order: Order) -> Event:
    """What the present version says, the same each time it is asked: times left out count from when it was written.

    Raises Refused with every problem of the document, or of its texts.
    """
    return await desk.reader.read(named(order), now=order.start_at or order.version.at)


def named(order: Order) -> Mapping[str, Any]:
    """Under a name of its own, so that no other order is taken for it."""
    return {"id": f"order-{order.id}-{order.version.number}", **order.version.document}


def content_hash(event: Event, start_at: datetime | None) -> str:
    """Of everything that decides who gets which words until when; for a scheduled drill also when it begins."""
    if start_at is None:
        return event.digest
    return digest({"event": event.digest, "start_at": start_at.timestamp()})


async def submitted_event(connection: Connection, order: int, hash_: str, start_at: datetime | None) -> Event:
    """What was submitted, as it was stored. Raises Refused when that is not what `hash_` is of."""
    row = await connection.fetchrow(_SUBMITTED, order)
    if row is None:
        raise Refused(problems.content_changed())
    area = Area.from_wkb(row["area"]) if row["area"] is not None else None
    event = Event.restore(json.loads(row["event"]), area)
    if content_hash(event, start_at) != hash_:
        raise Refused(problems.content_changed())
    return event
