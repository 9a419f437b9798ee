"""Row 29: providers that take ten seconds for what took fifty milliseconds; the database does not notice."""

from __future__ import annotations

import asyncio
from statistics import fmean

from tests.faults.health import calls, noticed, reached, until
from tests.faults.row import Figure, at_most, row
from tests.faults.stage import Stage

PEOPLE = 120
QUICK, SLOW = 0.05, 9.0
"""Seconds. Ten, to the whole call with all that belongs to it, is where it would be given up."""
SAMPLES, SAMPLE_SECONDS = 80, 0.1
SAMPLED = "≤ 0, judged at 0.5: some moments only are looked at; held during calls they would be 48 more"
IN_USE = """
    select count(*) from pg_stat_activity
    where backend_type = 'client backend' and pid <> pg_backend_pid() and state <> 'idle'
      and query not like 'select trouble%'
"""
"""Not counting the harness, which asks for the trouble meanwhile."""
HELD = (
    "select coalesce(max(extract(epoch from now() - xact_start)), 0) from pg_stat_activity where state like 'idle in%'"
)


@row(29, "providers answer after nine seconds instead of fifty milliseconds")
async def slow_provider(stage: Stage) -> list[Figure]:
    """Connections to the database in use, sampled while calls are under way: no more of them with slow providers."""
    sandbox = await stage.providers()
    await stage.town(PEOPLE)
    await stage.worker("sending.batch_size=5", "sending.poll_seconds=0.25")
    await sandbox.set_faults(_slow(QUICK))
    before = await stage.send()
    quick, _ = await _in_use(stage)
    await stage.over(before)

    await sandbox.set_faults(_slow(SLOW))
    order = await stage.send()
    await until("all calls are under way", lambda: _hang(stage, order), 20)
    (slow, held), told_after = await asyncio.gather(_in_use(stage), noticed(stage, order, "breaker.open", "line"))
    await reached(stage, order, "line", PEOPLE, 90)
    await sandbox.set_faults([])
    await stage.over(order)
    await stage.check(before, order, lost_replies=PEOPLE)
    return [
        *stage.verdict.figures(),
        Figure("connections in use on average, more than before", slow - quick, SAMPLED, slow - quick <= 0.5),
        at_most("longest open transaction without a statement", held, 1, "s"),
        at_most("told after", told_after, 10, "s"),
        at_most("calls given up", sum(each["outcome"] == "abandoned" for each in calls(sandbox, "email")), 0),
    ]


def _slow(seconds: float) -> list[dict[str, object]]:
    return [{"channel": channel, "fault": "slow", "seconds": seconds} for channel in ("line", "sms", "email")]


async def _hang(stage: Stage, dispatch: str) -> bool:
    async with stage.postgres.connection() as connection:
        return bool(
            await connection.fetchval(
                "select count(*) = 3 from (select channel from batch where dispatch = $1 and started > 0 group by 1) c",
                dispatch,
            )
        )


async def _in_use(stage: Stage) -> tuple[float, float]:
    """Connections in use on average of some seconds, and the longest transaction that was open and idle."""
    numbers, held = [], 0.0
    async with stage.postgres.connection() as connection:
        for _ in range(SAMPLES):
            numbers.append(await connection.fetchval(IN_USE))
            held = max(held, float(await connection.fetchval(HELD)))
            await asyncio.sleep(SAMPLE_SECONDS)
    return fmean(numbers), held
