"""dramatiq on Redis, eight threads, only the middleware that it needs."""

from __future__ import annotations

import asyncio

import dramatiq
from common import TASKS, URL, main, run, say
from dramatiq.brokers.redis import RedisBroker
from dramatiq.worker import Worker

broker = RedisBroker(url=URL, middleware=[])
dramatiq.set_broker(broker)


@dramatiq.actor
def noop(number: int) -> None:
    run(number)


async def work() -> None:
    worker = Worker(broker, worker_threads=8)
    worker.start()
    say("ready")
    await asyncio.Event().wait()


async def enqueue() -> None:
    say("begin")
    for number in range(TASKS):
        noop.send(number)


main(work, enqueue)
