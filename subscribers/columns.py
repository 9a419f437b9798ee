"""The audience in memory (`dispatcher.audience.Audience`), which follows what is committed. See docs/audience.md."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count, repeat
from typing import Any, TypeVar

import numpy as np
import structlog
from asyncpg import Pool

from dispatcher.audience import Longs, Match, Portions, Tally, Whereabouts
from dispatcher.background import Agent
from geo.area import Area
from geo.shelters import ShelterBoard
from subscribers import clock
from subscribers.allocator import give_back
from subscribers.block import Block
from subscribers.changes import Changes
from subscribers.levels import Levels
from subscribers.moment import Moment, portions
from subscribers.moving import delete_old
from subscribers.reading import Reading, read_all, read_changed
from subscribers.spots import Spots

log = structlog.get_logger(__name__)
_Result = TypeVar("_Result")

FIRST_PORTION, GROWTH, SMALL_AUDIENCE = 4_000, 6, 40_000
"""People matched before all others are, how portions grow after that, and audiences that are matched whole."""

CLEAN_UP_SECONDS = 600.0

FOLLOW_SECONDS = 1.0
"""Between two looks at what changed: what a plan still has to read then is a second's worth at most."""


@dataclass
class _Joining:
    """What is joined in the background, and who was read since it began."""

    task: asyncio.Task[None] | None = None
    seen: list[Longs] = field(default_factory=list)

    @property
    def under_way(self) -> bool:
        return self.task is not None and not self.task.done()


class Columns:
    """All subscribers who have not left, as of the last `catch_up`. Made by `open_audience`.

    The event loop only ever takes one moment for another; whatever takes longer is done in threads.
    """

    def __init__(self, pool: Pool, snapshot: str, moment: Moment) -> None:
        self._pool = pool
        self._snapshot = snapshot
        self._moment = moment
        self._reading = asyncio.Lock()
        # Of its own: what the allocator keeps for a thread after large columns were made in it would else be kept
        # for each of the many threads of the event loop's executor.
        self._threads = ThreadPoolExecutor(2, "audience")
        self._joining = {"homes": _Joining(), "spots": _Joining()}
        self._listeners: list[Changes] = []

    def __len__(self) -> int:
        """How many subscribers there are."""
        return len(self._moment)

    def sizes(self) -> dict[str, int]:
        """What is held in memory, the dead included: rows of `homes` and `spots`, bytes of sealed `addresses`."""
        moment = self._moment
        parts = [level.part for level in moment.homes]
        contents = [sealed.content for part in parts for sealed in part.people.sealed.values()]
        return {
            "homes": sum(map(len, parts)),
            "spots": sum(len(level.part) for level in moment.spots),
            "addresses": sum(map(len, contents)),
        }

    async def catch_up(self) -> None:
        """See the protocol: what was committed before the call is in every later answer."""
        async with self._reading:
            reading = await read_changed(self._pool, self._snapshot, self._moment.names)
            if isinstance(reading, str):
                self._snapshot = reading
                return
            self._moment, changed = await self._in_thread(lambda: _after(self._moment, reading))
            self._snapshot = reading.snapshot
            for listener in self._listeners:
                listener.put(changed)
            self._join_if_long("homes", reading.seen)
            self._join_if_long("spots", reading.moved)

    @contextmanager
    def changes(self) -> Iterator[Changes]:
        """See the protocol."""
        listener = Changes()
        self._listeners.append(listener)
        try:
            yield listener
        finally:
            self._listeners.remove(listener)

    def match(self, area: Area, *, topics: Sequence[str] = ()) -> Match:
        """See the protocol."""
        return self._moment.match(area.geometry, topics, now=clock.now())

    def portions(self, area: Area, *, topics: Sequence[str] = ()) -> Portions:
        """See the protocol. A small audience is one portion: cut in two it would only make more batches."""
        moment = self._moment
        found = moment.found(area.geometry, topics, now=clock.now())
        everybody = sum(map(len, found))
        whole = everybody <= SMALL_AUDIENCE
        sizes = repeat(max(everybody, 1)) if whole else (FIRST_PORTION * GROWTH**turn for turn in count())
        return Portions(everybody, portions(moment, found, iter(sizes)))

    async def among(self, subscribers: Longs, *, topics: Sequence[str] = ()) -> Match:
        """See the protocol; whoever has left or never was is left out."""
        return self._moment.among(np.unique(subscribers), topics, now=clock.now())

    def whereabouts(self, subscribers: Longs) -> Whereabouts:
        """See the protocol."""
        return self._moment.whereabouts(np.unique(subscribers), now=clock.now())

    def tally(self, area: Area, kinds: Sequence[str], board: ShelterBoard, *, topics: Sequence[str] = ()) -> Tally:
        """See the protocol."""
        return self._moment.tally(area.geometry, tuple(kinds), board, topics, now=clock.now())

    def sealed(self, kind: str, subscribers: Longs) -> list[bytes]:
        """The sealed address of each, empty for whoever has no reachable contact of that kind."""
        return self._moment.sealed(kind, subscribers)

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Catch up every second for as long as this lasts, so that whoever plans finds little to read."""
        clean_up = partial(delete_old, self._pool)
        follower = Agent("audience", self.catch_up, every=FOLLOW_SECONDS)
        async with follower, Agent("old positions", clean_up, every=CLEAN_UP_SECONDS):
            yield
        await self.settle()

    async def settle(self) -> None:
        """Wait for what is joined in the background, if anything: before stopping."""
        tasks = [each.task for each in self._joining.values() if each.task is not None]
        if tasks:
            await asyncio.wait(tasks)

    def _join_if_long(self, name: str, seen: Longs) -> None:
        joining = self._joining[name]
        levels: Levels[Any] = getattr(self._moment, name)
        if joining.under_way:
            joining.seen.append(seen)
        elif levels.are_long:
            still = levels.standing_still()
            self._take(name, still)
            joining.seen = [np.empty(0, np.int64)]
            joining.task = asyncio.create_task(self._join(name, still), name=f"audience {name}")
            joining.task.add_done_callback(_log_failure)

    async def _in_thread(self, work: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _take(self, name: str, levels: Levels[Any]) -> None:
        changed: dict[str, Any] = {name: levels}
        self._moment = replace(self._moment, **changed)

    async def _join(self, name: str, still: Levels[Any]) -> None:
        rows = await self._join_onto_one(name, still)
        del still  # or what it holds could not be given back
        await self._in_thread(give_back)
        log.info("audience_joined", columns=name, rows=rows)

    async def _join_onto_one(self, name: str, still: Levels[Any]) -> int:
        """Gives the rows of the base that there is now."""
        base = await self._in_thread(still.base_to_be)
        async with self._reading:
            seen, levels = self._joining[name].seen, getattr(self._moment, name)
            self._take(name, await self._in_thread(lambda: levels.onto(base, np.concatenate(seen))))
        return len(base)


async def open_audience(pool: Pool) -> Columns:
    """Load every subscriber: about 100 bytes each, with their places."""
    reading = await read_all(pool)
    return Columns(pool, reading.snapshot, await asyncio.to_thread(_first, reading))


def _first(reading: Reading) -> Moment:
    homes = Block(reading.people, reading.places, indexed=True)
    spots = Spots.joined([(reading.spots, None)], indexed=True)
    return Moment(reading.names, Levels.on(homes), Levels.on(spots))


def _after(moment: Moment, reading: Reading) -> tuple[Moment, Longs]:
    return moment.after(reading), reading.changed


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("audience_join_failed", exc_info=error)
