"""A TCP proxy of ours between Todoke and a server: it passes bytes on, or does to them what bad networks do.

What it is told holds for the connections there are and for those to come, until `heal`.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

CHUNK = 65536
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of no seconds: closing then sends RST (socket(7))."""


class Condition(Enum):
    """What the network does just now."""

    PASS = auto()
    DROP = auto()
    RESET = auto()
    HALF_OPEN = auto()
    STOP_READING = auto()


@dataclass(eq=False)
class _Pair:
    """One connection: what came in, and what we opened for it; None when it is answered by nobody."""

    client: tuple[asyncio.StreamReader, asyncio.StreamWriter]
    server: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None

    def abort(self) -> None:
        for side in (self.client, self.server):
            if side is not None:
                connection = side[1].get_extra_info("socket")
                if connection is not None and connection.family != socket.AF_UNIX:
                    with suppress(OSError):
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                side[1].transport.abort()


class Proxy:
    """`host` and `port` are where to connect to instead. A target host that begins with `/` is a Unix socket."""

    def __init__(self, target_host: str, target_port: int) -> None:
        self.host = "127.0.0.1"
        self.port = 0
        self.connections = 0
        """How many were ever opened."""
        self.passed = 0
        """Bytes passed on, both ways."""
        self._target = target_host, target_port
        self._condition = Condition.PASS
        self._delay = 0.0
        self._rate: float | None = None
        self._changed = asyncio.Event()
        self._pairs: set[_Pair] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    # -- conditions ------------------------------------------------------------------------------

    def latency(self, seconds: float) -> None:
        """Everything arrives this much later, each way."""
        self._delay = seconds

    def throttle(self, bytes_per_s: float | None) -> None:
        """No more than this, each way and connection."""
        self._rate = bytes_per_s

    def drop(self) -> None:
        """A cable pulled out: bytes are read and lost, nobody is told, new connections get no word."""
        self._be(Condition.DROP)

    def reset(self) -> None:
        """Every connection ends by RST, and so does every new one."""
        self._be(Condition.RESET)
        for pair in list(self._pairs):
            pair.abort()

    def half_open(self) -> None:
        """What is sent still arrives; the answers are lost."""
        self._be(Condition.HALF_OPEN)

    def stop_reading(self) -> None:
        """Nothing is taken from either side any more: the buffers fill, and writers wait."""
        self._be(Condition.STOP_READING)

    def heal(self) -> None:
        """As a good network again. What was lost stays lost: connections that lost anything end by RST."""
        broken = self._condition in {Condition.DROP, Condition.HALF_OPEN}
        self._delay, self._rate = 0.0, None
        self._be(Condition.PASS)
        if broken:
            for pair in list(self._pairs):
                pair.abort()

    @property
    def pass_through(self) -> bool:
        """Whether it does nothing to anybody just now."""
        return self._condition is Condition.PASS and not self._delay and self._rate is None

    def lead_to(self, host: str, port: int) -> None:
        """New connections go there instead."""
        self._target = host, port

    def _be(self, condition: Condition) -> None:
        self._condition = condition
        self._changed.set()
        self._changed = asyncio.Event()

    # -- connections -----------------------------------------------------------------------------

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Proxy]:
        server = await asyncio.start_server(self._accept, self.host, 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        pair = _Pair((reader, writer), None)
        self._pairs.add(pair)
        try:
            if self._condition is Condition.RESET:
                return
            await self._while_stopped()
            pair.server = await self._open()
            forward = self._pump(reader, pair.server[1], answers=False)
            back = self._pump(pair.server[0], writer, answers=True)
            await _both(forward, back)
        except OSError:
            return  # one of the two has gone; the other learns it below
        finally:
            pair.abort()
            self._pairs.discard(pair)

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = self._target
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool) -> None:
        """Pass on until the end. Latency delays without thinning: what comes meanwhile is read on."""
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(64)
        await _both(self._read(reader, queue), self._write(queue, writer, answers=answers))

    async def _read(self, reader: asyncio.StreamReader, queue: asyncio.Queue[tuple[float, bytes]]) -> None:
        clock = asyncio.get_running_loop().time
        data = b"?"
        while data:
            await self._while_stopped()
            data = await reader.read(CHUNK)
            await self._while_stopped()
            await queue.put((clock() + self._delay, data))

    async def _write(
        self, queue: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            due, data = await queue.get()
            await asyncio.sleep(due - clock())
            if self._condition is Condition.DROP or (answers and self._condition is Condition.HALF_OPEN):
                continue
            if not data:
                if writer.can_write_eof():
                    writer.write_eof()
                return
            writer.write(data)
            await writer.drain()
            self.passed += len(data)
            if self._rate is not None:
                await asyncio.sleep(len(data) / self._rate)

    async def _while_stopped(self) -> None:
        while self._condition is Condition.STOP_READING:
            await self._changed.wait()


async def _both(first: Coroutine[Any, Any, None], second: Coroutine[Any, Any, None]) -> None:
    """Both to their end; the failure of one, or our cancellation, ends the other."""
    tasks = [asyncio.create_task(each) for each in (first, second)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
