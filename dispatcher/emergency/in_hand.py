"""The ordinary store, watched: what this process has in hand is known to the last call, whatever the database knows of it.

When an officer orders the sending without the database, the batches in hand are taken over. Their attempts, which wait
for the database to write down what they learnt, then write it into the journal instead and end.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from channels.contract import Answer
from dispatcher import outcomes as states
from dispatcher.batches import BatchStore, Claimed, LaneKey, Log
from dispatcher.emergency.ledger import now
from dispatcher.emergency.records import Calls, Carried, InHand, Words

if TYPE_CHECKING:
    from asyncpg import Pool

A_MOMENT = 60.0
"""Seconds. Until then the post of the directory has read of what was let go of, however large the town."""

Name = tuple[str, int]
"""A batch: its dispatch and number."""
Held = tuple[str, int, int, int]
"""A batch in one attempt of one session."""


class WatchedStore(BatchStore):
    """`let_go` is told of every batch of a live evacuation that an attempt of this process has let go of."""

    def __init__(self, pool: Pool, let_go: Callable[[Claimed], None]) -> None:
        super().__init__(pool)
        self._let_go = let_go
        self.in_hand: dict[Name, Claimed] = {}
        self.carry: Callable[[str, Carried], Awaitable[bool]] = _nowhere
        """Where a taken batch's log goes; False once the journal is merged and gone."""
        self._taken: set[Held] = set()
        self._let_go_of: deque[tuple[float, Claimed]] = deque()

    def told(self) -> list[InHand]:
        """What is in hand now, and what was a moment ago: nobody may have read of that any more."""
        return [self._told(batch) for batch in (*(each for _, each in self._let_go_of), *self.in_hand.values())]

    def read_to(self, moment: float) -> None:
        """What was let go of before that moment, by the monotonic clock, whoever has the post has read of."""
        while self._let_go_of and self._let_go_of[0][0] < moment:
            self._let_go_of.popleft()

    def take_over(self, dispatch: str) -> None:
        """What is in hand of it is the journal's: nothing of it is begun or written to the database any more."""
        self._taken |= {batch.held for (name, _), batch in self.in_hand.items() if name == dispatch}

    async def claim(self, lane: LaneKey, session: int, most: int) -> list[Claimed]:
        batches = await super().claim(lane, session, most)
        if lane.priority == 0:
            self.in_hand.update({batch.name: batch for batch in batches})
        return batches

    async def begin(self, batch: Claimed, started: int) -> bool:
        return batch.held not in self._taken and await super().begin(batch, started)

    async def progress(self, batch: Claimed, started: int, log: Log) -> bool:
        """False for one that was taken over, so that nothing more of it is begun; its log is kept with the end."""
        if batch.held in self._taken:
            return False
        return await super().progress(batch, started, log)

    async def finish(self, batch: Claimed, log: Log, after: states.Next | None) -> bool:
        if await self._carried(batch, log):
            return True
        held = await super().finish(batch, log, after)
        self._gone(batch)
        return held

    async def release(self, batch: Claimed, *, due_in: float = 0) -> bool:
        if await self._carried(batch, Log()):
            return True
        held = await super().release(batch, due_in=due_in)
        self._gone(batch)
        return held

    async def merge_late(self, batch: Claimed, proofs: bytes, log: Log) -> bool:
        """Where a batch was taken over the journal has its proof."""
        if await self._carried(batch, log):
            return True
        found = await super().merge_late(batch, proofs, log)
        self._gone(batch)
        return found

    async def split(self, batch: Claimed, positions: Sequence[int], answer: Answer, log: Log) -> bool:
        """Where that fails nobody is told: whoever knows only the whole makes the same call, refused and split alike."""
        if await self._carried(batch, log):
            return True
        held = await super().split(batch, positions, answer, log)
        self.in_hand.pop(batch.name, None)
        return held

    def was_split(self, batch: Claimed, children: Sequence[Claimed]) -> None:
        if batch.name in self.in_hand:
            self._gone(batch)
            self._let_go_of.extend((time.monotonic(), child) for child in children)

    async def _carried(self, batch: Claimed, log: Log) -> bool:
        """Whether it was taken over, and what was learnt is in the journal."""
        if batch.held not in self._taken:
            return False
        calls = Calls.of(log, now())
        kept = Carried(batch.number, batch.attempt, batch.part, batch.session, calls)
        if not await self.carry(batch.dispatch, kept):
            self._taken.discard(batch.held)
            return False
        self.in_hand.pop(batch.name, None)
        return True

    def _gone(self, batch: Claimed) -> None:
        if self.in_hand.pop(batch.name, None) is None:
            return
        self._let_go(batch)
        moment = time.monotonic()
        self._let_go_of.append((moment, batch))
        self.read_to(moment - A_MOMENT)

    def _told(self, batch: Claimed) -> InHand:
        return InHand(
            dispatch=batch.dispatch,
            number=batch.number,
            session=batch.session,
            outcomes=batch.outcomes,
            repeated=batch.repeated,
            attempt=batch.attempt,
            tries=batch.tries,
            first_attempt_at=batch.first_attempt_at,
            repeat_at=batch.repeat_at,
            claimed_at=batch.claimed_at,
            key=batch.key,
            channel=batch.lane.channel,
            lane=batch.lane.lane,
            priority=batch.lane.priority,
            messages=np.array(batch.messages, "<i4").tobytes(),
            members=np.array(batch.members, "<i8").tobytes(),
            counts_once=batch.counts_once,
            words=list(self._words(batch)),
        )

    def _words(self, batch: Claimed) -> Iterator[Words]:
        for number in sorted(set(batch.messages)):
            written = self._written.get((batch.dispatch, number))
            if written is not None:
                message, key = written
                yield Words(number, message.language, message.subject, message.body, key)


async def _nowhere(_dispatch: str, _kept: Carried) -> bool:
    return False
