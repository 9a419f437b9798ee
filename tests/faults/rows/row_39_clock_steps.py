"""Rows 39 and 40: wall clocks step, on the workers' machine and on PostgreSQL's."""

from __future__ import annotations

import asyncio
from collections import Counter

from tests.faults.clock import wall_clock
from tests.faults.row import Figure, at_most, row
from tests.faults.stage import GLANCE, QUICK, Stage
from todoke.embedded import runner

PEOPLE = 60
CHANNELS = ("line", "sms", "email")
STEPS = ("+1h", "-1h", "+1d", "-1d")
SLOW = [{"channel": "sms", "fault": "slow", "seconds": 0.5}]
EXPIRY_MINUTES = 0.25
EXPIRED = "select count(*) from worker_session where expired"


@row(39, "the workers' wall clock steps by an hour and by a day, either way, while they send")
async def clock_steps(stage: Stage) -> list[Figure]:
    """Every step in the midst of an order; then one that is refused until it expires, on a clock a day ahead and behind."""
    sandbox = await stage.providers()
    await sandbox.set_faults(SLOW)
    await stage.town(PEOPLE)
    with wall_clock() as clock:
        workers = [await stage.worker(*QUICK, env=clock.environment) for _ in range(2)]
        for step in STEPS:
            dispatch = await stage.send(event_class=stage.random.choice(["evacuation", "tourism"]))
            while len(await stage.copies(dispatch)) < PEOPLE:
                await asyncio.sleep(GLANCE)
            clock.step(step)
            await stage.over(dispatch)
            await stage.check(dispatch)
        await sandbox.set_faults([{"channel": "sms", "fault": "rate"}])
        late = 0.0
        for step in STEPS:
            clock.step(step)
            late = max(late, await _expired(stage))
        alive = sum(worker.alive for worker in workers)
    async with stage.postgres.connection() as connection:
        expired = await connection.fetchval(EXPIRED)
    return [
        *stage.verdict.figures(),
        at_most("expiry beside PostgreSQL's time", late, 1, "s"),
        at_most("sessions given up for nothing", expired, 0),
        at_most("workers lost", len(workers) - alive, 0),
    ]


async def _expired(stage: Stage) -> float:
    """Seconds between an order's `valid_until` and its end, while the provider takes nothing of it."""
    dispatch = await stage.send(channels=("sms",), minutes=EXPIRY_MINUTES)
    await stage.over(dispatch)
    async with stage.postgres.connection() as connection:
        (ended,) = await connection.fetch(
            "select state, extract(epoch from ended_at - valid_until)::float8 as late from dispatch where id = $1",
            dispatch,
        )
    return abs(ended["late"]) if ended["state"] == "expired" else float("inf")


@row(40, "PostgreSQL's wall clock steps ten minutes ahead, and back")
async def database_clock_steps(stage: Stage) -> list[Figure]:
    """Its workers are believed by the changes of their heartbeats, which no step of a clock hides.

    Counted by the providers' files alone: the checker compares their times with the database's.
    """
    sandbox = await stage.providers()
    await sandbox.set_faults(SLOW)
    await stage.town(PEOPLE)
    with wall_clock() as clock:
        await stage.postgres.stop()
        runner.ENVIRONMENT.update(clock.environment)
        try:
            await stage.postgres.start()
        finally:
            for name in clock.environment:
                del runner.ENVIRONMENT[name]
        workers = [await stage.worker(*QUICK) for _ in range(2)]
        seen, lost, doubled = [], 0, 0
        for step in ("+10m", "+0"):
            dispatch = await stage.send(minutes=60)
            while len(await stage.copies(dispatch)) < PEOPLE:
                await asyncio.sleep(GLANCE)
            before = await _now(stage)
            clock.step(step)
            seen.append(abs((await _now(stage)) - before))
            await stage.over(dispatch)
            copies = Counter((copy.channel, copy.address) for copy in await stage.copies(dispatch))
            lost += len(CHANNELS) * PEOPLE - len(copies)
            doubled += copies.total() - len(copies)
        async with stage.postgres.connection() as connection:
            expired = await connection.fetchval(EXPIRED)
        alive = sum(worker.alive for worker in workers)
        for worker in workers:
            await worker.terminate()
        await stage.postgres.stop()
    await stage.postgres.start()
    return [
        at_most("lost", lost, 0),
        at_most("doubled", doubled, 0),
        at_most("false expiries", expired, 0),
        at_most("workers lost", len(workers) - alive, 0),
        Figure("the clock stepped by at least", min(seen), "≥ 590 s", held=min(seen) >= 590),
    ]


async def _now(stage: Stage) -> float:
    async with stage.postgres.connection() as connection:
        return float(await connection.fetchval("select extract(epoch from clock_timestamp())"))
