"""Batches without the database, for the same sender: claimed in memory, begun and recorded in the journal."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from uuid import uuid5

from channels.contract import Answer, Message
from dispatcher import outcomes as states
from dispatcher.batches import Claimed, LaneKey, Log
from dispatcher.emergency.journal import Journal
from dispatcher.emergency.ledger import Ledger, later, now
from dispatcher.emergency.records import Begun, Calls, Divided, Ordered, Part, Record, Recorded, Stopped
from dispatcher.inspection import Span
from dispatcher.model import BatchState, Outcome

_AT_ONCE = states.Next(due_in=0.0, repeat_in=None, ambiguous=False)


class Book:
    """A ledger and its journal: a record is on disk before it counts."""

    def __init__(self, ledger: Ledger, journal: Journal) -> None:
        self.ledger = ledger
        self.journal = journal

    async def write(self, record: Record) -> None:
        await self.journal.append(record)
        self.ledger.take(record)

    async def order(self, by: str) -> None:
        await self.write(Ordered(by, now()))

    async def stop(self, by: str) -> None:
        await self.write(Stopped(by, now()))


class JournalStore:
    """The store of whatever was ordered (`dispatcher.store.Store`). `open` says whether anything may still be begun."""

    def __init__(self, books: Mapping[str, Book], open_: Callable[[], bool]) -> None:
        self._books = books
        self._open = open_

    def _going(self) -> list[Book]:
        return [book for book in self._books.values() if book.ledger.going]

    async def busy_lanes(self) -> dict[LaneKey, bool]:
        busy: dict[LaneKey, bool] = {}
        moment = now()
        for book in self._going():
            for batch in book.ledger.batches.values():
                due = batch.state is BatchState.DUE and batch.due_at <= moment
                if due or batch.state is BatchState.CLAIMED:
                    busy[batch.lane] = busy.get(batch.lane, False) or due
        return busy

    async def claim(self, lane: LaneKey, session: int, most: int) -> list[Claimed]:
        if not self._open():
            return []
        moment, found = now(), list[Claimed]()
        for book in self._going():
            due = (batch for batch in book.ledger.waiting(moment) if batch.lane == lane)
            for batch in due:
                if len(found) == most:
                    return found
                found.append(batch.claim(book.ledger.dispatch, session))
        return found

    async def give_back(self, lane: LaneKey, session: int) -> None:
        """A claim in memory is never lost."""

    async def begin(self, batch: Claimed, started: int) -> bool:
        book = self._books[batch.dispatch]
        if not self._open() or not book.ledger.going:
            return False
        await book.write(Begun(batch.number, batch.attempt, started, batch.outcomes, batch.repeated, now()))
        return True

    async def progress(self, batch: Claimed, started: int, log: Log) -> bool:
        await self._record(batch, started, BatchState.CLAIMED, None, log)
        return True

    async def finish(self, batch: Claimed, log: Log, after: states.Next | None) -> bool:
        batch.calls_are_over()
        await self._record(batch, 0, BatchState.DONE if after is None else BatchState.DUE, after, log)
        return True

    async def _record(
        self, batch: Claimed, started: int, state: BatchState, after: states.Next | None, log: Log
    ) -> None:
        """When it is due again: see dispatcher/sql/batch_record.sql."""
        repeat_at = later(after.repeat_in) if after is not None and after.repeat_in is not None else None
        moments = []
        if after is not None and after.due_in is not None:
            moments.append(later(after.due_in))
        if after is not None and after.ambiguous:
            moments += [moment for moment in (repeat_at or batch.repeat_at,) if moment is not None]
        record = Recorded(
            number=batch.number,
            attempt=batch.attempt,
            part=batch.part,
            outcomes=batch.outcomes,
            repeated=batch.repeated,
            started=started,
            state=state,
            tries=batch.tries,
            due_at=min(moments, default=None),
            repeat_at=repeat_at,
            calls=Calls.of(log, now()),
        )
        await self._books[batch.dispatch].write(record)
        batch.part += 1

    async def release(self, batch: Claimed, *, due_in: float = 0) -> bool:
        kept = self._books[batch.dispatch].ledger.batches[batch.number]
        batch.calls_are_over()
        if kept.started:
            after = states.Next(due_in=due_in, repeat_in=None, ambiguous=False)
            await self._record(batch, 0, BatchState.DUE, after, Log())
        else:
            kept.state, kept.due_at = BatchState.DUE, max(kept.due_at, later(due_in))
        return True

    async def look_at(self, batch: Claimed, whom: Span | None, deaths: int) -> bool:  # noqa: ARG002 one process, one journal
        """Without the database nobody counts deaths, so nobody is looked for either."""
        return True

    async def remark(self, batch: Claimed, log: Log) -> None:
        await self.progress(batch, 0, log)

    async def split(self, batch: Claimed, positions: Sequence[int], answer: Answer, log: Log) -> bool:
        """The children's keys follow from the parent's, as they do with the database (batches.py)."""
        book = self._books[batch.dispatch]
        first = min([0, *book.ledger.batches]) - 1
        batch.calls_are_over()
        batch.outcomes = states.marked(batch.outcomes, positions, Outcome.MOVED)
        parts = [
            Part(first - turn, uuid5(batch.key, ",".join(map(str, part))), list(part))
            for turn, part in enumerate(states.split_positions(positions, answer.suspect))
        ]
        calls = Calls.of(log, now())
        await book.write(Divided(batch.number, batch.attempt, batch.part, batch.outcomes, parts, calls))
        return True

    async def merge_late(self, batch: Claimed, proofs: bytes, log: Log) -> bool:  # noqa: ARG002 nobody else holds it
        """A batch of the journal has one holder, whose record is the proof."""
        return await self.finish(batch, log, None if states.all_final(batch.outcomes) else _AT_ONCE)

    async def message(self, dispatch: str, number: int) -> Message:
        return self._books[dispatch].ledger.messages[number]

    async def first_send(self, dispatch: str) -> None:
        """The first `Begun` says it."""

    async def stopped(self, in_hand: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
        return {each for each in in_hand if not self._books[each[0]].ledger.going}


def sealed_addresses(ledgers: Iterable[Ledger], kinds: Mapping[str, str]) -> dict[tuple[str, int], bytes]:
    """The sealed addresses in journals, by kind of contact and member; `kinds` maps channels to them."""
    found: dict[tuple[str, int], bytes] = {}
    for ledger in ledgers:
        for batch in ledger.batches.values():
            kind, sealed = kinds.get(batch.kept.channel), batch.kept.sealed
            if kind is not None and sealed:
                found.update(zip(((kind, member) for member in batch.members.tolist()), sealed, strict=True))
    return found
