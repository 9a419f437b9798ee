"""What an officer is told: whom sending without the database would reach, has reached, and may reach twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from dispatcher import outcomes as states
from dispatcher.emergency.ledger import Ledger
from dispatcher.emergency.memory import Order
from dispatcher.model import Outcome

_LEFT = (Outcome.PENDING, Outcome.RETRY, Outcome.AMBIGUOUS)


@dataclass(frozen=True, slots=True)
class Outlook:
    """All counts are people by channel. `state`: remembered (the database answers), waiting, sending, sent, stopped."""

    dispatch: str
    event: str
    names: list[str]
    state: str
    requested_by: str
    approved_by: str
    valid_until: datetime
    to_call: dict[str, int]
    """Still to be written to."""
    perhaps: dict[str, int]
    """Of those, who may have it already: a call without an answer, or one that another process had in hand."""
    counts: dict[str, dict[str, int]]
    """By outcome, of the batches that were not through when the database went."""
    others: int
    """Other processes that were at work then; where they still reach the database they go on by themselves."""
    unplanned: bool
    """There may be people who stand in no batch, and are reached only once the database is back."""
    ordered_by: str | None
    ordered_at: datetime | None
    stopped_by: str | None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def remembered(cls, order: Order) -> Outlook:
        runs: dict[str, list[bytes]] = {}
        for batch in order.batches.values():
            runs.setdefault(batch.channel, []).append(batch.outcomes)
        counts = {
            channel: {outcome.name.lower(): number for outcome, number in states.counts(found).items()}
            for channel, found in sorted(runs.items())
        }
        return cls(
            dispatch=order.job.dispatch,
            event=order.job.event.id,
            names=order.names,
            state="remembered",
            requested_by=order.requested_by,
            approved_by=order.approved_by,
            valid_until=order.valid_until,
            to_call=_left(counts),
            perhaps={},
            counts=counts,
            others=0,
            unplanned=order.unplanned,
            ordered_by=None,
            ordered_at=None,
            stopped_by=None,
        )


def outlook(ledger: Ledger) -> Outlook:
    """As the ledger stands now."""
    head, counts = ledger.dispatch, ledger.counts()
    to_call = _left(counts)
    return Outlook(
        dispatch=head.dispatch,
        event=head.event,
        names=head.names,
        state=_state(ledger, any(to_call.values())),
        requested_by=head.requested_by,
        approved_by=head.approved_by,
        valid_until=head.valid_until,
        to_call=to_call,
        perhaps=_perhaps(ledger),
        counts=counts,
        others=head.others,
        unplanned=head.unplanned,
        ordered_by=ledger.ordered.by if ledger.ordered else None,
        ordered_at=ledger.ordered.at if ledger.ordered else None,
        stopped_by=ledger.stopped.by if ledger.stopped else None,
    )


def _state(ledger: Ledger, anybody_left: bool) -> str:
    if ledger.stopped is not None:
        return "stopped"
    if ledger.ordered is None:
        return "waiting"
    return "sending" if anybody_left else "sent"


def _left(counts: dict[str, dict[str, int]]) -> dict[str, int]:
    return {channel: sum(found.get(each.name.lower(), 0) for each in _LEFT) for channel, found in counts.items()}


def _perhaps(ledger: Ledger) -> dict[str, int]:
    found: Counter[str] = Counter()
    for batch in ledger.batches.values():
        asked = _LEFT if batch.kept.doubtful and not batch.touched else (Outcome.AMBIGUOUS,)
        found[batch.kept.channel] += sum(batch.outcomes.count(outcome) for outcome in asked)
    return {channel: number for channel, number in sorted(found.items()) if number}
