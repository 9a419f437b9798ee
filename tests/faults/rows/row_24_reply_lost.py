"""Row 24: providers accept, and three replies in ten are lost."""

from __future__ import annotations

from collections import Counter

from tests.faults.row import Figure, at_least, at_most, row
from tests.faults.stage import QUICK, Stage

PEOPLE = 200
LOST = 0.3
CHANNELS = "line", "sms", "email"


@row(24, "the provider accepts and drops the reply, 30 %")
async def reply_lost(stage: Stage) -> list[Figure]:
    """LINE has it once, an order by SMS and mail two copies at most, tourism one."""
    sandbox = await stage.providers(line_rate=200, sms_rate=100)
    await sandbox.set_faults([{"channel": name, "fault": "drop_after", "probability": LOST} for name in CHANNELS])
    await stage.town(PEOPLE)
    await stage.worker(*QUICK, "sending.batch_size=10")
    most = {}
    for event_class in ("evacuation", "tourism"):
        dispatch = await stage.send(event_class=event_class)
        await stage.over(dispatch)
        await stage.check(dispatch)
        told = Counter((copy.channel, copy.address) for copy in await stage.copies(dispatch))
        for channel in CHANNELS:
            most[event_class, channel] = max(number for (name, _), number in told.items() if name == channel)
    lost = sum(request["fault"] == "drop_after" for request in sandbox.requests())
    return [
        *stage.verdict.figures(),
        at_least("replies lost", lost, 100),
        at_most("most copies, LINE", max(most["evacuation", "line"], most["tourism", "line"]), 1),
        at_most("most copies, order by SMS", most["evacuation", "sms"], 2),
        at_most("most copies, order by mail", most["evacuation", "email"], 2),
        at_most("most copies, tourism", max(most["tourism", name] for name in CHANNELS), 1),
    ]
