"""A provider as fast as can be, in a process of its own: takes LINE multicasts and Twilio messages over real HTTP.

It answers whatever is well-formed, after `--latency` seconds if so told, and keeps whom each accepted
call was for, when it came, and whether it was silent. A retry key it knows is answered 409, as LINE does.
On a second port it is a mail relay, which announces PIPELINING when told to (`bench.relay`).
`GET /taken/loud`, `/taken/silent`, `/times` and `/silent` give its record as raw arrays (int64, int64,
float64 of the monotonic clock, int8); `GET /loud` waits for the first call that is not silent and
gives its time; `POST /forget` empties the record.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import re
import sys
from array import array
from collections.abc import Callable
from functools import partial

from bench.book import Book
from bench.relay import Relay

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_KEY = re.compile(rb"\r\nx-line-retry-key: *([^\r]+)", re.IGNORECASE)
_ACCEPTED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nx-line-request-id: %d\r\nContent-Length: 2\r\n\r\n{}"
_REPEATED = b"HTTP/1.1 409 Conflict\r\nx-line-accepted-request-id: 1\r\nContent-Length: 2\r\n\r\n{}"
_CREATED = b'{"sid": "SM%032x", "status": "queued"}'
_MULTICAST = b"POST /v2/bot/message/multicast "


class Provider(asyncio.Protocol):
    """One connection."""

    def __init__(self, book: Book, latency: float) -> None:
        self._book = book
        self._latency = latency
        self._received = bytearray()
        self._pages: dict[bytes, Callable[[], bytes]] = {
            b"GET /taken/loud ": lambda: book.taken(silent=False).tobytes(),
            b"GET /taken/silent ": lambda: book.taken(silent=True).tobytes(),
            b"GET /times ": book.raw_times,
            b"GET /silent ": book.raw_silent,
            b"POST /forget ": book.forget,
        }

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 narrows the type
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (head := self._received.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._received, 0, head)
            end = head + 4 + (int(length[1]) if length else 0)
            if len(self._received) < end:
                return
            request = bytes(self._received[:end])
            del self._received[:end]
            self._answer(request, head)

    def _answer(self, request: bytes, head: int) -> None:
        line = request[: request.find(b" ", 5) + 1]
        if line in self._pages:
            self._page(self._pages[line]())
            return
        if line == b"GET /loud ":
            self._book.when_loud(lambda time: self._page(array("d", [time]).tobytes()))
            return
        reply = self._line(request, head) if line == _MULTICAST else self._message(request, head)
        if self._latency:
            asyncio.get_running_loop().call_later(self._latency, self._transport.write, reply)
        else:
            self._transport.write(reply)

    def _page(self, page: bytes) -> None:
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(page), page))

    def _line(self, request: bytes, head: int) -> bytes:
        key = _KEY.search(request, 0, head)
        if key is not None:
            if key[1] in self._book.keys:
                return _REPEATED
            self._book.keys.add(key[1])
        people = request[head + 4 : request.find(b"]", head)]
        self._book.note(people, silent=request.find(b'"notificationDisabled":true', head) > 0)
        return _ACCEPTED % len(self._book.times)

    def _message(self, request: bytes, head: int) -> bytes:
        self._book.note(request[head + 4 : head + 40], silent=False)
        body = _CREATED % len(self._book.times)
        return b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
            len(body), body,
        )  # fmt: skip


async def serve(latency: float, *, pipelining: bool) -> None:
    """Say both ports, then serve until standard input ends with whoever started us."""
    loop = asyncio.get_running_loop()
    book = Book()
    server = await loop.create_server(lambda: Provider(book, latency), "127.0.0.1", 0, backlog=1_024)
    relay = await loop.create_server(partial(Relay, book, pipelining=pipelining), "127.0.0.1", 0, backlog=1_024)
    print(*(each.sockets[0].getsockname()[1] for each in (server, relay)), flush=True)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--pipelining", action="store_true", help="announce it as a mail relay")
    arguments = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(arguments.latency, pipelining=arguments.pipelining))


if __name__ == "__main__":
    main()
