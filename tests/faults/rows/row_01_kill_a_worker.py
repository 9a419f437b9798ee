"""Row 1: kill -9 of a random worker at a random moment, again and again."""

from __future__ import annotations

import asyncio

from tests.faults.process import Process
from tests.faults.row import Figure, at_most, row
from tests.faults.stage import QUICK, Stage

PEOPLE = 300
TOGETHER = 8
"""Dispatches that are under way before all are waited for: a doubtful call is repeated only after ten seconds."""
EARLY = 0.1
"""Of the kills: while the dispatch is approved and planned."""
SLOW = [{"channel": channel, "fault": "slow", "seconds": 0.1} for channel in ("line", "sms", "email")]
"""As long as calls take in the world, so that a kill finds some under way."""
IN_HAND = 16 + 5
"""Connections to the SMS provider and to one mail provider: calls that one worker can have under way (docs/settings.md)."""
CLASSES = 2
"""Orders and tourism: runs of both may be under way in one worker, while the one gives way to the other."""


@row(1, "kill -9 of one of two workers at a random moment")
async def kill_a_worker(stage: Stage) -> list[Figure]:
    """Cycle by cycle a dispatch to everybody, and one of the two workers killed while it is sent.

    Workers notice a death after 3 s, but for the last cycle, which has the settings everybody has.
    """
    valkey = await stage.valkey()
    sandbox = await stage.providers(line_rate=200, sms_rate=100)
    await sandbox.set_faults(SLOW)
    await stage.town(PEOPLE)
    shared = "sending.batch_size=20", f"redis_url={valkey.url}"
    workers = await _two(stage, *QUICK, *shared)
    under_way: list[str] = []
    for cycle in range(1, stage.cycles):
        under_way.append(await _kill_one(stage, workers, *QUICK, *shared))
        if len(under_way) == TOGETHER or cycle == stage.cycles - 1:
            await _judge(stage, under_way)
    quick = await stage.picked_up()
    usual = await _as_everybody_has_it(stage, workers, *shared)
    return [
        *stage.verdict.figures(),
        at_most("calls in doubt at one kill, at most", max(stage.verdict.begun.values(), default=0), CLASSES * IN_HAND),
        at_most("work of the dead picked up, expire_seconds=3", quick, 5, "s"),
        at_most("work of the dead picked up, default settings", usual, 35, "s"),
    ]


async def _kill_one(stage: Stage, workers: list[Process], *settings: str) -> str:
    """A dispatch, and a kill once so many have their SMS, or before anybody has; the dead one is replaced.

    The moment is one of the sending and not of the clock: so the same seed finds the same again on a busier machine.
    """
    event_class = stage.random.choice(["evacuation", "tourism"])
    victim, early = stage.random.randrange(2), stage.random.random() < EARLY
    reached, wait = stage.random.randrange(1, PEOPLE), stage.random.uniform(0, 0.1)
    sending = asyncio.create_task(stage.send(event_class=event_class))
    if early:
        await asyncio.sleep(10 * wait)
    else:
        await stage.until_sent(await sending, reached, "sms")
        await asyncio.sleep(wait)
    await workers[victim].kill()
    workers[victim] = await stage.worker(*settings)
    return await sending


async def _judge(stage: Stage, dispatches: list[str]) -> None:
    for dispatch in dispatches:
        await stage.over(dispatch)
    await stage.check(*dispatches)
    dispatches.clear()


async def _as_everybody_has_it(stage: Stage, workers: list[Process], *settings: str) -> float:
    """A kill under default settings, of one who has work in hand; gives how long that lay there."""
    for worker in workers:
        await worker.terminate()
    workers[:] = await _two(stage, *settings)
    dispatch = await stage.send()
    await stage.until_sent(dispatch, 20 + stage.random.randrange(PEOPLE // 2), "sms")
    busy = await stage.query("select distinct session from batch where state = 'claimed' order by session")
    holders = [worker for worker in workers if worker.session in {row["session"] for row in busy}]
    await stage.random.choice(holders or workers).kill()
    await _judge(stage, [dispatch])
    return await stage.picked_up(stage.breaks[-1:])


async def _two(stage: Stage, *settings: str) -> list[Process]:
    return list(await asyncio.gather(stage.worker(*settings), stage.worker(*settings)))
