"""Row 47: the power goes. Workers, server, PostgreSQL and Valkey are killed at once and started again."""

from __future__ import annotations

import asyncio

from tests.faults.row import Figure, at_most, row
from tests.faults.rows.row_01_kill_a_worker import SLOW
from tests.faults.stage import QUICK, Stage

PEOPLE = 300
EVERY = 10
"""Kills of a worker in row 1 for each time that everything is killed here."""


@row(47, "everything killed at once, PostgreSQL included, and started again")
async def kill_everything(stage: Stage) -> list[Figure]:
    """The dispatch completes, nobody is lost and nobody has it twice on LINE, whenever the power went."""
    valkey = await stage.valkey()
    sandbox = await stage.providers(line_rate=200, sms_rate=100)
    await sandbox.set_faults(SLOW)
    await stage.town(PEOPLE)
    settings = *QUICK, "sending.batch_size=20", f"redis_url={valkey.url}"
    recovered = 0.0
    for _ in range(max(2, stage.cycles // EVERY)):
        await asyncio.gather(stage.worker(*settings), stage.worker(*settings), stage.serve(*settings))
        dispatch = await stage.send(event_class=stage.random.choice(["evacuation", "tourism"]))
        await asyncio.sleep(stage.random.uniform(0, 1.8))
        living = [process for process in stage.processes if process.alive]
        killed_at, *_ = await asyncio.gather(stage.postgres.kill(), valkey.kill(), *(each.kill() for each in living))
        recovered = max(recovered, await stage.postgres.start() - killed_at)
        await stage.kill_sessions()
        await valkey.start()
        survivor = await stage.worker(*settings)
        await stage.over(dispatch)
        await stage.check(dispatch)
        await survivor.terminate()
    return [*stage.verdict.figures(), at_most("PostgreSQL recovered after", recovered, 30, "s")]
