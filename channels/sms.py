"""SMS: one message to one phone, as Twilio's client would ask for it.

What that client adds to a request is the same for every call, so it is asked once; the form is ours.

Twilio has no idempotency key, so a call without a reply is ambiguous; the token in the status
callback's address is what later proves that it was taken.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, ClassVar, Self
from urllib.parse import quote, quote_plus, urlencode
from uuid import UUID

import aiohttp
import msgspec
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from twilio.base.client_base import ClientBase
from twilio.http.async_http_client import AsyncTwilioHttpClient

from channels import wire
from channels.contract import TOO_FAST, Answer, LaneRules, Limit, Message, Pause, Recipient, Reservation, Verdict
from channels.receipts import TOKEN
from channels.sms_text import segments
from channels.text import body_problems, utf16_units
from channels.twilio_codes import meaning
from words.problem import Problem

LONGEST_BODY = 1_600
LONGEST_VALIDITY = 36_000
"""Seconds that Twilio holds a message at most, and holds one without a ValidityPeriod."""
LONGEST_PAUSE = 60.0
_ACCEPTED = Verdict.ACCEPTED
"""Looked up once: in Python 3.11 that takes longer than all the rest of classifying a yes."""


class SmsSettings(BaseModel):
    """Settings of the SMS channel. The sender is a number or a messaging service, not both."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    account_sid: str = Field(pattern=r"^AC[0-9a-f]{32}$", description="SID of the Twilio account.")
    auth_token: SecretStr = Field(description="Auth token of the account; it signs the status callbacks too.")
    from_number: str | None = Field(default=None, description="Number or sender name the messages come from.")
    messaging_service_sid: str | None = Field(
        default=None, pattern=r"^MG[0-9a-f]{32}$", description="SID of the messaging service that sends, instead."
    )
    endpoint: str = Field(
        default="https://api.twilio.com", pattern=r"^https?://[^/]", description="Address of Twilio's API."
    )
    status_callback_url: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description="Public address that Twilio reports deliveries to; no reports when unset.",
    )
    rate: float = Field(default=10, gt=0, description="Segments a second that the sender may send.")
    max_segments: int = Field(default=10, ge=1, le=10, description="Longest text, in segments; carriers join ten.")
    connections: int = Field(default=16, ge=1, description="Requests under way at once, each on a connection.")
    timeout_seconds: float = Field(
        default=10, gt=0, le=10, description="Longest wait for one answer, in seconds; shorter than a worker's lease."
    )

    @model_validator(mode="after")
    def _one_sender(self) -> Self:
        if (self.from_number is None) == (self.messaging_service_sid is None):
            raise ValueError("set exactly one of from_number and messaging_service_sid")
        return self


class SmsChannel:
    """SMS by Twilio's Messages resource."""

    Settings: ClassVar[type[BaseModel]] = SmsSettings
    name = "sms"
    contact = "phone"
    call_size = 1
    repeatable = False

    def __init__(self, settings: SmsSettings) -> None:
        self.at_once = settings.connections
        self._settings = settings
        account = quote(settings.account_sid)
        self._url = f"{settings.endpoint.rstrip('/')}/2010-04-01/Accounts/{account}/Messages.json"
        service = settings.messaging_service_sid
        sender = {"MessagingServiceSid": service} if service else {"From": settings.from_number or ""}
        self._sender = b"&" + urlencode(sender).encode()
        self._validity = _Validity()
        self._address: wire.Address | None = None

    @property
    def receipts(self) -> bool:
        """Twilio reports deliveries where it is given an address to report to."""
        return self._settings.status_callback_url is not None

    async def open(self) -> None:
        self._address = wire.Address(
            self._url,
            _headers(self._settings),
            connector=aiohttp.TCPConnector(limit=self._settings.connections),
            seconds=self._settings.timeout_seconds,
        )

    async def connect(self) -> Reservation:
        if self._address is None:
            raise RuntimeError("the SMS channel is not open")
        return await self._address.connect()

    async def close(self) -> None:
        if self._address is not None:
            await self._address.close()
            self._address = None

    def lane(self, name: str) -> LaneRules:
        """One limit in segments, without a burst: a text of several is handed over in one go, and waited for after it."""
        return LaneRules((Limit("sms", self._settings.rate),), self._settings.connections)

    def cost(self, message: Message) -> int:
        return segments(message.body)

    def check(self, message: Message) -> list[Problem]:
        problems = body_problems(self.name, message.body)
        return [*problems, *_length_problems(message.body, self._settings.max_segments)]

    async def send(
        self,
        message: Message,
        recipients: Sequence[Recipient],
        *,
        key: UUID,
        expires_at: datetime | None,
    ) -> Answer:
        """Create one message. Twilio knows no key, so `key` has no use."""
        if self._address is None:
            raise RuntimeError("the SMS channel is not open")
        try:
            reply = await self._address.post(self._form(message, recipients[0], expires_at))
        except UnicodeEncodeError:
            return Answer(Verdict.REJECTED, code="text")
        except wire.UNANSWERED as error:
            return wire.unanswered(error)
        return classify(reply)

    def _form(self, message: Message, recipient: Recipient, expires_at: datetime | None) -> bytes:
        own = f"To={_quoted_phone(recipient.address)}"
        if expires_at is not None:
            own += self._validity.of(expires_at)
        if self._settings.status_callback_url is not None:
            own += f"&StatusCallback={quote_plus(callback(self._settings.status_callback_url, recipient.token))}"
        return own.encode() + self._sender + _body(message.body)


def _quoted_phone(phone: str) -> str:
    """As `quote_plus`, which takes 2 µs for what is nearly always a plus sign and digits."""
    digits = phone[1:]
    plain = phone[:1] == "+" and digits.isascii() and digits.isdigit()
    return f"%2B{digits}" if plain else quote_plus(phone)


@lru_cache(maxsize=256)
def _body(text: str) -> bytes:
    """The part of the form that is the same for everyone, and mostly Japanese: encoded once."""
    return b"&" + urlencode({"Body": text}).encode()


def _headers(settings: SmsSettings) -> dict[str, str]:
    """What Twilio's client says of itself, and the account's credentials."""
    client = ClientBase(
        settings.account_sid,
        settings.auth_token.get_secret_value(),
        http_client=AsyncTwilioHttpClient(pool_connections=False),
    )
    headers: dict[str, str] = client.get_headers("POST", None)
    return {**headers, "Authorization": aiohttp.encode_basic_auth(*client.get_auth(None))}


def callback(url: str, token: str) -> str:
    """The status callback's address for one recipient: Twilio signs it whole, and echoes nothing else of ours."""
    return f"{url}{'&' if '?' in url else '?'}{TOKEN}={quote(token, safe='')}"


class _Resource(msgspec.Struct):
    """What is read of a message or an error: both have been seen to leave fields out."""

    sid: str | None = None
    code: int | None = None


def classify(reply: wire.Reply) -> Answer:
    """What Twilio's reply to creating a message proves."""
    status = reply.status
    try:
        resource = _read(reply.body)
    except msgspec.DecodeError:
        resource = _Resource()
    if status == 201 or (status == 200 and resource.sid):
        return Answer(_ACCEPTED, str(status), resource.sid or "")
    if status >= 500:
        return Answer(Verdict.AMBIGUOUS, code=str(resource.code or status))
    known = meaning(resource.code) if resource.code else None
    if known is None and resource.code and status == 400:
        known = Answer(Verdict.REJECTED, code=str(resource.code))
    return _heeding(known or wire.unexpected(status), reply.headers)


_read = msgspec.json.Decoder(_Resource).decode


def _heeding(answer: Answer, headers: Mapping[str, str]) -> Answer:
    """The answer with Twilio's Retry-After instead of our own guess, where it gives one in seconds."""
    asked: Any = headers.get("Retry-After", "")
    if answer.pause is None or answer.pause.reason != TOO_FAST or not asked.isdecimal():
        return answer
    pause = Pause("channel", min(max(float(asked), 0.1), LONGEST_PAUSE), TOO_FAST, exact=True)
    return Answer(answer.verdict, code=answer.code, pause=pause)


class _Validity:
    """The form's field for how long a message may wait. The same for a tenth of a second: working it out takes 1 µs."""

    def __init__(self) -> None:
        self._known: tuple[datetime | None, float, str] = None, 0.0, ""

    def of(self, expires_at: datetime) -> str:
        known, until, field = self._known
        now = time.monotonic()
        if expires_at is not known or now >= until:
            field = f"&ValidityPeriod={_seconds_left(expires_at)}"
            self._known = expires_at, now + 0.1, field
        return field


def _seconds_left(expires_at: datetime) -> int:
    left = int((expires_at - datetime.now(UTC)).total_seconds())
    return min(max(left, 1), LONGEST_VALIDITY)


def _length_problems(body: str, most: int) -> list[Problem]:
    length, parts = utf16_units(body), segments(body)
    if length <= LONGEST_BODY and parts <= most:
        return []
    return [
        Problem(
            "sms.body_too_long",
            "body",
            f"SMSの本文は{LONGEST_BODY:,}文字・{most}通分までですが、{length:,}文字・{parts}通分あります。"
            "日本語では1通分が67文字です。短くしてください。",
            f"An SMS holds {LONGEST_BODY:,} characters and {most} segments; this text has {length:,} characters and "
            f"{parts} segments (67 characters each in Japanese). Shorten it.",
        )
    ]
