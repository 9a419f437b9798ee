"""The null wire: every request is built to its last byte, swallowed where a connection would take it, and accepted.

It lies below the channels and above aiohttp's connections and parser and aiosmtplib's session, whose cost
`bench.wire` measures. Whom each request was for is kept in a `Book`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from bench.book import Book
from channels import email, wire
from channels.smtp_session import Reply, Session

_MULTICAST = b"POST /v2/bot/message/multicast "
_GO_ON, _DONE = Reply(354, "go on"), Reply(250, "ok")


@contextmanager
def null_wire(book: Book) -> Iterator[None]:
    """For as long as this lasts no request of the channels leads anywhere."""
    opened = patch.object(wire.Address, "_connection", _opened)
    with opened, patch.object(wire.Address, "_ask", _http(book)), patch.object(email, "_connect", _smtp(book)):
        yield


class _Opened:
    """Where a connection would be."""

    closed = False

    def release(self) -> None:
        """It leads nowhere."""

    close = release


async def _opened(_address: wire.Address) -> _Opened:
    return _Opened()


def _http(book: Book) -> Callable[[wire.Address, bytes], Awaitable[wire.Reply]]:
    accepted = wire.Reply(200, {"x-line-request-id": "1"}, b"{}")
    created = wire.Reply(201, {}, b'{"sid": "SM00000000000000000000000000000001", "status": "queued"}')

    async def ask(_address: wire.Address, asking: bytes) -> wire.Reply:
        body = asking.index(b"\r\n\r\n") + 4
        if asking.startswith(_MULTICAST):
            book.note(asking[body : asking.index(b"]", body)], silent=b'"notificationDisabled":true' in asking)
            return accepted
        book.note(asking[body : body + 36], silent=False)
        return created

    return ask


def _smtp(book: Book) -> Callable[..., Awaitable[Session]]:
    async def connect(*_: Any) -> Session:
        return _NullSession(book)

    return connect


class _NullSession(Session):
    """A relay with PIPELINING that takes everything."""

    def __init__(self, book: Book) -> None:
        self.pipelining = True
        self._book = book
        self._replies: list[Reply] = []

    connected = usable = True

    def write(self, data: bytes) -> None:
        if data.startswith(b"MAIL"):
            self._book.note(data[data.index(b"RCPT") : data.index(b"DATA")], silent=False)
            self._replies = [_GO_ON, _DONE, _DONE]
        else:
            self._replies = [_DONE]

    async def reply(self) -> Reply:
        return self._replies.pop()

    def wait_until(self, deadline: float) -> None:
        """It is never late."""

    def close(self) -> None:
        """Nothing is open."""
