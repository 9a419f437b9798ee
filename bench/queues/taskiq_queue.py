"""taskiq over Redis streams, without results."""

from __future__ import annotations

import asyncio

from common import TASKS, URL, main, run, say
from taskiq.api import run_receiver_task
from taskiq_redis import RedisStreamBroker

broker = RedisStreamBroker(url=URL, xread_count=200)


@broker.task
async def noop(number: int) -> None:
    run(number)


async def work() -> None:
    broker.is_worker_process = True
    await broker.startup()
    receiver = asyncio.create_task(run_receiver_task(broker, max_async_tasks=200, max_prefetch=200))
    await asyncio.sleep(0.5)
    say("ready")
    await receiver


async def enqueue() -> None:
    await broker.startup()
    say("begin")
    for first in range(0, TASKS, 50):
        await asyncio.gather(*(noop.kiq(i) for i in range(first, min(first + 50, TASKS))))


main(work, enqueue)
