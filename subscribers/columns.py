"""The audience in memory (`dispatcher.audience.Audience`): a large indexed block, a small one of what changed since."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import structlog
from asyncpg import Pool

from dispatcher.audience import Longs, Match
from geo.area import Area
from subscribers.block import Block, Flags, Hits, no_people, no_places, taken
from subscribers.reading import Names, Reading, read_all, read_changed
from subscribers.topics import topic_name

log = structlog.get_logger(__name__)

SMALLEST_REBUILD, LARGEST_TAIL, TAIL_SHARE = 1_000, 50_000, 0.05
"""The tail is tested place by place: at 50,000 that takes about as long as asking the index."""

FIRST_PORTION, GROWTH, SMALL_AUDIENCE = 4_000, 6, 40_000
"""People matched before all others are, how portions grow after that, and audiences that are matched whole."""

_YEAR_2000 = 946_684_800_000_000
"""PostgreSQL's timestamps count from 2000-01-01 UTC, in microseconds."""


@dataclass(frozen=True)
class _State:
    """One moment's columns. Replaced whole, so that a match in another thread sees one moment only."""

    names: Names
    base: Block
    dead: Flags
    """Which of the base's people have left or stand in the tail."""
    tail: Block

    def after(self, reading: Reading) -> _State:
        people, places = self.tail.without(reading.seen)
        tail = Block(people + reading.people, places + reading.places, indexed=False)
        return _State(reading.names, self.base, self.dead | self.base.standing(reading.seen), tail)

    def rebuilt(self) -> Block:
        people, places = self.base.without(self.base.people.numbers[self.dead])
        return Block(people + self.tail.people, places + self.tail.places, indexed=True)

    def onto(self, base: Block, changed: Longs) -> _State:
        """This moment on a base rebuilt from an earlier one, after which `changed` were read."""
        return _State(self.names, base, base.standing(changed), self.tail.only(changed))

    @property
    def tail_is_long(self) -> bool:
        return len(self.tail) > max(SMALLEST_REBUILD, min(LARGEST_TAIL, TAIL_SHARE * len(self.base)))


class Columns:
    """All subscribers who have not left, as of the last `catch_up`. Made by `open_audience`."""

    def __init__(self, pool: Pool, reading: Reading, base: Block) -> None:
        self._pool = pool
        self._snapshot = reading.snapshot
        tail = Block(no_people(), no_places(), indexed=False)
        self._state = _State(reading.names, base, np.zeros(len(base), np.bool_), tail)
        self._reading = asyncio.Lock()
        self._rebuilding: asyncio.Task[None] | None = None
        self._changed_since: list[Longs] = []
        """What was read while a rebuild works on an earlier state."""

    def __len__(self) -> int:
        """How many subscribers there are."""
        return len(self._state.base) - int(self._state.dead.sum()) + len(self._state.tail)

    async def catch_up(self) -> None:
        """See the protocol: what was committed before the call is in every later answer."""
        async with self._reading:
            reading = await read_changed(self._pool, self._snapshot, self._state.names)
            if isinstance(reading, str):
                self._snapshot = reading
                return
            self._state = self._state.after(reading)
            self._snapshot = reading.snapshot
            self._rebuild_if_long(reading.seen)

    def match(self, area: Area, *, topics: Sequence[str] = ()) -> Match:
        """See the protocol."""
        state, now = self._state, _now()
        hits = (state.base.inside(area.geometry, now=now), state.tail.inside(area.geometry, now=now))
        return _match(state, hits, topics)

    def portions(self, area: Area, *, topics: Sequence[str] = ()) -> Iterator[Match]:
        """See the protocol. A small audience is one portion: cut in two it would only make more batches."""
        state, now = self._state, _now()
        inside = state.base.inside(area.geometry, now=now)
        tail = state.tail.inside(area.geometry, now=now)
        begin, size, everybody = 0, FIRST_PORTION, len(inside.people)
        if everybody <= SMALL_AUDIENCE:
            size = everybody
        while begin < everybody or begin == 0:
            end = min(begin + max(size, 1), everybody)
            yield _match(state, (inside.part(begin, end), tail), topics)
            if end == everybody:
                return
            begin, size, tail = end, size * GROWTH, Hits(np.empty(0, np.int64), np.empty(0, np.int64))

    async def among(self, subscribers: Longs, *, topics: Sequence[str] = ()) -> Match:
        """See the protocol; whoever has left or never was is left out."""
        state, now, numbers = self._state, _now(), np.unique(subscribers)
        return _match(state, (state.base.among(numbers, now=now), state.tail.among(numbers, now=now)), topics)

    def sealed(self, kind: str, subscribers: Longs) -> list[bytes]:
        """The sealed address of each, empty for whoever has no reachable contact of that kind."""
        state = self._state
        found = state.base.sealed(kind, subscribers, without=state.dead)
        if b"" in found and len(state.tail):
            changed = state.tail.sealed(kind, subscribers)
            found = [new or old for old, new in zip(found, changed, strict=True)]
        return found

    async def settle(self) -> None:
        """Wait for a rebuild under way, if any: before stopping."""
        if self._rebuilding is not None:
            await asyncio.wait([self._rebuilding])

    def _rebuild_if_long(self, changed: Longs) -> None:
        if self._rebuilding is not None and not self._rebuilding.done():
            self._changed_since.append(changed)
        elif self._state.tail_is_long:
            self._changed_since = [np.empty(0, np.int64)]
            self._rebuilding = asyncio.create_task(self._rebuild(self._state), name="audience rebuild")
            self._rebuilding.add_done_callback(_log_failure)

    async def _rebuild(self, state: _State) -> None:
        base = await asyncio.to_thread(state.rebuilt)
        async with self._reading:
            self._state = self._state.onto(base, np.concatenate(self._changed_since))
        log.info("audience_rebuilt", subscribers=len(base), tail=len(self._state.tail))


async def open_audience(pool: Pool) -> Columns:
    """Load every subscriber: about 100 bytes each, with their places."""
    reading = await read_all(pool)
    base = await asyncio.to_thread(Block, reading.people, reading.places, indexed=True)
    return Columns(pool, replace(reading, people=no_people(), places=no_places()), base)


def _now() -> int:
    return time.time_ns() // 1_000 - _YEAR_2000


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("audience_rebuild_failed", exc_info=error)


def _match(state: _State, hits: tuple[Hits, Hits], topics: Sequence[str]) -> Match:
    living = _chosen(hits[0], ~state.dead[hits[0].people])
    parts = [(state.base, living), (state.tail, hits[1])]
    if topics:
        mask = _mask(state.names, topics)
        parts = [(block, _chosen(found, (block.people.topics[found.people] & mask) != 0)) for block, found in parts]
    return _ascending([_columns(state.names, block, found) for block, found in parts])


def _chosen(hits: Hits, which: Flags) -> Hits:
    return Hits(hits.people[which], hits.places[which])


def _mask(names: Names, topics: Sequence[str]) -> int:
    numbers = dict(names.topics)
    return sum(1 << numbers[name] for name in {topic_name(topic) for topic in topics} if name in numbers)


def _columns(names: Names, block: Block, hits: Hits) -> Match:
    people = block.people
    return Match(
        subscribers=people.numbers[hits.people],
        places=taken(block.places.numbers, hits.places, 0),
        lons=taken(block.places.lons, hits.places, np.nan),
        lats=taken(block.places.lats, hits.places, np.nan),
        languages=people.languages[hits.people],
        language_names=names.languages,
        lanes={kind: people.lane(kind)[hits.people] for kind in names.kinds},
        lane_names=names.lanes,
    )


def _ascending(parts: Sequence[Match]) -> Match:
    first, second = parts
    if not len(second):
        return first
    order = np.argsort(np.concatenate([first.subscribers, second.subscribers]), kind="stable")
    return replace(
        first,
        subscribers=np.concatenate([first.subscribers, second.subscribers])[order],
        places=np.concatenate([first.places, second.places])[order],
        lons=np.concatenate([first.lons, second.lons])[order],
        lats=np.concatenate([first.lats, second.lats])[order],
        languages=np.concatenate([first.languages, second.languages])[order],
        lanes={kind: np.concatenate([lane, second.lanes[kind]])[order] for kind, lane in first.lanes.items()},
    )
