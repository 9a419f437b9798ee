"""The ledger of one dispatch without the database: what its journal says, as batches that a sender can claim."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import numpy as np

from channels.contract import Message
from dispatcher import outcomes as states
from dispatcher.audience import Longs
from dispatcher.batches import Claimed, LaneKey, unpassed
from dispatcher.emergency.records import Begun, Carried, Divided, Head, Kept, Ordered, Record, Recorded, Stopped, Words
from dispatcher.model import POLICIES, BatchState, EventClass, Outcome

_ANY_TIME = datetime.fromtimestamp(0, UTC)


def now() -> datetime:
    """The database's clock is gone with it: this host's."""
    return datetime.now(UTC)


@dataclass(slots=True)
class Batch:
    """One batch as it stands by the journal. `kept` is what it was when the database went."""

    kept: Kept
    members: Longs
    messages: list[int]
    outcomes: bytes
    attempt: int
    tries: int
    first_attempt_at: datetime | None
    repeat_at: datetime | None
    repeated: bytes | None
    parent: int | None = None
    state: BatchState = BatchState.DUE
    due_at: datetime = _ANY_TIME
    started: int = 0
    touched: bool = False
    """Whether anything was begun without the database."""
    logs: list[Recorded | Divided | Carried] = field(default_factory=list)

    @classmethod
    def of(cls, kept: Kept, parent: int | None = None) -> Batch:
        batch = cls(
            kept=kept,
            members=np.frombuffer(kept.members, "<i8").astype(np.int64),
            messages=np.frombuffer(kept.messages, "<i4").tolist(),
            outcomes=kept.outcomes,
            attempt=kept.attempt,
            tries=kept.tries,
            first_attempt_at=kept.first_attempt_at,
            repeat_at=kept.repeat_at,
            repeated=kept.repeated,
            parent=parent,
        )
        batch.rest()
        return batch

    @property
    def number(self) -> int:
        return self.kept.number

    @property
    def lane(self) -> LaneKey:
        return LaneKey(self.kept.priority, self.kept.channel, self.kept.lane)

    def rest(self) -> None:
        """Nobody has it in hand: due, at the soonest when its ambiguous members are if it has no others; or done."""
        self.started = 0
        if states.all_final(self.outcomes):
            self.state = BatchState.DONE
            return
        self.state = BatchState.DUE
        fresh = Outcome.PENDING in self.outcomes or Outcome.RETRY in self.outcomes
        if not fresh and self.repeat_at is not None:
            self.due_at = max(self.due_at, self.repeat_at)

    def claim(self, head: Head, session: int) -> Claimed:
        self.state, self.attempt, self.started = BatchState.CLAIMED, self.attempt + 1, 0
        return Claimed(
            dispatch=head.dispatch,
            number=self.number,
            key=self.kept.key,
            lane=self.lane,
            messages=self.messages,
            members=self.members.tolist(),
            outcomes=self.outcomes,
            session=session,
            attempt=self.attempt,
            tries=self.tries,
            first_attempt_at=self.first_attempt_at,
            repeat_at=self.repeat_at,
            claimed_at=now(),
            event_class=EventClass(head.event_class),
            valid_until=head.valid_until,
            counts_once=self.kept.counts_once,
            repeated=self.repeated,
        )


class Ledger:
    """Made of records, and changed by nothing but records: so a journal read again gives the same."""

    def __init__(self, records: Iterable[Record]) -> None:
        self.head: Head | None = None
        self.messages: dict[int, Message] = {}
        self.words: dict[int, Words] = {}
        self.batches: dict[int, Batch] = {}
        self.ordered: Ordered | None = None
        self.stopped: Stopped | None = None
        self.first_begun_at: datetime | None = None
        self.told = 0
        """Records that it was told."""
        for record in records:
            self.take(record)

    @property
    def dispatch(self) -> Head:
        """Raises LookupError for a journal that lost its head."""
        if self.head is None:
            raise LookupError("a journal without its head")
        return self.head

    @property
    def going(self) -> bool:
        """Whether it may be sent from now."""
        return self.ordered is not None and self.stopped is None and self.dispatch.valid_until > now()

    def take(self, record: Record) -> None:
        self.told += 1
        match record:
            case Head():
                self.head = record
            case Words():
                loud = POLICIES[EventClass(self.dispatch.event_class)].loud
                self.words[record.number] = record
                self.messages[record.number] = Message(record.language, record.subject, record.body, loud)
            case Kept():
                self.batches[record.number] = Batch.of(record)
            case Ordered():
                self.ordered = self.ordered or record
            case Stopped():
                self.stopped = record
            case Begun() | Recorded() | Divided() | Carried():
                self._take_attempt(record)

    def _take_attempt(self, record: Begun | Recorded | Divided | Carried) -> None:
        """A batch whose own record was lost is left alone."""
        batch = self.batches.get(record.number)
        if batch is None:
            return
        match record:
            case Begun():
                self._begin(batch, record)
            case Recorded():
                self._record(batch, record)
            case Divided():
                self._divide(batch, record)
            case Carried():
                batch.logs.append(record)

    def _begin(self, batch: Batch, record: Begun) -> None:
        batch.state, batch.touched = BatchState.CLAIMED, True
        batch.attempt, batch.started, batch.outcomes = record.attempt, record.started, record.outcomes
        batch.repeated = record.repeated
        batch.first_attempt_at = batch.first_attempt_at or record.at
        self.first_begun_at = self.first_begun_at or record.at

    def _record(self, batch: Batch, record: Recorded) -> None:
        batch.touched = True
        batch.attempt, batch.outcomes, batch.started = record.attempt, record.outcomes, record.started
        batch.state, batch.tries, batch.repeated = BatchState(record.state), record.tries, record.repeated
        batch.repeat_at = record.repeat_at or batch.repeat_at
        batch.due_at = record.due_at or batch.due_at
        batch.logs.append(record)

    def _divide(self, batch: Batch, record: Divided) -> None:
        batch.touched = True
        batch.attempt, batch.outcomes = record.attempt, record.outcomes
        batch.state, batch.started = BatchState.DONE, 0
        batch.logs.append(record)
        for part in record.parts:
            self.batches[part.number] = Batch.of(_part(batch, part.key, part.number, part.positions), batch.number)

    def recover(self) -> None:
        """After a crash: what was in hand is in nobody's. What it had begun may have been called."""
        for batch in self.batches.values():
            if batch.state is not BatchState.CLAIMED:
                continue
            promise = states.Promise(POLICIES[EventClass(self.dispatch.event_class)], batch.kept.counts_once)
            batch.outcomes = states.after_crash(
                batch.outcomes, started=batch.started, repeated=batch.repeated, promise=promise
            )
            batch.repeated = unpassed(batch.repeated)
            if Outcome.AMBIGUOUS in batch.outcomes and promise.repeats:
                batch.repeat_at = batch.repeat_at or later(promise.repeat_delay())
            batch.rest()

    def waiting(self, moment: datetime) -> Iterator[Batch]:
        """What is due."""
        return (each for each in self.batches.values() if each.state is BatchState.DUE and each.due_at <= moment)

    def counts(self) -> dict[str, dict[str, int]]:
        """People by channel and outcome, without those who stand in a smaller batch."""
        runs: dict[str, list[bytes]] = {}
        for batch in self.batches.values():
            runs.setdefault(batch.kept.channel, []).append(batch.outcomes)
        return {
            channel: {outcome.name.lower(): number for outcome, number in states.counts(found).items()}
            for channel, found in sorted(runs.items())
        }


def later(seconds: float) -> datetime:
    return datetime.fromtimestamp(now().timestamp() + seconds, UTC)


def _part(batch: Batch, key: UUID, number: int, positions: list[int]) -> Kept:
    """A smaller batch for some of a batch's members, as dispatcher/sql/batch_insert_part.sql makes it."""
    kept = batch.kept
    places = np.frombuffer(kept.places, "<i8")
    return msgspec.structs.replace(
        kept,
        number=number,
        key=key,
        members=batch.members[positions].astype("<i8").tobytes(),
        places=places[positions].tobytes() if len(places) else b"",
        outcomes=bytes(len(positions)),
        attempt=0,
        tries=0,
        first_attempt_at=None,
        repeat_at=None,
        repeated=None,
        exact=True,
        sealed=[kept.sealed[position] for position in positions] if kept.sealed else [],
    )
