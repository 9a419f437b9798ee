"""What a sender and its attempts ask of whoever keeps the batches: PostgreSQL (batches.py), or without it a journal."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from channels.contract import Answer, Message
from dispatcher import outcomes as states
from dispatcher.batches import Claimed, LaneKey, Log
from dispatcher.inspection import Span


class Store(Protocol):
    """`False` always means that the batch is no longer the caller's."""

    async def busy_lanes(self) -> dict[LaneKey, bool]:
        """Lanes where something is due (True), or only under way (False)."""
        ...

    async def claim(self, lane: LaneKey, session: int, most: int) -> list[Claimed]: ...

    async def give_back(self, lane: LaneKey, session: int) -> None:
        """What the session holds of a lane in which it has nothing in hand: a claim whose answer was lost."""
        ...

    async def begin(self, batch: Claimed, started: int) -> bool:
        """Make durable that members before `started` may be called from now on."""
        ...

    async def progress(self, batch: Claimed, started: int, log: Log) -> bool:
        """Record outcomes so far and begin members before `started`, keeping the claim."""
        ...

    async def finish(self, batch: Claimed, log: Log, after: states.Next | None) -> bool:
        """Record and let go: done, or due again `after`."""
        ...

    async def release(self, batch: Claimed, *, due_in: float = 0) -> bool:
        """Give back a batch of which nothing was started, due in so many seconds."""
        ...

    async def look_at(self, batch: Claimed, whom: Span | None, deaths: int) -> bool:
        """Say whom the caller looks at next, in case it dies of it; nobody any more."""
        ...

    async def remark(self, batch: Claimed, log: Log) -> None:
        """Keep what is to be known of members that were not called."""
        ...

    async def split(self, batch: Claimed, positions: Sequence[int], answer: Answer, log: Log) -> bool:
        """Replace a call that was refused whole by two smaller batches."""
        ...

    async def merge_late(self, batch: Claimed, proofs: bytes, log: Log) -> bool:
        """Keep the proof of an attempt that was given up meanwhile."""
        ...

    async def message(self, dispatch: str, number: int) -> Message: ...

    async def first_send(self, dispatch: str) -> None: ...

    async def stopped(self, in_hand: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
        """Which of these channels of dispatches must not be sent any further."""
        ...


class Lease(Protocol):
    """The right to send: a session with the database, or an officer's order without one."""

    @property
    def number(self) -> int: ...

    @property
    def alive(self) -> bool:
        """Whether a call may start now. Asked again immediately before each one."""
        ...
