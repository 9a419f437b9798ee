"""saq on Redis."""

from __future__ import annotations

import asyncio
from typing import Any

from common import TASKS, URL, main, run, say
from saq import Queue, Worker


async def noop(_context: dict[str, Any], *, number: int) -> None:
    run(number)


async def work() -> None:
    queue = Queue.from_url(URL)
    await queue.connect()
    worker = Worker(queue, [noop], concurrency=100, startup=_ready, dequeue_timeout=1)
    await worker.start()


async def _ready(_context: dict[str, Any]) -> None:
    say("ready")


async def enqueue() -> None:
    queue = Queue.from_url(URL, max_concurrent_ops=100)
    await queue.connect()
    say("begin")
    for first in range(0, TASKS, 50):
        await asyncio.gather(*(queue.enqueue("noop", number=i, ttl=-1) for i in range(first, min(first + 50, TASKS))))


main(work, enqueue)
