"""A channel's connections: as many calls under way as it has, some of them kept free for what is urgent.

Whoever has one may have it opened before a slot is waited for (`Held.open`): slots are kept to the millisecond, and
opening a connection takes longer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from channels.contract import Reservation
from dispatcher.model import LEAST_URGENT

Connect = Callable[[], Awaitable[Reservation]]


class Connections:
    """Of `number` connections, those that are not urgent hold half at most."""

    def __init__(self, number: int, connect: Connect | None = None) -> None:
        self._connect = connect
        self._all = asyncio.Semaphore(number)
        self._spare = asyncio.Semaphore(max(1, number // 2))
        self.wanted = 0
        """How many wait for one."""

    def free(self, priority: int) -> bool:
        """Whether one can be had without waiting."""
        return not self._all.locked() and (priority <= LEAST_URGENT or not self._spare.locked())

    def one(self, priority: int) -> Held:
        """A connection, for as long as the context lasts."""
        return Held(self, (self._all,) if priority <= LEAST_URGENT else (self._spare, self._all), self._connect)


class Held:
    """What has been taken of a connection: first the right to one, then the connection."""

    __slots__ = ("_connect", "_connections", "_reservation", "_taken", "_wanted")

    def __init__(
        self, connections: Connections, wanted: tuple[asyncio.Semaphore, ...], connect: Connect | None
    ) -> None:
        self._connect = connect
        self._reservation: Reservation | None = None
        self._connections = connections
        self._wanted = wanted
        self._taken = 0

    async def open(self) -> None:
        """Have it open, as far as the channel can do that ahead of a call; what fails, the call will answer."""
        if self._connect is not None and self._reservation is None:
            self._reservation = await self._connect()

    async def __aenter__(self) -> Self:
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
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release()

    def _release(self) -> None:
        if self._reservation is not None:
            self._reservation.release()
            self._reservation = None
        while self._taken:
            self._taken -= 1
            self._wanted[self._taken].release()
