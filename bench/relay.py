"""A mail relay that accepts everything at once, and keeps for whom it was."""

from __future__ import annotations

import asyncio

from bench.book import Book

_OK, _GO_ON, _BYE = b"250 OK\r\n", b"354 Go on\r\n", b"221 Bye\r\n"
_END = b"\r\n.\r\n"


class Relay(asyncio.Protocol):
    """One session. `pipelining`: whether it announces that commands may come together (RFC 2920)."""

    def __init__(self, book: Book, *, pipelining: bool) -> None:
        self._book = book
        features = [b"relay", *([b"PIPELINING"] if pipelining else []), b"8BITMIME"]
        self._features = b"".join(b"250-%b\r\n" % each for each in features[:-1]) + b"250 %b\r\n" % features[-1]
        self._received = bytearray()
        self._in_content = False
        self._recipient = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 narrows the type
        self._transport = transport
        transport.write(b"220 relay\r\n")

    def data_received(self, data: bytes) -> None:
        self._received += data
        replies = []
        while (reply := self._next()) is not None:
            replies.append(reply)
        if replies:
            self._transport.write(b"".join(replies))

    def _next(self) -> bytes | None:
        """The reply to the next whole command or content, if there is one."""
        end = _END if self._in_content else b"\r\n"
        at = self._received.find(end)
        if at < 0:
            return None
        line = bytes(self._received[:at]) if not self._in_content else b""
        del self._received[: at + len(end)]
        if self._in_content:
            self._in_content = False
            self._book.note(self._recipient, silent=False)
            return _OK
        return self._command(line)

    def _command(self, line: bytes) -> bytes:
        verb = line[:4].upper()
        if verb == b"RCPT":
            self._recipient = line
        if verb == b"DATA":
            self._in_content = True
            return _GO_ON
        return self._features if verb == b"EHLO" else _BYE if verb == b"QUIT" else _OK
