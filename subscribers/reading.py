"""Reading subscribers from PostgreSQL into columns: all of them, or those changed since a snapshot."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from asyncpg import Pool, Record
from numpy.typing import NDArray

from dispatcher.audience import Longs
from subscribers.block import Flags, People, Places, positions_in
from subscribers.copying import Ragged, copy_ragged, copy_rows, row_type
from subscribers.rows import CONTACT_COLUMNS
from subscribers.sealed import Sealed
from subscribers.writing import Connection
from words.sql import sql

_COPY_CONTACTS = sql("subscribers", "copy_contacts")
_COPY_PLACES = sql("subscribers", "copy_places")
_COPY_SOME_CONTACTS = sql("subscribers", "copy_some_contacts")
_COPY_SOME_PLACES = sql("subscribers", "copy_some_places")
_COPY_SOME_SUBSCRIBERS = sql("subscribers", "copy_some_subscribers")
_COPY_SUBSCRIBERS = sql("subscribers", "copy_subscribers")
_LIST_CHANGED = sql("subscribers", "list_changed")
_LIST_LANES = sql("subscribers", "list_lanes")
_LIST_NAMES = sql("subscribers", "list_names")
_LIST_SOME_NAMES = sql("subscribers", "list_some_names")
_LIST_TOPICS = sql("subscribers", "list_topics")
_LOOK_FOR_CHANGES = sql("subscribers", "look_for_changes")
_TAKE_SNAPSHOT = sql("subscribers", "take_snapshot")

_SUBSCRIBER = row_type(number="i8", topics="i8", language="i2", left="i1")
_PLACE = row_type(number="i8", subscriber="i8", lon="f8", lat="f8", expires="i8")
_CONTACT = row_type(subscriber="i8", lane="i2")
_LANE_NUMBERS = 1 << 15


@dataclass(frozen=True, slots=True)
class Names:
    """What positions in the columns mean. Names are only ever added, so that a position keeps its meaning."""

    languages: tuple[str, ...] = ()
    kinds: tuple[str, ...] = tuple(CONTACT_COLUMNS)
    lanes: tuple[str, ...] = ()
    lane_numbers: tuple[int, ...] = ()
    topics: tuple[tuple[str, int], ...] = ()

    def with_also(self, languages: Iterable[str], kinds: Iterable[str]) -> Names:
        return replace(self, languages=_joined(self.languages, languages), kinds=_joined(self.kinds, kinds))

    def with_lanes(self, lanes: Sequence[tuple[str, int]]) -> Names:
        new = [(name, number) for name, number in lanes if number not in self.lane_numbers]
        return replace(
            self,
            lanes=self.lanes + tuple(name for name, _ in new),
            lane_numbers=self.lane_numbers + tuple(number for _, number in new),
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read: `snapshot` is what it saw, `seen` the numbers read, those of people who have left included."""

    snapshot: str
    names: Names
    seen: Longs
    people: People
    places: Places


async def read_all(pool: Pool) -> Reading:
    """Every subscriber who has not left, as of one moment."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        names = await _names(connection, Names(), await connection.fetchrow(_LIST_NAMES))
        return await _reading(
            await connection.fetchval(_TAKE_SNAPSHOT),
            names,
            await copy_rows(connection, _COPY_SUBSCRIBERS, names.languages, layout=_SUBSCRIBER),
            [await copy_ragged(connection, _COPY_CONTACTS, kind, layout=_CONTACT) for kind in names.kinds],
            await copy_rows(connection, _COPY_PLACES, layout=_PLACE),
        )


async def read_changed(pool: Pool, since: str, names: Names) -> Reading | str:
    """Subscribers touched by a transaction that the snapshot `since` could not see; where none is, the new snapshot."""
    look = await pool.fetchrow(_LOOK_FOR_CHANGES, since)
    if look is None or not look["found"]:
        return str(look["snapshot"]) if look else since
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        changed = [row["number"] for row in await connection.fetch(_LIST_CHANGED, since)]
        names = await _names(connection, names, await connection.fetchrow(_LIST_SOME_NAMES, changed))
        return await _reading(
            await connection.fetchval(_TAKE_SNAPSHOT),
            names,
            await copy_rows(connection, _COPY_SOME_SUBSCRIBERS, changed, names.languages, layout=_SUBSCRIBER),
            [
                await copy_ragged(connection, _COPY_SOME_CONTACTS, changed, kind, layout=_CONTACT)
                for kind in names.kinds
            ],
            await copy_rows(connection, _COPY_SOME_PLACES, changed, layout=_PLACE),
        )


async def _reading(
    snapshot: str, names: Names, subscribers: NDArray[Any], contacts: Sequence[Ragged], places: NDArray[Any]
) -> Reading:
    """`contacts` are those of each of the names' kinds, in their order."""
    people = await asyncio.to_thread(_people, subscribers[subscribers["left"] == 0], contacts, names)
    return Reading(snapshot, names, _native(subscribers["number"], np.int64), people, _places(places))


async def _names(connection: Connection, names: Names, found: Record | None) -> Names:
    lanes = [(row["name"], row["number"]) for row in await connection.fetch(_LIST_LANES)]
    topics = tuple((row["name"], row["number"]) for row in await connection.fetch(_LIST_TOPICS))
    more = names.with_lanes(lanes)
    if found is not None:
        more = more.with_also(sorted(found["languages"]), sorted(found["kinds"]))
    return replace(more, topics=topics)


def _people(subscribers: NDArray[Any], contacts: Sequence[Ragged], names: Names) -> People:
    subscribers = subscribers[np.argsort(subscribers["number"], kind="stable")]
    numbers = _native(subscribers["number"], np.int64)
    lane_positions = np.full(_LANE_NUMBERS, -1, np.int16)
    lane_positions[list(names.lane_numbers)] = np.arange(len(names.lane_numbers))
    lanes, sealed = {}, {}
    for kind, found in zip(names.kinds, contacts, strict=True):
        owned, owners = positions_in(numbers, _native(found.rows["subscriber"], np.int64))
        lanes[kind] = np.full(len(numbers), -1, np.int16)
        lanes[kind][owners] = lane_positions[found.rows["lane"][owned]]
        sealed[kind] = _sealed(found, owned, owners, len(numbers))
    topics, languages = _native(subscribers["topics"], np.int64), _native(subscribers["language"], np.int16)
    return People(numbers, topics, languages, lanes, sealed)


def _sealed(found: Ragged, owned: Flags, owners: Longs, people: int) -> Sealed:
    """The addresses of `owners`, rows among so many people, who own what is `owned` of `found`."""
    sealed = Sealed(found.values, np.zeros(people, np.int64), np.zeros(people, np.int16))
    sealed.starts[owners] = (np.cumsum(found.sizes) - found.sizes)[owned]
    sealed.sizes[owners] = found.sizes[owned]
    return sealed


def _places(places: NDArray[Any]) -> Places:
    return Places(
        _native(places["number"], np.int64),
        _native(places["subscriber"], np.int64),
        _native(places["lon"], np.float64),
        _native(places["lat"], np.float64),
        _native(places["expires"], np.int64),
    )


def _native(column: NDArray[Any], kind: type[Any]) -> NDArray[Any]:
    """Big-endian values from among others, as an array of this machine's."""
    return column.astype(kind)


def _joined(names: tuple[str, ...], more: Iterable[str]) -> tuple[str, ...]:
    return names + tuple(name for name in more if name not in names)
