"""The queue in PostgreSQL: batches are claimed, begun, recorded, split and merged here.

```
claim → begin (the intent, committed) → the call → record, or give back
```

Every write of an attempt names its session and attempt number; when the batch is no longer theirs,
nothing is written and the caller merges its proof beside the record instead (`merge_late`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID, uuid5

import structlog
from asyncpg import CheckViolationError, Range

from channels.contract import Answer, Message
from dispatcher import outcomes as states
from dispatcher.grouping import Group
from dispatcher.inspection import Span
from dispatcher.model import POLICIES, BatchState, EventClass, Outcome
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool, Record
    from asyncpg.pool import PoolConnectionProxy

    Connection = PoolConnectionProxy[Record]

_CLAIM = sql("dispatcher", "batch_claim")
_BEGIN = sql("dispatcher", "batch_begin")
_RECORD = sql("dispatcher", "batch_record")
_RELEASE = sql("dispatcher", "batch_release")
_GIVE_BACK = sql("dispatcher", "batch_give_back")
_LATE_READ = sql("dispatcher", "batch_late_read")
_LATE_WRITE = sql("dispatcher", "batch_late_write")
_SUSPECT = sql("dispatcher", "batch_suspect")
_LATE_ATTEMPT = sql("dispatcher", "batch_late_attempt")
_NUMBERS = sql("dispatcher", "batch_numbers")
_INSERT_PART = sql("dispatcher", "batch_insert_part")
_LANES_BUSY = sql("dispatcher", "lanes_busy")
_MESSAGE = sql("dispatcher", "message_read")
_FIRST_SEND = sql("dispatcher", "dispatch_first_send")
_STOPPED = sql("dispatcher", "dispatch_stopped")
_RECEIPT = sql("dispatcher", "receipt_insert")

log = structlog.get_logger(__name__)

_MESSAGES_KEPT = 4096
_PATIENCE = 0.7
"""Seconds that batches of one commit wait for one of them whose row somebody holds locked; a second is the promise."""


@dataclass(frozen=True, slots=True, order=True)
class LaneKey:
    """Batches that share limits and never wait for those of another lane."""

    priority: int
    channel: str
    lane: str


@dataclass(frozen=True, slots=True)
class Member:
    """One recipient's place in a batch; as a token it travels through callbacks and Message-IDs."""

    dispatch: str
    batch: int
    position: int

    @property
    def token(self) -> str:
        return f"{self.dispatch}.{self.batch}.{self.position}"

    @classmethod
    def from_token(cls, token: str) -> Member | None:
        """None when the token is not one of ours."""
        parts = token.split(".")
        if len(parts) != 3 or not parts[1].isdecimal() or not parts[2].isdecimal():  # noqa: PLR2004
            return None
        number, position = int(parts[1][:9]), int(parts[2][:9])
        return cls(parts[0], number, position)


def unpassed(repeated: bytes | None) -> bytes | None:
    """The marks that outlive the calls."""
    return repeated.replace(bytes([states.PASSED]), b"\0") if repeated is not None else None


@dataclass(slots=True)
class Claimed:
    """A batch held by one attempt of one session; `outcomes` is this attempt's own record."""

    dispatch: str
    number: int
    key: UUID
    lane: LaneKey
    messages: list[int]
    members: list[int]
    outcomes: bytes
    session: int
    attempt: int
    tries: int
    first_attempt_at: datetime | None
    repeat_at: datetime | None
    claimed_at: datetime
    event_class: EventClass
    valid_until: datetime
    counts_once: bool = False
    """Whether the provider counts a repeated call once."""
    repeated: bytes | None = None
    """Where it does not, a byte a member: which of the doubtful this attempt calls again (AGAIN), and which not (PASSED)."""
    deaths: int = 0
    """Workers that died while they held it, as far as it matters (dispatcher/inspection.py)."""
    accused: Span | None = None
    """Whom the last of them was looking at."""
    recorded: bytes = b""
    """The batch's own record at the claim, without what was proved beside it."""
    part: int = 0
    probe: bool = False
    """Claimed to find out, by one call, whether a sick provider works again."""

    @classmethod
    def from_row(cls, row: Record, session: int) -> Claimed:
        return cls(
            dispatch=row["dispatch"],
            number=row["number"],
            key=row["key"],
            lane=LaneKey(row["priority"], row["channel"], row["lane"]),
            messages=row["messages"],
            members=row["members"],
            outcomes=states.refined(row["outcomes"], row["proofs"]),
            session=session,
            attempt=row["attempt"],
            tries=row["tries"],
            first_attempt_at=row["first_attempt_at"],
            repeat_at=row["repeat_at"],
            claimed_at=row["claimed_at"],
            event_class=EventClass(row["class"]),
            valid_until=row["valid_until"],
            counts_once=row["counts_once"],
            repeated=row["repeated"],
            deaths=row["deaths"],
            recorded=row["outcomes"],
            accused=span_of(row["suspect"]),
        )

    def message_of(self, position: int) -> int:
        return self.messages[position if len(self.messages) > 1 else 0]

    def child(self, number: int, positions: Sequence[int]) -> Claimed:
        """A smaller batch with these of its members, which nobody has claimed yet; its key follows from this one's."""
        return replace(
            self,
            number=number,
            key=uuid5(self.key, ",".join(map(str, positions))),
            members=[self.members[position] for position in positions],
            outcomes=bytes(len(positions)),
            attempt=0,
            tries=0,
            first_attempt_at=None,
            repeat_at=None,
            repeated=None,
            deaths=0,
            accused=None,
            recorded=bytes(len(positions)),
            part=0,
            probe=False,
        )

    @property
    def repeating(self) -> bool:
        """Whether ambiguous members are called again in this attempt."""
        return self.repeat_at is None or self.repeat_at <= self.claimed_at

    def promise(self, *, repeatable: bool) -> states.Promise:
        return states.Promise(POLICIES[self.event_class], repeatable and self.counts_once)

    def call_again(self, positions: Iterable[int], *, before: int) -> None:
        """Mark the doubtful before a position: whoever of them is in `positions` is called again from the next commit on."""
        if self.counts_once or Outcome.AMBIGUOUS not in self.outcomes:
            return
        marks, again = bytearray(self.repeated or bytes(len(self.members))), set(positions)
        for position, outcome in enumerate(self.outcomes[:before]):
            if outcome == Outcome.AMBIGUOUS:
                marks[position] = states.AGAIN if position in again else marks[position] or states.PASSED
        self.repeated = bytes(marks)

    def not_called(self, positions: Iterable[int]) -> None:
        """These certainly were not called again in this attempt, or certainly not taken."""
        if self.repeated is not None:
            marked = [position for position in positions if self.repeated[position] == states.AGAIN]
            still = [position for position in marked if self.outcomes[position] == Outcome.AMBIGUOUS]
            self.repeated = states.marked(self.repeated, still, states.PASSED)

    def settle_together(self) -> None:
        """Where the batch is one call: what proves that it was accepted for one proves it for all."""
        self.outcomes = states.proven_together(self.recorded, self.outcomes)

    def calls_are_over(self) -> None:
        """Whoever was passed over may be called again in another attempt."""
        self.repeated = unpassed(self.repeated)

    @property
    def name(self) -> tuple[str, int]:
        return self.dispatch, self.number

    @property
    def held(self) -> tuple[str, int, int, int]:
        return self.dispatch, self.number, self.attempt, self.session


class Written(NamedTuple):
    """A message as it is stored. `key`: its channel, language, shelter, distance and audience (dispatcher/writing.py)."""

    message: Message
    key: tuple[str, str, str, int, str]


def span_of(stored: Range[int] | None) -> Span | None:
    """Positions, as the database has them."""
    if stored is None or stored.lower is None or stored.upper is None:
        return None
    return stored.lower, stored.upper


@dataclass(slots=True)
class Log:
    """What to remember of the calls of (a part of) an attempt: an entry a call.

    `positions` names the member of each call, or the members of the only one; it is empty when that
    was for the whole batch.
    """

    positions: list[int] = field(default_factory=list)
    outcomes: bytearray = field(default_factory=bytearray)
    codes: list[str] = field(default_factory=list)
    refs: list[str] = field(default_factory=list)
    millis: list[int] = field(default_factory=list)

    def one_call(self, positions: Sequence[int], outcome: Outcome, answer: Answer, seconds: float) -> None:
        """One more call."""
        self.positions.extend(positions)
        self.outcomes.append(outcome)
        self.codes.append(answer.code)
        self.refs.append(answer.reference)
        self.millis.append(round(seconds * 1000))

    def extend(self, later: Log) -> None:
        """Take over what a later log of single calls holds."""
        self.positions += later.positions
        self.outcomes += later.outcomes
        self.codes += later.codes
        self.refs += later.refs
        self.millis += later.millis

    def arguments(self) -> tuple[list[int], bytes, list[str], list[str], list[int]]:
        return self.positions, bytes(self.outcomes), self.codes, self.refs, self.millis


Arguments = tuple[object, ...]
"""A statement's, beginning with the batch's dispatch and number."""


def _name(arguments: Arguments) -> Arguments:
    return arguments[:2]


_KEEP = states.Next(due_in=None, repeat_in=None, ambiguous=False)


def _record_arguments(batch: Claimed, started: int, state: BatchState, after: states.Next, log: Log) -> Arguments:
    part, batch.part = batch.part, batch.part + 1
    when = after.repeat_in, after.due_in, after.ambiguous
    return *batch.held, part, batch.outcomes, started, state, batch.tries, *when, *log.arguments(), batch.repeated


class BatchStore:
    """Everything the sender, the rescuer and the receipts do to batches. Stateless but for the pool, and messages that were read."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._begin = Group(self._begin_all, patience=_PATIENCE)
        self._record = Group(self._record_all, patience=_PATIENCE)
        self._release = Group(self._release_all, patience=_PATIENCE)
        self._written: dict[tuple[str, int], Written] = {}

    async def busy_lanes(self) -> dict[LaneKey, bool]:
        """Lanes where something is due (True), or only under way (False)."""
        rows = await self._pool.fetch(_LANES_BUSY)
        return {LaneKey(row["priority"], row["channel"], row["lane"]): row["due"] for row in rows}

    async def claim(self, lane: LaneKey, session: int, most: int) -> list[Claimed]:
        rows = await self._pool.fetch(_CLAIM, lane.channel, lane.priority, lane.lane, session, most)
        return [Claimed.from_row(row, session) for row in rows]

    async def give_back(self, lane: LaneKey, session: int) -> None:
        """What the session holds of a lane in which it has nothing in hand: a claim whose answer was lost."""
        lost = await self._pool.fetch(_GIVE_BACK, lane.channel, lane.priority, lane.lane, session)
        if lost:
            log.warning("lost_claim_given_back", lane=str(lane), batches=len(lost))

    async def begin(self, batch: Claimed, started: int) -> bool:
        """Commit that members before `started` may be called from now on; False: it is not ours to call."""
        return await self._begin((*batch.held, batch.outcomes, started, batch.repeated))

    async def _begin_all(self, batches: Sequence[Arguments]) -> list[bool]:
        return await self._all(_BEGIN, batches)

    async def progress(self, batch: Claimed, started: int, log: Log) -> bool:
        """Record outcomes so far and begin members before `started`, keeping the claim. False: no longer ours."""
        return await self._record(_record_arguments(batch, started, BatchState.CLAIMED, _KEEP, log))

    async def finish(self, batch: Claimed, log: Log, after: states.Next | None) -> bool:
        """Record and let go: done, or due again `after`. False: no longer ours, and nothing was written."""
        state = BatchState.DONE if after is None else BatchState.DUE
        batch.calls_are_over()
        return await self._record(_record_arguments(batch, 0, state, after or _KEEP, log))

    async def _record_all(self, batches: Sequence[Arguments]) -> list[bool]:
        return await self._all(_RECORD, batches)

    async def _all(self, statement: str, batches: Sequence[Arguments]) -> list[bool]:
        """Run the statement for each batch, in one transaction and one round trip; which of them were still ours."""
        try:
            async with self._pool.acquire() as connection:
                rows = await connection.fetchmany(statement, sorted(batches, key=_name))
        except CheckViolationError:
            return await self._each(statement, batches)
        held = {(row["dispatch"], row["number"]) for row in rows}
        return [_name(batch) in held for batch in batches]

    async def _each(self, statement: str, batches: Sequence[Arguments]) -> list[bool]:
        """What the schema forbids of one batch (a second doubtful repeat) is not done, and keeps no other from it."""
        if len(batches) > 1:
            return [(await self._all(statement, [batch]))[0] for batch in batches]
        dispatch, number = _name(batches[0])
        log.error("forbidden_by_schema", dispatch=dispatch, batch=number)
        return [False]

    async def release(self, batch: Claimed, *, due_in: float = 0) -> bool:
        """Give back a batch of which nothing was started, due in so many seconds. False: it was not ours any more."""
        batch.calls_are_over()
        return await self._release((*batch.held, batch.repeated, due_in))

    async def _release_all(self, batches: Sequence[Arguments]) -> list[bool]:
        return await self._all(_RELEASE, batches)

    async def look_at(self, batch: Claimed, whom: Span | None, deaths: int) -> bool:
        """Say whom we look at next, in case we die of it; nobody any more. False: the batch is no longer ours."""
        return await self._pool.fetchval(_SUSPECT, *batch.held, *(whom or (None, None)), deaths) is not None

    async def remark(self, batch: Claimed, log: Log) -> None:
        """Keep what is to be known of members that were not called, beside the calls."""
        part, batch.part = batch.part, batch.part + 1
        held = batch.dispatch, batch.number, batch.attempt, part, batch.session
        await self._pool.execute(_LATE_ATTEMPT, *held, *log.arguments())

    async def split(self, batch: Claimed, positions: Sequence[int], answer: Answer, log: Log) -> bool:
        """Replace a call that was refused whole by two smaller batches. False: the batch is no longer ours.

        The children's keys follow from the parent's, so that a crash before this commit, and the
        same refusal again, lead to the same two calls.
        """
        parts = states.split_positions(positions, answer.suspect)
        batch.outcomes = states.marked(batch.outcomes, positions, Outcome.MOVED)
        try:
            batch.calls_are_over()
            async with self._pool.acquire() as connection, connection.transaction():
                children = await self._insert_parts(connection, batch, parts)
                await self._finish_split(connection, batch, log)
        except _NoLongerOurs:
            return False
        self.was_split(batch, children)
        return True

    def was_split(self, batch: Claimed, children: Sequence[Claimed]) -> None:
        """Told after the commit; `children` as if nobody had claimed them yet."""

    async def _insert_parts(
        self, connection: Connection, batch: Claimed, parts: Sequence[Sequence[int]]
    ) -> list[Claimed]:
        first = await connection.fetchval(_NUMBERS, batch.dispatch, len(parts))
        children = [batch.child(number, part) for number, part in enumerate(parts, first)]
        for child, part in zip(children, parts, strict=True):
            positions = [position + 1 for position in part]
            name = batch.dispatch, batch.number, child.number
            await connection.execute(_INSERT_PART, *name, child.key, positions, child.outcomes)
        return children

    async def _finish_split(self, connection: Connection, batch: Claimed, log: Log) -> None:
        arguments = _record_arguments(batch, 0, BatchState.DONE, _KEEP, log)
        if await connection.fetchval(_RECORD, *arguments) is None:
            raise _NoLongerOurs

    async def merge_late(self, batch: Claimed, proofs: bytes, log: Log) -> bool:
        """Keep the proof of an attempt that was given up meanwhile. False: there is no such batch (any more)."""
        held = batch.dispatch, batch.number
        async with self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(_LATE_READ, *held)
            if row is None or row["key"] != batch.key:
                return False
            await _merge(connection, held, row, proofs)
            await connection.execute(_LATE_ATTEMPT, *held, batch.attempt, batch.part, batch.session, *log.arguments())
        return True

    async def receipt(self, member: Member, outcome: Outcome, *, code: str, ref: str) -> bool:
        """What a provider says later of one recipient. False when there is no such recipient."""
        dispatch, batch, position = member.dispatch, member.batch, member.position
        async with self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(_LATE_READ, dispatch, batch)
            if row is None or not position < len(row["outcomes"]):
                return False
            await connection.execute(_RECEIPT, dispatch, batch, position, outcome, code, ref)
            proof = states.marked(bytes(len(row["outcomes"])), [position], outcome)
            await _merge(connection, (dispatch, batch), row, proof)
        return True

    async def message(self, dispatch: str, number: int) -> Message:
        name = dispatch, number
        if name not in self._written:
            written = await self._read_message(dispatch, number)
            while len(self._written) >= _MESSAGES_KEPT:
                del self._written[next(iter(self._written))]
            self._written[name] = written
        return self._written[name].message

    async def _read_message(self, dispatch: str, number: int) -> Written:
        row = await self._pool.fetchrow(_MESSAGE, dispatch, number)
        if row is None:
            raise LookupError(f"dispatch {dispatch} has no message {number}")
        policy = POLICIES[EventClass(row["class"])]
        message = Message(language=row["language"], subject=row["subject"], body=row["body"], loud=policy.loud)
        return Written(message, (row["channel"], row["language"], row["shelter"], row["distance"], row["audience"]))

    async def first_send(self, dispatch: str) -> None:
        await self._pool.execute(_FIRST_SEND, dispatch)

    async def stopped(self, in_hand: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
        """Which of these channels of dispatches must not be sent any further."""
        dispatches, channels = [each[0] for each in in_hand], [each[1] for each in in_hand]
        return {(row["dispatch"], row["channel"]) for row in await self._pool.fetch(_STOPPED, dispatches, channels)}


async def _merge(connection: Connection, held: tuple[str, int], row: Record, proofs: bytes) -> None:
    """Merge proofs into a batch whose row this transaction has locked; one that waited for nothing else is done."""
    known = states.merged(row["proofs"] or bytes(len(proofs)), proofs)
    finished = states.all_final(states.refined(row["outcomes"], known))
    await connection.execute(_LATE_WRITE, *held, known, finished)


class _NoLongerOurs(Exception):
    """Rolls back a split of a batch that another attempt holds by now."""
