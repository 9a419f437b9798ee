"""Row 23: a provider accepts connections and stops reading."""

from __future__ import annotations

import asyncio

from tests.faults.health import SHARED, noticed, until
from tests.faults.row import Figure, at_most, row
from tests.faults.rows.row_22_provider_partitioned import place
from tests.faults.stage import Stage

PEOPLE = 60
LONGEST_CALL = "select max(each) / 1000.0 from attempt a, unnest(a.millis) as each where dispatch = $1"


@row(23, "a provider stops reading")
async def half_open(stage: Stage) -> list[Figure]:
    """SMS over connections that take nothing any more: every call ends after its time, and its slot is free again."""
    sandbox = await stage.providers()
    proxy = await stage.proxy(*place(sandbox.sms_url))
    await stage.town(PEOPLE, line=False)
    await stage.worker("sending.poll_seconds=0.25", f"channels.sms.endpoint=http://{proxy.host}:{proxy.port}")
    before = await stage.send()
    await stage.over(before)

    proxy.stop_reading()
    order = await stage.send()
    seconds = await noticed(stage, order, "breaker.open", "sms")
    await until("a call has ended", lambda: _ended(stage, order), 30)
    await asyncio.sleep(5)
    proxy.heal()
    await stage.over(order)
    await stage.check(before, order, lost_replies=float("inf"))
    async with stage.postgres.connection() as connection:
        longest = float(await connection.fetchval(LONGEST_CALL, order))
    return [
        *stage.verdict.figures(),
        at_most("noticed and told after", seconds, 10, "s"),
        Figure(
            "a slot was free after", longest, "≤ 10 s, judged at 10.5 s: shared machine", longest <= 10 + SHARED / 3
        ),
    ]


async def _ended(stage: Stage, dispatch: str) -> bool:
    async with stage.postgres.connection() as connection:
        return await connection.fetchval(LONGEST_CALL, dispatch) is not None
