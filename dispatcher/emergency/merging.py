"""Merging a journal into the database. Done twice, or with another server's in any order, it comes to the same.

An outcome only ever rises (`joined`). A call that may have arrived is never forgotten: with whatever says that nothing
was sent it makes *unknown*. Batches cut without the database are found again by their keys, attempts by their numbers;
who stands in another batch as well is called by one of the two (overlaps.py).
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
import structlog

from dispatcher import outcomes as states
from dispatcher.emergency import overlaps
from dispatcher.emergency.ledger import Batch, Ledger
from dispatcher.emergency.records import Carried, Divided, Recorded, Words
from dispatcher.model import POLICIES, BatchState, EventClass, Outcome
from dispatcher.writing import MessageNumbers, message_numbers
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool
    from asyncpg import Record as Row
    from asyncpg.pool import PoolConnectionProxy

    Connection = PoolConnectionProxy[Row]

_ORDER = sql("dispatcher", "emergency_order")
_KEYS = sql("dispatcher", "emergency_keys")
_LOCK = sql("dispatcher", "emergency_lock")
_MERGE = sql("dispatcher", "emergency_merge")
_INSERT = sql("dispatcher", "emergency_insert")
_MESSAGE = sql("dispatcher", "emergency_message")
_ATTEMPT = sql("dispatcher", "emergency_attempt")
_FIRST_SEND = sql("dispatcher", "emergency_first_send")
_NUMBERS = sql("dispatcher", "batch_numbers")
_DISPATCH = sql("dispatcher", "dispatch_lock")
_STOP = sql("dispatcher", "dispatch_stop")
_RING = sql("dispatcher", "ring")
_AT_ONCE = 32
"""Batches merged in one transaction."""
_PARTS = 10_000
"""More than one attempt writes; attempts of two servers under the same number stand apart by that much."""

log = structlog.get_logger(__name__)

_UNSENT = {Outcome.SUPPRESSED, Outcome.EXPIRED, Outcome.CANCELLED, Outcome.QUARANTINED}
_RANKS = (
    Outcome.PENDING, Outcome.IN_FLIGHT, Outcome.RETRY, Outcome.AMBIGUOUS, Outcome.SUPPRESSED, Outcome.EXPIRED,
    Outcome.CANCELLED, Outcome.QUARANTINED, Outcome.UNKNOWN, Outcome.MOVED, Outcome.REJECTED, Outcome.ACCEPTED, Outcome.UNDELIVERED,
    Outcome.DELIVERED,
)  # fmt: skip


def _join(one: Outcome, other: Outcome) -> Outcome:
    if Outcome.AMBIGUOUS in {one, other} and _UNSENT & {one, other}:
        return Outcome.UNKNOWN
    return max(one, other, key=_RANKS.index)


_JOINED = np.zeros((256, 256), np.uint8)
for _one in Outcome:
    for _other in Outcome:
        _JOINED[_one, _other] = _join(_one, _other)


def joined(one: bytes, other: bytes) -> bytes:
    """What two records of the same members prove together. Commutative, associative, idempotent.

    Raises ValueError where they are not of the same length.
    """
    if len(one) != len(other):
        raise ValueError("outcomes of different members")
    return _JOINED[np.frombuffer(one, np.uint8), np.frombuffer(other, np.uint8)].tobytes()


def _bounded(outcomes: bytes, here: bytes | None, there: bytes | None) -> tuple[bytes, bytes | None]:
    """Outcomes and marks of repeats (batch.repeated): whose repeat began without the database is called no more, and
    a mark in the database, of a call that was never made, is taken back.
    """
    if here is None and there is None:
        return outcomes, None
    none = bytes(len(outcomes))
    begun, known = (np.frombuffer(marks or none, np.uint8) == states.AGAIN for marks in (here, there))
    outcomes = states.abandoned_at(outcomes, np.flatnonzero(begun).tolist())
    doubtful = np.frombuffer(outcomes, np.uint8) == Outcome.AMBIGUOUS
    return outcomes, np.where((begun | known) & ~doubtful, states.AGAIN, 0).astype(np.uint8).tobytes()


class Unmergeable(Exception):
    """The database does not know this dispatch: it is another one, or an older one that was put back."""


async def merge(
    pool: Pool, ledger: Ledger, *, sessions: Collection[int], meanwhile: Callable[[], None] = lambda: None
) -> None:
    """Merge all that was begun without the database, and what its own process knew better.

    `sessions` are this data directory's, past and present: what they had claimed is the journal's. Raises Unmergeable,
    and what the database raises. `meanwhile` is called between its transactions.
    """
    merging = _Merging(pool, ledger, frozenset(sessions) | {ledger.dispatch.session}, meanwhile)
    await merging.run()


class _Merging:
    def __init__(self, pool: Pool, ledger: Ledger, sessions: frozenset[int], meanwhile: Callable[[], None]) -> None:
        self._meanwhile = meanwhile
        self._pool = pool
        self._ledger = ledger
        self._name = ledger.dispatch.dispatch
        self._sessions = sessions
        self._order: int | None = None
        self._numbers: dict[int, int] = {}
        """The database's numbers of batches that were cut without it."""
        self._added: set[int] = set()
        """Of these, the ones that were added just now, as they stand."""

    async def run(self) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            if await connection.fetchval(_DISPATCH, self._name) is None:
                raise Unmergeable(self._name)
            self._order = await self._write_order(connection)
            await self._add_missing(connection)
        told = [batch for batch in self._ledger.batches.values() if batch.touched or batch.kept.exact or batch.logs]
        for start in range(0, len(told), _AT_ONCE):
            self._meanwhile()
            async with self._pool.acquire() as connection, connection.transaction():
                for batch in sorted(told[start : start + _AT_ONCE], key=self._number):
                    await self._merge(connection, batch)
        async with self._pool.acquire() as connection, connection.transaction():
            await self._tell_the_dispatch(connection)
        log.info("journal_merged", dispatch=self._name, batches=len(told), ordered=self._order is not None)

    def _number(self, batch: Batch) -> int:
        return self._numbers.get(batch.number, batch.number)

    async def _write_order(self, connection: Connection) -> int | None:
        ordered, stopped = self._ledger.ordered, self._ledger.stopped
        if ordered is None:
            return None
        ended = (stopped.by, stopped.at) if stopped is not None else (None, None)
        number: int = await connection.fetchval(
            _ORDER, self._name, self._ledger.dispatch.station, socket.gethostname(), ordered.by, ordered.at, *ended
        )
        return number

    # -- what was cut without the database --------------------------------------------------------

    async def _add_missing(self, connection: Connection) -> None:
        """Batches that were cut here and begun; of others the planner will make its own."""
        cut = sorted((each for each in self._ledger.batches.values() if each.number < 0), key=lambda each: -each.number)
        cut = [batch for batch in cut if batch.touched or batch.parent is not None or batch.kept.exact]
        if not cut:
            return
        there = {row["key"]: row["number"] for row in await connection.fetch(_KEYS, self._name)}
        missing = [batch for batch in cut if batch.kept.key not in there]
        self._numbers = {batch.number: there[batch.kept.key] for batch in cut if batch.kept.key in there}
        if missing:
            await overlaps.settle(connection, self._name, missing, {*self._ledger.batches, *self._numbers.values()})
            messages = await self._messages(connection, missing)
            first = await connection.fetchval(_NUMBERS, self._name, len(missing))
            self._numbers |= {batch.number: number for number, batch in zip(count(first), missing, strict=False)}
            await connection.executemany(_INSERT, [self._row(batch, messages) for batch in missing])
            self._added = {batch.number for batch in missing}

    def _row(self, batch: Batch, messages: Mapping[int, int]) -> Sequence[object]:
        kept = batch.kept
        parent = self._numbers.get(batch.parent, batch.parent) if batch.parent is not None else None
        places = np.frombuffer(kept.places, "<i8") if kept.places else np.zeros(len(batch.members), np.int64)
        numbers = [messages.get(message, message) for message in batch.messages]
        outcomes, repeated = _bounded(batch.outcomes, batch.repeated, None)
        state, *when = self._next(batch, outcomes)
        return (
            self._name, self._numbers[batch.number], parent, kept.key, kept.channel, kept.lane, kept.priority, numbers,
            batch.members.tolist(), places.tolist(), kept.counts_once,
            outcomes, repeated, state, batch.attempt, batch.tries, batch.first_attempt_at, *when,
        )  # fmt: skip

    async def _messages(self, connection: Connection, missing: Sequence[Batch]) -> dict[int, int]:
        """The database's numbers of the messages that these batches name; those it does not have are added."""
        known = await message_numbers(connection, self._name)
        free = count(len(known))
        found: dict[int, int] = {}
        for message in sorted({message for batch in missing for message in batch.messages}):
            words = self._ledger.words[message]
            found[message] = await self._message(connection, words, known, free)
        return found

    async def _message(self, connection: Connection, words: Words, known: MessageNumbers, free: Iterator[int]) -> int:
        if words.key is None:
            return words.number
        if words.key not in known:
            number = known[words.key] = next(free)
            channel, language, shelter, distance, audience = words.key
            content = words.subject, words.body, audience
            await connection.execute(_MESSAGE, self._name, number, channel, language, shelter, distance, *content)
        return known[words.key]

    # -- what became of them ----------------------------------------------------------------------

    async def _merge(self, connection: Connection, batch: Batch) -> None:
        number = self._number(batch)
        row = await connection.fetchrow(_LOCK, self._name, number)
        if row is None or row["key"] != batch.kept.key:
            log.error("journal_of_another_batch", dispatch=self._name, batch=number)
            return
        if batch.number not in self._added:
            await self._write(connection, row, batch, number)
        for entry in batch.logs:
            await self._write_attempt(connection, entry, number)

    def _as_left(self, row: Row, promise: states.Promise) -> bytes:
        """What another server has in hand by now it loses, and merges what it learns as a late outcome: it may not know
        whom we wrote to. Whom it may be calling just now is in doubt; what ours had in hand the journal knows.
        """
        outcomes: bytes = row["outcomes"]
        if row["state"] != "claimed" or row["session"] in self._sessions:
            return outcomes
        return states.after_crash(outcomes, started=row["started"], repeated=row["repeated"], promise=promise)

    def _promise(self, batch: Batch) -> states.Promise:
        return states.Promise(POLICIES[EventClass(self._ledger.dispatch.event_class)], batch.kept.counts_once)

    def _next(self, batch: Batch, outcomes: bytes) -> tuple[BatchState, float | None, float | None, bool]:
        """Done; or due, and in how many seconds: the doubtful, the others, and whether there are any doubtful."""
        if states.all_final(outcomes):
            return BatchState.DONE, None, None, False
        promise = self._promise(batch)
        after = states.next_attempt(outcomes, tries=batch.tries, at_least=0, repeated=True, promise=promise)
        return BatchState.DUE, after.repeat_in, after.due_in, after.ambiguous

    async def _write(self, connection: Connection, row: Row, batch: Batch, number: int) -> None:
        known = states.refined(self._as_left(row, self._promise(batch)), row["proofs"])
        outcomes, repeated = _bounded(joined(known, batch.outcomes), batch.repeated, row["repeated"])
        if outcomes == known and row["state"] != "claimed":
            return
        state, *when = self._next(batch, outcomes)
        first = batch.first_attempt_at
        await connection.execute(
            _MERGE, self._name, number, outcomes, state, batch.attempt, batch.tries, first, *when, repeated
        )

    async def _write_attempt(self, connection: Connection, entry: Recorded | Divided | Carried, number: int) -> None:
        """An ordinary attempt is written as it would have been; one of an order stands apart, by its part."""
        calls = entry.calls
        if not calls.codes:
            return
        order, part, session = None, entry.part, self._ledger.dispatch.session
        if isinstance(entry, Carried):
            session = entry.session
        else:
            order, part = self._order, -1 - entry.part - _PARTS * ((self._order or 0) % _PARTS)
        told = calls.positions, calls.outcomes, calls.codes, calls.refs, calls.millis
        await connection.execute(_ATTEMPT, self._name, number, entry.attempt, part, session, calls.at, *told, order)

    async def _tell_the_dispatch(self, connection: Connection) -> None:
        ledger = self._ledger
        if ledger.first_begun_at is not None:
            await connection.execute(_FIRST_SEND, self._name, ledger.first_begun_at)
        if ledger.stopped is not None:
            await connection.fetchval(_STOP, self._name, ledger.stopped.by)
            await connection.execute(_RING, "stop")
        await connection.execute(_RING, "due")
