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
from subscribers.block import People, Places
from subscribers.clock import CLOCK
from subscribers.copying import Ragged, copy_ragged, copy_rows, row_type
from subscribers.lookup import Flags, positions_in
from subscribers.rows import CONTACT_COLUMNS
from subscribers.sealed import Sealed
from subscribers.spots import Spots
from subscribers.writing import Connection
from words.sql import sql

_CLOCK = sql("subscribers", "clock")
_COPY_CONTACTS = sql("subscribers", "copy_contacts")
_COPY_MOVED = sql("subscribers", "copy_moved")
_COPY_PLACES = sql("subscribers", "copy_places")
_COPY_POSITIONS = sql("subscribers", "copy_positions")
_COPY_SOME_CONTACTS = sql("subscribers", "copy_some_contacts")
_COPY_SOME_PLACES = sql("subscribers", "copy_some_places")
_COPY_SOME_POSITIONS = sql("subscribers", "copy_some_positions")
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
_NUMBER = row_type(number="i8")
_SPOT = row_type(subscriber="i8", lon="f8", lat="f8", expires="i8")
_SPOT_COLUMNS = (("lon", np.float64), ("lat", np.float64), ("expires", np.int64))
_PLACE = row_type(number="i8", subscriber="i8", lon="f8", lat="f8", expires="i8")
_CONTACT = row_type(subscriber="i8", lane="i2")
_LANE_NUMBERS = 1 << 15
_NUMBERS_AT_ONCE = 5_000


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
    """What was read: `snapshot` is what it saw, `seen` the numbers read, those of people who have left included.

    `moved` are all of whom the position was read: `spots` has everything that is known of them now.
    """

    snapshot: str
    names: Names
    seen: Longs
    people: People
    places: Places
    moved: Longs
    spots: Spots

    @property
    def changed(self) -> Longs:
        """Everybody of whom anything was read, ascending, each once."""
        return np.union1d(self.seen, self.moved)


async def read_all(pool: Pool) -> Reading:
    """Every subscriber who has not left, as of one moment."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        CLOCK.heard(await connection.fetchval(_CLOCK))
        snapshot = await connection.fetchval(_TAKE_SNAPSHOT, "on")
        names = await _names(connection, Names(), await connection.fetchrow(_LIST_NAMES))
        subscribers = await copy_rows(connection, _COPY_SUBSCRIBERS, names.languages, layout=_SUBSCRIBER)
        contacts = [await copy_ragged(connection, _COPY_CONTACTS, kind, layout=_CONTACT) for kind in names.kinds]
        places = await copy_rows(connection, _COPY_PLACES, layout=_PLACE)
        spots = await copy_rows(connection, _COPY_POSITIONS, layout=_SPOT)
    return await asyncio.to_thread(_reading, snapshot, names, subscribers, contacts, places, [spots])


async def read_changed(pool: Pool, since: str, names: Names) -> Reading | str:
    """Subscribers touched by a transaction that the snapshot `since` could not see; where none is, the new snapshot."""
    look = await pool.fetchrow(_LOOK_FOR_CHANGES, since)
    if look is not None:
        CLOCK.heard(look["clock"])
    if look is None or not look["found"]:
        return str(look["snapshot"]) if look else since
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        snapshot = await connection.fetchval(_TAKE_SNAPSHOT, "off")
        moved = await copy_rows(connection, _COPY_MOVED, since, layout=_SPOT)
        changed = await copy_rows(connection, _LIST_CHANGED, since, layout=_NUMBER)
        parts = _in_parts(changed["number"])
        for part in parts:
            names = await _names(connection, names, await connection.fetchrow(_LIST_SOME_NAMES, part))
        subscribers, contacts, places, spots = await _read_some(connection, parts, names)
    return await asyncio.to_thread(_reading, snapshot, names, subscribers, contacts, places, [moved, spots])


def _in_parts(numbers: NDArray[Any]) -> list[list[int]]:
    """A million numbers in one statement would take the event loop a second to write down."""
    starts = range(0, len(numbers), _NUMBERS_AT_ONCE)
    return [numbers[start : start + _NUMBERS_AT_ONCE].tolist() for start in starts]


async def _read_some(
    connection: Connection, parts: Sequence[list[int]], names: Names
) -> tuple[NDArray[Any], list[Ragged], NDArray[Any], NDArray[Any]]:
    """What is stored of some numbers: themselves, their contacts by kind, places and positions."""
    people, places, spots = [np.empty(0, _SUBSCRIBER)], [np.empty(0, _PLACE)], [np.empty(0, _SPOT)]
    contacts: list[list[Ragged]] = [[] for _ in names.kinds]
    for part in parts:
        people.append(await copy_rows(connection, _COPY_SOME_SUBSCRIBERS, part, names.languages, layout=_SUBSCRIBER))
        places.append(await copy_rows(connection, _COPY_SOME_PLACES, part, layout=_PLACE))
        spots.append(await copy_rows(connection, _COPY_SOME_POSITIONS, part, layout=_SPOT))
        for kind, found in zip(names.kinds, contacts, strict=True):
            found.append(await copy_ragged(connection, _COPY_SOME_CONTACTS, part, kind, layout=_CONTACT))
    joined = [Ragged.joined(found, _CONTACT) for found in contacts]
    return np.concatenate(people), joined, np.concatenate(places), np.concatenate(spots)


def _reading(
    snapshot: str,
    names: Names,
    subscribers: NDArray[Any],
    contacts: Sequence[Ragged],
    places: NDArray[Any],
    spots: Sequence[NDArray[Any]],
) -> Reading:
    """`contacts` are those of each of the names' kinds, in their order. In a thread."""
    people = _people(subscribers[subscribers["left"] == 0], contacts, names)
    seen = _native(subscribers["number"], np.int64)
    standing = _spots(np.concatenate(spots))
    touched = np.union1d(seen, standing.owners) if len(standing.owners) else np.sort(seen)
    return Reading(snapshot, names, seen, people, _places(places), touched, standing)


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
    sealed = Sealed(np.frombuffer(found.values, np.uint8), np.zeros(people, np.int64), np.zeros(people, np.int16))
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


def _spots(rows: NDArray[Any]) -> Spots:
    """Whoever changed in more than one way was read more than once, and the same each time."""
    owners, first = np.unique(_native(rows["subscriber"], np.int64), return_index=True)
    rows = rows[first]
    lons, lats, expires = (_native(rows[name], kind) for name, kind in _SPOT_COLUMNS)
    return Spots(owners, lons, lats, expires, indexed=False)


def _native(column: NDArray[Any], kind: type[Any]) -> NDArray[Any]:
    """Big-endian values from among others, as an array of this machine's."""
    return column.astype(kind)


def _joined(names: tuple[str, ...], more: Iterable[str]) -> tuple[str, ...]:
    return names + tuple(name for name in more if name not in names)
