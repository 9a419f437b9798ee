"""Another worker, in a process of its own: the engine over the same town, with a null wire or the same provider.

It says `ready`, works until standard input ends, and then, where its wire was null, says whom it sent to:
raw int64, as many as the line before promises.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import numpy as np
from pydantic import BaseModel

from bench.book import Book
from bench.null_wire import null_wire
from bench.people import Numbers, Size
from bench.remote import Remote
from bench.town import Town
from bench.working import at_work, email, line, sms

AT_ONCE = 500
"""Calls under way at once where nothing is behind them: a batch. What is in doubt after a crash is never more."""
Taken = Callable[[], Awaitable[Numbers]]
"""Ends the worker, and tells whom it sent to."""


def swallowed() -> dict[str, BaseModel]:
    """All three channels, for a null wire."""
    nowhere = Remote(9, 9)
    return {"line": line(nowhere), "sms": sms(nowhere, connections=AT_ONCE), "email": email(9, connections=AT_ONCE)}


@asynccontextmanager
async def mates(town: Town, number: int, remote: Remote | None) -> AsyncIterator[Sequence[Taken]]:
    """So many more workers, all at work; without a `remote` their wires are null."""
    started = [await _start(town, remote) for _ in range(number)]
    for process in started:
        if process.stdout is None or await process.stdout.readline() != b"ready\n":
            raise RuntimeError("another worker did not start")
    try:
        yield [_ending(process) for process in started]
    finally:
        for process in started:
            if process.stdin is not None:
                process.stdin.close()
            await process.wait()


async def _start(town: Town, remote: Remote | None) -> asyncio.subprocess.Process:
    command = [sys.executable, "-m", "bench.mate", str(town.directory), town.dsn]
    command += ["--remote", str(remote.port), str(remote.mail_port)] if remote else []
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, limit=2**20)


def _ending(process: asyncio.subprocess.Process) -> Taken:
    async def taken() -> Numbers:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("a worker has no pipes")
        process.stdin.close()
        length = int(await process.stdout.readline())
        return np.frombuffer(await process.stdout.readexactly(length), np.int64)

    return taken


async def _main(arguments: argparse.Namespace) -> None:
    book, remote = Book(), Remote(*arguments.remote) if arguments.remote else None
    town = Town(Size(1, 1, 1), arguments.directory, arguments.dsn)
    with ExitStack() as stack:
        if remote is None:
            stack.enter_context(null_wire(book))
        channels = swallowed() if remote is None else {"line": line(remote)}
        async with town.pool() as pool, at_work(town, pool, channels):
            print("ready", flush=True)
            await asyncio.to_thread(sys.stdin.buffer.read)
    taken = book.taken(silent=False).tobytes()
    print(len(taken), flush=True)
    sys.stdout.buffer.write(taken)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("dsn")
    parser.add_argument("--remote", type=int, nargs=2)
    asyncio.run(_main(parser.parse_args()))
