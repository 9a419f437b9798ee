"""The history of one recipient of a dispatch, in the order of time: what the database and the providers saw."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from tests.faults.checker import Case, Finding
from tests.faults.evidence import NAMES, Member

TOLD = 3
"""Of how many people of a dispatch the history is printed."""


def history(case: Case, person: str, channel: str) -> str:
    """A line for every event; the recipient is named by the row's own id, never by an address."""
    dispatch = case.dispatch
    events: list[tuple[datetime, str, str]] = [
        (dispatch.approved_at, "database", f"{dispatch.event_class} {dispatch.id} approved ({dispatch.mode})")
    ]
    if dispatch.ended_at is not None:
        by = f" by {dispatch.stopped_by}" if dispatch.stopped_by else ""
        events.append((dispatch.ended_at, "database", f"dispatch {dispatch.state}{by}"))
    for member in case.members:
        if (member.person, member.channel) == (person, channel):
            events += _of_member(member)
    for who, copy in case.copies:
        if (who, copy.channel) == (person, channel):
            events.append((copy.at, "provider", f"accepted, as {copy.ref}"))
    lines = [f"  {at:%H:%M:%S.%f}  {witness:8}  {what}" for at, witness, what in sorted(events)]
    return "\n".join([f"history of {person} on {channel}:", *lines])


def _of_member(member: Member) -> Iterator[tuple[datetime, str, str]]:
    name = f"batch {member.batch} position {member.position}"
    last = ""
    for seen in member.seen:
        held = f"held by session {seen.session}" if seen.session is not None else "held by nobody"
        begun = "call begun" if seen.begun(member.position) else "not begun"
        outcome = NAMES.get(seen.outcome(member.position), "?")
        what = f"{name}: {seen.state}, {held}, attempt {seen.attempt}, {begun}, {outcome}"
        if what != last:
            yield seen.at, "database", what
        last = what
    for word in member.words:
        outcome = NAMES.get(word.outcome, "?")
        yield word.at, "database", f"{name}: {word.kind} says {outcome} {word.code} {word.ref}".rstrip()


def told(findings: Sequence[Finding], cases: Iterable[Case]) -> str:
    """The findings, and the history of the first few concerned."""
    lines = [str(finding) for finding in findings[:20]]
    if len(findings) > len(lines):
        lines.append(f"… and {len(findings) - len(lines)} more")
    for case in cases:
        people = {(person, channel) for person, channel in case.concerned} | {
            (person, copy.channel) for person, copy in case.copies
        }
        concerned = dict.fromkeys((f.person, f.channel) for f in findings if (f.person, f.channel) in people)
        lines += [history(case, person, channel) for person, channel in list(concerned)[:TOLD]]
    return "\n".join(lines)
