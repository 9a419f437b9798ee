"""What is stored of some subscribers already."""

from __future__ import annotations

from collections.abc import Collection

from subscribers.gathering import Known
from subscribers.writing import Connection
from words.sql import sql

_LIST_KNOWN = sql("subscribers", "list_known")
_LIST_KNOWN_CONTACTS = sql("subscribers", "list_known_contacts")
_LIST_KNOWN_PLACES = sql("subscribers", "list_known_places")
_LIST_LINE_HOLDERS = sql("subscribers", "list_line_holders")


async def list_known(connection: Connection, ids: Collection[str]) -> dict[str, Known]:
    """Those of `ids` that exist, each with contacts and places."""
    people = {
        row["id"]: Known(row["number"], row["language"], row["topics"], row["has_left"])
        for row in await connection.fetch(_LIST_KNOWN, list(ids))
    }
    by_number = {known.number: known for known in people.values()}
    for subscriber, kind, lookup in await connection.fetch(_LIST_KNOWN_CONTACTS, list(by_number)):
        by_number[subscriber].contacts[kind] = lookup
    for subscriber, name, lon, lat, temporary in await connection.fetch(_LIST_KNOWN_PLACES, list(by_number)):
        by_number[subscriber].places[name] = None if temporary else (lon, lat)
    return people


async def list_line_holders(connection: Connection, lookups: Collection[bytes]) -> dict[bytes, str]:
    """Which subscriber id has which of these LINE ids open."""
    rows = await connection.fetch(_LIST_LINE_HOLDERS, list(lookups))
    return {row["lookup"]: row["id"] for row in rows}
