"""LINE: one multicast of up to 500 people, with line-bot-sdk's credentials over its connections.

The requests are ours: the SDK's models cost 2.4 ms a call, bytes of ours 0.07 ms (2026-11).
Limits, retry keys and error texts: LINE Developers, Messaging API reference, 2026-08.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from importlib import import_module
from typing import Any, ClassVar
from uuid import UUID

import msgspec
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from channels import wire
from channels.contract import (
    Answer,
    LaneRules,
    Limit,
    Message,
    Party,
    Pause,
    Recipient,
    Reservation,
    Verdict,
    addresses_of,
)
from channels.text import body_problems, utf16_units
from words.problem import Problem

LONGEST_TEXT = 5_000
"""UTF-16 code units of a text message."""
MULTICAST = "/v2/bot/message/multicast"
CONSUMPTION = "/v2/bot/message/quota/consumption"

_encode = msgspec.json.Encoder().encode
_NAMED_RECIPIENT = re.compile(r"\bto\[(\d+)\]")
_MONTHLY_QUOTA = "monthly limit"
"""The only thing that tells the two 429s apart: no code, no header."""


class LineSettings(BaseModel):
    """Settings of the LINE channel."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    token: SecretStr = Field(description="Channel access token of the Messaging API.")
    channel_secret: SecretStr | None = Field(
        default=None, description="Channel secret, with which the webhooks of the bot are signed."
    )
    endpoint: str = Field(
        default="https://api.line.me", pattern=r"^https?://[^/]", description="Address of the Messaging API."
    )
    rate: float = Field(default=200, gt=0, description="Multicast requests a second; LINE allows 200 a channel.")
    connections: int = Field(default=16, ge=1, description="Requests under way at once, each on a connection.")
    timeout_seconds: float = Field(
        default=10, gt=0, le=10, description="Longest wait for one answer, in seconds; shorter than a worker's lease."
    )


class LineChannel:
    """LINE multicast. Repeating a call under its key within 24 hours counts once."""

    Settings: ClassVar[type[BaseModel]] = LineSettings
    name = "line"
    contact = "line"
    call_size = 500
    repeatable = True

    def __init__(self, settings: LineSettings) -> None:
        self.at_once = settings.connections
        self._settings = settings
        self._url = settings.endpoint.rstrip("/") + MULTICAST
        self._client: Any = None
        self._address: wire.Address | None = None

    async def open(self) -> None:
        """Open the SDK's client, whose connections and credentials are used.

        Its own requests ask the environment for a proxy and the home directory for a .netrc every
        time, on a thread; ours have asked once.
        """
        self._client = _sdk_client(self._settings)
        self._address = wire.Address(
            self._url,
            {**self._client.default_headers, "Content-Type": "application/json"},
            connector=self._client.rest_client.pool_manager.connector,
            seconds=self._settings.timeout_seconds,
        )

    async def connect(self) -> Reservation:
        if self._address is None:
            raise RuntimeError("the LINE channel is not open")
        return await self._address.connect()

    async def close(self) -> None:
        if self._address is not None:
            await self._client.close()
            self._address = self._client = None

    async def counted(self) -> int | None:
        """Messages of this month by LINE's count, approximately; None where it does not say."""
        if self._client is None:
            return None
        url = self._settings.endpoint.rstrip("/") + CONSUMPTION
        try:
            async with (
                asyncio.timeout(self._settings.timeout_seconds),
                self._client.rest_client.pool_manager.get(
                    url, headers=self._client.default_headers, allow_redirects=False
                ) as reply,
            ):
                return msgspec.json.decode(await reply.read(), type=_Consumption).totalUsage if reply.ok else None
        except (*wire.UNANSWERED, msgspec.DecodeError):
            return None

    def lane(self, name: str) -> LaneRules:
        """One limit for the whole channel: LINE counts requests, wherever they go."""
        return LaneRules((Limit("line", self._settings.rate),), self._settings.connections)

    def cost(self, message: Message) -> int:
        return 1

    def check(self, message: Message) -> list[Problem]:
        return [*body_problems(self.name, message.body), *_length_problems(message.body)]

    def prepare(self, message: Message, recipients: Party) -> None:
        """Encode the body. Raises UnicodeEncodeError for an address that is no text; a message that is none `send` refuses."""
        try:
            what_is_said = _what_is_said(message)
        except UnicodeEncodeError:
            return
        recipients.prepared = b'{"to":' + _encode(recipients.addresses) + what_is_said

    async def send(
        self,
        message: Message,
        recipients: Sequence[Recipient],
        *,
        key: UUID,
        expires_at: datetime | None,
    ) -> Answer:
        """One multicast, with `key` as its retry key. LINE keeps no message for later, so `expires_at` has no use."""
        if self._address is None:
            raise RuntimeError("the LINE channel is not open")
        try:
            body = _prepared(message, recipients)
        except UnicodeEncodeError:
            return Answer(Verdict.REJECTED, code="text")
        try:
            reply = await self._address.post(body, {"X-Line-Retry-Key": str(key)})
        except wire.UNANSWERED as error:
            return wire.unanswered(error)
        return classify(reply, len(recipients))


def classify(reply: wire.Reply, recipients: int) -> Answer:
    """What LINE's reply to a multicast of so many recipients proves about them."""
    code = str(reply.status)
    match reply.status:
        case 409:
            return _repeated(reply.headers)
        case 429 if _MONTHLY_QUOTA in _complaint(reply.body).lower():
            return Answer(Verdict.RETRY, code=code, pause=Pause("channel", None, "quota"))
        case 400:
            return _refused(_complaint(reply.body), recipients)
        case status if 200 <= status < 300:
            return Answer(Verdict.ACCEPTED, code=code, reference=reply.headers.get("x-line-request-id", ""))
        case status:
            return wire.unexpected(status)


def _repeated(headers: Mapping[str, str]) -> Answer:
    accepted = headers.get("x-line-accepted-request-id", "")
    return Answer(Verdict.ACCEPTED if accepted else Verdict.AMBIGUOUS, code="409", reference=accepted)


def _refused(complaint: str, recipients: int) -> Answer:
    """A 400 sent nobody anything. LINE's pages disagree whether a foreign id causes it, so the call is divided."""
    named = _NAMED_RECIPIENT.search(complaint)
    if named is None and "messages[" in complaint:
        return Answer(Verdict.REJECTED, code="400 messages")
    if recipients == 1:
        return Answer(Verdict.REJECTED, code="400")
    position = int(named[1]) if named else recipients
    return Answer(Verdict.SPLIT, code="400", suspect=position if position < recipients else None)


class _Consumption(msgspec.Struct):
    totalUsage: int  # noqa: N815  LINE's own name


class _Detail(msgspec.Struct):
    message: str = ""
    property: str = ""


class _Error(msgspec.Struct):
    message: str = ""
    details: list[_Detail] = []


def _complaint(body: bytes) -> str:
    """All that an error reply says, in one line."""
    try:
        error = msgspec.json.decode(body, type=_Error)
    except msgspec.DecodeError:
        return body[:1_000].decode(errors="replace")
    return " ".join([error.message, *(f"{detail.property} {detail.message}" for detail in error.details)])


def _prepared(message: Message, recipients: Sequence[Recipient]) -> bytes:
    if isinstance(recipients, Party) and isinstance(recipients.prepared, bytes):
        return recipients.prepared
    return b'{"to":' + _encode(addresses_of(recipients)) + _what_is_said(message)


@lru_cache(maxsize=256)
def _what_is_said(message: Message) -> bytes:
    said = {"messages": [{"type": "text", "text": message.body}], "notificationDisabled": not message.loud}
    return b"," + msgspec.json.encode(said)[1:]


def _length_problems(body: str) -> list[Problem]:
    length = utf16_units(body)
    if length <= LONGEST_TEXT:
        return []
    return [
        Problem(
            "line.body_too_long",
            "body",
            f"LINEの本文は{LONGEST_TEXT:,}文字までですが、{length:,}文字あります（絵文字は2文字と数えます）。"
            "短くしてください。",
            f"A LINE text holds {LONGEST_TEXT:,} characters and this one has {length:,} (an emoji counts as two). "
            "Shorten it.",
        )
    ]


def _sdk_client(settings: LineSettings) -> Any:
    """line-bot-sdk's client. Imported here because it takes 0.7 s, which no other command should pay."""
    sdk = import_module("linebot.v3.messaging")
    configuration = sdk.Configuration(access_token=settings.token.get_secret_value(), host=settings.endpoint)
    configuration.connection_pool_maxsize = settings.connections
    return sdk.AsyncApiClient(configuration)
