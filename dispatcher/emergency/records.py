"""What stands in the emergency journal, record by record (dispatcher/emergency/journal.py)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from dispatcher.batches import Log

MessageKey = tuple[str, str, str, int, str]
"""Channel, language, shelter, distance, audience (dispatcher/writing.py)."""


class Head(msgspec.Struct, tag="head", frozen=True):
    """The dispatch whose journal it is, as it was known when the database went. `station` names the data directory."""

    dispatch: str
    event: str
    names: list[str]
    """What an officer may type to confirm it: the area's names and the event's id, the one to show first."""
    event_class: str
    valid_until: datetime
    requested_by: str
    approved_by: str
    station: str
    session: int
    """The session of the process that wrote it: what that one had claimed in the database is the journal's."""
    others: int
    """Other servers that were at work on the same database."""
    unplanned: bool
    """People of this dispatch may stand in no batch of the journal: its planning had not ended, and could not be here."""


class Words(msgspec.Struct, tag="words", frozen=True):
    """A message by its number; `key` tells what it is for where it was composed without the database."""

    number: int
    language: str
    subject: str
    body: str
    key: MessageKey | None = None


class Kept(msgspec.Struct, tag="batch", frozen=True):
    """A batch as it stood. `members` and `places` are int64, `messages` int32, little-endian.

    `number` is below 0 for a batch cut without the database. `exact`: the outcomes are this process's own and final
    truth; else the last that was seen of another's. `sealed` holds an address a member as the database does, so that
    whoever opens the journal without the database needs nothing else; empty where nobody is left to call.
    """

    number: int
    key: UUID
    channel: str
    lane: str
    priority: int
    messages: bytes
    members: bytes
    places: bytes
    outcomes: bytes
    attempt: int
    tries: int
    first_attempt_at: datetime | None
    repeat_at: datetime | None
    exact: bool
    doubtful: bool
    """Another process had it in hand: some of its people may have been called without our knowing."""
    counts_once: bool
    """Whether the provider counts a repeated call once; else `repeated` marks whose one repeat has begun."""
    repeated: bytes | None
    sealed: list[bytes]


class Ordered(msgspec.Struct, tag="ordered", frozen=True):
    """An officer ordered the sending."""

    by: str
    at: datetime


class Stopped(msgspec.Struct, tag="stopped", frozen=True):
    """An officer ended it."""

    by: str
    at: datetime


class Begun(msgspec.Struct, tag="begun", frozen=True):
    """The intent: members before `started` may be called in this attempt from now on."""

    number: int
    attempt: int
    started: int
    outcomes: bytes
    repeated: bytes | None
    at: datetime


class Calls(msgspec.Struct, frozen=True):
    """A `Log` at rest: when it was closed, and an entry a call."""

    at: datetime
    positions: list[int]
    outcomes: bytes
    codes: list[str]
    refs: list[str]
    millis: list[int]

    @classmethod
    def of(cls, log: Log, at: datetime) -> Calls:
        return cls(at, list(log.positions), bytes(log.outcomes), list(log.codes), list(log.refs), list(log.millis))


class Recorded(msgspec.Struct, tag="recorded", frozen=True):
    """Outcomes of (part of) an attempt, and what is next: as dispatcher/sql/batch_record.sql has it."""

    number: int
    attempt: int
    part: int
    outcomes: bytes
    repeated: bytes | None
    started: int
    state: str
    tries: int
    due_at: datetime | None
    repeat_at: datetime | None
    calls: Calls


class Part(msgspec.Struct, frozen=True):
    """A smaller batch made of a batch whose call was refused as a whole."""

    number: int
    key: UUID
    positions: list[int]


class Divided(msgspec.Struct, tag="divided", frozen=True):
    """A call that was refused as a whole is replaced by smaller ones."""

    number: int
    attempt: int
    part: int
    outcomes: bytes
    parts: list[Part]
    calls: Calls


class Carried(msgspec.Struct, tag="carried", frozen=True):
    """What an ordinary attempt, begun while there was a database, learnt and could not write down any more."""

    number: int
    attempt: int
    part: int
    session: int
    calls: Calls


class InHand(msgspec.Struct, tag="in_hand", frozen=True):
    """What a process has in hand, or let go of a moment ago: whole, for whoever has not read of the batch yet.

    Left to the others of its data directory when the database is gone and its calls are over. Arrays as in `Kept`.
    `words`: those of its messages that the process has read; it has called nobody without.
    """

    dispatch: str
    number: int
    session: int
    outcomes: bytes
    repeated: bytes | None
    attempt: int
    tries: int
    first_attempt_at: datetime | None
    repeat_at: datetime | None
    claimed_at: datetime
    key: UUID
    channel: str
    lane: str
    priority: int
    messages: bytes
    members: bytes
    counts_once: bool
    words: list[Words]


Record = InHand | Head | Words | Kept | Ordered | Stopped | Begun | Recorded | Divided | Carried
