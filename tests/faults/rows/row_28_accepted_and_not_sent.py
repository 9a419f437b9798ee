"""Row 28: a provider answers 200 and sends nothing, as LINE did on 2022-07-28 and 2022-10-08."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from tests.faults.alarm_journal import PAGER, first_told, notices, until
from tests.faults.row import Figure, at_least, at_most, row
from tests.faults.stage import Stage

LINE, MAIL = f"U{'c' * 32}", "canary@kawabe.example"
LOOKS_AND_HOOK = 15.0
"""Seconds: the canary is judged every two, the watch looks every five, and the hook is a process that has to start."""


@row(28, "LINE answers 200 and sends nothing: a canary finds out")
async def accepted_and_not_sent(stage: Stage) -> list[Figure]:
    """Canaries every ten seconds; the time to the alarm is one interval, one deadline and the looks."""
    return await _found_out(stage, every=10, deadline=4)


@row(28, "LINE answers 200 and sends nothing for five minutes, with the settings as they come", long=True)
async def accepted_and_not_sent_as_set(stage: Stage) -> list[Figure]:
    return await _found_out(stage, every=300, deadline=45)


async def _found_out(stage: Stage, *, every: float, deadline: float) -> list[Figure]:
    told = stage.folder / "alarms"
    sandbox = await stage.providers()
    await stage.town(20, phone=False)
    settings = (
        f"alarms.command={json.dumps([sys.executable, '-c', PAGER, str(told)])}",
        f"canary.recipients={json.dumps({'line': LINE, 'email': MAIL})}",
        f"canary.every_seconds={every}",
        f"canary.deadline_seconds={deadline}",
    )
    workers = [await stage.worker(*settings), await stage.worker(*settings)]
    await until(lambda: sandbox.records("line") and sandbox.records("email"), every + 30)
    await workers[0].kill()
    await sandbox.set_faults([{"channel": "line", "fault": "swallow"}])
    broke = time.time()
    lost = await stage.send(channels=("line",))
    await stage.over(lost)
    limit = every + deadline + LOOKS_AND_HOOK
    raised = await first_told(told, "canary.missing", "raised", 3 * limit)
    await sandbox.set_faults([])
    healed = time.time()
    ended = await first_told(told, "canary.missing", "ended", 3 * limit)
    since = len(sandbox.records("email"))
    await until(lambda: len(sandbox.records("email")) > since, 3 * every + 30)
    heard = [notice for _, notice in notices(told)]
    return [
        at_most("flagged after", raised - broke, limit, "s"),
        at_most("end told after", ended - healed, limit + 15, "s"),
        at_least(
            "people counted as reached and not reached, which the alarm warns of", 20 - len(await stage.copies(lost)), 1
        ),
        at_most("alarms of channels that worked", sum(notice["where"] != "line" for notice in heard), 0),
        at_most("addresses in notices", sum(LINE in notice["ja"] + notice["en"] for notice in heard), 0),
        at_most("canaries of two processes at once", _together(sandbox.records("email"), every), 0),
    ]


def _together(mails: Sequence[Mapping[str, str]], every: float) -> int:
    """Canaries that came closer together than one process would have sent them."""
    at = sorted(datetime.fromisoformat(mail["at"]).timestamp() for mail in mails if mail["to"] == MAIL)
    return sum(later - earlier < every - 2 for earlier, later in pairwise(at))
