"""What became of one person in one dispatch, in or out: the answer that `why` gives."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

from console.report.reasons import UNKNOWN, Reason, reasons
from console.report.timeline import clock
from dispatcher.model import Outcome
from dispatcher.personal_history import MessageToPerson, PersonHistory, Receipt, Terms, Try, person_history, terms
from subscribers.profile import Profile, profile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncpg import Pool


@dataclass(frozen=True, slots=True)
class Answer:
    """`history` is None for whoever was out, and then there are reasons. `place` is None where it is gone or none was asked."""

    dispatch: str
    subscriber: str
    terms: Terms
    history: PersonHistory | None
    place: str | None
    reasons: tuple[Reason, ...]

    def as_json(self) -> dict[str, Any]:
        entered = self.history.entered_at if self.history else None
        return {
            "dispatch": self.dispatch,
            "subscriber": self.subscriber,
            "class": self.terms.event_class,
            "mode": self.terms.mode,
            "included": self.history is not None,
            "place": self.place,
            "entered_at": entered.isoformat() if entered else None,
            "audience": self.history.standing if self.history else None,
            "reasons": [each._asdict() for each in self.reasons],
            "messages": [_message(each) for each in self.history.messages] if self.history else [],
        }


async def explain(pool: Pool, dispatch: str, subscriber: str, contacts: Mapping[str, str], zone: tzinfo) -> Answer:
    """`contacts` maps channels to the kind of contact they write to, as far as known. Raises Refused: no such dispatch."""
    found, person = await terms(pool, dispatch), await profile(pool, subscriber)
    history = await person_history(pool, dispatch, person.number) if person else None
    kinds = {contacts.get(channel, "") for channel in found.channels}
    return Answer(
        dispatch=dispatch,
        subscriber=subscriber,
        terms=found,
        history=history,
        place=_place(person, history),
        reasons=() if history else _reasons(found, person, kinds, zone),
    )


def _reasons(found: Terms, person: Profile | None, kinds: Collection[str], zone: tzinfo) -> tuple[Reason, ...]:
    return tuple(reasons(found, person, kinds, lambda at: clock(at, zone))) if person else (UNKNOWN,)


def _place(person: Profile | None, history: PersonHistory | None) -> str | None:
    if person is None or history is None:
        return None
    return next((place.name for place in person.places if place.number == history.place), None)


def _message(message: MessageToPerson) -> dict[str, Any]:
    return {
        "channel": message.channel,
        "language": message.language,
        "shelter": message.shelter,
        "distance": message.distance,
        "subject": message.subject,
        "body": message.body,
        "outcome": message.outcome.name.lower(),
        "attempts": [
            _event(each.at, each.outcome, each)
            | {"millis": each.millis}
            | ({"without_database_by": each.ordered_by} if each.ordered_by else {})
            for each in message.tries
        ],
        "receipts": [_event(each.at, each.outcome, each) for each in message.receipts],
    }


def _event(at: datetime, outcome: Outcome, said: Try | Receipt) -> dict[str, Any]:
    return {"at": at.isoformat(), "outcome": outcome.name.lower(), "code": said.code, "ref": said.reference}
