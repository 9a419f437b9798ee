"""A channel's connections: as many calls under way as it has, some of them kept free for what is urgent."""

from __future__ import annotations

import asyncio
from types import TracebackType

from dispatcher.model import LEAST_URGENT


class Connections:
    """Of `number` connections, those that are not urgent hold half at most."""

    def __init__(self, number: int) -> None:
        self._all = asyncio.Semaphore(number)
        self._spare = asyncio.Semaphore(max(1, number // 2))
        self.wanted = 0
        """How many wait for one."""

    def free(self, priority: int) -> bool:
        """Whether one can be had without waiting."""
        return not self._all.locked() and (priority <= LEAST_URGENT or not self._spare.locked())

    def one(self, priority: int) -> Held:
        """A connection, for as long as the context lasts."""
        return Held(self, (self._all,) if priority <= LEAST_URGENT else (self._spare, self._all))


class Held:
    """What has been taken of a connection: first the right to one, then the connection."""

    __slots__ = ("_connections", "_taken", "_wanted")

    def __init__(self, connections: Connections, wanted: tuple[asyncio.Semaphore, ...]) -> None:
        self._connections = connections
        self._wanted = wanted
        self._taken = 0

    async def __aenter__(self) -> None:
        self._connections.wanted += 1
        try:
            for each in self._wanted:
                await each.acquire()
                self._taken += 1
        except BaseException:
            self._release()
            raise
        finally:
            self._connections.wanted -= 1

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release()

    def _release(self) -> None:
        while self._taken:
            self._taken -= 1
            self._wanted[self._taken].release()
