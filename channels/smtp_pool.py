"""A pool of reused connections to one mail server: what aiosmtplib leaves to its user."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from channels.reserve import Kept, Reserve
from channels.smtp_session import Session


class Connection:
    """One session, and what it has been used for."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.messages = 0
        self.idle_since = 0.0
        self.unfinished = False
        """Whether an envelope was begun and refused, so that RSET has to come first."""

    @property
    def reused(self) -> bool:
        return self.messages > 0

    def hang_up(self) -> None:
        """Say QUIT without waiting for the goodbye, and close at once."""
        if self.session.connected:
            self.session.write(b"QUIT\r\n")
        self.drop()

    def drop(self) -> None:
        """Close a session whose state is unknown."""
        self.session.close()


class Pool:
    """At most `size` connections; each serves `messages` messages and is left after `idle` seconds."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Session]],
        *,
        size: int,
        messages: int,
        idle: float,
        seconds: float,
        failures: tuple[type[BaseException], ...],
    ) -> None:
        """`connect` raises one of `failures`; `seconds` are its time where it is done ahead of a call."""
        self._connect = connect
        self._seconds = seconds
        self._messages = messages
        self._idle_seconds = idle
        self._room = asyncio.Semaphore(size)
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self._reserve = Reserve(self._opened, give_back=self.give, throw_away=self.discard, failures=failures)

    async def connect(self) -> Kept[Connection]:
        """Have a connection open for one call more: the next `ready` gives it, or raises what opening it raised."""
        return await self._reserve.keep()

    async def ready(self) -> Connection | None:
        """A connection that is free at once, with its slot; None where one has to wait or to connect."""
        while (kept := self._reserve.take()) is not None:
            if kept.session.usable:
                return kept
            self.discard(kept)
        if self._room.locked() or (connection := self._from_idle()) is None:
            return None
        await self._room.acquire()
        self._busy.add(connection)
        return connection

    async def slot(self) -> None:
        """Wait until one more connection may be used. Every slot ends in `give` or `drop`."""
        await self._room.acquire()

    async def take(self) -> Connection:
        """A connection for the slot: the one used last, or a new one. Raises what connecting raises."""
        try:
            connection = self._from_idle() or Connection(await self._connect())
        except BaseException:
            self._room.release()
            raise
        self._busy.add(connection)
        return connection

    def give(self, connection: Connection) -> None:
        """Back after a complete dialogue."""
        self._leave(connection)
        if connection.session.usable and connection.messages < self._messages:
            connection.idle_since = time.monotonic()
            self._idle.append(connection)
        else:
            connection.hang_up()

    def discard(self, connection: Connection) -> None:
        """Back without a dialogue, and hung up: nobody wants it any more."""
        self._leave(connection)
        connection.hang_up()

    def drop(self, connection: Connection) -> None:
        """Back after a dialogue that broke off: its next reply could be taken for another's."""
        self._leave(connection)
        connection.drop()

    async def close(self) -> None:
        """Hang up everywhere, also under way, and let the loop close the sockets."""
        for connection in (*self._idle, *self._busy):
            connection.hang_up()
        self._idle.clear()
        await asyncio.sleep(0)

    async def _opened(self) -> Connection:
        async with asyncio.timeout(self._seconds):
            await self.slot()
            return await self.take()

    def _leave(self, connection: Connection) -> None:
        self._busy.discard(connection)
        self._room.release()

    def _from_idle(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.session.usable and time.monotonic() - connection.idle_since < self._idle_seconds:
                return connection
            connection.hang_up()
        return None
