"""The checker: decides from the two witnesses (evidence.py) whether the invariants I1 to I10 held.

| | |
|---|---|
| I1 | nobody lost: each recipient has a copy, or a permanent reason that is true |
| I2 | copies: 1 on LINE and of tourism and codes; else 2, the second only where a call was truly in doubt |
| I3 | no copy without an intent committed before it |
| I4 | no copy before the approval, none two seconds after a stop or the end of validity |
| I5 | no copy to anybody the event does not concern, or who had left |
| I6 | no second with more requests than the provider permits |
| I7 | the database never contradicts the provider |
| I8 | a drill reaches nobody outside the drill list |
| I9 | the audit chain: there is none yet |
| I10 | what is recorded of a member is the highest proof there ever was, in whatever order it came |

It judges dispatches that are over, and imports nothing of Todoke.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.faults.evidence import (
    ACCEPTED,
    CANCELLED,
    DELIVERED,
    EXPIRED,
    NAMES,
    QUARANTINED,
    REJECTED,
    SUPPRESSED,
    UNDELIVERED,
    UNKNOWN,
    UNSENT,
    Break,
    Copy,
    Dispatch,
    Member,
    Request,
)
from tests.faults.row import Figure, at_most

AT_MOST_ONCE = frozenset({"tourism", "code"})
AFTER_STOP = timedelta(seconds=2)
JUST_COMMITTED = timedelta(seconds=0.3)
"""A commit that was on its way when its worker was killed is still the worker's."""
STILL_ARRIVING = timedelta(seconds=2)
"""What a dead worker had sent is in its provider's hands by then; a repeat comes ten seconds later at the soonest."""
_ANY = 10**6
"""More extras than there ever are: what is printed where the network may have lost any number of answers."""
ANSWER_LOST = frozenset({"drop_after", "timeout_accepted", "error_accepted"})
"""Faults of the sandbox by which a caller cannot know that its message was accepted."""
TAKEN = frozenset({ACCEPTED, UNDELIVERED, DELIVERED})
NOT_TAKEN = UNSENT - {4} | {SUPPRESSED, EXPIRED, CANCELLED, QUARANTINED, REJECTED}


@dataclass(frozen=True)
class Allowed:
    """What the faults of a row excuse beyond what the witnesses show by themselves."""

    lost_replies: float = 0
    """How many answers the network may have lost between a provider and Todoke."""
    unknown: bool = False
    """Whether a recipient of an order may end as unknown without a copy: when the one repeat was lost too."""
    poisoned: frozenset[str] = frozenset()
    """People of whom workers die: they may end as quarantined, or as unknown."""
    slow: float = 0.0
    """Seconds by which providers accept later than they were called."""
    jitter: float = 0.1
    """Seconds by which a call may reach its provider later than it was due: here more processes than cores share a
    machine, and the call opens a connection of its own."""


@dataclass(frozen=True)
class Case:
    """One dispatch that is over."""

    dispatch: Dispatch
    concerned: frozenset[tuple[str, str]]
    """(person, channel) of everybody it has to reach, by the row's own register."""
    drill_list: frozenset[str]
    gone: frozenset[str]
    """Who had left before it was approved."""
    copies: Sequence[tuple[str, Copy]]
    """What providers accepted of it, and by whom each was received; the address of somebody unknown."""
    members: Sequence[Member]
    requests: Sequence[Request] = ()

    @property
    def most(self) -> int:
        """Copies a person may get on SMS and email."""
        return 1 if self.dispatch.event_class in AT_MOST_ONCE else 2


@dataclass(frozen=True)
class Finding:
    """An invariant that did not hold, for whom, and how."""

    invariant: str
    person: str
    channel: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.invariant} {self.person} on {self.channel}: {self.sentence}"


@dataclass
class Verdict:
    """The findings of some cases, and what was counted on the way."""

    findings: list[Finding] = field(default_factory=list)
    recipients: int = 0
    extras: int = 0
    """Second copies of orders and advisories on SMS and email."""
    in_doubt: int = 0
    """Copies whose answer Todoke could not have: so many extras there may be."""
    cut_twice: int = 0
    """Members whose call and its one repeat were both under way when their worker was broken: told as unknown."""
    begun: Counter[int] = field(default_factory=Counter)
    """By session: calls that were begun and not recorded when it was broken, taken or not."""

    def add(self, other: Verdict) -> None:
        self.findings += other.findings
        self.recipients += other.recipients
        self.extras += other.extras
        self.in_doubt += other.in_doubt
        self.cut_twice += other.cut_twice
        self.begun += other.begun

    def figures(self) -> list[Figure]:
        """As rows print them."""
        found = Counter(finding.invariant for finding in self.findings)
        doubled = Counter(_kind(finding) for finding in self.findings if finding.invariant == "I2")
        others = {name: number for name, number in sorted(found.items()) if name not in {"I1", "I2"}}
        return [
            at_most("lost", found["I1"], 0),
            at_most("LINE doubled", doubled["line"], 0),
            at_most("tourism doubled", doubled["tourism"], 0),
            at_most("extra SMS and email", self.extras, self.in_doubt, "in doubt"),
            at_most("extras unexcused", doubled["other"], 0),
            Figure("cut off twice, so told as unknown", self.cut_twice, "any", True),
            at_most(f"other invariants broken{' ' if others else ''}{' '.join(others)}", sum(others.values()), 0),
        ]


def _kind(finding: Finding) -> str:
    if finding.channel == "line":
        return "line"
    return "tourism" if finding.sentence.endswith("at most once") else "other"


def judge(case: Case, breaks: Iterable[Break] = (), allowed: Allowed | None = None) -> Verdict:
    """Whether the invariants held for one dispatch; I6 is judged by `rate`."""
    return _Judge(case, list(breaks), allowed or Allowed()).verdict()


def rate(requests: Sequence[Request], channel: str, limit: int, jitter: float = 0.0) -> list[Finding]:
    """I6: whether any sliding second holds more requests than `limit` (0 is no limit), even if all were `jitter` late."""
    seconds = 1 - jitter
    worst = busiest(requests, channel, seconds)
    if not limit or worst <= limit:
        return []
    return [
        Finding("I6", "everybody", channel, f"{worst} requests within {seconds:g} s, {limit} a second are permitted")
    ]


def busiest(requests: Iterable[Request], channel: str, seconds: float = 1.0) -> int:
    """The most requests that were read within so long."""
    times = sorted(request.monotonic for request in requests if request.channel == channel)
    first = worst = 0
    for last, time in enumerate(times):
        while times[first] <= time - seconds:
            first += 1
        worst = max(worst, last - first + 1)
    return worst


class _Judge:
    def __init__(self, case: Case, breaks: list[Break], allowed: Allowed) -> None:
        self.case = case
        self.breaks = breaks
        self.allowed = allowed
        self.copies: dict[tuple[str, str], list[Copy]] = defaultdict(list)
        for person, copy in case.copies:
            self.copies[person, copy.channel].append(copy)
        self.members: dict[tuple[str, str], list[Member]] = defaultdict(list)
        for member in case.members:
            self.members[member.person, member.channel].append(member)
        self.refused = {request.channel for request in case.requests if request.outcome == "refused"}

    def verdict(self) -> Verdict:
        verdict = Verdict(recipients=len(self.case.concerned))
        checks = self._lost, self._phantoms, self._untimely, self._outsiders, self._contradictions, self._merges
        for check in checks:
            verdict.findings += check()
        self._doubles(verdict)
        verdict.cut_twice += sum(self._cut_twice(member) for member in self.case.members if member.outcome == UNKNOWN)
        return verdict

    # -- I1 --------------------------------------------------------------------------------------

    def _lost(self) -> Iterator[Finding]:
        for person, channel in sorted(self.case.concerned - self.copies.keys()):
            if person not in self.case.gone and (why := self._unexplained(person, channel)):
                yield Finding("I1", person, channel, f"lost: no copy, and {why}")

    def _unexplained(self, person: str, channel: str) -> str:
        """Why the absence of a copy has no true reason; empty when it has one."""
        members = self.members[person, channel]
        if not members:
            ended = self.case.dispatch.state in {"cancelled", "expired"}
            return "" if ended else "in no batch"
        outcome = members[0].outcome
        if person in self.allowed.poisoned and outcome in {QUARANTINED, UNKNOWN}:
            return ""
        if outcome == UNKNOWN and self._cut_twice(members[0]):
            return ""
        return "" if self._reason_holds(outcome, channel) else f"recorded as {NAMES.get(outcome, outcome)}"

    def _cut_twice(self, member: Member) -> bool:
        """Whether the call and its one repeat were both under way when a worker was broken: a third is not made."""
        return sum(open_at(member, broken) for broken in self.breaks) > 1

    def _reason_holds(self, outcome: int, channel: str) -> bool:
        dispatch = self.case.dispatch
        reasons = {
            EXPIRED: dispatch.state == "expired",
            CANCELLED: dispatch.stopped_by is not None,
            REJECTED: channel in self.refused,
            UNKNOWN: dispatch.state in {"cancelled", "expired"}
            or dispatch.event_class in AT_MOST_ONCE
            or self.allowed.unknown,
        }
        return reasons.get(outcome, False)

    # -- I2 --------------------------------------------------------------------------------------

    def _doubles(self, verdict: Verdict) -> None:
        lost_replies = self._lost_replies()
        verdict.begun += self._begun()
        if self.case.most > 1:
            verdict.in_doubt += int(min(lost_replies["sms"] + lost_replies["email"], _ANY))
        for (person, channel), copies in sorted(self.copies.items()):
            most = 1 if channel == "line" else self.case.most
            broken = most > 1 and self._in_hand(person, channel, copies)
            verdict.in_doubt += broken
            if len(copies) > most:
                limit = "at most once" if most == 1 else "twice at most"
                verdict.findings.append(Finding("I2", person, channel, f"{len(copies)} copies, {limit}"))
            elif len(copies) > 1:
                verdict.extras += 1
                lost_replies[channel] -= not broken
                if lost_replies[channel] < 0:
                    verdict.findings.append(Finding("I2", person, channel, "2 copies, and no call was in doubt"))
        for person, channel in self.members:
            if len(self.members[person, channel]) > 1:
                verdict.findings.append(Finding("I2", person, channel, "stands in several batches"))

    def _lost_replies(self) -> dict[str, float]:
        """By channel: copies whose answer got lost at the provider, or may have on the way."""
        lost = Counter(
            request.channel
            for request in self.case.requests
            if request.outcome in {"accepted", "abandoned"} and request.fault in ANSWER_LOST
        )
        return {channel: self.allowed.lost_replies + lost[channel] for channel in ("line", "sms", "email")}

    def _in_hand(self, person: str, channel: str, copies: Sequence[Copy]) -> bool:
        """Whether a copy was truly under way, begun, taken and not recorded, when a worker was broken."""
        patience = STILL_ARRIVING + timedelta(seconds=self.allowed.slow)
        first = min(copy.at for copy in copies)
        return any(
            open_at(member, broken) and first <= broken.at + patience
            for member in self.members[person, channel]
            for broken in self.breaks
        )

    def _begun(self) -> Counter[int]:
        return Counter(
            broken.session
            for broken in self.breaks
            for member in self.case.members
            if member.channel != "line" and open_at(member, broken)
        )

    # -- I3, I4, I5, I8 ----------------------------------------------------------------------------

    def _phantoms(self) -> Iterator[Finding]:
        for (person, channel), copies in sorted(self.copies.items()):
            members = self.members[person, channel]
            if not members:
                yield Finding("I3", person, channel, "a copy, and in no batch")
            elif any(not any(_begun_by(member, copy.at) for member in members) for copy in copies):
                yield Finding("I3", person, channel, "a copy before any intent to call was committed")

    def _untimely(self) -> Iterator[Finding]:
        dispatch, patience = self.case.dispatch, AFTER_STOP + timedelta(seconds=self.allowed.slow)
        last = dispatch.valid_until
        if dispatch.state in {"cancelled", "expired"} and dispatch.ended_at is not None:
            last = min(last, dispatch.ended_at)
        for person, copy in self.case.copies:
            if copy.at < dispatch.approved_at:
                yield Finding("I4", person, copy.channel, "a copy before the approval")
            if copy.at > last + patience:
                late = (copy.at - last).total_seconds()
                yield Finding("I4", person, copy.channel, f"a copy {late:.1f} s after the end")

    def _outsiders(self) -> Iterator[Finding]:
        drill = self.case.dispatch.mode == "drill"
        for person, channel in sorted(self.copies):
            if drill and person not in self.case.drill_list:
                yield Finding("I8", person, channel, "a drill, and not on the drill list")
            elif (person, channel) not in self.case.concerned:
                yield Finding("I5", person, channel, "a copy, and not concerned")
            elif person in self.case.gone:
                yield Finding("I5", person, channel, "a copy, and had left before the approval")

    # -- I7, I10 -----------------------------------------------------------------------------------

    def _contradictions(self) -> Iterator[Finding]:
        for member in self.case.members:
            copies = len(self.copies.get((member.person, member.channel), ()))
            name = NAMES.get(member.outcome, str(member.outcome))
            if member.outcome in TAKEN and not copies:
                yield Finding("I7", member.person, member.channel, f"recorded as {name}, and no provider has it")
            elif member.outcome in NOT_TAKEN and copies:
                yield Finding("I7", member.person, member.channel, f"recorded as {name}, and a provider has it")
            elif member.outcome in UNSENT:
                yield Finding("I7", member.person, member.channel, f"over, and still {name}")

    def _merges(self) -> Iterator[Finding]:
        for member in self.case.members:
            best = max((word.outcome for word in member.words if word.outcome >= REJECTED), default=0)
            stands = member.outcome if member.outcome >= REJECTED else 0
            if best != stands:
                proof, name = (
                    NAMES.get(best, str(best)) if best else "none",
                    NAMES.get(member.outcome, str(member.outcome)),
                )
                sentence = f"recorded as {name}, while the highest proof is {proof}"
                yield Finding("I10", member.person, member.channel, sentence)


def _begun_by(member: Member, at: datetime) -> bool:
    return not member.seen or any(seen.at <= at and seen.begun(member.position) for seen in member.seen)


def open_at(member: Member, broken: Break) -> bool:
    """Whether the broken session held the member in a call that was begun and not recorded."""
    before = [seen for seen in member.seen if seen.at <= broken.at + JUST_COMMITTED]
    if not before or before[-1].session != broken.session:
        return False
    return before[-1].begun(member.position) and before[-1].outcome(member.position) in UNSENT
