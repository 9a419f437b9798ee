"""The shelf: the books of a data directory, each a journal and what it says. Written, read again, merged, put aside."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import msgspec
import structlog

from dispatcher.background import DATABASE_TROUBLE
from dispatcher.emergency.journal import Journal, sync_directory
from dispatcher.emergency.ledger import Ledger
from dispatcher.emergency.merging import Unmergeable, merge
from dispatcher.emergency.records import Carried, Kept, Record
from dispatcher.emergency.store import Book

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from asyncpg import Pool

SUFFIX = ".journal"
ASIDE = ".not-merged"
_LOOK_SECONDS = 0.1
_PASSING = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.LockNotAvailableError)
"""What befalls a transaction because of others: the same may be tried again."""

log = structlog.get_logger(__name__)


class Shelf:
    """`books` by dispatch."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.books: dict[str, Book] = {}

    @property
    def ordered(self) -> bool:
        """Whether anything was ordered to be sent, and is not merged yet."""
        return any(book.ledger.ordered for book in self.books.values())

    @property
    def going(self) -> bool:
        """Whether anything may be sent from it now."""
        return any(book.ledger.going for book in self.books.values())

    def read(self) -> None:
        """Take up what journals there are. What was in hand when they ended is in nobody's."""
        for path in sorted(self._directory.glob(f"*{SUFFIX}")):
            journal, records = Journal.opened(path)
            ledger = Ledger(records)
            if ledger.head is None:
                log.error("journal_without_head", file=path.name)
                journal.close()
                path.rename(path.with_suffix(ASIDE))
            else:
                ledger.recover()
                self.books[ledger.head.dispatch] = Book(ledger, journal)

    async def add(self, dispatch: str, first: Sequence[Record], batches: Iterable[Kept]) -> None:
        """A new book; the head comes first. Raises OSError, and then there is none."""

        def write() -> Book:
            ledger = Ledger(first)

            def records() -> Iterator[Record]:
                yield from first
                for kept in batches:
                    ledger.take(_without_addresses(kept))
                    yield kept

            return Book(ledger, Journal.create(self._directory / f"{dispatch}{SUFFIX}", records()))

        self.books[dispatch] = await asyncio.to_thread(write)

    async def carry(self, dispatch: str, kept: Carried) -> bool:
        """What an ordinary attempt that was taken over had learnt. False once there is no journal that takes it.

        The end of one that knows nothing of the batch is waited for: its people may be called from it. Only then is the
        database there to be told, and knows who was.
        """
        while (book := self.books.get(dispatch)) is not None:
            if kept.number in book.ledger.batches:
                await self._carry(book, kept)
                return True
            await asyncio.sleep(_LOOK_SECONDS)
        return False

    async def _carry(self, book: Book, kept: Carried) -> None:
        """In the ledger at once, lest merging ends before it is on disk; a disk that fails loses no more than a log."""
        book.ledger.take(kept)
        try:
            await book.journal.append(kept)
        except OSError as error:
            log.error("log_not_in_journal", batch=kept.number, reason=error.strerror)  # noqa: TRY400

    async def merge(self, pool: Pool, sessions: Collection[int], meanwhile: Callable[[], None]) -> None:
        """Merge every book, and be rid of it. Raises what a database raises that is away.

        One that cannot be merged is put aside, for people: it must not keep all others from being sent for good.
        """
        for name, book in list(self.books.items()):
            meanwhile()
            path = book.journal.path
            book.ledger.recover()
            try:
                await _merge_all(pool, book, sessions, meanwhile)
            except Unmergeable:
                log.error("journal_of_another_database", dispatch=name, file=path.name)  # noqa: TRY400 a finding
                path.rename(path.with_suffix(ASIDE))
            except (*DATABASE_TROUBLE, *_PASSING, TimeoutError):
                raise
            except Exception:
                log.exception("journal_not_merged", dispatch=name, file=path.name)
                path.rename(path.with_suffix(ASIDE))
            else:
                path.unlink()
            del self.books[name]
            book.journal.close()
            sync_directory(self._directory)

    def close(self) -> None:
        for book in self.books.values():
            book.journal.close()


async def _merge_all(pool: Pool, book: Book, sessions: Collection[int], meanwhile: Callable[[], None]) -> None:
    """Again, when an officer has stopped it or an attempt has ended meanwhile: merged twice comes to the same."""
    told = -1
    while told != book.ledger.told:
        told = book.ledger.told
        await merge(pool, book.ledger, sessions=sessions, meanwhile=meanwhile)
        await book.journal.settled()


def _without_addresses(kept: Kept) -> Kept:
    """In memory they stand once, in the columns."""
    return msgspec.structs.replace(kept, sealed=[])
