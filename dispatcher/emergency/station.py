"""The emergency post of one data directory: it watches the database, remembers, and sends without it when ordered to.

One process of a directory has it (a file lock); when that one dies another takes it. What it does:

- While the database takes writes: remember every live evacuation that is not through (memory.py).
- Silent for as long as a worker's lease: shut the gate (gate.py), so that nobody here sends by the database before what
  was sent without it is merged. Silent for as long as a call may still last on top: write all that is left of each
  evacuation to a journal. From now on an officer may order it to be sent.
- Ordered: a sender like the ordinary one, over the journal (store.py).
- The database is back: nothing more is begun, calls under way end, the journal is merged (merging.py), other servers are
  given a moment to do the same, the gate opens.
- Started with a journal there: merged first; or, without a database, gone on with where it was left.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

import asyncpg
import structlog

from channels.contract import Channel
from dispatcher.audience import AddressBook, Longs
from dispatcher.background import DATABASE_TROUBLE, Agent
from dispatcher.emergency.cutting import Cutter
from dispatcher.emergency.gate import Gate
from dispatcher.emergency.in_hand import A_MOMENT, WatchedStore
from dispatcher.emergency.leaving import Leaving
from dispatcher.emergency.locking import claim
from dispatcher.emergency.memory import Memory, Order
from dispatcher.emergency.neighbours import Neighbours
from dispatcher.emergency.records import Head, InHand, Kept, Words
from dispatcher.emergency.roll_call import RollCall
from dispatcher.emergency.shelf import Shelf
from dispatcher.emergency.store import Book, JournalStore
from dispatcher.epoch import Epoch
from dispatcher.inspection import Quarantine
from dispatcher.limiter import Limiter
from dispatcher.pauses import Pauses
from dispatcher.providers import TICK_SECONDS, Providers
from dispatcher.sender import Sender

if TYPE_CHECKING:
    from asyncpg import Pool

ASK_SECONDS = 2.0
"""A database that takes longer for one small write is of no use to anybody."""
SETTLE_SECONDS = 2.0
"""Beyond the last moment of any call: until other processes of the directory have told what they have in hand."""
AWAITED_SECONDS = 10.0
"""A process that hangs is not waited for longer."""
LOOK_SECONDS = 0.5
REFRESH_SECONDS = 0.5
REFRESH_SHARE = 0.05
"""Remembering takes no more than this part of the time, however large the town."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ways:
    """How it writes to people, and its times in seconds: as the ordinary engine's."""

    channels: Mapping[str, Channel]
    limiter: Limiter
    poll_seconds: float
    call_seconds: float
    patience: float
    """How long a worker starts calls without having heard of the database."""


class SealedBook(AddressBook, Protocol):
    """Addresses without the database: as they are in memory, or in the journal."""

    def sealed(self, kind: str, subscribers: Longs) -> list[bytes]:
        """As stored; empty for whoever has none."""
        ...


@dataclass(frozen=True, slots=True)
class Ordinary:
    """What there is only while, or after, there was a database. `grace`: how long other servers are waited for then."""

    pool: Pool
    grace: float
    memory: Memory
    store: WatchedStore
    cutter: Cutter
    session: Callable[[], int]


@dataclass(slots=True)
class _Lease:
    """The order itself is the right to send; it ends when the database is back."""

    holds: Callable[[], bool]
    number: int = 0

    @property
    def alive(self) -> bool:
        return self.holds()


@dataclass(slots=True)
class _State:
    heard_at: float = field(default_factory=time.monotonic)
    """When the database last took a write."""
    answers: bool = True
    prepared: bool = False
    refresh_at: float = 0.0
    trouble: str = ""
    """Why the journal could not be written."""


class Station:
    """At work for as long as `at_work` lasts. Without `ordinary` it goes on with what the directory's journals say."""

    def __init__(self, directory: Path, ways: Ways, addresses: SealedBook, ordinary: Ordinary | None = None) -> None:
        self.directory = directory
        self._ways = ways
        self._addresses = addresses
        self._ordinary = ordinary
        self._state = _State()
        self._shelf = Shelf(directory)
        self._sending: AsyncExitStack | None = None
        self._floor: int | None = None
        self._their_sessions: set[int] = set()
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._neighbours = Neighbours(directory)
        self.gate = Gate(directory / "gate")
        self.name = _name_of(directory)
        self._agent = Agent("emergency", self.tick, every=min(0.5, ways.poll_seconds))
        self._lookout = Agent("emergency lookout", self._look, every=LOOK_SECONDS)
        self._roll_call = RollCall(ordinary.pool, self.name, grace=ordinary.grace) if ordinary is not None else None
        if ordinary is not None:
            ordinary.store.carry = self._shelf.carry

    # -- being there -----------------------------------------------------------------------------

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """What an earlier process left is merged before this begins, where there is a database."""
        self._take_floor()
        if self._shelf.books and self._ordinary is not None:
            await self.tick()
        try:
            async with self._agent, self._lookout:
                yield
        finally:
            await self._end()

    @property
    def has_floor(self) -> bool:
        """Whether this process speaks for its data directory."""
        return self._floor is not None

    @property
    def answers(self) -> bool:
        """Whether the database took a write when it was last asked to."""
        return self._state.answers

    @property
    def books(self) -> Mapping[str, Book]:
        """What may be, or is being, sent without the database."""
        return self._shelf.books

    @property
    def memory(self) -> Memory | None:
        """What is known from when there was a database; None where there has been none yet."""
        return self._ordinary.memory if self._ordinary is not None else None

    @property
    def prepared(self) -> bool:
        """Whether the journals of this outage are written."""
        return self._ordinary is None or self._state.prepared

    @property
    def trouble(self) -> str:
        """Why they could not be, if they could not."""
        return self._state.trouble

    def take_over(self, dispatch: str) -> None:
        """It was ordered: what is in hand of it here is the journal's, and sending begins."""
        if self._ordinary is not None:
            self._ordinary.store.take_over(dispatch)
        self._agent.wake()

    def look(self) -> None:
        """Something was approved or stopped: see to it that it is known here at once."""
        self._lookout.wake()

    async def _end(self) -> None:
        await self._stop_sending()
        self._shelf.close()
        self._neighbours.end()
        if self._floor is not None:
            if self._roll_call is not None and self._state.answers:
                await self._roll_call.sign_off()
            os.close(self._floor)
            self._floor = None

    def _take_floor(self) -> None:
        """Whoever gets it goes on with what journals there are."""
        if self._floor is None and (lock := claim(self.directory / "lock")) is not None:
            self._floor = lock
            self._shelf.read()
            if self._shelf.books:
                self.gate.shut()

    # -- watching --------------------------------------------------------------------------------

    async def tick(self) -> None:
        self._take_floor()
        if self._floor is None:
            await self._stand_by()
            return
        if self._shelf.books or self._sending is not None:
            self.gate.shut()
        try:
            if await self.ask():
                await self._there_is_a_database()
            else:
                await self._there_is_none()
        except (*DATABASE_TROUBLE, asyncpg.PostgresError, TimeoutError) as trouble:
            log.warning("emergency_interrupted", error=type(trouble).__name__)

    async def _look(self) -> None:
        """Apart from the tick, which may be reading a large town's batches for seconds."""
        if self._floor is None or self._ordinary is None or not self._state.answers:
            return
        async with asyncio.timeout(ASK_SECONDS):
            await self._ordinary.memory.look()

    async def ask(self) -> bool:
        """Whether the database takes a write now."""
        if self._roll_call is None:
            self._state.answers = False
            return False
        try:
            async with asyncio.timeout(ASK_SECONDS):
                await self._roll_call.beat(unmerged=self._shelf.ordered)
        except (*DATABASE_TROUBLE, asyncpg.PostgresError, TimeoutError):
            self._state.answers = False
            return False
        self._state.answers = True
        self._state.heard_at = time.monotonic()
        return True

    async def _stand_by(self) -> None:
        """Without the post: tell who has it what is in hand here, once no call can be under way any more."""
        if self._ordinary is None:
            return
        try:
            async with asyncio.timeout(ASK_SECONDS):
                await self._ordinary.pool.fetchval("select 1")
        except (*DATABASE_TROUBLE, asyncpg.PostgresError, TimeoutError):
            if self._silent >= self._ways.patience + self._ways.call_seconds:
                await asyncio.to_thread(self._neighbours.leave, self._ordinary.store.told())
            return
        self._state.heard_at = time.monotonic()
        self._ordinary.store.read_to(time.monotonic() - A_MOMENT)
        self._neighbours.take_back()

    @property
    def _silent(self) -> float:
        return time.monotonic() - self._state.heard_at

    @property
    def ready_in(self) -> float:
        """Seconds until no ordinary call of this directory can be under way any more."""
        if self._ordinary is None:
            return 0.0
        return self._ways.patience + self._ways.call_seconds + SETTLE_SECONDS - self._silent

    async def _there_is_a_database(self) -> None:
        if self._shelf.books or self._state.prepared or self.gate.is_shut:
            await self._return()
        elif self._ordinary is not None and time.monotonic() >= self._state.refresh_at:
            began = time.monotonic()
            await self._ordinary.memory.refresh()
            self._ordinary.store.read_to(began)
            took = time.monotonic() - began
            self._state.refresh_at = began + max(REFRESH_SECONDS, took / REFRESH_SHARE)

    async def _there_is_none(self) -> None:
        if self._silent < self._ways.patience and self._ordinary is not None:
            return
        self.gate.shut()
        if self.ready_in > 0 or self._awaited():
            return
        if not self._state.prepared and self._ordinary is not None:
            await self._prepare(self._ordinary)
        if self._sending is None and self._shelf.going:
            await self._start_sending()

    def _awaited(self) -> bool:
        """Whether another process of the directory has yet to tell what it has in hand."""
        if self._state.prepared or self.ready_in < -AWAITED_SECONDS:
            return False
        return self._neighbours.silent(within=self._silent) > 0

    # -- leaving the database --------------------------------------------------------------------

    async def _prepare(self, ordinary: Ordinary) -> None:
        """A journal for every evacuation; one that is there already, from before this process, is the truth."""
        try:
            theirs = await asyncio.to_thread(self._neighbours.told, within=self._silent)
            self._their_sessions = {each.session for each in theirs}
            told = [*theirs, *ordinary.store.told()]
            for name, order in list(ordinary.memory.orders.items()):
                if name not in self._shelf.books:
                    await self._leave(ordinary, order.completed(told), told)
        except OSError as error:
            self._state.trouble = error.strerror or type(error).__name__
            log.error("journal_not_written", reason=self._state.trouble)  # noqa: TRY400 the reason is all there is to it
            return
        self._state.prepared, self._state.trouble = True, ""
        if self._shelf.books:
            log.warning("database_given_up", evacuations=sorted(self._shelf.books), seconds=round(self._silent))

    async def _leave(self, ordinary: Ordinary, order: Order, told: Iterable[InHand]) -> None:
        leaving = Leaving(self._ways.channels, told, ordinary.session(), self._addresses.sealed)
        new_words, cut, unplanned = list[Words](), list[Kept](), order.unplanned
        if unplanned and ordinary.memory.shelters is not None and ordinary.cutter.can(order):
            new_words, cut = await ordinary.cutter.cut(order, ordinary.memory.shelters, leaving)
            unplanned = False
        unplanned = unplanned or not all(map(order.said, order.batches.values()))
        head = _head(order, self.name, ordinary, unplanned=unplanned)
        batches = chain(leaving.batches(order), cut)
        await self._shelf.add(head.dispatch, [head, *order.words.values(), *new_words], batches)

    # -- sending ---------------------------------------------------------------------------------

    async def _start_sending(self) -> None:
        stack = AsyncExitStack()
        ways = self._ways
        providers = Providers(ways.limiter, _nothing)
        sender = Sender(
            store=JournalStore(self._shelf.books, lambda: self._sending is stack),
            addresses=self._addresses,
            channels=ways.channels,
            limiter=ways.limiter,
            session=_Lease(lambda: self._sending is stack),
            pauses=Pauses(),
            providers=providers,
            quarantine=Quarantine(),
            epoch=Epoch(),
            poll_seconds=ways.poll_seconds,
            call_seconds=ways.call_seconds,
            lane_through=_nothing,
        )
        self._sending = stack
        await stack.enter_async_context(Agent("emergency providers", providers.tick, every=TICK_SECONDS))
        await stack.enter_async_context(sender)
        log.warning("sending_without_database", evacuations=sorted(self._shelf.books))

    async def _stop_sending(self) -> None:
        """Nothing more is begun; calls under way end and are recorded."""
        stack, self._sending = self._sending, None
        if stack is not None:
            await stack.aclose()

    # -- the way back ----------------------------------------------------------------------------

    async def _return(self) -> None:
        if self._ordinary is None or self._roll_call is None:
            return
        await self._stop_sending()
        sessions = {self._ordinary.session(), *self._their_sessions}
        await self._shelf.merge(self._ordinary.pool, sessions, self.gate.shut)
        await self._roll_call.wait(self.gate.shut)
        self._neighbours.clear()
        self._ordinary.memory.forget()
        self._state = _State()
        self.gate.open()
        log.warning("database_is_back")


def _head(order: Order, station: str, ordinary: Ordinary, *, unplanned: bool) -> Head:
    return Head(
        dispatch=order.job.dispatch,
        event=order.job.event.id,
        names=order.names,
        event_class=order.job.event.event_class,
        valid_until=order.valid_until,
        requested_by=order.requested_by,
        approved_by=order.approved_by,
        station=station,
        session=ordinary.session(),
        others=max(0, ordinary.memory.sessions - 1),
        unplanned=unplanned,
    )


def _name_of(directory: Path) -> str:
    """A name that stays with the data directory."""
    path = directory / "name"
    with suppress(FileNotFoundError):
        return path.read_text(encoding="utf-8").strip()
    name = uuid4().hex
    draft = directory / f"name.{os.getpid()}"
    draft.write_text(name, encoding="utf-8")
    draft.rename(path)
    return name


def _nothing() -> None:
    """Nobody waits to be told."""
