"""One moment of the audience: what every question is answered from, so that no answer mixes two moments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from shapely.geometry.base import BaseGeometry

from dispatcher.audience import Floats, Longs, Match, Tally, Whereabouts
from geo.shelters import ShelterBoard
from subscribers.block import Block, Hits, Places, taken
from subscribers.levels import Level, Levels
from subscribers.lookup import Flags
from subscribers.reading import Names, Reading
from subscribers.spots import Spots
from subscribers.tallying import Counting, alive, who_lives_in
from subscribers.topics import topic_name


@dataclass(frozen=True, slots=True)
class _Here:
    """People who are in an area now, wherever they live: their numbers, and where."""

    owners: Longs
    lons: Floats
    lats: Floats


@dataclass(frozen=True, slots=True)
class Found:
    """Some of a block's people who were hit: in a place of theirs, or (`spots` >= 0) by where they are now."""

    block: Block
    hits: Hits
    spots: Longs
    here: _Here

    def __len__(self) -> int:
        return len(self.hits.people)

    def at(self, chosen: Flags | slice) -> Found:
        return replace(self, hits=self.hits.at(chosen), spots=self.spots[chosen])

    def columns(self, names: Names) -> Match:
        people, places, here = self.block.people, self.block.places, self.spots >= 0
        rows, spots = self.hits.people, self.spots[here]
        numbers = taken(places.numbers, self.hits.places, 0)
        lons, lats = taken(places.lons, self.hits.places, np.nan), taken(places.lats, self.hits.places, np.nan)
        numbers[here], lons[here], lats[here] = -self.here.owners[spots], self.here.lons[spots], self.here.lats[spots]
        return Match(
            subscribers=people.numbers[rows],
            places=numbers,
            lons=lons,
            lats=lats,
            languages=people.languages[rows],
            language_names=names.languages,
            lanes={kind: people.lane(kind)[rows] for kind in names.kinds},
            lane_names=names.lanes,
        )


@dataclass(frozen=True)
class Moment:
    """`homes`: people and the places they named. `spots`: where some of them are now, also of people not in `homes`."""

    names: Names
    homes: Levels[Block]
    spots: Levels[Spots]

    def __len__(self) -> int:
        return len(self.homes)

    def after(self, reading: Reading) -> Moment:
        homes = self.homes
        if len(reading.seen):
            homes = homes.after(reading.seen, Block(reading.people, reading.places, indexed=False))
        return Moment(reading.names, homes, self.spots.after(reading.moved, reading.spots))

    def match(self, geometry: BaseGeometry, topics: Sequence[str], *, now: int) -> Match:
        return self.together(self.found(geometry, topics, now=now))

    def found(self, geometry: BaseGeometry, topics: Sequence[str], *, now: int) -> list[Found]:
        """By level, each person once."""
        here = self._here(geometry, now)
        found = [_met(level, level.part.inside(geometry, now=now), here) for level in self.homes]
        return self._fond_of(found, topics)

    def among(self, subscribers: Longs, topics: Sequence[str], *, now: int) -> Match:
        """Those of `subscribers` (ascending, each once) who are there, wherever that is."""
        here = self._spots_of(subscribers, now)
        found = [_met(level, level.part.among(subscribers, now=now), here) for level in self.homes]
        return self.together(self._fond_of(found, topics))

    def whereabouts(self, subscribers: Longs, *, now: int) -> Whereabouts:
        """All places of those of `subscribers` (ascending, each once) who are there."""
        homes = [(level.part, *who_lives_in(level, subscribers)) for level in self.homes]
        named = Places.joined([part.places_of(rows, now=now) for part, _, rows in homes])
        here = self._spots_of(subscribers[np.any([found for _, found, _ in homes], axis=0)], now)
        owners, numbers = np.concatenate([named.owners, here.owners]), np.concatenate([named.numbers, -here.owners])
        order = np.lexsort((numbers, owners))
        lons, lats = np.concatenate([named.lons, here.lons]), np.concatenate([named.lats, here.lats])
        return Whereabouts(owners[order], numbers[order], lons[order], lats[order])

    def together(self, found: Sequence[Found]) -> Match:
        """Ascending by subscriber."""
        some = [each for each in found if len(each)] or found[:1]
        return _ascending([each.columns(self.names) for each in some])

    def sealed(self, kind: str, subscribers: Longs) -> list[bytes]:
        """The sealed address of each, empty for whoever has none of that kind."""
        found: list[bytes] = []
        for level in self.homes:
            here, rows = level.part.find(subscribers)
            living = level.living(rows)
            if living is not None:
                here[here] = living
                rows = rows[living]
            addresses = level.part.people.addresses(kind).rows(rows)
            if len(addresses) == len(subscribers):
                return addresses
            found = found or [b""] * len(subscribers)
            for at, address in zip(np.flatnonzero(here).tolist(), addresses, strict=True):
                found[at] = address
        return found

    def tally(
        self, geometry: BaseGeometry, kinds: tuple[str, ...], board: ShelterBoard, topics: Sequence[str], *, now: int
    ) -> Tally:
        """See `dispatcher.audience.Counted`."""
        counting = Counting(kinds, self.names.languages, board, self._bits(topics))
        owners, nearest = counting.here(self.spots, geometry, now=now)
        for level in self.homes:
            if len(level.part):
                elsewhere = counting.add(level, geometry, owners, nearest, now=now)
                owners, nearest = owners[elsewhere], nearest[elsewhere]
        return counting.tally()

    def _here(self, geometry: BaseGeometry, now: int) -> _Here:
        found = [(level, level.part.inside(geometry, now=now)) for level in self.spots]
        return _standing([(level.part, alive(level, rows)) for level, rows in found])

    def _spots_of(self, subscribers: Longs, now: int) -> _Here:
        found = [(level, alive(level, level.part.rows(subscribers))) for level in self.spots]
        return _standing([(level.part, rows[level.part.expires[rows] > now]) for level, rows in found])

    def _bits(self, topics: Sequence[str]) -> int:
        """One for each of the topics that anybody has."""
        numbers = dict(self.names.topics)
        return sum(1 << numbers[name] for name in {topic_name(topic) for topic in topics} if name in numbers)

    def _fond_of(self, found: list[Found], topics: Sequence[str]) -> list[Found]:
        if not topics:
            return found
        mask = self._bits(topics)
        return [each.at((each.block.people.topics[each.hits.people] & mask) != 0) for each in found]


def portions(moment: Moment, found: Sequence[Found], sizes: Iterator[int]) -> Iterator[Match]:
    """The same people in portions of these sizes; at least one, be it empty."""
    size, part = next(sizes), list[Found]()
    given = False
    for each in found:
        begin = 0
        while begin < len(each):
            end = min(begin + size - sum(map(len, part)), len(each))
            part.append(each.at(slice(begin, end)))
            begin = end
            if sum(map(len, part)) == size:
                yield moment.together(part)
                size, part, given = next(sizes), [], True
    if part or not given:
        yield moment.together(part or found)


def _standing(parts: Sequence[tuple[Spots, Longs]]) -> _Here:
    some = [(part, rows) for part, rows in parts if len(rows)]
    return _Here(
        np.concatenate([np.empty(0, np.int64), *(part.owners[rows] for part, rows in some)]),
        np.concatenate([np.empty(0), *(part.lons[rows] for part, rows in some)]),
        np.concatenate([np.empty(0), *(part.lats[rows] for part, rows in some)]),
    )


def _living(level: Level[Block], hits: Hits) -> Hits:
    living = level.living(hits.people)
    return hits if living is None else hits.at(living)


def _met(level: Level[Block], hits: Hits, here: _Here) -> Found:
    """Whoever is here and also has a place here counts as being here: the way is told from there."""
    hits = _living(level, hits)
    living, rows = who_lives_in(level, here.owners)
    if not len(rows):
        return Found(level.part, hits, np.full(len(hits.people), -1), here)
    people = np.union1d(hits.people, rows)
    found = Hits(people, np.full(len(people), -1)), np.full(len(people), -1)
    found[0].places[np.searchsorted(people, hits.people)] = hits.places
    found[1][np.searchsorted(people, rows)] = np.flatnonzero(living)
    return Found(level.part, *found, here)


def _ascending(parts: Sequence[Match]) -> Match:
    first = parts[0]
    if len(parts) == 1:
        return first
    subscribers = np.concatenate([part.subscribers for part in parts])
    order = np.argsort(subscribers, kind="stable")
    return replace(
        first,
        subscribers=subscribers[order],
        places=np.concatenate([part.places for part in parts])[order],
        lons=np.concatenate([part.lons for part in parts])[order],
        lats=np.concatenate([part.lats for part in parts])[order],
        languages=np.concatenate([part.languages for part in parts])[order],
        lanes={kind: np.concatenate([part.lanes[kind] for part in parts])[order] for kind in first.lanes},
    )
