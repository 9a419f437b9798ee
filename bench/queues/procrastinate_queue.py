"""procrastinate on PostgreSQL: jobs deferred by the hundred, run at many at once."""

from __future__ import annotations

import asyncio

from common import TASKS, URL, main, run, say
from procrastinate import App, PsycopgConnector

app = App(connector=PsycopgConnector(conninfo=URL, min_size=4, max_size=10))


@app.task(name="noop")
async def noop(number: int) -> None:
    run(number)


async def work() -> None:
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        worker = asyncio.create_task(app.run_worker_async(concurrency=50, wait=True, delete_jobs="never",
                                                          install_signal_handlers=False))  # fmt: skip
        await asyncio.sleep(0.5)
        say("ready")
        await worker


async def enqueue() -> None:
    async with app.open_async():
        say("begin")
        for first in range(0, TASKS, 500):
            await noop.batch_defer_async(*({"number": i} for i in range(first, min(first + 500, TASKS))))


main(work, enqueue)
