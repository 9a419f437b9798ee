"""The contract between the engine and a channel: build one request, classify its answer.

A channel does not retry, sleep, queue or limit: the dispatcher does, the same way for all
channels. One `send` is one call to the provider and has one `Answer`, which holds for every
recipient of that call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, overload, runtime_checkable
from uuid import UUID

from pydantic import BaseModel

from words.problem import Problem


class Verdict(Enum):
    """What one answer proves about the recipients of the call."""

    ACCEPTED = "accepted"
    """The provider took the message."""
    REJECTED = "rejected"
    """The provider will never take this message for this recipient."""
    RETRY = "retry"
    """Certainly not taken, and may be taken later."""
    AMBIGUOUS = "ambiguous"
    """The bytes may have arrived; nobody knows."""
    SPLIT = "split"
    """The whole call was refused because of one of several recipients; try them in parts."""


TOO_FAST = "rate"
"""The reason of a pause that asks for fewer calls a second: the dispatcher slows down instead of standing still."""


@dataclass(frozen=True, slots=True)
class Pause:
    """A consequence beyond this call: leave the lane or the whole channel in peace for a while.

    `seconds` is a ceiling, which the dispatcher reaches by doubling from one second while refusals
    go on; None means until an operator has acted (quota gone, credentials refused).
    """

    scope: Literal["lane", "channel"]
    seconds: float | None
    reason: str
    exact: bool = False
    """The provider named the seconds itself (Retry-After): they hold as they are."""


class Answer(NamedTuple):
    """One provider answer, classified.

    `code` is the provider's own word for it (`409`, `30003`, `550 5.1.1`); `reference` the
    provider's id of what it accepted; `suspect` the position in `recipients` that a SPLIT names;
    `broke` says of a RETRY that no answer came at all (no connection, cut off, silent), `deferred`
    that the provider wants to be asked again for this recipient alone, in a minute or more.
    """

    verdict: Verdict
    code: str = ""
    reference: str = ""
    pause: Pause | None = None
    suspect: int | None = None
    broke: bool = False
    deferred: bool = False

    @property
    def sick(self) -> bool:
        """Whether it speaks of a provider that does not work: what a circuit breaker counts."""
        return self.broke or self.verdict is Verdict.AMBIGUOUS


@dataclass(frozen=True, slots=True)
class Message:
    """One rendered text for (dispatch, channel, language, variant). Hashable: adapters cache its bytes."""

    language: str
    subject: str
    body: str
    loud: bool = True
    """Whether it may make a sound; tourism and shelter notices are silent where a channel can."""


class Recipient(NamedTuple):
    """One address, and the opaque token that names whom it belongs to in callbacks and Message-IDs.

    A token is (dispatch, batch, position) for a single call, and the batch for a call to many.
    """

    address: str
    token: str


class Party(Sequence[Recipient]):
    """The people of a call to many, who share its token: each is made a Recipient only when looked at.

    So that whoever needs the addresses alone takes those, and a million Recipients are never made.
    """

    __slots__ = ("addresses", "prepared", "token")

    def __init__(self, addresses: Sequence[str], token: str) -> None:
        self.addresses = addresses
        self.token = token
        self.prepared: object = None
        """What the channel has made of them (`Prepares`)."""

    def __len__(self) -> int:
        return len(self.addresses)

    @overload
    def __getitem__(self, which: int) -> Recipient: ...
    @overload
    def __getitem__(self, which: slice) -> Party: ...
    def __getitem__(self, which: int | slice) -> Recipient | Party:
        if isinstance(which, slice):
            return Party(self.addresses[which], self.token)
        return Recipient(self.addresses[which], self.token)


def addresses_of(recipients: Sequence[Recipient]) -> Sequence[str]:
    """The addresses alone, in order."""
    return recipients.addresses if isinstance(recipients, Party) else [recipient.address for recipient in recipients]


@dataclass(frozen=True, slots=True)
class Limit:
    """Tokens a second a key may spend, and how many at once. `key` is global: `line`, `email/docomo`."""

    key: str
    rate: float
    burst: int = 1


@dataclass(frozen=True, slots=True)
class LaneRules:
    """What holds a lane back: every limit it draws on, and its calls under way at once."""

    limits: tuple[Limit, ...]
    at_once: int


@runtime_checkable
class Channel(Protocol):
    """One way out. Adapters are built from their own `Settings` and opened once per process."""

    Settings: ClassVar[type[BaseModel]]
    name: str
    contact: str
    """The kind of contact it writes to: `line`, `phone`, `email`."""
    call_size: int
    """Most recipients of one call: 500 for LINE multicast, 1 for SMS and email."""
    repeatable: bool
    """Whether the same call under the same key counts once at the provider."""
    at_once: int
    """Calls under way at once over all lanes: its connections."""

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    def lane(self, name: str) -> LaneRules:
        """The rules of one lane; `name` is empty, or the destination's mail lane."""
        ...

    def cost(self, message: Message) -> int:
        """Tokens one call costs: 1, or the SMS segments of the text."""
        ...

    def check(self, message: Message) -> list[Problem]:
        """Why this text cannot go out on this channel; `where` is `body` or `subject`."""
        ...

    async def send(
        self, message: Message, recipients: Sequence[Recipient], *, key: UUID, expires_at: datetime | None
    ) -> Answer:
        """Make one call. Raises nothing but CancelledError: every failure is an Answer.

        `key` is the same when the same call is repeated; `expires_at` is when the text loses its sense.
        """
        ...


@runtime_checkable
class Prepares(Protocol):
    """What a channel with calls to many may have as well, so that one unfit recipient stops nobody else."""

    def prepare(self, message: Message, recipients: Party) -> None:
        """Do all of a call that needs no provider, and keep it in `recipients.prepared` for `send`.

        It comes before the intent to call is committed: whatever it raises, and even what it dies of,
        certainly sent nothing, so the engine may find out whose fault it is and call the others.
        """
        ...


class Reservation(Protocol):
    """A connection that is open for a call to come."""

    def release(self) -> None:
        """The call was made, or will not be. May come twice."""
        ...


@runtime_checkable
class Connects(Protocol):
    """What a channel may have as well whose calls need a connection, so that none is opened when a call's slot has come."""

    async def connect(self) -> Reservation:
        """Have a connection open for one call more: the next `send` takes it. Raises nothing but CancelledError.

        Where it cannot be opened, the next `send` answers what that proves.
        """
        ...


@runtime_checkable
class Metered(Protocol):
    """A channel whose provider gives no receipts, but counts what it has sent."""

    async def counted(self) -> int | None:
        """Messages sent this month, as the provider counts them, approximately; None where it does not say."""
        ...


@runtime_checkable
class Receipted(Protocol):
    """A channel that may be told of each message whether it arrived."""

    @property
    def receipts(self) -> bool:
        """Whether it is, by its settings."""
        ...


ChannelFactory = type[Any]
"""A class with a `Settings` model, called with an instance of it, that gives a Channel."""
