"""The emergency post as the engine has it: there or not, the engine is the same."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from dispatcher.batches import BatchStore
from dispatcher.drafting import Town
from dispatcher.emergency.cutting import Cutter
from dispatcher.emergency.gate import Gate
from dispatcher.emergency.in_hand import WatchedStore
from dispatcher.emergency.memory import Memory
from dispatcher.emergency.station import Ordinary, SealedBook, Station, Ways

if TYPE_CHECKING:
    from asyncpg import Pool

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Post:
    """Where this process's data directory keeps its journals, and how officers reach it (`counter`).

    `grace`: seconds that other servers are waited for after an outage.
    """

    directory: Path
    addresses: SealedBook
    grace: float
    counter: Callable[[Station], AbstractAsyncContextManager[None]]


class EmergencyPost:
    """`store` is what the ordinary sender works with, `held_back` what keeps it from starting a call."""

    def __init__(self, pool: Pool, town: Town, post: Post | None) -> None:
        self._pool = pool
        self._memory = Memory(pool, town)
        self._post = post
        self._gate: Gate | None = None
        self._look: Callable[[], None] = _nothing
        self._watched = WatchedStore(pool, self._memory.learn) if post is not None else None
        self.store: BatchStore = self._watched or BatchStore(pool)

    def held_back(self) -> bool:
        return self._gate is not None and self._gate.is_shut

    def look(self) -> None:
        """Something was approved or stopped."""
        self._look()

    @asynccontextmanager
    async def at_work(self, ways: Ways, cutter: Cutter, session: Callable[[], int]) -> AsyncIterator[None]:
        """A data directory that cannot be written has no post: that is logged, and everything else works."""
        station = self._station(ways, cutter, session)
        if station is None or self._post is None:
            yield
            return
        self._gate, self._look = station.gate, station.look
        async with station.at_work(), self._post.counter(station):
            yield

    def _station(self, ways: Ways, cutter: Cutter, session: Callable[[], int]) -> Station | None:
        if self._post is None or self._watched is None:
            return None
        ordinary = Ordinary(self._pool, self._post.grace, self._memory, self._watched, cutter, session)
        try:
            return Station(self._post.directory, ways, self._post.addresses, ordinary)
        except OSError as error:
            log.error("no_emergency_post", reason=error.strerror)  # noqa: TRY400 the reason is all there is to it
            return None


def _nothing() -> None:
    """There is no post."""
