"""What stands in a draft before an officer writes: the prepared texts, who gives the order, how long it holds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from console.orders.desk import Desk
from console.orders.templates import Purpose, prepared
from dispatcher.event_fields import CLASS_OF_LEVEL
from dispatcher.event_texts import TEXTS_FOR
from dispatcher.model import Relation, Standing
from words.terms import HAZARDS

VALID = timedelta(hours=6)
_PURPOSES = {Standing.STILL: Purpose.STILL, Standing.RELEASED: Purpose.RELEASED}


async def prepared_texts(desk: Desk, document: Mapping[str, Any]) -> dict[str, Any]:
    """`texts`, and in an update with several audiences the others, for the hazard and level of `document`; empty where
    nothing is prepared for it.
    """
    hazard, level = document.get("hazard"), document.get("level")
    if hazard not in HAZARDS or level not in CLASS_OF_LEVEL:
        return {}
    relation = next(iter(document.get("reference", {})), None)
    wanted = {TEXTS_FOR[Standing.NEW]: _purpose(relation)}
    wanted |= {TEXTS_FOR[each]: purpose for each, purpose in _PURPOSES.items() if relation == Relation.UPDATES}
    async with desk.pool.acquire() as connection:
        return {key: await prepared(connection, hazard, level, purpose) for key, purpose in wanted.items()}


async def is_prepared(desk: Desk, document: Mapping[str, Any]) -> bool:
    """Whether its texts are as they were prepared, or there are none: nobody's words are lost when others take their place."""
    if not document.get("texts"):
        return True
    found = await prepared_texts(desk, document)
    return bool(found) and all(document.get(key) == texts for key, texts in found.items())


def _purpose(relation: str | None) -> Purpose:
    """An update says to those newly inside what an order says."""
    return Purpose(relation) if relation in {Relation.CORRECTS, Relation.LIFTS} else Purpose.ORDER


def usual(desk: Desk, document: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """`document` with what is usual where nothing was written: the mayor, six hours, all channels."""
    until = (now + VALID).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1 if now.minute else 0)
    known = {
        "issuer": f"{desk.town.name}長",
        "valid_until": until.isoformat(timespec="seconds"),
        "channels": list(desk.channels),
    }
    return known | dict(document)
