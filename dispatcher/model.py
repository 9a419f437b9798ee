"""The engine's words as values: classes of events and their promises, and what becomes of a recipient."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class EventClass(StrEnum):
    EVACUATION = "evacuation"
    ADVISORY = "advisory"
    TOURISM = "tourism"
    CODE = "code"


class Mode(StrEnum):
    DRILL = "drill"
    LIVE = "live"


class Delivery(StrEnum):
    """Which of a person's channels are used."""

    ALL = "all"
    FIRST_REACHABLE = "first_reachable"


class ShelterChoice(StrEnum):
    """Which shelter a person is sent to, of those open and fit for the hazard."""

    NEAREST = "nearest"
    CAPACITY = "capacity"
    """The nearest while it has room (`geo.sharing`)."""


class Relation(StrEnum):
    """What an event does to the event it refers to."""

    UPDATES = "updates"
    CORRECTS = "corrects"
    LIFTS = "lifts"


class Standing(StrEnum):
    """How a person stands to the area that an update changes: its three audiences, in the order they are written to.

    Who knows nothing and is in danger comes first.
    """

    NEW = "new"
    """Inside, and the order has not reached them before."""
    STILL = "still"
    RELEASED = "released"
    """No longer inside, and may have the order."""


class DispatchState(StrEnum):
    APPROVED = "approved"
    PLANNING = "planning"
    SENDING = "sending"
    HELD = "held"
    """Nothing of it leaves until an officer says so (dispatcher/holding.py)."""
    DRAINED = "drained"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def open(self) -> bool:
        """Whether something may still leave, be it once somebody says so."""
        return self in {
            DispatchState.APPROVED,
            DispatchState.PLANNING,
            DispatchState.SENDING,
            DispatchState.HELD,
        }


class BatchState(StrEnum):
    DUE = "due"
    CLAIMED = "claimed"
    DONE = "done"


class Outcome(IntEnum):
    """What became of one recipient: one byte in its batch.

    Below UNKNOWN the engine still has, or never had, something to do; from UNKNOWN on the numbers
    are the order of proof: receipts that come twice, late or in any order only ever raise it.
    """

    PENDING = 0
    IN_FLIGHT = 1
    RETRY = 3
    AMBIGUOUS = 4
    SUPPRESSED = 10
    """Left, blocked or lost their address between planning and sending."""
    EXPIRED = 11
    CANCELLED = 12
    MOVED = 13
    """Moved into a smaller batch after the provider refused the call as a whole; counted there."""
    QUARANTINED = 14
    """Certainly not sent: handling this one member raised an exception, or workers died of it (dispatcher/inspection.py)."""
    UNKNOWN = 20
    REJECTED = 30
    ACCEPTED = 40
    UNDELIVERED = 50
    DELIVERED = 60

    @property
    def final(self) -> bool:
        return self >= Outcome.SUPPRESSED


@dataclass(frozen=True, slots=True)
class ClassPolicy:
    """The promise of a class (docs/lifecycle.md). Times in seconds.

    `reconcile` is the wait before an ambiguous call without idempotency is repeated, once;
    None means never repeated. `backoff` and `backoff_cap` bound the full-jitter wait of retries.
    """

    reconcile: float | None
    backoff: float
    backoff_cap: float
    loud: bool


POLICIES: dict[EventClass, ClassPolicy] = {
    EventClass.EVACUATION: ClassPolicy(reconcile=10, backoff=1, backoff_cap=30, loud=True),
    EventClass.ADVISORY: ClassPolicy(reconcile=60, backoff=2, backoff_cap=60, loud=True),
    EventClass.TOURISM: ClassPolicy(reconcile=None, backoff=10, backoff_cap=600, loud=False),
    EventClass.CODE: ClassPolicy(reconcile=None, backoff=1, backoff_cap=10, loud=True),
}


LAST_PRIORITY = 4
LEAST_URGENT = 2
"""Priorities up to this one may use all of a channel's connections; drills and tourism half of them."""


def priority(event_class: EventClass, mode: Mode) -> int:
    """The lane order, 0 first. A drill never stands in front of anything real but tourism."""
    if event_class is EventClass.TOURISM:
        return LAST_PRIORITY
    if mode is Mode.DRILL:
        return 3
    return {EventClass.EVACUATION: 0, EventClass.ADVISORY: 1, EventClass.CODE: 2}[event_class]
