"""An attempt that is one call for the whole batch, as LINE's multicast is.

The intent is committed before a slot is waited for: however long a commit takes, the slots find
calls that are ready.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from channels.contract import Message, Party, Prepares, Verdict
from dispatcher import metrics
from dispatcher import outcomes as states
from dispatcher.attempt import Attempt, Called, People, call_key
from dispatcher.model import Outcome
from dispatcher.time_limit import TimeLimit


class _Ahead(NamedTuple):
    """The call that is made next."""

    message: Message
    positions: Sequence[int]
    party: Party


class OneCall(Attempt):
    """Everybody shares the call, its key, its answer and its token."""

    _ahead: _Ahead

    def prepare(self, messages: Mapping[int, Message], people: People) -> None:
        message = messages[self.batch.messages[0]]
        party = Party([address or "" for address in people.addresses], f"{self.batch.dispatch}.{self.batch.number}")
        if isinstance(self.means.channel, Prepares):
            self.means.channel.prepare(message, party)
        self._ahead = _Ahead(message, people.positions, party)

    async def carry(self) -> None:
        if not await self._begin():
            await asyncio.shield(self.release())
            return
        message, positions, party = self._ahead
        called = None
        try:
            called = await self._called(message, positions, party)
        finally:
            await asyncio.shield(self._conclude(positions, called))

    async def _called(self, message: Message, positions: Sequence[int], recipients: Party) -> Called | None:
        """An open connection first: with none the slot would be lost, or the call late. None: no longer permitted."""
        within = TimeLimit(self.means.call_seconds)
        try:
            async with self.means.connections.one(self.batch.lane.priority) as connection:
                await connection.open()
                with self.queue(message) as place:
                    if not await self.reached(place):
                        return None
                    return await self.call(message, positions, recipients, call_key(self.batch.key, positions), within)
        finally:
            within.close()

    async def _begin(self) -> bool:
        """The committed intent; whatever prevents it, nothing has left yet."""
        try:
            return self.may_call() and await self._begun()
        except BaseException:
            await asyncio.shield(self.release())
            raise

    async def _begun(self) -> bool:
        batch, everybody = self.batch, len(self.batch.members)
        batch.call_again(self._ahead.positions, before=everybody)
        return await self.means.store.begin(batch, everybody)

    async def _conclude(self, positions: Sequence[int], called: Called | None) -> None:
        """Record the answer; without one the call was cancelled (and noted so), or never made."""
        if called is not None and called.answer.verdict is Verdict.SPLIT and len(positions) > 1:
            await self._split(positions, called)
        elif called is not None:
            batch, verdict = self.batch, called.answer.verdict
            batch.outcomes = states.all_answered(batch.outcomes, verdict, self.promise, repeat=batch.repeating)
            if verdict is Verdict.RETRY:
                batch.not_called(positions)
            self.heed(self._told(positions), Outcome(batch.outcomes[positions[0]]), called)
            await self.finish()
        elif self.log.codes:
            await self.finish()
        else:
            await self.release()

    async def _split(self, positions: Sequence[int], called: Called) -> None:
        self.log.one_call(self._told(positions), Outcome.MOVED, called.answer, called.seconds)
        if not await self.write(lambda: self.means.store.split(self.batch, positions, called.answer, self.log)):
            metrics.LATE.labels(self.batch.lane.channel).inc()

    def _told(self, positions: Sequence[int]) -> Sequence[int]:
        """As the log names them: nobody stands for the whole batch."""
        return [] if len(positions) == len(self.batch.members) else positions
