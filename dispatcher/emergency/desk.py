"""The desk: where an officer orders, stops and looks at what is sent without the database."""

from __future__ import annotations

import asyncio

import structlog

from dispatcher.emergency import refusals
from dispatcher.emergency.ledger import now
from dispatcher.emergency.outlook import Outlook, outlook
from dispatcher.emergency.records import Stopped
from dispatcher.emergency.station import Station
from dispatcher.emergency.store import Book
from dispatcher.signing import check_name
from words.problem import Refused

log = structlog.get_logger(__name__)


class Desk:
    """One a station."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._ordering = asyncio.Lock()

    def outlooks(self) -> list[Outlook]:
        """What could be sent, or is being, without the database; while there is one, what is remembered."""
        books = [outlook(book.ledger) for book in self._station.books.values()]
        memory = self._station.memory
        if books or memory is None:
            return books
        return [Outlook.remembered(order) for order in memory.orders.values()]

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
            self._station.take_over(dispatch)
            log.warning("emergency_ordered", dispatch=dispatch, by=by)
            return said

    async def _write_order(self, book: Book, by: str) -> None:
        try:
            await book.order(by)
        except OSError as error:
            raise Refused(refusals.no_disk(error.strerror or type(error).__name__)) from None

    async def _fit_to_send(self, dispatch: str) -> Book:
        station, memory = self._station, self._station.memory
        if not station.has_floor:
            raise Refused(refusals.not_ours(dispatch))
        if await station.ask():
            raise Refused(refusals.database_answers())
        if station.ready_in > 0:
            raise Refused(refusals.too_early(station.ready_in))
        if memory is not None and dispatch in memory.others:
            raise Refused(refusals.wrong_class(dispatch, *memory.others[dispatch]))
        if memory is not None and dispatch in memory.held:
            raise Refused(refusals.held(dispatch))
        if station.trouble:
            raise Refused(refusals.no_disk(station.trouble))
        if not station.prepared:
            raise Refused(refusals.too_early(1))
        return _check(self._book(dispatch))

    def _book(self, dispatch: str) -> Book:
        books = self._station.books
        if dispatch not in books:
            raise Refused(refusals.unknown(dispatch, books))
        return books[dispatch]

    async def stop(self, dispatch: str, *, by: str) -> Outlook:
        """Nothing of it is begun any more without the database, nor with it. Raises Refused."""
        book = self._book(dispatch)
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
