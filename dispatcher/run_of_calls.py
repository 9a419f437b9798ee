"""An attempt that is a run of single calls, as SMS and email are, made by a few hands at once.

The intent to call is committed for a few members ahead, together with the outcomes so far: never
for more than there are hands, counting the calls under way, so that a crash leaves in doubt no more
than that; and never ahead at all when calls are seconds apart.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack

from channels.contract import Message, Recipient
from dispatcher.attempt import Attempt, Means, People
from dispatcher.batches import Claimed, Log, Member
from dispatcher.waiting_line import Place

_QUIET_SECONDS = 0.1
"""An outcome stays unrecorded at most about this long, and intents are committed one by one at such a pace."""
_GATHER_SECONDS = 0.01
"""How long a commit waits for a few more calls to end, which it then records as well."""


class RunOfCalls(Attempt):
    """Calls the members one by one, in order."""

    def __init__(self, batch: Claimed, means: Means) -> None:
        super().__init__(batch, means)
        self._todo: list[tuple[int, Message, Recipient]] = []
        self._next = 0
        self._begun = 0
        self._under_way = 0
        self._written_at = time.monotonic()
        self._turn = asyncio.Lock()
        self._writing = asyncio.Lock()
        self._some_ended = asyncio.Event()

    async def carry(self, messages: Mapping[int, Message], people: People) -> None:
        batch = self.batch
        self._todo = [
            (
                position,
                messages[batch.message_of(position)],
                Recipient(address or "", Member(batch.dispatch, batch.number, position).token),
            )
            for position, address in zip(people.positions, people.addresses, strict=True)
        ]
        hands = [asyncio.create_task(self._hand()) for _ in range(min(self.rules.at_once, len(self._todo)))]
        try:
            await asyncio.gather(*hands)
        finally:
            for hand in hands:
                hand.cancel()
            await asyncio.gather(*hands, return_exceptions=True)
            await asyncio.shield(self.finish() if self._begun else self.release())

    async def _hand(self) -> None:
        """Calls one recipient after the other until the work or the permission ends."""
        while await self._one_call():
            await self._recorded_soon()

    async def _one_call(self) -> bool:
        async with AsyncExitStack() as held:
            turn = await self._take_turn(held)
            if turn is None:
                return False
            place, (position, message, recipient) = turn
            self._under_way += 1
            try:
                called = await self.call(place, message, [position], [recipient])
            finally:
                self._under_way -= 1
        if called is not None:
            self.note([position], called)
        return called is not None

    async def _take_turn(self, held: AsyncExitStack) -> tuple[Place, tuple[int, Message, Recipient]] | None:
        """The next recipient, with a connection and a slot in sight, which are `held`, and a committed intent.

        One hand at a time, so that nothing is held and no intent is committed for nothing.
        """
        async with self._turn:
            if self._next >= len(self._todo) or not self.may_call():
                return None
            turn = self._todo[self._next]
            await held.enter_async_context(self.connection())
            place = held.enter_context(self.queue(turn[1]))
            if not await place.near() or (turn[0] >= self._begun and not await self._begin_more()):
                return None
            self._next += 1
            return place, turn

    async def _begin_more(self) -> bool:
        """Commit the intent for the next members. False: the batch is not ours to call any further."""
        if self._begun:
            await self._let_some_end()
        started = self._todo[min(self._next + self._room(), len(self._todo)) - 1][0] + 1
        async with self._writing:
            if self._begun:
                self.held = await self._progress(started)
            else:
                self.held = await self.means.store.begin(self.batch, started)
        if self.held:
            self._begun = started
        return self.held

    def _room(self) -> int:
        """How many calls may begin before outcomes are recorded again."""
        if time.monotonic() - self._written_at > _QUIET_SECONDS:
            return 1
        return max(1, self.rules.at_once - self._under_way)

    async def _let_some_end(self) -> None:
        """Wait a moment until a quarter of the hands have something to record: one commit serves them all."""
        self._some_ended.clear()
        if self._under_way and len(self.log.positions) < self.rules.at_once // 4:
            try:
                async with asyncio.timeout(_GATHER_SECONDS):
                    await self._some_ended.wait()
            except TimeoutError:
                return

    async def _recorded_soon(self) -> None:
        """Record what has ended when no commit is near that would do it."""
        if len(self.log.positions) >= self.rules.at_once // 4:
            self._some_ended.set()
        if time.monotonic() - self._written_at < _QUIET_SECONDS or self._writing.locked():
            return
        async with self._writing:
            if self.held and self.log.positions:
                self.held = await self._progress(self._begun)

    async def _progress(self, started: int) -> bool:
        done, self.log = self.log, Log()
        self._written_at = time.monotonic()
        held = await self.write(lambda: self.means.store.progress(self.batch, started, done))
        if not held:
            done.extend(self.log)
            self.log = done
        return held
