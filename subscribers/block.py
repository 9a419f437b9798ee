"""A block of subscribers and the places they have named, as columns: sorted arrays, no object a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Self, TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from dispatcher.audience import Floats, Longs, Shorts
from geo.index import PlaceIndex
from geo.shelters import ShelterBoard
from subscribers.clock import grace
from subscribers.lookup import Flags, Lookup, positions_in
from subscribers.nearby import Nearby
from subscribers.sealed import Sealed

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

    @classmethod
    def joined(cls, parts: Sequence[People]) -> People:
        """One after the other."""
        kinds = list(dict.fromkeys(kind for part in parts for kind in part.lanes))
        return cls(
            np.concatenate([np.empty(0, np.int64), *(part.numbers for part in parts)]),
            np.concatenate([np.empty(0, np.int64), *(part.topics for part in parts)]),
            np.concatenate([np.empty(0, np.int16), *(part.languages for part in parts)]),
            {kind: np.concatenate([part.lane(kind) for part in parts]) for kind in kinds},
            {kind: Sealed.joined([part.addresses(kind) for part in parts]) for kind in kinds},
        )

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

    def codes(self, kinds: Sequence[str]) -> NDArray[np.int32]:
        """Language and reachability of each in one number: the language's position, then a bit for each of `kinds`."""
        codes = self.languages.astype(np.int32) << len(kinds)
        for bit, kind in enumerate(kinds):
            codes |= (self.lane(kind) >= 0).astype(np.int32) << bit
        return codes


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

    @classmethod
    def joined(cls, parts: Sequence[Places]) -> Places:
        """One after the other."""
        names = [field.name for field in fields(cls)]
        return cls(*(np.concatenate([getattr(part, name) for part in (no_places(), *parts)]) for name in names))

    def at(self, chosen: Longs | Flags) -> Places:
        return Places(*(getattr(self, field.name)[chosen] for field in fields(self)))


@dataclass(frozen=True)
class Hits:
    """Rows of a block, each subscriber once, ascending: `people` and `places` are positions; place -1 is none."""

    people: Longs
    places: Longs

    def at(self, chosen: Flags | slice) -> Hits:
        return Hits(self.people[chosen], self.places[chosen])


class Block:
    """People ascending by number, and their places ascending by owner and number (`subscribers.levels.Part`).

    Places of nobody here are left out. `indexed`: whether the places are many enough for an index.
    """

    def __init__(self, people: People, places: Places, *, indexed: bool) -> None:
        self.people = people.at(np.argsort(people.numbers, kind="stable"))
        owned, owners = positions_in(self.people.numbers, places.owners)
        order = np.lexsort((places.numbers[owned], owners))
        self.places = places.at(np.flatnonzero(owned)[order])
        self._owners = owners[order]
        self._lookup = Lookup(self.people.numbers)
        self._soonest = int(self.places.expires.min()) if len(self.places) else NEVER
        self._index = PlaceIndex(self.places.lons, self.places.lats) if indexed else None
        self.nearby = Nearby(self.places.lons, self.places.lats)
        self._codes: dict[tuple[str, ...], NDArray[np.int32]] = {}

    @classmethod
    def joined(cls, parts: Sequence[tuple[Block, Flags | None]], *, indexed: bool) -> Self:
        """See `Part`. Places that ended long ago are left out."""
        long_ago = grace()
        people = People.joined([part.people if kept is None else part.people.at(kept) for part, kept in parts])
        places = Places.joined([part.kept_places(kept, long_ago) for part, kept in parts])
        return cls(people, places, indexed=indexed)

    def __len__(self) -> int:
        return len(self.people)

    def find(self, subscribers: Longs) -> tuple[Flags, Longs]:
        """Which of these are here, and the rows of those."""
        return self._lookup.find(subscribers)

    def rows(self, subscribers: Longs) -> Longs:
        """See `Part`."""
        return self.find(subscribers)[1]

    def inside(self, geometry: BaseGeometry, *, now: int) -> Hits:
        """Who has a place in the geometry, its edge included, that has not expired `now`; their lowest such place."""
        places, owners, first = self.hit(geometry, now=now)
        return Hits(owners, places) if first.all() else Hits(owners[first], places[first])

    def among(self, subscribers: Longs, *, now: int) -> Hits:
        """Those of `subscribers` (ascending, each once) who are here, with their lowest place that has not expired."""
        people = self.rows(subscribers)
        return Hits(people, self._first_place(people, now))

    def kept_places(self, people: Flags | None, long_ago: int) -> Places:
        """The places of some of the people, but for those that ended `long_ago`."""
        places = None if people is None else people[self._owners]
        if self._soonest <= long_ago:
            lasting = self.places.expires > long_ago
            places = lasting if places is None else places & lasting
        return self.places if places is None else self.places.at(places)

    def hit(self, geometry: BaseGeometry, *, now: int) -> tuple[Longs, Longs, Flags]:
        """The same as `inside`, for counting: every place that was hit, its owner's row, and whether it is their first.

        Whoever counts can skip a row for less than it takes to leave it out.
        """
        places = self._within(geometry)
        if self._soonest <= now:
            places = places[self.places.expires[places] > now]
        owners = self._owners[places]
        first = np.ones(len(owners), np.bool_)
        np.not_equal(owners[1:], owners[:-1], out=first[1:])
        return places, owners, first

    def places_of(self, people: Longs, *, now: int) -> Places:
        """All places of some people (rows) that have not expired."""
        first, counts = self._starts[people], self._starts[people + 1] - self._starts[people]
        ends = np.cumsum(counts)
        rows = np.repeat(first - (ends - counts), counts) + np.arange(int(counts.sum()))
        return self.places.at(rows[self.places.expires[rows] > now])

    def codes(self, kinds: tuple[str, ...]) -> NDArray[np.int32]:
        """`People.codes`, made once."""
        found = self._codes.get(kinds)
        if found is None:
            found = self._codes[kinds] = self.people.codes(kinds)
        return found

    def prepare_like(self, other: Self) -> None:
        """See `Part`."""
        self.nearby.prepare_like(other.nearby)

    def nearest(self, board: ShelterBoard, places: Longs) -> NDArray[np.int32]:
        """For each of `places` (rows) the nearest shelter's row."""
        return self.nearby.nearest(board, places)

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
