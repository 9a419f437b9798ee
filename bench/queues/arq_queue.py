"""arq: no result kept, many jobs at once."""

from __future__ import annotations

import asyncio
from typing import Any

from arq import create_pool, func
from arq.connections import RedisSettings
from arq.worker import Worker
from common import TASKS, URL, main, run, say


async def noop(_context: dict[str, Any], number: int) -> None:
    run(number)


async def work() -> None:
    worker = Worker(
        [func(noop, keep_result=0)], redis_settings=RedisSettings.from_dsn(URL), max_jobs=200, poll_delay=0.01,
        keep_result=0, handle_signals=False, on_startup=_ready,
    )  # fmt: skip
    await worker.async_run()


async def _ready(_context: dict[str, Any]) -> None:
    say("ready")


async def enqueue() -> None:
    pool = await create_pool(RedisSettings.from_dsn(URL))
    say("begin")
    for first in range(0, TASKS, 50):
        await asyncio.gather(*(pool.enqueue_job("noop", i) for i in range(first, min(first + 50, TASKS))))


main(work, enqueue)
