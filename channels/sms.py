"""SMS: one message to one phone, through Twilio's asynchronous client.

Twilio has no idempotency key, so a call without a reply is ambiguous; the token in the status
callback's address is what later proves that it was taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Self
from urllib.parse import quote, urlencode
from uuid import UUID

import aiohttp
import msgspec
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from twilio.base.client_base import ClientBase
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.response import Response

from channels import wire
from channels.contract import Answer, LaneRules, Limit, Message, Pause, Recipient, Verdict
from channels.receipts import TOKEN
from channels.sms_text import segments
from channels.text import body_problems, utf16_units
from channels.twilio_codes import meaning
from words.problem import Problem

LONGEST_BODY = 1_600
LONGEST_VALIDITY = 36_000
"""Seconds that Twilio holds a message at most, and holds one without a ValidityPeriod."""
LONGEST_PAUSE = 60.0


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
        default="https://api.twilio.com", pattern=r"^https?://", description="Address of Twilio's API."
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
        self._client: ClientBase | None = None

    async def open(self) -> None:
        settings = self._settings
        self._client = ClientBase(
            settings.account_sid,
            settings.auth_token.get_secret_value(),
            http_client=PooledTwilioClient(settings),
            # An empty mapping would read TWILIO_EDGE and TWILIO_REGION of this process and change the host.
            environment={"TWILIO_EDGE": ""},
        )

    async def close(self) -> None:
        if self._client is not None:
            await self._client.http_client.close()
            self._client = None

    def lane(self, name: str) -> LaneRules:
        """One limit in segments. It must be able to hold the longest text, which is spent in one go."""
        limit = Limit("sms", self._settings.rate, burst=self._settings.max_segments)
        return LaneRules((limit,), self._settings.connections)

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
        if self._client is None:
            raise RuntimeError("the SMS channel is not open")
        try:
            form = self._form(message, recipients[0], expires_at)
            response = await self._client.request_async("POST", self._url, data=form)
        except UnicodeEncodeError:
            return Answer(Verdict.REJECTED, code="text")
        except wire.UNANSWERED as error:
            return wire.unanswered(error)
        return classify(response.status_code, response.text, response.headers)

    def _form(self, message: Message, recipient: Recipient, expires_at: datetime | None) -> dict[str, str]:
        settings = self._settings
        form = {"To": recipient.address, "Body": message.body}
        if settings.messaging_service_sid is not None:
            form["MessagingServiceSid"] = settings.messaging_service_sid
        elif settings.from_number is not None:
            form["From"] = settings.from_number
        if expires_at is not None:
            form["ValidityPeriod"] = str(_seconds_left(expires_at))
        if settings.status_callback_url is not None:
            form["StatusCallback"] = callback(settings.status_callback_url, recipient.token)
        return form


class PooledTwilioClient(AsyncTwilioHttpClient):  # type: ignore[misc]  # twilio ships no types
    """Twilio's HTTP client over one session of ours: no session a request, nothing logged.

    Its own `request` hands aiohttp a BasicAuth, which aiohttp 3.14 deprecates and 4 removes.
    """

    def __init__(self, settings: SmsSettings) -> None:
        super().__init__(pool_connections=False, timeout=settings.timeout_seconds)
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=settings.connections),
            timeout=wire.timeout(settings.timeout_seconds),
            proxy=wire.proxy_for(settings.endpoint),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def request(
        self,
        method: str,
        url: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
        allow_redirects: bool = False,
    ) -> Response:
        """POST a form. Raises one of `wire.UNANSWERED`."""
        if method != "POST" or auth is None or params or allow_redirects:
            raise NotImplementedError("this client only creates messages")
        headers = {**(headers or {}), "Authorization": aiohttp.encode_basic_auth(*auth)}
        reply = await wire.post(self.session, url, urlencode(data or {}).encode(), headers)
        return Response(reply.status, reply.body.decode(errors="replace"), reply.headers)


def callback(url: str, token: str) -> str:
    """The status callback's address for one recipient: Twilio signs it whole, and echoes nothing else of ours."""
    return f"{url}{'&' if '?' in url else '?'}{TOKEN}={quote(token, safe='')}"


class _Resource(msgspec.Struct):
    """What is read of a message or an error: both have been seen to leave fields out."""

    sid: str | None = None
    code: int | None = None


def classify(status: int, body: str, headers: Mapping[str, str]) -> Answer:
    """What Twilio's reply to creating a message proves."""
    try:
        resource = msgspec.json.decode(body, type=_Resource)
    except msgspec.DecodeError:
        resource = _Resource()
    if status == 201 or (status == 200 and resource.sid):
        return Answer(Verdict.ACCEPTED, code=str(status), reference=resource.sid or "")
    if status >= 500:
        return Answer(Verdict.AMBIGUOUS, code=str(resource.code or status))
    known = meaning(resource.code) if resource.code else None
    if known is None and resource.code and status == 400:
        known = Answer(Verdict.REJECTED, code=str(resource.code))
    return _heeding(known or wire.unexpected(status), headers)


def _heeding(answer: Answer, headers: Mapping[str, str]) -> Answer:
    """The answer with Twilio's Retry-After instead of our own guess, where it gives one in seconds."""
    asked: Any = headers.get("Retry-After", "")
    if answer.pause is None or answer.pause.reason != "rate" or not asked.isdecimal():
        return answer
    pause = Pause("channel", min(max(float(asked), 0.1), LONGEST_PAUSE), "rate", exact=True)
    return Answer(answer.verdict, code=answer.code, pause=pause)


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
