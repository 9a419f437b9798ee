"""Row 25: the provider says 500, sometimes after accepting and sometimes without, and nobody can tell which."""

from __future__ import annotations

from typing import Any

from tests.faults.row import Figure, at_least, row
from tests.faults.stage import QUICK, Stage

PEOPLE = 200
STRUCK = 80
"""Of the first calls to all people on a channel: half are accepted, half are not."""
LINE_CALLS = PEOPLE // 10


@row(25, "the provider answers 500, accepted and not, mixed")
async def errors_mixed(stage: Stage) -> list[Figure]:
    """Nobody is lost and nobody gets a copy too many, whichever it was.

    The faults strike first calls only. An SMS whose repeat is also answered by 500 ends as unknown: the class
    repeats once. A mail relay that accepts and says 451 breaks RFC 5321, so for mail it always means not accepted.
    """
    sandbox = await stage.providers(sms_rate=100)
    await stage.town(PEOPLE)
    await stage.worker(*QUICK, "sending.batch_size=10")
    for event_class in ("evacuation", "tourism"):
        await sandbox.set_faults(_faults(stage))
        dispatch = await stage.send(event_class=event_class)
        await stage.over(dispatch)
        await stage.check(dispatch)
    met = [request["fault"] for request in sandbox.requests() if request["fault"]]
    return [
        *stage.verdict.figures(),
        at_least("answered 500, and accepted", met.count("error_accepted"), STRUCK // 2),
        at_least("answered 500, and not accepted", met.count("error"), STRUCK // 2),
    ]


def _faults(stage: Stage) -> list[dict[str, Any]]:
    """Disjoint calls, by chance, among the first of each channel."""
    sms = stage.random.sample(range(1, PEOPLE + 1), STRUCK)
    line = stage.random.sample(range(1, LINE_CALLS + 1), LINE_CALLS // 2)
    mail = stage.random.sample(range(1, PEOPLE + 1), STRUCK // 2)
    half = STRUCK // 2
    return [
        {"channel": "sms", "fault": "error_accepted", "nth": sorted(sms[:half])},
        {"channel": "sms", "fault": "error", "nth": sorted(sms[half:])},
        {"channel": "line", "fault": "error_accepted", "nth": sorted(line[::2])},
        {"channel": "line", "fault": "error", "nth": sorted(line[1::2])},
        {"channel": "email", "fault": "error", "nth": sorted(mail)},
    ]
