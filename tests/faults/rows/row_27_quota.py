"""Row 27: LINE's month is used up, which it says by a 429 with other words."""

from __future__ import annotations

import asyncio
import time

from tests.faults.health import calls, noticed, reached, taken_back, within
from tests.faults.row import Figure, at_most, row
from tests.faults.stage import Stage

PEOPLE = 100
QUOTA = 40
PEACE_SECONDS = 20


@row(27, "the month's quota is used up in the middle of an order")
async def quota_gone(stage: Stage) -> list[Figure]:
    """LINE is paused and an operator told; SMS and mail reach everybody; more quota, and LINE goes on."""
    sandbox = await stage.providers(quota=QUOTA)
    await stage.town(PEOPLE)
    await stage.worker("sending.batch_size=5", "channels.sms.rate=100", "channels.email.lane_rate=50")
    order = await stage.send()
    told_after = await noticed(stage, order, "quota.gone", "line")
    began = time.monotonic()
    for channel in ("sms", "email"):
        await reached(stage, order, channel, PEOPLE)
    others_after = told_after + time.monotonic() - began
    await asyncio.sleep(PEACE_SECONDS)
    meanwhile = len(calls(sandbox, "line", since=began))
    by_line = len({copy.address for copy in await stage.copies(order) if copy.channel == "line"})
    await sandbox.set_quota(None)
    back = await reached(stage, order, "line", PEOPLE)
    await stage.over(order)
    await taken_back(stage, "quota.gone", "line")
    await stage.check(order)
    return [
        *stage.verdict.figures(),
        at_most("told after", told_after, 30, "s"),
        at_most("everybody reached by SMS and mail after", others_after, 30, "s"),
        at_most("by LINE within the quota", by_line, QUOTA),
        at_most(f"calls of LINE in {PEACE_SECONDS} s without quota", meanwhile, 0),
        within("LINE reached everybody after there was more", back, 35),
    ]
