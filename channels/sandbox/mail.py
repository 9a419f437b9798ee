"""A look-alike of a mail relay: what its connections share, and the connection itself."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from channels.sandbox.counts import Register
from channels.sandbox.faults import Schedule
from channels.sandbox.journal import Journal
from channels.sandbox.mail_dialogue import Dialogue
from channels.sandbox.options import SMTP_PASSWORD, SMTP_USER, Options

IDLE = 900.0
"""Seconds a client may be silent; more than the ten minutes RFC 5321 lets it wait for an answer."""


class MailRelay:
    """Accepts mail, remembers who was greylisted, and counts who talks about which domain."""

    def __init__(self, options: Options, register: Register) -> None:
        self.journal = Journal(options.directory / "email.jsonl")
        self.register = register
        self.schedule = Schedule()
        self.open: set[asyncio.Transport] = set()
        self.connections_max = options.smtp_connections
        self._busy: dict[str, set[Dialogue]] = {}
        self._greylisted: dict[tuple[str, str], float] = {}

    def connection(self) -> Connection:
        return Connection(self)

    def state(self) -> dict[str, Any]:
        return {"connections": len(self.open)}

    async def close(self) -> None:
        """Cuts every connection: who is held on purpose would stay for ever."""
        for transport in list(self.open):
            transport.abort()
        await self.journal.close()

    def overfull(self) -> bool:
        return 0 < self.connections_max < len(self.open)

    def greylists(self, sender: str, to: str, seconds: float) -> bool:
        """Whether this pair is new, or back sooner than `seconds` after its first try."""
        now = time.monotonic()
        first = self._greylisted.get((sender, to))
        if first is None:
            self._greylisted[sender, to] = now
            return True
        return now - first < seconds

    def talks(self, dialogue: Dialogue, domain: str) -> int:
        """Notes that this dialogue is about `domain`; how many connections now are."""
        busy = self._busy.setdefault(domain, set())
        busy.add(dialogue)
        return len(busy)

    def falls_silent(self, dialogue: Dialogue) -> None:
        for busy in self._busy.values():
            busy.discard(dialogue)


class Connection(SMTP):
    """One SMTP connection, turned away when too many are open."""

    def __init__(self, relay: MailRelay) -> None:
        self._relay = relay
        self._dialogue = Dialogue(relay)
        self._turned_away = False
        super().__init__(
            self._dialogue,
            hostname="localhost",
            ident="sandbox",
            enable_SMTPUTF8=True,
            timeout=IDLE,
            auth_require_tls=False,
            authenticator=_authenticate,
            loop=asyncio.get_running_loop(),
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("a relay's connections are streams")
        self._stream = transport
        self._relay.open.add(transport)
        if self._relay.overfull():
            self._turned_away = True
            transport.write(b"421 4.7.0 Too many connections, try again later\r\n")
            transport.close()
        else:
            super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if not self._turned_away:
            super().data_received(data)

    def eof_received(self) -> bool | None:
        return None if self._turned_away else super().eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        self._relay.open.discard(self._stream)
        self._dialogue.over()
        if not self._turned_away:
            super().connection_lost(error)


def _authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: Any) -> AuthResult:
    known = LoginPassword(SMTP_USER.encode(), SMTP_PASSWORD.encode())
    return AuthResult(success=given == known, handled=False)
