"""Row 4: killed after the provider has accepted, and before the outcome is recorded."""

from __future__ import annotations

from tests.faults.checker import open_at
from tests.faults.evidence import AMBIGUOUS, UNKNOWN
from tests.faults.row import Figure, at_least, at_most, row
from tests.faults.stage import Stage

PATIENT = "sending.expire_seconds=8", "sending.beat_seconds=0.25", "sending.call_seconds=4"
"""Calls last long enough to be under way on all channels at once."""
PEOPLE = 60
CHANNELS = "line", "sms", "email"
UNANSWERED = [{"channel": channel, "fault": "timeout_accepted", "first": 3} for channel in CHANNELS]


@row(4, "kill after the provider accepted, before the outcome is recorded")
async def before_the_record(stage: Stage) -> list[Figure]:
    """LINE says that it has the call already; SMS and mail are in doubt, and the class decides what that means."""
    sandbox = await stage.providers()
    await stage.town(PEOPLE)
    wrong = doubted = 0
    for event_class in ("evacuation", "tourism"):
        await sandbox.set_faults(UNANSWERED)
        worker = await stage.worker(*PATIENT, "sending.batch_size=20")
        dispatch = await stage.send(event_class=event_class)
        for channel in CHANNELS:
            await stage.until_sent(dispatch, 1, channel)
        await worker.kill()
        await sandbox.set_faults([])
        survivor = await stage.worker(*PATIENT, "sending.batch_size=20")
        await stage.over(dispatch)
        await stage.check(dispatch)
        await survivor.terminate()
        classified = await _classified(stage, dispatch)
        doubted += len(classified)
        wrong += classified.count(False)
    known = [request for request in sandbox.requests("line") if request["status"] == 409]
    return [
        *stage.verdict.figures(),
        at_least("LINE calls it knew already", len(known), 1),
        at_least("SMS and mails accepted, and not recorded", doubted, 1),
        at_most("of them not taken as in doubt", wrong, 0),
    ]


async def _classified(stage: Stage, dispatch: str) -> list[bool]:
    """For each SMS and mail that was accepted but not recorded at the kill: whether it was in doubt afterwards."""
    case, broken = await stage.case(dispatch), stage.breaks[-1]
    taken = {(person, copy.channel) for person, copy in case.copies if copy.at <= broken.at}
    return [
        any(seen.at > broken.at and seen.outcome(member.position) in {AMBIGUOUS, UNKNOWN} for seen in member.seen)
        for member in case.members
        if member.channel != "line" and (member.person, member.channel) in taken and open_at(member, broken)
    ]
