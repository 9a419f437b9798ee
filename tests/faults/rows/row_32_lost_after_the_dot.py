"""Row 32: the mail relay takes a mail, and the connection is gone before it can say so."""

from __future__ import annotations

from collections import Counter, defaultdict

from tests.faults.row import Figure, at_most, row
from tests.faults.stage import Stage

PEOPLE = 300


@row(32, "one mail in ten is taken and its reply is lost")
async def lost_after_the_dot(stage: Stage) -> list[Figure]:
    """An order, which may come twice, and an invitation, which may not; what comes twice has one Message-ID."""
    sandbox = await stage.providers()
    await sandbox.set_faults([{"channel": "email", "fault": "drop_after", "probability": 0.1}])
    await stage.town(PEOPLE, line=False, phone=False, domains=("gmail.com", "ezweb.ne.jp", "kawabe.example"))
    await stage.worker("sending.poll_seconds=0.25", "channels.email.rate=200", "channels.email.lane_rate=100")
    order = await stage.send(channels=["email"])
    await stage.over(order)
    invitation = await stage.send(channels=["email"], event_class="tourism")
    await stage.over(invitation)
    await stage.check(order, invitation)
    copies = {name: Counter(copy.address for copy in await stage.copies(name)) for name in (order, invitation)}
    names = defaultdict(set)
    for mail in sandbox.records("email"):
        names[mail["to"], mail["subject"]].add(mail["message_id"])
    return [
        *stage.verdict.figures(),
        at_most("copies of the order", max(copies[order].values()), 2),
        at_most("copies of the invitation", max(copies[invitation].values()), 1),
        at_most("mails with two Message-IDs", sum(len(each) > 1 for each in names.values()), 0),
    ]
