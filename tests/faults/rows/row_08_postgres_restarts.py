"""Rows 8 and 10: PostgreSQL restarts without a checkpoint, or connections are cut off, again and again while an order is sent."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from tests.faults.row import Figure, at_least, at_most, row
from tests.faults.stage import Stage

PEOPLE = 150
RATES = ("channels.sms.rate=12", "channels.line.rate=2", "sending.batch_size=10")
"""Several seconds of sending: both workers together use a limit once."""
SHORT = ("sending.call_seconds=2", "sending.poll_seconds=0.25")


@row(8, "PostgreSQL restarts at once, twenty times, while orders are sent")
async def postgres_restarts(stage: Stage) -> list[Figure]:
    """With the default times of sessions: nobody's lease runs out by such a restart."""
    await stage.providers()
    await stage.town(PEOPLE)
    workers = [await stage.worker(*SHORT, *RATES) for _ in range(2)]
    restarts, resumed, under_way = max(4, stage.cycles // 2), 0.0, list[str]()
    for turn in range(restarts):
        if turn % 4 == 0:
            under_way.append(await stage.send(channels=("line", "sms")))
        await asyncio.sleep(stage.random.uniform(0.1, 0.8))
        await stage.postgres.restart_immediate()
        resumed = max(resumed, await _next_copy(stage, under_way))
    for dispatch in under_way:
        await stage.over(dispatch)
    await stage.check(*under_way)
    ended = sum(not worker.alive for worker in workers)
    return [
        *stage.verdict.figures(),
        at_most("resumed after it took connections", resumed, 10, "s"),
        at_most("workers that ended", ended, 0),
    ]


async def _next_copy(stage: Stage, dispatches: list[str]) -> float:
    """Seconds until somebody is written to again; 0 when nothing was left to send."""
    ready, began = datetime.now(UTC), time.monotonic()
    while time.monotonic() - began < 30:
        moments = [copy.at for dispatch in dispatches for copy in await stage.copies(dispatch)]
        if any(at > ready for at in moments):
            return time.monotonic() - began
        statuses = [(await stage.run("status", dispatch, "--json")).last["state"] for dispatch in dispatches]
        if all(state == "drained" for state in statuses):
            return 0.0
        await asyncio.sleep(0.05)
    return time.monotonic() - began


@row(10, "connections to PostgreSQL are cut off every 200 ms")
async def connections_cut_off(stage: Stage) -> list[Figure]:
    """The same order twice: undisturbed, and with all connections cut off again and again."""
    await stage.providers()
    await stage.town(PEOPLE)
    await stage.worker(*SHORT, "sending.batch_size=10", "channels.sms.rate=30", "channels.line.rate=4")
    quiet = await _seconds(stage, await stage.send(channels=("line", "sms")))
    dispatch = await stage.send(channels=("line", "sms"))
    cutting = asyncio.create_task(_cut_off(stage))
    try:
        disturbed = await _seconds(stage, dispatch)
    finally:
        cutting.cancel()
        await asyncio.gather(cutting, return_exceptions=True)
    return [*stage.verdict.figures(), at_least("share of the undisturbed pace", quiet / disturbed, 0.6)]


async def _seconds(stage: Stage, dispatch: str) -> float:
    """From the first copy to the last."""
    await stage.over(dispatch)
    await stage.check(dispatch)
    moments = [copy.at for copy in await stage.copies(dispatch)]
    return (max(moments) - min(moments)).total_seconds()


async def _cut_off(stage: Stage) -> None:
    while True:
        await stage.postgres.terminate_backends()
        await asyncio.sleep(0.2)
