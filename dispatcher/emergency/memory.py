"""What a server remembers of each live evacuation while there is a database: as much as it takes to go on without one.

An order is read at once when it is approved, apart from everything else: it can be sent however long the reading of another
town's batches takes. Then what changed is read again and again: new batches and messages whole, and of those in somebody's
hands how they stand. An order of which nothing but the approval is known is not: who was told before would be told again.
What this process itself has in hand, and the others of its data directory, they know better: `InHand`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from dispatcher import binary
from dispatcher import outcomes as states
from dispatcher.audience import Longs
from dispatcher.batches import Claimed
from dispatcher.drafting import Town
from dispatcher.emergency.records import InHand, Words
from dispatcher.gazetteer import board
from dispatcher.holding import ToBeHeld
from dispatcher.model import DispatchState, EventClass, Mode
from dispatcher.writing import Job, read_job
from geo.shelters import ShelterBoard
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool, Record

_OPEN = sql("dispatcher", "emergency_open")
_MESSAGES = sql("dispatcher", "emergency_messages")
_GLANCE = sql("dispatcher", "emergency_glance")
_BATCHES = sql("dispatcher", "emergency_batches")
_OUTCOMES = sql("dispatcher", "emergency_outcomes")
_SESSIONS = sql("dispatcher", "session_list")
_AT_ONCE = 64
"""Batches read by one statement."""

_COLUMNS = ("state", "approved_at", "valid_until", "requested_by", "approved_by")

Glance = tuple[str, int, int]
"""State, attempt, started."""


@dataclass(slots=True)
class Known:
    """A batch as it was seen last."""

    number: int
    key: UUID
    channel: str
    lane: str
    priority: int
    messages: NDArray[np.int32]
    members: Longs
    outcomes: bytes = b""
    state: str = "due"
    session: int | None = None
    attempt: int = 0
    started: int = 0
    tries: int = 0
    first_attempt_at: datetime | None = None
    repeat_at: datetime | None = None
    counts_once: bool = False
    repeated: bytes | None = None

    @classmethod
    def of(cls, row: Record) -> Known:
        named = {name: row[name] for name in ("number", "key", "channel", "lane", "priority")}
        known = cls(messages=binary.ints(row["messages"]), members=binary.bigints(row["members"]), **named)
        known.see(row)
        return known

    @classmethod
    def told(cls, batch: InHand) -> Known:
        """One that nobody has read of yet."""
        return cls(
            number=batch.number,
            key=batch.key,
            channel=batch.channel,
            lane=batch.lane,
            priority=batch.priority,
            messages=np.frombuffer(batch.messages, "<i4").astype(np.int32),
            members=np.frombuffer(batch.members, "<i8").astype(np.int64),
            outcomes=batch.outcomes,
            attempt=batch.attempt,
            counts_once=batch.counts_once,
        )

    @property
    def glance(self) -> Glance:
        return self.state, self.attempt, self.started

    def see(self, row: Record) -> None:
        """Never an older attempt than is known: this process may have been quicker than the reading."""
        if row["attempt"] < self.attempt:
            return
        self.outcomes = states.refined(row["outcomes"], row["proofs"])
        self.state, self.session = row["state"], row["session"]
        self.attempt, self.started, self.tries = row["attempt"], row["started"], row["tries"]
        self.first_attempt_at, self.repeat_at = row["first_attempt_at"], row["repeat_at"]
        self.counts_once, self.repeated = row["counts_once"], row["repeated"]

    def learn(self, batch: Claimed) -> None:
        """An attempt of this process has let go of it."""
        if batch.attempt >= self.attempt:
            self.outcomes, self.attempt, self.tries, self.started = batch.outcomes, batch.attempt, batch.tries, 0
            self.repeated = batch.repeated
            self.state, self.session = "done" if states.all_final(batch.outcomes) else "due", None


@dataclass(slots=True)
class Order:
    """One live evacuation that is not through: its event, its words, its batches."""

    job: Job
    state: str
    """As of the last reading of its batches, which was begun later: of what was planned by then all are known."""
    approved_at: datetime
    valid_until: datetime
    requested_by: str
    approved_by: str
    words: dict[int, Words] = field(default_factory=dict)
    batches: dict[int, Known] = field(default_factory=dict)
    seen_to: int = 0
    """Every batch with a lower number is known."""

    @property
    def unplanned(self) -> bool:
        """Whether some of its people may stand in batches that nobody here has read of, or in none."""
        return self.state in {DispatchState.APPROVED, DispatchState.PLANNING}

    @property
    def names(self) -> list[str]:
        """What the area is called, in the officer's language first; the event's id, for an area without a name."""
        names = self.job.event.area_name
        ordered = [names[tongue] for tongue in ("ja", "en") if tongue in names]
        return list(dict.fromkeys([*ordered, *names.values(), self.job.event.id]))

    def take(self, read: _Read, state: str) -> None:
        """`state`: of before the reading."""
        self.state = state
        self.batches.update({row["number"]: Known.of(row) for row in read.new})
        for row in read.changed:
            self.batches[row["number"]].see(row)
        self.words.update({words.number: words for words in read.words})
        while self.seen_to in self.batches:
            self.seen_to += 1

    def said(self, batch: Known) -> bool:
        """Whether all its words are known."""
        return self.words.keys() >= set(batch.messages.tolist())

    def completed(self, told: Iterable[InHand]) -> Order:
        """With what is only known to whoever has, or just had, it in hand. The database may have gone before it was read.

        Not with a batch whose words nobody has read yet and of which nobody was called: its people stand in none.
        """
        ours = (each for each in told if each.dispatch == self.job.dispatch and each.number not in self.batches)
        new = sorted(ours, key=lambda each: each.attempt)
        words = {one.number: one for each in new for one in each.words}
        whole = replace(self, words=words | self.words)
        batches = {each.number: Known.told(each) for each in new}
        unread = {number: batch for number, batch in batches.items() if any(batch.outcomes) or whole.said(batch)}
        return replace(whole, batches=self.batches | unread)


@dataclass(slots=True)
class _Read:
    """What was read of an order, of one moment as far as it goes: taken in whole, or not at all."""

    new: list[Record] = field(default_factory=list)
    changed: list[Record] = field(default_factory=list)
    words: list[Words] = field(default_factory=list)


@dataclass(slots=True)
class Memory:
    """`others` are the dispatches that are open but no live evacuation: (class, mode)."""

    pool: Pool
    town: Town
    orders: dict[str, Order] = field(default_factory=dict)
    others: dict[str, tuple[str, str]] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    """Live evacuations of which nothing leaves until an officer says so."""
    shelters: ShelterBoard | None = None
    sessions: int = 1
    """Processes at work on this database, this one included."""
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    """An older look must not undo what a newer one found."""

    def learn(self, batch: Claimed) -> None:
        """What an attempt of this process left its batch as."""
        order = self.orders.get(batch.dispatch)
        known = order.batches.get(batch.number) if order is not None else None
        if known is not None:
            known.learn(batch)

    def forget(self) -> None:
        """Read everything anew: the database was gone meanwhile."""
        self.orders.clear()

    async def look(self) -> Mapping[str, str]:
        """Which live evacuations there are, and their states: new ones are read whole, ended ones forgotten.

        Raises what the database raises.
        """
        async with self._looking:
            rows = {row["id"]: row for row in await self.pool.fetch(_OPEN)}
            live = {name for name, row in rows.items() if _is_live_evacuation(row)}
            self.others = {name: (row["class"], row["mode"]) for name, row in rows.items() if name not in live}
            self.held = {name for name in live if rows[name]["state"] == DispatchState.HELD}
            live -= self.held
            for gone in self.orders.keys() - live:
                del self.orders[gone]
            if fresh := live - self.orders.keys():
                await self._read_town()
            for name in fresh:
                await self._meet(rows[name])
            return {name: rows[name]["state"] for name in self.orders}

    async def refresh(self) -> None:
        """Read what changed of all of them. Raises what the database raises."""
        found = await self.look()
        if found:
            await self._read_town()
        for name, state in found.items():
            order = self.orders.get(name)
            if order is not None:
                order.take(await self._read(order), state)

    async def _read_town(self) -> None:
        self.shelters = await board(self.pool)
        self.sessions = len(await self.pool.fetch(_SESSIONS))

    async def _meet(self, row: Record) -> None:
        """Not if its content is not what was approved: the planner has it held."""
        with suppress(ToBeHeld):
            order = Order(await read_job(self.pool, row, self.town), **{name: row[name] for name in _COLUMNS})
            order.take(await self._read(order), row["state"])
            self.orders[row["id"]] = order

    async def _read(self, order: Order) -> _Read:
        """The messages after the batches: those that they name are written with them."""
        read, dispatch = _Read(), order.job.dispatch
        seen = await self.pool.fetch(_GLANCE, dispatch, order.seen_to)
        glances = {row["number"]: (row["state"], row["attempt"], row["started"]) for row in seen}
        for some in _portions(sorted(glances.keys() - order.batches.keys())):
            read.new += await self.pool.fetch(_BATCHES, dispatch, some)
        changed = [number for number, known in order.batches.items() if _changed(known, glances.get(number))]
        for some in _portions(changed):
            read.changed += await self.pool.fetch(_OUTCOMES, dispatch, some)
        for row in await self.pool.fetch(_MESSAGES, dispatch, len(order.words)):
            key = row["channel"], row["language"], row["shelter"], row["distance"], row["audience"]
            read.words.append(Words(row["number"], row["language"], row["subject"], row["body"], key))
        return read


def _is_live_evacuation(row: Record) -> bool:
    return (row["class"], row["mode"]) == (EventClass.EVACUATION, Mode.LIVE)


def _changed(known: Known, glance: Glance | None) -> bool:
    """What is claimed changes without showing it; what is no longer seen is done."""
    if glance is None:
        return known.state != "done"
    return glance[0] == "claimed" or glance != known.glance


def _portions(numbers: list[int]) -> list[list[int]]:
    return [numbers[start : start + _AT_ONCE] for start in range(0, len(numbers), _AT_ONCE)]
