"""What follows a dispatch: an update, a correction (prepared before the first was sent), a lift. Each is a draft."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from console import audit
from console.accounts import Role, still
from console.orders.book import add, locked, read
from console.orders.desk import Desk
from console.orders.model import Author, Connection, Order, State
from console.orders.templates import Purpose, prepared
from dispatcher.dispatches import unknown_dispatch
from dispatcher.events import Event, Text
from dispatcher.model import EventClass, Relation
from geo.area import Area
from words.problem import Refused
from words.sql import sql

_CORRECTION = sql("console.orders", "correction")
_SENT_EVENT = sql("console.orders", "sent_event")
_ADD_VERSION = sql("console.orders", "add_version")
_REVISE = sql("console.orders", "revise")
_CLOCK = sql("console.orders", "clock")

VALID = timedelta(hours=6)
"""How long what follows holds, where nobody says otherwise."""
_KEPT = ("class", "mode", "hazard", "level", "issuer", "area_name", "topics", "channels", "delivery")
_ALSO_UPDATED = ("area", "shelters", "late_entry")


async def follow(desk: Desk, officer: int, dispatch: str, relation: Relation) -> Order:
    """A draft that updates, corrects or lifts `dispatch`, ready to be looked at. The prepared correction, if it is one.

    Raises Refused: no author, or no such dispatch.
    """
    async with desk.pool.acquire() as connection, connection.transaction():
        event = await sent_event(connection, dispatch)
        await still(connection, officer, *_who(event))
        number = await connection.fetchval(_CORRECTION, dispatch) if relation is Relation.CORRECTS else None
        if number is not None and (existing := await _refreshed(connection, officer, number, dispatch)) is not None:
            return existing
        until = await connection.fetchval(_CLOCK) + VALID
        document = await _document(connection, event, relation, dispatch, until)
        return await read(connection, await add(connection, Author(officer), document))


def _who(event: Event) -> tuple[Role, ...]:
    return (Role.AUTHOR, Role.TOURISM) if event.event_class is EventClass.TOURISM else (Role.AUTHOR,)


async def _refreshed(connection: Connection, officer: int, number: int, dispatch: str) -> Order | None:
    """The prepared correction, from now on for six hours; None when it has been used, or given up, before.

    One that somebody has submitted already stays as it is.
    """
    order = await locked(connection, number)
    if order.state in {State.SUBMITTED, State.COUNTING}:
        return order
    if not order.state.editable:
        return None
    until: datetime = await connection.fetchval(_CLOCK) + VALID
    document = {
        **order.version.document,
        "reference": {Relation.CORRECTS.value: dispatch},
        "valid_until": until.isoformat(timespec="seconds"),
    }
    version = order.version.number + 1
    text = json.dumps(document, ensure_ascii=False)
    await connection.execute(_ADD_VERSION, number, version, text, officer, None)
    await connection.execute(_REVISE, number, version, None)
    details = {"version": version, "corrects": dispatch}
    await audit.record(connection, actor=officer, action="order.revised", subject=f"order:{number}", details=details)
    return await read(connection, number)


async def sent_event(connection: Connection, dispatch: str) -> Event:
    """What was sent. Raises Refused when there is no such dispatch."""
    row = await connection.fetchrow(_SENT_EVENT, dispatch)
    if row is None:
        raise Refused(unknown_dispatch(dispatch))
    return Event.restore(json.loads(row["document"]), Area.from_wkb(row["area"]) if row["area"] is not None else None)


async def correction_document(
    connection: Connection, event: Event, reference: str, until: datetime
) -> Mapping[str, Any]:
    """The correction of an event that is not sent yet; `reference` becomes its dispatch once there is one."""
    return await _document(connection, event, Relation.CORRECTS, reference, until)


async def _document(
    connection: Connection, event: Event, relation: Relation, dispatch: str, until: datetime
) -> dict[str, Any]:
    """An update begins as what it updates, with words for those still inside and those no longer."""
    also = _ALSO_UPDATED if relation is Relation.UPDATES else ()
    # As JSON has it: an event that was just read holds its enumerations' members.
    sent = json.loads(json.dumps(event.document))
    document: dict[str, Any] = {key: sent[key] for key in (*_KEPT, *also) if key in sent}
    if relation is Relation.UPDATES:
        document["texts"] = {language: _written(text) for language, text in event.texts.items()}
    document["reference"] = {relation.value: dispatch}
    document["valid_until"] = until.isoformat(timespec="seconds")
    if event.hazard is None or event.level is None:
        return document
    if relation is Relation.UPDATES:
        for key, purpose in (("texts_still", Purpose.STILL), ("texts_released", Purpose.RELEASED)):
            document[key] = await prepared(connection, event.hazard, event.level, purpose)
    else:
        document["texts"] = await prepared(connection, event.hazard, event.level, Purpose(relation.value))
    return document


def _written(text: Text) -> dict[str, str]:
    """As an event document has it: an SMS without words of its own is left out."""
    return {key: words for key, words in asdict(text).items() if words}
