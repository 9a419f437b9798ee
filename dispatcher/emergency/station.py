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
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

import asyncpg
import msgspec
import structlog

from channels.contract import Channel
from dispatcher.audience import AddressBook, Longs
from dispatcher.background import DATABASE_TROUBLE, Agent
from dispatcher.emergency import refusals
from dispatcher.emergency.cutting import Cutter
from dispatcher.emergency.gate import Gate
from dispatcher.emergency.in_hand import WatchedStore
from dispatcher.emergency.journal import Journal, sync_directory
from dispatcher.emergency.leaving import Leaving
from dispatcher.emergency.ledger import Ledger, now
from dispatcher.emergency.locking import claim
from dispatcher.emergency.memory import Memory, Order
from dispatcher.emergency.merging import Unmergeable, merge
from dispatcher.emergency.outlook import Outlook, outlook
from dispatcher.emergency.records import Carried, Head, Kept, Record, Stopped, Words
from dispatcher.emergency.roll_call import RollCall
from dispatcher.emergency.store import Book, JournalStore
from dispatcher.epoch import Epoch
from dispatcher.inspection import Quarantine
from dispatcher.limiter import Limiter
from dispatcher.pauses import Pauses
from dispatcher.providers import TICK_SECONDS, Providers
from dispatcher.sender import Sender
from dispatcher.signing import check_name
from words.problem import Refused

if TYPE_CHECKING:
    from asyncpg import Pool

ASK_SECONDS = 2.0
"""A database that takes longer for one small write is of no use to anybody."""
REFRESH_SECONDS = 0.5
REFRESH_SHARE = 0.05
"""Remembering takes no more than this part of the time, however large the town."""
SUFFIX = ".journal"
ASIDE = ".not-merged"

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
        self._books: dict[str, Book] = {}
        self._sending: AsyncExitStack | None = None
        self._floor: int | None = None
        self._ordering = asyncio.Lock()
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.gate = Gate(directory / "gate")
        self.name = _name_of(directory)
        self._agent = Agent("emergency", self.tick, every=min(0.5, ways.poll_seconds))
        self._roll_call = RollCall(ordinary.pool, self.name, grace=ordinary.grace) if ordinary is not None else None
        if ordinary is not None:
            ordinary.store.carry = self._carry

    # -- being there -----------------------------------------------------------------------------

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """What an earlier process left is merged before this begins, where there is a database."""
        self._take_floor()
        if self._books and self._ordinary is not None:
            await self.tick()
        try:
            async with self._agent:
                yield
        finally:
            await self._end()

    @property
    def has_floor(self) -> bool:
        """Whether this process speaks for its data directory."""
        return self._floor is not None

    @property
    def answers(self) -> bool:
        return self._state.answers

    async def _end(self) -> None:
        await self._stop_sending()
        for book in self._books.values():
            book.journal.close()
        if self._floor is not None:
            if self._roll_call is not None and self._state.answers:
                await self._roll_call.sign_off()
            os.close(self._floor)
            self._floor = None

    def _take_floor(self) -> None:
        """Whoever gets it goes on with what journals there are."""
        if self._floor is None and (lock := claim(self.directory / "lock")) is not None:
            self._floor = lock
            self._books = self._read_journals()
            if self._books:
                self.gate.shut()

    def _read_journals(self) -> dict[str, Book]:
        books = {}
        for path in sorted(self.directory.glob(f"*{SUFFIX}")):
            journal, records = Journal.opened(path)
            ledger = Ledger(records)
            if ledger.head is None:
                log.error("journal_without_head", file=path.name)
                journal.close()
                path.rename(path.with_suffix(ASIDE))
                continue
            ledger.recover()
            books[ledger.head.dispatch] = Book(ledger, journal)
        return books

    # -- watching --------------------------------------------------------------------------------

    async def tick(self) -> None:
        self._take_floor()
        if self._floor is None:
            return
        if self._books or self._sending is not None:
            self.gate.shut()
        try:
            if await self._ask():
                await self._there_is_a_database()
            else:
                await self._there_is_none()
        except (*DATABASE_TROUBLE, asyncpg.PostgresError, TimeoutError) as trouble:
            log.warning("emergency_interrupted", error=type(trouble).__name__)

    async def _ask(self) -> bool:
        """Whether the database takes a write now."""
        if self._roll_call is None:
            self._state.answers = False
            return False
        try:
            async with asyncio.timeout(ASK_SECONDS):
                await self._roll_call.beat(unmerged=any(book.ledger.ordered for book in self._books.values()))
        except (*DATABASE_TROUBLE, asyncpg.PostgresError, TimeoutError):
            self._state.answers = False
            return False
        self._state.answers = True
        self._state.heard_at = time.monotonic()
        return True

    @property
    def _silent(self) -> float:
        return time.monotonic() - self._state.heard_at

    @property
    def _ready_in(self) -> float:
        """Seconds until no ordinary call of this directory can be under way any more."""
        if self._ordinary is None:
            return 0.0
        return self._ways.patience + self._ways.call_seconds + 1 - self._silent

    async def _there_is_a_database(self) -> None:
        if self._books or self._state.prepared or self.gate.is_shut:
            await self._return()
        elif self._ordinary is not None and time.monotonic() >= self._state.refresh_at:
            began = time.monotonic()
            await self._ordinary.memory.refresh()
            took = time.monotonic() - began
            self._state.refresh_at = began + max(REFRESH_SECONDS, took / REFRESH_SHARE)

    async def _there_is_none(self) -> None:
        if self._silent < self._ways.patience and self._ordinary is not None:
            return
        self.gate.shut()
        if self._ready_in > 0:
            return
        if not self._state.prepared and self._ordinary is not None:
            await self._prepare(self._ordinary)
        if self._sending is None and any(book.ledger.going for book in self._books.values()):
            await self._start_sending()

    # -- leaving the database --------------------------------------------------------------------

    async def _prepare(self, ordinary: Ordinary) -> None:
        """A journal for every evacuation; one that is there already, from before this process, is the truth."""
        try:
            for name, order in ordinary.memory.orders.items():
                if name not in self._books:
                    self._books[name] = await self._leave(ordinary, order)
        except OSError as error:
            self._state.trouble = error.strerror or type(error).__name__
            log.error("journal_not_written", reason=self._state.trouble)  # noqa: TRY400 the reason is all there is to it
            return
        self._state.prepared, self._state.trouble = True, ""
        if self._books:
            log.warning("database_given_up", evacuations=sorted(self._books), seconds=round(self._silent))

    async def _leave(self, ordinary: Ordinary, order: Order) -> Book:
        in_hand, sealed = ordinary.store.in_hand, self._addresses.sealed
        leaving = Leaving(self._ways.channels, in_hand, ordinary.session(), sealed)
        new_words, cut, unplanned = list[Words](), list[Kept](), order.state in {"approved", "planning"}
        if unplanned and ordinary.memory.shelters is not None and ordinary.cutter.can(order):
            new_words, cut = await ordinary.cutter.cut(order, ordinary.memory.shelters, leaving)
            unplanned = False
        head = _head(order, self.name, ordinary, unplanned=unplanned)
        small: list[Record] = [head, *order.words.values(), *new_words]

        def write() -> tuple[Journal, Ledger]:
            ledger = Ledger(small)

            def records() -> Iterator[Record]:
                yield from small
                for kept in (*leaving.batches(head.dispatch, order.batches.values()), *cut):
                    ledger.take(_without_addresses(kept))
                    yield kept

            return Journal.create(self.directory / f"{head.dispatch}{SUFFIX}", records()), ledger

        journal, ledger = await asyncio.to_thread(write)
        return Book(ledger, journal)

    async def _carry(self, dispatch: str, kept: Carried) -> bool:
        """What an ordinary attempt that was taken over had learnt; False once there is no journal for it."""
        book = self._books.get(dispatch)
        if book is None:
            return False
        await book.write(kept)
        return True

    # -- sending ---------------------------------------------------------------------------------

    async def _start_sending(self) -> None:
        stack = AsyncExitStack()
        ways = self._ways
        providers = Providers(ways.limiter, _nothing)
        sender = Sender(
            store=JournalStore(self._books, lambda: self._sending is stack),
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
        log.warning("sending_without_database", evacuations=sorted(self._books))

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
        for name, book in list(self._books.items()):
            await self._merge(self._ordinary, name, book)
        await self._roll_call.wait(self.gate.shut)
        self._ordinary.memory.forget()
        self._state = _State()
        self.gate.open()
        log.warning("database_is_back")

    async def _merge(self, ordinary: Ordinary, name: str, book: Book) -> None:
        self.gate.shut()
        book.ledger.recover()
        path = book.journal.path
        try:
            await merge(ordinary.pool, book.ledger, sessions=[ordinary.session()])
        except Unmergeable:
            log.error("journal_of_another_database", dispatch=name, file=path.name)  # noqa: TRY400 a finding, no failure
            path.rename(path.with_suffix(ASIDE))
        else:
            path.unlink()
        del self._books[name]
        book.journal.close()
        sync_directory(self.directory)

    # -- officers --------------------------------------------------------------------------------

    def outlooks(self) -> list[Outlook]:
        """What could be sent, or is being, without the database; while there is one, what is remembered."""
        books = [outlook(book.ledger) for book in self._books.values()]
        if books or self._ordinary is None:
            return books
        return [Outlook.remembered(order) for order in self._ordinary.memory.orders.values()]

    async def order(self, dispatch: str, *, by: str, confirm: str | None) -> Outlook:
        """Send it without the database, from now on. Raises Refused; then nothing is begun."""
        async with self._ordering:
            book = await self._fit_to_send(dispatch)
            check_name("--by", by)
            said = outlook(book.ledger)
            names = book.ledger.dispatch.names
            if confirm is None or not any(refusals.same_words(confirm, name) for name in names):
                raise Refused(refusals.confirm(dispatch, names, said.to_call))
            await self._write_order(book, by)
            if self._ordinary is not None:
                self._ordinary.store.take_over(dispatch)
            log.warning("emergency_ordered", dispatch=dispatch, by=by)
            self._agent.wake()
            return said

    async def _write_order(self, book: Book, by: str) -> None:
        try:
            await book.order(by)
        except OSError as error:
            raise Refused(refusals.no_disk(error.strerror or type(error).__name__)) from None

    async def _fit_to_send(self, dispatch: str) -> Book:
        if not self.has_floor:
            raise Refused(refusals.not_ours(dispatch))
        if await self._ask():
            raise Refused(refusals.database_answers())
        if self._ready_in > 0:
            raise Refused(refusals.too_early(self._ready_in))
        if self._ordinary is not None and dispatch in self._ordinary.memory.others:
            raise Refused(refusals.wrong_class(dispatch, *self._ordinary.memory.others[dispatch]))
        if self._ordinary is not None and dispatch in self._ordinary.memory.held:
            raise Refused(refusals.held(dispatch))
        if self._state.trouble:
            raise Refused(refusals.no_disk(self._state.trouble))
        if self._ordinary is not None and not self._state.prepared:
            raise Refused(refusals.too_early(1))
        book = self._books.get(dispatch)
        if book is None:
            raise Refused(refusals.unknown(dispatch, self._books))
        return _check(book)

    async def stop(self, dispatch: str, *, by: str) -> Outlook:
        """Nothing of it is begun any more without the database, nor with it. Raises Refused."""
        book = self._books.get(dispatch)
        if book is None:
            raise Refused(refusals.unknown(dispatch, self._books))
        check_name("--by", by)
        stopped = Stopped(by, now())
        if book.ledger.stopped is None:
            book.ledger.take(stopped)
            try:
                await book.journal.append(stopped)
            except OSError as error:
                raise Refused(refusals.no_disk(error.strerror or type(error).__name__)) from None
        log.warning("emergency_stopped", dispatch=dispatch, by=by)
        return outlook(book.ledger)


def _check(book: Book) -> Book:
    ledger, name = book.ledger, book.ledger.dispatch.dispatch
    if ledger.stopped is not None:
        raise Refused(refusals.stopped(name, ledger.stopped))
    if ledger.dispatch.valid_until <= now():
        raise Refused(refusals.expired(name, ledger.dispatch.valid_until))
    if ledger.ordered is not None:
        raise Refused(refusals.ordered(name, ledger.ordered))
    return book


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


def _without_addresses(kept: Kept) -> Kept:
    """In memory they stand once, in the columns."""
    return msgspec.structs.replace(kept, sealed=[])


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
