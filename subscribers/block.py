"""A block of subscribers and their places as columns: sorted arrays, no object a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from dispatcher.audience import Floats, Longs, Shorts
from geo.index import PlaceIndex
from subscribers.sealed import Sealed

Flags = NDArray[np.bool_]
_Column = TypeVar("_Column", bound=np.generic)

NEVER = np.iinfo(np.int64).max
"""When a place expires that does not: PostgreSQL's infinity."""


@dataclass(frozen=True)
class People:
    """Columns by subscriber, in any order: number, topics (a bit each), position of the language's name."""

    numbers: Longs
    topics: Longs
    languages: Shorts
    lanes: Mapping[str, Shorts]
    """By kind of contact: position of the lane's name, -1 without a reachable contact."""
    sealed: Mapping[str, Sealed]
    """By kind of contact: the addresses, as the vault sealed them."""

    def __len__(self) -> int:
        return len(self.numbers)

    def at(self, chosen: Longs | Flags) -> People:
        lanes = {kind: lane[chosen] for kind, lane in self.lanes.items()}
        sealed = {kind: addresses.at(chosen) for kind, addresses in self.sealed.items()}
        return People(self.numbers[chosen], self.topics[chosen], self.languages[chosen], lanes, sealed)

    def lane(self, kind: str) -> Shorts:
        """The lanes of a kind, also of one that nobody here has."""
        found = self.lanes.get(kind)
        return np.full(len(self), -1, np.int16) if found is None else found

    def addresses(self, kind: str) -> Sealed:
        """The sealed addresses of a kind, also of one that nobody here has."""
        return self.sealed.get(kind) or Sealed.none(len(self))

    def __add__(self, other: People) -> People:
        kinds = self.lanes.keys() | other.lanes.keys()
        return People(
            np.concatenate([self.numbers, other.numbers]),
            np.concatenate([self.topics, other.topics]),
            np.concatenate([self.languages, other.languages]),
            {kind: np.concatenate([self.lane(kind), other.lane(kind)]) for kind in kinds},
            {kind: self.addresses(kind) + other.addresses(kind) for kind in kinds},
        )


@dataclass(frozen=True)
class Places:
    """Columns by place, in any order: its number, its subscriber's, degrees, microseconds since 2000 (UTC) it ends."""

    numbers: Longs
    owners: Longs
    lons: Floats
    lats: Floats
    expires: Longs

    def __len__(self) -> int:
        return len(self.numbers)

    def at(self, chosen: Longs | Flags) -> Places:
        return Places(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def __add__(self, other: Places) -> Places:
        names = [field.name for field in fields(self)]
        return Places(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in names))


@dataclass(frozen=True)
class Hits:
    """Rows of a block, each subscriber once, ascending: `people` and `places` are positions; place -1 is none."""

    people: Longs
    places: Longs

    def part(self, start: int, stop: int) -> Hits:
        return Hits(self.people[start:stop], self.places[start:stop])


class Block:
    """People ascending by number, and their places ascending by owner and number. Never changes.

    Places of nobody here are left out. `indexed`: whether the places are many enough for an index.
    """

    def __init__(self, people: People, places: Places, *, indexed: bool) -> None:
        self.people = people.at(np.argsort(people.numbers, kind="stable"))
        owned, owners = positions_in(self.people.numbers, places.owners)
        order = np.lexsort((places.numbers[owned], owners))
        self.places = places.at(np.flatnonzero(owned)[order])
        self._owners = owners[order]
        self._index = PlaceIndex(self.places.lons, self.places.lats) if indexed else None

    def __len__(self) -> int:
        return len(self.people)

    def standing(self, numbers: Longs) -> Flags:
        """Which of the people here are among `numbers`."""
        chosen = np.zeros(len(self.people), np.bool_)
        chosen[positions_in(self.people.numbers, numbers)[1]] = True
        return chosen

    def without(self, numbers: Longs) -> tuple[People, Places]:
        """The columns without those of some subscribers."""
        kept = ~self.standing(numbers)
        return self.people.at(kept), self.places.at(kept[self._owners])

    def only(self, numbers: Longs) -> Block:
        """A small block of some subscribers."""
        kept = self.standing(numbers)
        return Block(self.people.at(kept), self.places.at(kept[self._owners]), indexed=False)

    def inside(self, geometry: BaseGeometry, *, now: int) -> Hits:
        """Who has a place in the geometry, its edge included, that has not expired `now`; their lowest such place."""
        places = self._within(geometry)
        places = places[self.places.expires[places] > now]
        owners = self._owners[places]
        first = np.append(True, owners[1:] != owners[:-1])[: len(owners)]
        return Hits(owners[first], places[first])

    def among(self, numbers: Longs, *, now: int) -> Hits:
        """Those of `numbers` (ascending, each once) who are here, with their lowest place that has not expired."""
        _, people = positions_in(self.people.numbers, numbers)
        return Hits(people, self._first_place(people, now))

    def sealed(self, kind: str, numbers: Longs, *, without: Flags | None = None) -> list[bytes]:
        """The sealed address of each of `numbers`, empty for who is not here, has none, or is one of the people `without`."""
        here, people = positions_in(self.people.numbers, numbers)
        if without is not None and without[people].any():
            here[here] = ~without[people]
            people = people[~without[people]]
        rows = self.people.addresses(kind).rows(people)
        if len(rows) == len(numbers):
            return rows
        found = dict(zip(np.flatnonzero(here).tolist(), rows, strict=True))
        return [found.get(position, b"") for position in range(len(numbers))]

    def _within(self, geometry: BaseGeometry) -> Longs:
        if self._index is not None:
            return self._index.within(geometry)
        return np.flatnonzero(shapely.intersects_xy(geometry, self.places.lons, self.places.lats))

    def _first_place(self, people: Longs, now: int) -> Longs:
        place, stop = self._starts[people], self._starts[people + 1]
        while True:
            left = np.flatnonzero(place < stop)
            expired = left[self.places.expires[place[left]] <= now]
            if not len(expired):
                return np.where(place < stop, place, -1)
            place[expired] += 1

    @cached_property
    def _starts(self) -> Longs:
        """Where the places of each of the people begin; one more at the end."""
        return np.searchsorted(self._owners, np.arange(len(self.people) + 1))


def positions_in(ascending: Longs, wanted: Longs) -> tuple[Flags, Longs]:
    """Which of `wanted` stand in `ascending`, and the positions of those that do."""
    positions = np.searchsorted(ascending, wanted)
    found = positions < len(ascending)
    found[found] = ascending[positions[found]] == wanted[found]
    return found, positions[found]


def taken(column: NDArray[_Column], positions: Longs, missing: float) -> NDArray[_Column]:
    """`column[positions]`, with `missing` where the position is -1."""
    values = np.full(len(positions), missing, column.dtype)
    here = positions >= 0
    values[here] = column[positions[here]]
    return values


def no_people() -> People:
    return People(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int16), {}, {})


def no_places() -> Places:
    empty = np.empty(0, np.int64)
    return Places(empty, empty, np.empty(0), np.empty(0), empty)
