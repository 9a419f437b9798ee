"""Row 1: kill -9 of a random worker at a random moment, again and again."""

from __future__ import annotations

import asyncio

from tests.faults.row import Figure, at_most, row
from tests.faults.stage import QUICK, Stage

PEOPLE = 150
TOGETHER = 5
"""Dispatches that are under way before all are waited for: a doubtful call is repeated only after ten seconds."""


@row(1, "kill -9 of one of two workers at a random moment")
async def kill_a_worker(stage: Stage) -> list[Figure]:
    """Cycle by cycle a dispatch to everybody, and one of the two workers killed while it is sent."""
    valkey = await stage.valkey()
    sandbox = await stage.providers(line_rate=200, sms_rate=100)
    await sandbox.set_faults([{"channel": "sms", "fault": "slow", "seconds": 0.05}])
    await stage.town(PEOPLE)
    settings = (*QUICK, "sending.batch_size=20", f"redis_url={valkey.url}")
    workers = list(await asyncio.gather(stage.worker(*settings), stage.worker(*settings)))
    under_way = []
    for cycle in range(stage.cycles):
        event_class = stage.random.choice(["evacuation", "evacuation", "tourism"])
        victim, wait = stage.random.randrange(2), stage.random.uniform(0, 2.5)
        under_way.append(await stage.send(event_class=event_class))
        await asyncio.sleep(wait)
        await workers[victim].kill()
        workers[victim] = await stage.worker(*settings)
        if len(under_way) == TOGETHER or cycle == stage.cycles - 1:
            for dispatch in under_way:
                await stage.over(dispatch)
            await stage.check(*under_way)
            under_way = []
    picked_up = await stage.picked_up()
    return [*stage.verdict.figures(), at_most("work of the dead picked up, quick settings", picked_up, 5, "s")]
