"""The talk with a mail server once aiosmtplib has connected, encrypted and logged in.

aiosmtplib's own reader takes one reply at a time and drops what came with it. Where commands go
together (RFC 2920) their replies do too, so from then on the connection's bytes are read here.
"""

from __future__ import annotations

import asyncio
import re
from typing import NamedTuple

import aiosmtplib

LONGEST_REPLY = 32_768
"""Bytes of one reply, all its lines together: aiosmtplib's own bound."""
LEAVING = 421
"""The reply after which a server hangs up (RFC 5321, 3.8)."""

_LINE = re.compile(rb"(\d{3})(-?)([^\n]*)\n")
_MALFORMED = -1


class Reply(NamedTuple):
    """One reply. `text` has its lines without their codes."""

    code: int
    text: str


class Session(asyncio.Protocol):
    """An open session: write commands, then read as many replies, in order."""

    def __init__(self, smtp: aiosmtplib.SMTP) -> None:
        """Take the session over. Raises SMTPServerDisconnected when it has already ended."""
        below = smtp.protocol
        if below is None or not isinstance(below.transport, asyncio.Transport):
            raise aiosmtplib.SMTPServerDisconnected("closed after the greeting")
        self.pipelining = smtp.supports_extension("pipelining")
        self._smtp = smtp
        self._below = below
        self._transport = below.transport
        self._received = b""
        self._waiter: asyncio.Future[None] | None = None
        self._deadline = float("inf")
        self._alarm: asyncio.TimerHandle | None = None
        self._gone = False
        self._leaving = False
        self._transport.set_protocol(self)

    @property
    def connected(self) -> bool:
        return not self._gone and not self._transport.is_closing()

    @property
    def usable(self) -> bool:
        """Whether another mail may begin: a reply that nobody asked for would be taken for the next one."""
        return self.connected and not self._leaving and not self._received

    def write(self, data: bytes) -> None:
        """Send. Raises SMTPServerDisconnected, and then nothing was sent."""
        if not self.connected:
            raise aiosmtplib.SMTPServerDisconnected("closed before a command")
        self._transport.write(data)

    def wait_until(self, deadline: float) -> None:
        """When, by the loop's clock, a reply is late. Never earlier than what was set before."""
        self._deadline = deadline

    async def reply(self) -> Reply:
        """The next reply.

        Raises SMTPServerDisconnected, SMTPResponseException for what is none, and TimeoutError when it is late.
        """
        while (reply := self._next()) is None:
            await self._more()
        self._leaving = self._leaving or reply.code == LEAVING
        return reply

    def close(self) -> None:
        """Close at once, without a goodbye."""
        self._transport.abort()
        self._smtp.close()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if len(self._received) > LONGEST_REPLY:
            self._transport.abort()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone = True
        if self._alarm is not None:
            self._alarm.cancel()
        self._below.connection_lost(exc)
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _more(self) -> None:
        if self._gone:
            raise aiosmtplib.SMTPServerDisconnected("closed before a reply")
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        if self._alarm is None:
            self._alarm = loop.call_at(self._deadline, self._ring)
        await self._waiter

    def _ring(self) -> None:
        """One alarm for many replies: it costs a mail 6 µs to set and clear one of its own (2026-11)."""
        self._alarm = None
        if self._waiter is None or self._waiter.done():
            return
        loop = asyncio.get_running_loop()
        if loop.time() >= self._deadline:
            self._waiter.set_exception(TimeoutError())
        else:
            self._alarm = loop.call_at(self._deadline, self._ring)

    def _next(self) -> Reply | None:
        """The next reply, once its last line is here."""
        said: list[bytes] = []
        end = 0
        while line := _LINE.match(self._received, end):
            code, more, text = line.groups()
            said.append(text.strip())
            end = line.end()
            if not more:
                self._received = self._received[end:]
                return Reply(int(code), b"\n".join(said).decode(errors="surrogateescape"))
        if b"\n" in self._received[end:]:
            raise aiosmtplib.SMTPResponseException(_MALFORMED, "no SMTP reply")
        if len(self._received) > LONGEST_REPLY:
            raise aiosmtplib.SMTPResponseException(_MALFORMED, "too long a reply")
        return None
