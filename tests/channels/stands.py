"""Each channel before a provider of ours that can be told to misbehave: what the conformance suite drives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import Enum
from typing import Any, Protocol, TypeVar

from channels.contract import Answer, Channel, Message, Pause, Recipient, Verdict
from channels.email import EmailChannel, EmailSettings
from channels.line import LineChannel, LineSettings
from channels.memory import MemoryChannel, MemorySettings
from channels.registry import channel_types
from channels.sms import SmsChannel, SmsSettings
from tests.channels.cast import HANA_LINE, KEN_MAIL, TOME_PHONE
from tests.channels.servers import Hang, HttpServer, Request, Response, SmtpServer, listening

C = TypeVar("C", bound=Channel)

IMPATIENT = 1.0
"""Seconds a call waits for a provider that is silent on purpose: long enough to reach it on a busy machine."""


class Fault(Enum):
    REFUSED = "permanently refused"
    SLOW_DOWN = "told to slow down"
    SILENT = "never answered"
    CUT_BEFORE = "connection cut before the bytes left"
    CUT_AFTER = "connection cut after the bytes left"
    BAD_CREDENTIALS = "bad credentials"
    QUOTA_GONE = "quota gone"
    GARBAGE = "an answer in no known language"


class Stand(Protocol):
    channel: Channel
    recipient: Recipient
    unknown: frozenset[Fault]
    """Faults this provider cannot have."""
    patience: float
    """Seconds its calls wait; a test that must not run into that gives more."""

    async def misbehave(self, fault: Fault | None) -> None: ...

    async def reached(self) -> None:
        """Until a call is under way at the provider."""

    async def left_alone(self) -> None:
        """Until the provider has no connection of ours any more."""

    def taken(self) -> int:
        """Messages the provider has taken, each key once where it knows keys."""


class HttpStand:
    """A provider of HTTP calls. `replies` gives its words for each fault; `taken` counts 2xx answers."""

    unknown: frozenset[Fault] = frozenset()

    def __init__(self, accept: Callable[[Request], Response], replies: dict[Fault, Response | Hang | bytes]) -> None:
        self.server = HttpServer(self._answer)
        self._accept = accept
        self._replies = replies
        self._fault: Fault | None = None
        self._taken: list[Request] = []
        self._keys: dict[str, Request] = {}

    async def misbehave(self, fault: Fault | None) -> None:
        self._fault = fault
        if fault is Fault.CUT_BEFORE:
            await self.server.gone()

    async def reached(self) -> None:
        await self.server.reached.wait()

    async def left_alone(self) -> None:
        await self.server.quiet.wait()

    def taken(self) -> int:
        return len(self._taken)

    def _answer(self, request: Request) -> Response | Hang | bytes:
        if self._fault not in {None, Fault.CUT_AFTER, Fault.SILENT}:
            return self._replies[self._fault]
        key = request.headers.get("x-line-retry-key") or request.headers.get("idempotency-key")
        reply = self._accept(request)
        if key is None or key not in self._keys:
            self._taken.append(request)
        elif "x-line-retry-key" in request.headers:
            reply = Response(409, b"{}", {"x-line-accepted-request-id": "r-first"})
        if key is not None:
            self._keys[key] = request
        hangs = {Fault.CUT_AFTER: Hang.CUT, Fault.SILENT: Hang.SILENT}
        return hangs[self._fault] if self._fault else reply


_GARBAGE = b"\x16\x03\x01 no such protocol\r\n\r\n"


class LineStand(HttpStand):
    recipient = HANA_LINE

    def __init__(self, patience: float) -> None:
        quota, rate = b'{"message":"You have reached your monthly limit."}', b'{"message":"rate limit exceeded"}'
        super().__init__(
            lambda _: Response(200, b"{}", {"x-line-request-id": "r-1"}),
            {
                Fault.REFUSED: Response(400, b'{"message":"The property, to[0], in the request body is invalid"}'),
                Fault.SLOW_DOWN: Response(429, rate),
                Fault.BAD_CREDENTIALS: Response(401, b'{"message":"Authentication failed"}'),
                Fault.QUOTA_GONE: Response(429, quota),
                Fault.GARBAGE: _GARBAGE,
            },
        )
        self.patience = patience

    def build(self) -> Channel:
        return LineChannel(
            LineSettings.model_validate(
                {"token": "line-token", "endpoint": self.server.url, "timeout_seconds": self.patience}
            )
        )


class SmsStand(HttpStand):
    recipient = TOME_PHONE

    def __init__(self, patience: float) -> None:
        super().__init__(
            lambda _: Response(201, b'{"sid":"SM1"}'),
            {
                Fault.REFUSED: Response(400, b'{"code":21614,"message":"not a mobile number"}'),
                Fault.SLOW_DOWN: Response(429, b'{"code":20429,"message":"Too many requests"}'),
                Fault.BAD_CREDENTIALS: Response(401, b'{"code":20003,"message":"Authenticate"}'),
                Fault.QUOTA_GONE: Response(403, b'{"code":10001,"message":"Account is not active"}'),
                Fault.GARBAGE: _GARBAGE,
            },
        )
        self.patience = patience

    def build(self) -> Channel:
        return SmsChannel(sms_settings(self.server.url, timeout_seconds=self.patience))


class LetterboxStand(HttpStand):
    recipient = KEN_MAIL

    def __init__(self, patience: float) -> None:
        super().__init__(
            lambda _: Response(202, b"", {"X-Slip": "slip-7"}),
            {
                Fault.REFUSED: Response(422),
                Fault.SLOW_DOWN: Response(429),
                Fault.BAD_CREDENTIALS: Response(401),
                Fault.QUOTA_GONE: Response(402),
                Fault.GARBAGE: _GARBAGE,
            },
        )
        self.patience = patience

    def build(self) -> Channel:
        """By its entry point only: nothing here imports the package."""
        kind = channel_types()["letterbox"]
        values = {"url": f"{self.server.url}/slips", "token": "letterbox-token", "timeout_seconds": self.patience}
        channel: Channel = kind(kind.Settings.model_validate(values))
        return channel


class EmailStand:
    recipient = KEN_MAIL
    unknown = frozenset({Fault.QUOTA_GONE})

    def __init__(self, patience: float) -> None:
        self.server = SmtpServer(login=True)
        self.patience = patience

    def build(self) -> Channel:
        login = {"username": "bosai", "password": "relay-password"}
        return EmailChannel(email_settings(self.server.port, timeout_seconds=self.patience, **login))

    async def misbehave(self, fault: Fault | None) -> None:
        scripts: dict[Fault | None, dict[str, str | Hang]] = {
            None: {},
            Fault.REFUSED: {"RCPT": "550 5.1.1 no such mailbox"},
            Fault.SLOW_DOWN: {"MAIL": "421 4.7.0 too fast"},
            Fault.SILENT: {"CONTENT": Hang.SILENT},
            Fault.CUT_BEFORE: {"DATA": Hang.CUT},
            Fault.CUT_AFTER: {"CONTENT": Hang.CUT},
            Fault.BAD_CREDENTIALS: {"AUTH": "535 5.7.8 wrong password"},
            Fault.GARBAGE: {"CONTENT": "no such protocol"},
        }
        self.server.replies = scripts[fault]

    async def reached(self) -> None:
        await self.server.reached.wait()

    async def left_alone(self) -> None:
        await self.server.quiet.wait()

    def taken(self) -> int:
        return self.server.taken


class MemoryStand:
    recipient = HANA_LINE
    unknown: frozenset[Fault] = frozenset()

    def __init__(self, patience: float) -> None:
        self.patience = patience
        self.memory = MemoryChannel(MemorySettings())
        self._called = asyncio.Event()

    def build(self) -> Channel:
        return self.memory

    async def misbehave(self, fault: Fault | None) -> None:
        answers = {
            Fault.REFUSED: Answer(Verdict.REJECTED, code="refused"),
            Fault.SLOW_DOWN: Answer(Verdict.RETRY, code="slow", pause=Pause("channel", 1.0, "rate")),
            Fault.CUT_BEFORE: Answer(Verdict.RETRY, code="unreachable"),
            Fault.CUT_AFTER: Answer(Verdict.AMBIGUOUS, code="disconnected"),
            Fault.BAD_CREDENTIALS: Answer(Verdict.RETRY, code="401", pause=Pause("channel", None, "credentials")),
            Fault.QUOTA_GONE: Answer(Verdict.RETRY, code="429", pause=Pause("channel", None, "quota")),
            Fault.GARBAGE: Answer(Verdict.AMBIGUOUS, code="?"),
        }

        async def script(_message: Message, _recipients: Any, _key: Any) -> Answer | None:
            self._called.set()
            if fault is Fault.SILENT:
                try:
                    await asyncio.wait_for(asyncio.Event().wait(), self.patience)
                except TimeoutError:
                    return Answer(Verdict.AMBIGUOUS, code="timeout")
            return answers[fault] if fault else None

        self.memory.script = script

    async def reached(self) -> None:
        await self._called.wait()

    async def left_alone(self) -> None:
        """It never had a connection."""

    def taken(self) -> int:
        return len(self.memory.taken)


STANDS = {
    "line": LineStand,
    "sms": SmsStand,
    "email": EmailStand,
    "memory": MemoryStand,
    "letterbox": LetterboxStand,
}


@asynccontextmanager
async def at_stand(name: str, patience: float = 10.0) -> AsyncIterator[Stand]:
    """The named channel, open, before its provider."""
    stand: Any = STANDS[name](patience)
    async with listening(stand.server) if hasattr(stand, "server") else _nothing():
        stand.channel = stand.build()
        await stand.channel.open()
        try:
            yield stand
        finally:
            await stand.channel.close()


@asynccontextmanager
async def _nothing() -> AsyncIterator[None]:
    yield


def sms_settings(endpoint: str, **changes: object) -> SmsSettings:
    values = {"account_sid": "AC" + "0" * 32, "auth_token": "twilio-token", "from_number": "+815012345678"}
    return SmsSettings.model_validate({**values, "endpoint": endpoint, **changes})


def email_settings(port: int, **changes: object) -> EmailSettings:
    values = {
        "host": "127.0.0.1",
        "port": port,
        "tls": "none",
        "from_address": "bosai@town.kawabe.example",
        "from_name": "川辺町 防災",
    }
    return EmailSettings.model_validate({**values, **changes})


@asynccontextmanager
async def opened(channel: C) -> AsyncIterator[C]:
    """The channel, open within the block."""
    await channel.open()
    try:
        yield channel
    finally:
        await channel.close()
