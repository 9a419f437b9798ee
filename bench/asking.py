"""Asks a process at work for /healthz from a process of its own, as a load balancer does, and says how long it took."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic

from aiohttp import web

from bench.reporting import percentile
from todoke.health import routes

EVERY = 0.02


@dataclass(slots=True)
class Answers:
    """Milliseconds from asking to having the answer; there once the context has ended."""

    p99_ms: float = 0.0
    longest_ms: float = 0.0
    asked: int = 0


@asynccontextmanager
async def asked_for_health() -> AsyncIterator[Answers]:
    """This process's own health page, asked for as long as this lasts."""
    answers = Answers()
    async with _page() as port:
        pipe = asyncio.subprocess.PIPE
        asker = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.asking", str(port), stdin=pipe, stdout=pipe
        )
        if asker.stdin is None or asker.stdout is None:
            raise RuntimeError("the asking process has no pipes")
        await asker.stdout.readline()
        yield answers
        asker.stdin.close()
        asked, answers.p99_ms, answers.longest_ms = map(float, (await asker.stdout.read()).split())
        answers.asked = int(asked)
        await asker.wait()


@asynccontextmanager
async def _page() -> AsyncIterator[int]:
    app = web.Application()
    app.add_routes(routes({}))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def _ask(port: int, until: asyncio.Event, waits: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while not until.is_set():
        began = monotonic()
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]))
        if not head.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError("the process does not call itself healthy")
        waits.append(monotonic() - began)
        if len(waits) == 1:
            print("asking", flush=True)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(until.wait(), EVERY)
    writer.close()


async def _main(port: int) -> None:
    until = asyncio.Event()
    waits: list[float] = []
    asking = asyncio.create_task(_ask(port, until, waits))
    await asyncio.to_thread(sys.stdin.buffer.read)
    until.set()
    await asking
    print(len(waits), round(percentile(waits, 99) * 1000, 1), round(max(waits) * 1000, 1))


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
