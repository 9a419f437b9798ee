"""The provider's process, started and asked from here."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.people import Numbers


@dataclass(frozen=True, slots=True)
class Remote:
    """A provider that runs elsewhere on this machine."""

    port: int
    mail_port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def taken(self, *, silent: bool = False) -> Numbers:
        """Whom accepted calls were for, as often as they were: the silent ones, or the others."""
        return np.frombuffer(await self._ask(f"GET /taken/{'silent' if silent else 'loud'}"), np.int64)

    async def loud(self) -> float:
        """When the first call came that was not silent; waits for it."""
        return float(np.frombuffer(await self._ask("GET /loud"), np.float64)[0])

    async def times(self) -> NDArray[np.float64]:
        """When accepted calls came, on the monotonic clock of this machine."""
        return np.frombuffer(await self._ask("GET /times"), np.float64)

    async def silent(self) -> NDArray[np.bool_]:
        return np.frombuffer(await self._ask("GET /silent"), np.int8).astype(np.bool_)

    async def forget(self) -> None:
        await self._ask("POST /forget")

    async def _ask(self, what: str) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**20)
        try:
            writer.write(f"{what} HTTP/1.1\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            return await reader.readexactly(int(head.rpartition(b":")[2]))
        finally:
            writer.close()


@asynccontextmanager
async def provider(latency: float = 0.0, *, pipelining: bool = False) -> AsyncIterator[Remote]:
    """A provider of our own, until the end. `latency` in seconds."""
    command = [sys.executable, "-m", "bench.provider", "--latency", str(latency)]
    command += ["--pipelining"] if pipelining else []
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the provider has no pipes")
    try:
        yield Remote(*map(int, (await process.stdout.readline()).split()))
    finally:
        process.stdin.close()
        await process.wait()
