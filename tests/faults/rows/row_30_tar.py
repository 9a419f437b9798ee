"""Row 30: one mail provider answers after a minute, or defers; Okayama, July 2018."""

from __future__ import annotations

import asyncio

from tests.faults.health import noticed, p99, ratio, reached
from tests.faults.row import Figure, at_most, row
from tests.faults.stage import Stage

TAR = "docomo.ne.jp"
OTHERS = ("gmail.com", "ezweb.ne.jp", "i.softbank.jp")
EACH = 150
SETTINGS = ("channels.email.rate=200", "channels.email.lane_rate=20", "sending.poll_seconds=0.25")
"""The lanes' own limits bind, so that nobody gains by what docomo does not use."""
TAR_SECONDS = 20


@row(30, "one mail provider is in tar")
async def tar(stage: Stage) -> list[Figure]:
    """Docomo takes a minute for a reply, or says 452; the others get their mail as if it did not."""
    sandbox = await stage.providers()
    people = EACH * (len(OTHERS) + 1)
    await stage.town(people, line=False, phone=False, domains=(TAR, *OTHERS))
    await stage.worker(*SETTINGS)
    before = await stage.send(channels=["email"])
    await stage.over(before)

    await sandbox.set_faults(
        [
            {"channel": "email", "domain": TAR, "fault": "slow", "seconds": 60, "probability": 0.7},
            {"channel": "email", "domain": TAR, "fault": "quota"},
        ]
    )
    order = await stage.send(channels=["email"])
    told_after = await noticed(stage, order, "breaker.open", "email/docomo")
    await reached(stage, order, "email", EACH * len(OTHERS))
    fine, tarred = await p99(stage, before, "email", without=[TAR]), await p99(stage, order, "email", without=[TAR])
    await asyncio.sleep(TAR_SECONDS)
    await sandbox.set_faults([])
    back = await reached(stage, order, "email", people)
    await stage.over(order)
    await stage.check(before, order)
    return [
        *stage.verdict.figures(),
        at_most("docomo noticed and told after", told_after, 10, "s"),
        ratio("p99 of the other providers, against before", tarred, fine, 1.1),
        at_most("docomo's people reached after it was well: a full mailbox's minute, and their mails", back, 70, "s"),
    ]
