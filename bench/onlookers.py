"""Officers who watch one dispatch, in a process of their own: each reads server-sent events until standard input ends.

It says `ready`, takes a dispatch's name from standard input, and at the end says how many were watching, how many looks
the least of them had, and how many bytes came in all.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

_FIGURES = b"event: figures\n"


@dataclass(slots=True)
class Seen:
    """What the onlookers had; there once the context has ended."""

    watching: int = 0
    fewest: int = 0
    bytes: int = 0


@dataclass(slots=True)
class Crowd:
    """The process with them."""

    process: asyncio.subprocess.Process
    seen: Seen

    async def watch(self, dispatch: str) -> None:
        """Everybody opens its page's stream."""
        if self.process.stdin is None:
            raise RuntimeError("the onlookers have no pipe")
        self.process.stdin.write(f"{dispatch}\n".encode())
        await self.process.stdin.drain()


@asynccontextmanager
async def onlookers(port: int, tokens: list[str]) -> AsyncIterator[Crowd]:
    """One for each sign-in, waiting to be told what to watch."""
    pipe = asyncio.subprocess.PIPE
    command = [sys.executable, "-m", "bench.onlookers", str(port), *tokens]
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    if process.stdin is None or process.stdout is None or await process.stdout.readline() != b"ready\n":
        raise RuntimeError("the onlookers did not come")
    crowd = Crowd(process, Seen())
    yield crowd
    process.stdin.close()
    watching, fewest, size = map(int, (await process.stdout.read()).split())
    crowd.seen.watching, crowd.seen.fewest, crowd.seen.bytes = watching, fewest, size
    await process.wait()


async def _look(port: int, token: str, dispatch: str, counts: list[list[int]]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"GET /dispatches/{dispatch}/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/event-stream\r\n"
        f"Cookie: todoke={token}\r\n\r\n".encode()
    )
    said = (await reader.readline()).decode()
    if not said.startswith("HTTP/1.1 200 "):
        raise RuntimeError(f"somebody was not let in: {said}")
    mine = [0, 0]
    counts.append(mine)
    while line := await reader.readline():
        mine[0] += line == _FIGURES
        mine[1] += len(line)


async def _main(port: int, tokens: list[str]) -> None:
    print("ready", flush=True)
    dispatch = (await asyncio.to_thread(sys.stdin.buffer.readline)).decode().strip()
    counts: list[list[int]] = []
    looking = [asyncio.create_task(_look(port, token, dispatch, counts)) for token in tokens] if dispatch else []
    await asyncio.to_thread(sys.stdin.buffer.read)
    for task in looking:
        task.cancel()
    for task in looking:
        with contextlib.suppress(asyncio.CancelledError):
            await task
    print(len(counts), min((looks for looks, _ in counts), default=0), sum(size for _, size in counts))


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), sys.argv[2:]))
