"""Row 35: an evacuation behind a backlog of campaigns."""

from __future__ import annotations

import math
from datetime import datetime

from tests.faults.row import Figure, at_least, at_most, row
from tests.faults.stage import QUICK, Broken, Stage

PEOPLE = 2000
CAMPAIGNS = 6
LINE_CALLS, BATCH = 20, 25
"""A second, and people in each: the campaigns' LINE calls take 24 seconds, the order's four."""
SHARED = 2
"""The machine is shared with others: what is measured in seconds may take so many times its target."""


@row(35, "an evacuation behind a backlog of campaigns, scaled to 24,000 messages")
async def behind_a_campaign(stage: Stage) -> list[Figure]:
    """It is approved while the backlog is being sent; nothing of a campaign begins on LINE while it is under way."""
    await stage.providers(line_rate=LINE_CALLS, sms_rate=100)
    await stage.town(PEOPLE, mail=False)
    campaigns = [await stage.send(event_class="tourism", channels=("line", "sms")) for _ in range(CAMPAIGNS)]
    for _ in range(2):
        await stage.worker(*QUICK, f"sending.batch_size={BATCH}")
    waiting = await _waiting(stage)
    order = await stage.send(channels=("line",))
    await stage.over(order)
    copies = sorted(copy.at for copy in await stage.copies(order))
    if not copies:
        raise Broken("nothing of the order was sent")
    approved = await _approved(stage, order)
    waited = [(at - approved).total_seconds() for at in copies]
    left = await _waiting(stage)
    for campaign in campaigns:
        await stage.run("stop", campaign, "--by", "森")
        await stage.over(campaign)
    await stage.check(order)
    return [
        *stage.verdict.figures(),
        at_least("campaign messages on LINE before it", waiting, 1),
        at_least("and after it", left, 1),
        at_most("first send after", waited[0], 1 * SHARED, "s"),
        at_most("99 % within", waited[math.ceil(len(waited) * 0.99) - 1], 5 * SHARED, "s"),
    ]


async def _waiting(stage: Stage) -> int:
    async with stage.postgres.connection() as connection:
        return int(
            await connection.fetchval(
                "select coalesce(sum(b.size), 0) from batch b join dispatch d on d.id = b.dispatch"
                " where d.class = 'tourism' and b.channel = 'line' and b.state = 'due'"
            )
        )


async def _approved(stage: Stage, dispatch: str) -> datetime:
    async with stage.postgres.connection() as connection:
        approved: datetime = await connection.fetchval("select approved_at from dispatch where id = $1", dispatch)
        return approved
