"""Row 31: mail servers that refuse the first try of everybody, and the second if it comes within a minute."""

from __future__ import annotations

from collections import defaultdict

from tests.faults.health import calls, reached
from tests.faults.row import Figure, at_least, at_most, row
from tests.faults.stage import Stage

PEOPLE = 300
GREYLISTING = "gmail.com"
MINUTE = 60


@row(31, "a mail provider greylists everybody")
async def greylisting(stage: Stage) -> list[Figure]:
    """A third of the people are asked again after a minute, each for themselves; the others get it at once."""
    sandbox = await stage.providers()
    await stage.town(PEOPLE, line=False, phone=False, domains=(GREYLISTING, "ezweb.ne.jp", "kawabe.example"))
    await sandbox.set_faults([{"channel": "email", "domain": GREYLISTING, "fault": "greylist", "seconds": MINUTE}])
    await stage.worker("sending.poll_seconds=0.25", "channels.email.rate=200", "channels.email.lane_rate=20")
    order = await stage.send(channels=["email"])
    others = await reached(stage, order, "email", PEOPLE * 2 // 3)
    everybody = others + await reached(stage, order, "email", PEOPLE, 200)
    await stage.over(order)
    await stage.check(order)
    tries = sorted(each["monotonic"] for each in calls(sandbox, "email"))
    first, again = tries[:PEOPLE], tries[PEOPLE:]
    reached_by: dict[str, int] = defaultdict(int)
    for copy in await stage.copies(order):
        reached_by[copy.address] += 1
    return [
        *stage.verdict.figures(),
        at_least("delivered of a hundred", 100 * len(reached_by) / PEOPLE, 100),
        at_most("everybody reached after", everybody, 180, "s"),
        at_most("the others reached after", others, 15, "s"),
        at_most("tries beyond a second one", len(again) - PEOPLE // 3, 0),
        at_least("asked again after", again[0] - first[0], MINUTE, "s"),
        at_most("asked again at the latest after", again[-1] - first[0], 90, "s"),
    ]
