"""A channel that keeps what it is given and answers by a script: for tests, drills and benchmarks."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from channels.contract import Answer, LaneRules, Limit, Message, Recipient, Verdict
from channels.text import body_problems
from words.problem import Problem


class MemorySettings(BaseModel):
    """Settings of the memory channel. Nothing it is given leaves the process."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    contact: Literal["line", "phone", "email"] = Field(
        default="line", description="Kind of contact whose people it pretends to reach."
    )
    call_size: int = Field(default=500, ge=1, description="Most recipients of one call.")
    repeatable: bool = Field(default=True, description="Whether a repeated key counts once.")
    rate: float = Field(default=1_000_000, gt=0, description="Calls a second.")
    at_once: int = Field(default=16, ge=1, description="Calls under way at once.")
    keep: bool = Field(default=True, description="Keep every message; off for benchmarks, which only count.")


@dataclass(frozen=True, slots=True)
class Taken:
    """One call that was accepted, as it came."""

    message: Message
    recipients: tuple[Recipient, ...]
    key: UUID
    expires_at: datetime | None


Script = Callable[[Message, Sequence[Recipient], UUID], Awaitable[Answer | None]]
"""Answers a call when it likes, or leaves it (None) to be accepted."""


class MemoryChannel:
    """Accepts everything, unless `will_answer` or `script` says otherwise."""

    Settings: ClassVar[type[BaseModel]] = MemorySettings

    def __init__(self, settings: MemorySettings, *, name: str = "memory") -> None:
        self.name = name
        self.contact: str = settings.contact
        self.call_size = settings.call_size
        self.repeatable = settings.repeatable
        self.at_once = settings.at_once
        self.taken: list[Taken] = []
        self.people = 0
        """Recipients of all accepted calls, repeats not counted."""
        self.script: Script | None = None
        self._settings = settings
        self._next: deque[Answer] = deque()
        self._known: set[UUID] = set()

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """What was taken stays readable."""

    def will_answer(self, *answers: Answer) -> None:
        """The next calls get these answers, in this order; an ACCEPTED one is kept as any other."""
        self._next.extend(answers)

    def lane(self, name: str) -> LaneRules:
        return LaneRules((Limit(self.name, self._settings.rate, burst=self._settings.at_once),), self._settings.at_once)

    def cost(self, message: Message) -> int:
        return 1

    def check(self, message: Message) -> list[Problem]:
        return body_problems(self.name, message.body)

    async def send(
        self,
        message: Message,
        recipients: Sequence[Recipient],
        *,
        key: UUID,
        expires_at: datetime | None,
    ) -> Answer:
        """Answer by the script, and keep the call if that is ACCEPTED."""
        answer = await self._scripted(message, recipients, key) or Answer(Verdict.ACCEPTED, reference=f"memory-{key}")
        if answer.verdict is Verdict.ACCEPTED and not (self.repeatable and key in self._known):
            self._take(Taken(message, tuple(recipients), key, expires_at))
        return answer

    async def _scripted(self, message: Message, recipients: Sequence[Recipient], key: UUID) -> Answer | None:
        if self._next:
            return self._next.popleft()
        return None if self.script is None else await self.script(message, recipients, key)

    def _take(self, call: Taken) -> None:
        self.people += len(call.recipients)
        if self._settings.keep:
            self.taken.append(call)
        if self.repeatable:
            self._known.add(call.key)
