"""An attempt that is a run of single calls, as SMS and email are, made by a few hands at once.

The intent to call is committed for a few members ahead, together with the outcomes so far: never
for more than there are hands, counting the calls under way, so that a crash leaves in doubt no more
than that; and never ahead at all when calls are seconds apart.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from itertools import takewhile
from typing import NamedTuple

from channels.contract import Message, Recipient
from dispatcher.attempt import Attempt, Means, People, call_key
from dispatcher.batches import Claimed, Log, Member
from dispatcher.connections import Held
from dispatcher.model import Outcome
from dispatcher.time_limit import TimeLimit
from dispatcher.waiting_line import Place

_QUIET_SECONDS = 0.1
"""An outcome stays unrecorded at most about this long, and intents are committed one by one at such a pace."""
_RUN = 16
"""Calls made in a row before others have their turn. None of them is late in its slot."""
_SWIFT_SECONDS = 0.0005
_GATHER_SECONDS = 0.01
"""How long a commit waits for a few more calls to end, which it then records as well."""


class Turn(NamedTuple):
    """One member's call, ready to be made."""

    position: int
    message: Message
    recipients: tuple[Recipient]
    cost: int


class RunOfCalls(Attempt):
    """Calls the members one by one, in order."""

    def __init__(self, batch: Claimed, means: Means) -> None:
        super().__init__(batch, means)
        self._todo: list[Turn] = []
        self._next = 0
        self._begun = 0
        self._alone = False
        """Whether calls are made one by one: a worker died here, and the next to die takes nobody with it."""
        self._under_way = 0
        self._opening = 0
        """Hands whose next call waits for its connection: it is begun, and not yet under way."""
        self._swift = False
        """Whether the last call was over as soon as it began."""
        self._written_at = time.monotonic()
        self._hands: list[asyncio.Task[None]] = []
        self._hand_to_come = False
        self._turn = asyncio.Lock()
        self._writing = asyncio.Lock()
        self._some_ended = asyncio.Event()

    def prepare(self, messages: Mapping[int, Message], people: People) -> None:
        self._todo = self._turns(messages, people)

    async def carry(self) -> None:
        self._alone = self.batch.deaths > 0 and any(map(self._doubtful, self._todo))
        self._one_more_hand()
        try:
            while working := [hand for hand in self._hands if not hand.done()]:
                await asyncio.wait(working, return_when=asyncio.FIRST_EXCEPTION)
                _raise_what_failed(self._hands)
        finally:
            for hand in self._hands:
                hand.cancel()
            await asyncio.gather(*self._hands, return_exceptions=True)
            self.batch.not_called(turn.position for turn in self._todo[self._next :])
            await asyncio.shield(self.finish() if self._begun else self.release())

    def _turns(self, messages: Mapping[int, Message], people: People) -> list[Turn]:
        batch = self.batch
        told = {number: (message, self.means.channel.cost(message)) for number, message in messages.items()}
        token = Member(batch.dispatch, batch.number, 0).token[:-1]
        turns = []
        for position, address in zip(people.positions, people.addresses, strict=True):
            message, cost = told[batch.message_of(position)]
            turns.append(Turn(position, message, (Recipient(address or "", f"{token}{position}"),), cost))
        return turns

    def _doubtful(self, turn: Turn) -> bool:
        return self.batch.outcomes[turn.position] == Outcome.AMBIGUOUS

    @property
    def _at_once(self) -> int:
        return 1 if self._alone else self.rules.at_once

    def _one_more_hand(self) -> None:
        """The next hand begins once all others wait for something, so there are no more of them than are of use."""
        if not self._hand_to_come and len(self._hands) < min(self._at_once, len(self._todo)):
            self._hand_to_come = True
            self._hands.append(asyncio.create_task(self._hand(), name="hand"))

    async def _hand(self) -> None:
        """Calls one recipient after the other until the work or the permission ends."""
        self._hand_to_come = False
        within = TimeLimit(self.means.call_seconds)
        try:
            while await self._calls_at_once(within) or await self._call_in_turn(within):
                await self._recorded_soon()
        finally:
            within.close()

    async def _calls_at_once(self, within: TimeLimit) -> bool:
        """Calls that have nothing to wait for, over a connection that nobody else waits for.

        One, as long as calls take their time: the slots of the others would close meanwhile.
        """
        connections, priority = self.means.connections, self.batch.lane.priority
        if self._next_at_once() is None or not self.line.free or not connections.free(priority):
            return False
        async with connections.one(priority) as connection:
            await connection.open()
            first = turn = self._next_at_once()
            if first is None:
                return False
            number = self.line.pass_through(first.cost, self._alike(first) if self._swift else 1)
            if not number:
                return False
            while number and turn is not None and turn.cost == first.cost:
                number -= 1
                self._next += 1
                await self._make(turn, within)
                if not self._swift or self.breaker.opened or not self.held:
                    return True
                turn = self._next_ready()
        await asyncio.sleep(0)
        return True

    def _next_at_once(self) -> Turn | None:
        """The next recipient, if the call is permitted: which holds for a run of swift calls, of 8 ms all together."""
        turn = self._next_ready()
        return turn if turn is not None and self.may_call() else None

    def _next_ready(self) -> Turn | None:
        """The next recipient, if the intent is committed and no other hand is about to make the call."""
        if self._next >= len(self._todo) or self._turn.locked():
            return None
        turn = self._todo[self._next]
        return turn if turn.position < self._begun else None

    def _alike(self, first: Turn) -> int:
        """How many of the next few recipients are as ready as the first, and cost as much."""
        some = self._todo[self._next : self._next + _RUN]
        return len(list(takewhile(lambda turn: turn.position < self._begun and turn.cost == first.cost, some)))

    async def _call_in_turn(self, within: TimeLimit) -> bool:
        """One call, after whatever has to be waited for. False: there is no other, or none may be made."""
        async with AsyncExitStack() as held:
            waited_for = await self._wait_for_turn(held)
            return waited_for is not None and await self._make_when_reached(*waited_for, within)

    async def _make_when_reached(self, turn: Turn, connection: Held, place: Place, within: TimeLimit) -> bool:
        """Whoever's connection has yet to be opened is not ready: a slot that comes meanwhile goes to another hand."""
        reached = False
        try:
            await self._opened(connection)
            reached = await self.reached(place)
        finally:
            if not reached:
                self.batch.not_called((turn.position,))
        if reached:
            await self._make(turn, within)
        return reached

    async def _opened(self, connection: Held) -> None:
        self._opening += 1
        try:
            await connection.open()
        finally:
            self._opening -= 1

    async def _make(self, turn: Turn, within: TimeLimit) -> None:
        self._one_more_hand()
        self._under_way += 1
        try:
            key = call_key(self.batch.key, (turn.position,))
            called = await self.call(turn.message, (turn.position,), turn.recipients, key, within)
        finally:
            self._under_way -= 1
        self._swift = called.seconds < _SWIFT_SECONDS
        self.note((turn.position,), called)

    async def _wait_for_turn(self, held: AsyncExitStack) -> tuple[Turn, Held, Place] | None:
        """The next recipient, with the right to a connection and a slot in sight, which are `held`, and a committed intent.

        One hand at a time, so that nothing is held and no intent is committed for nothing.
        """
        async with self._turn:
            if self._next >= len(self._todo) or not self.may_call():
                return None
            turn = self._todo[self._next]
            connection = await held.enter_async_context(self.means.connections.one(self.batch.lane.priority))
            place = held.enter_context(self.queue(turn.message))
            if not await place.near() or (turn.position >= self._begun and not await self._begin_more()):
                return None
            self._next += 1
            self._one_more_hand()
            return turn, connection, place

    async def _begin_more(self) -> bool:
        """Commit the intent for the next members. False: the batch is not ours to call any further."""
        if self._begun:
            await self._let_some_end()
        window = self._todo[self._next : self._next + self._room()]
        started = window[-1].position + 1
        async with self._writing:
            self.batch.call_again((turn.position for turn in window), before=started)
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
        return max(1, self._at_once - self._under_way - self._opening)

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
        if not self._record_is_due():
            return
        async with self._writing:
            if self.held and self.log.positions:
                self.held = await self._progress(self._begun)

    def _record_is_due(self) -> bool:
        return time.monotonic() - self._written_at >= _QUIET_SECONDS and not self._writing.locked()

    async def _progress(self, started: int) -> bool:
        done, self.log = self.log, Log()
        self._written_at = time.monotonic()
        self.batch.call_again((), before=started)
        held = False
        try:
            held = await self.write(lambda: self.means.store.progress(self.batch, started, done))
        finally:
            if not held:
                done.extend(self.log)
                self.log = done
        return held


def _raise_what_failed(hands: Sequence[asyncio.Task[None]]) -> None:
    for hand in hands:
        if hand.done():
            hand.result()
