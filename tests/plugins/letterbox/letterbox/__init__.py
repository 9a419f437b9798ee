"""A third-party channel: one POST a person to a town's own letterbox service.

The service answers 202 with a slip number, counts a repeated Idempotency-Key once, and says 402
when the month's paper is used up.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar
from uuid import UUID

import aiohttp
import msgspec
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from channels import wire
from channels.contract import Answer, LaneRules, Limit, Message, Pause, Recipient, Verdict
from channels.text import body_problems
from words.problem import Problem


class LetterboxSettings(BaseModel):
    """Settings of the letterbox channel."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(description="Address of the letterbox service.")
    token: SecretStr = Field(description="Token the service gave the town.")
    rate: float = Field(default=5, gt=0, description="Slips a second that it prints.")
    timeout_seconds: float = Field(default=10, gt=0, le=10, description="Longest wait for one answer, in seconds.")


class LetterboxChannel:
    """Slips of paper. Repeating a call under its key counts once."""

    Settings: ClassVar[type[BaseModel]] = LetterboxSettings
    name = "letterbox"
    contact = "email"
    call_size = 1
    repeatable = True
    at_once = 4

    def __init__(self, settings: LetterboxSettings) -> None:
        self._settings = settings
        self._address: wire.Address | None = None

    async def open(self) -> None:
        token = self._settings.token.get_secret_value()
        self._address = wire.Address(
            self._settings.url,
            {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            connector=aiohttp.TCPConnector(limit=self.at_once),
            seconds=self._settings.timeout_seconds,
        )

    async def close(self) -> None:
        if self._address is not None:
            await self._address.close()
            self._address = None

    def lane(self, name: str) -> LaneRules:
        return LaneRules((Limit("letterbox", self._settings.rate),), self.at_once)

    def cost(self, message: Message) -> int:
        return 1

    def check(self, message: Message) -> list[Problem]:
        return body_problems(self.name, message.body)

    async def send(
        self, message: Message, recipients: Sequence[Recipient], *, key: UUID, expires_at: datetime | None
    ) -> Answer:
        if self._address is None:
            raise RuntimeError("the letterbox channel is not open")
        slip = {"to": recipients[0].address, "title": message.subject, "text": message.body}
        try:
            body = msgspec.json.encode(slip)
            reply = await self._address.post(body, {"Idempotency-Key": str(key)})
        except UnicodeEncodeError:
            return Answer(Verdict.REJECTED, code="text")
        except wire.UNANSWERED as error:
            return wire.unanswered(error)
        return classify(reply)


def classify(reply: wire.Reply) -> Answer:
    if reply.status == 202:
        return Answer(Verdict.ACCEPTED, code="202", reference=reply.headers.get("X-Slip", ""))
    if reply.status == 402:
        return Answer(Verdict.RETRY, code="402", pause=Pause("channel", None, "quota"))
    return wire.unexpected(reply.status)
