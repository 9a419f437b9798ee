"""Row 6: something holds a worker's event loop for twenty seconds."""

from __future__ import annotations

import asyncio
import time

from tests.faults.hazards import with_hazard
from tests.faults.row import Figure, at_least, at_most, row
from tests.faults.stage import Broken, Stage

PEOPLE = 200
SECONDS = 20
ALARM_SECONDS = 5
STARTS = 30.0
EXPIRED = "select count(*) from worker_session where expired"
ALARM = "select count(*) from worker_session where trouble::text like '%loop.stands_still%'"


@row(6, "a worker's event loop is blocked for 20 s")
async def blocked_loop(stage: Stage) -> list[Figure]:
    """With the default times, and a second worker that would take over."""
    await stage.providers(sms_rate=50)
    await stage.town(PEOPLE)
    mark = stage.folder / "hogged"
    whom = stage.town_of.people[f"p{stage.random.randrange(50, PEOPLE):07d}"].addresses["sms"]
    env = with_hazard(hog_sms=whom, seconds=SECONDS, mark=str(mark))
    await stage.worker(env=env)
    await stage.worker(env=env)
    dispatch = await stage.send(channels=("line", "sms"))
    began = time.monotonic()
    while not mark.exists() or not mark.read_text():
        if time.monotonic() - began > STARTS:
            raise Broken("nobody's loop was blocked")
        await asyncio.sleep(0.02)
    alarm = await _alarm_after(stage, float(mark.read_text()))
    await stage.over(dispatch)
    await stage.check(dispatch, lost_replies=1)
    async with stage.postgres.connection() as connection:
        expired = await connection.fetchval(EXPIRED)
    return [
        *stage.verdict.figures(),
        at_most("workers given up that lived", expired, 0),
        at_most("lag alarm after", alarm, ALARM_SECONDS, "s"),
        at_least("sessions beaten for", await _beaten_for(stage), 1),
    ]


async def _alarm_after(stage: Stage, blocked_at: float) -> float:
    async with stage.postgres.connection() as connection:
        while time.time() < blocked_at + SECONDS:
            if await connection.fetchval(ALARM):
                return time.time() - blocked_at
            await asyncio.sleep(0.05)
    return float(SECONDS)


async def _beaten_for(stage: Stage) -> int:
    """Sessions whose worker said afterwards that its loop had stood still."""
    logs = [process.log.read_text(encoding="utf-8") for process in stage.processes]
    return sum("loop_stands_still" in log for log in logs)
