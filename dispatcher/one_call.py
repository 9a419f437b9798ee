"""An attempt that is one call for the whole batch, as LINE's multicast is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from channels.contract import Message, Recipient, Verdict
from dispatcher import metrics
from dispatcher.attempt import Attempt, Called
from dispatcher.model import Outcome


class OneCall(Attempt):
    """Everybody shares the call, its key and its answer."""

    async def carry(self, messages: Mapping[int, Message], recipients: dict[int, Recipient]) -> None:
        message, positions = messages[self.batch.messages[0]], list(recipients)
        if not await self._begin(message):
            await asyncio.shield(self.release())
            return
        called = None
        try:
            called = await self.call(message, positions, list(recipients.values()))
        finally:
            await asyncio.shield(self._conclude(positions, called))

    async def _begin(self, message: Message) -> bool:
        """Tokens, and the committed intent; whatever prevents it, nothing has left yet."""
        try:
            await self.tokens(message)
            return self.may_call() and await self.means.store.begin(self.batch, len(self.batch.members))
        except BaseException:
            await asyncio.shield(self.release())
            raise

    async def _conclude(self, positions: Sequence[int], called: Called | None) -> None:
        """Record the answer; without one the call was cancelled (and noted so), or never made."""
        if called is not None and called.answer.verdict is Verdict.SPLIT and len(positions) > 1:
            await self._split(positions, called)
        elif called is not None:
            self.note(positions, called)
            await self.finish()
        elif self.log.positions:
            await self.finish()
        else:
            await self.release()

    async def _split(self, positions: Sequence[int], called: Called) -> None:
        self.log.one_call(positions, Outcome.MOVED, called.answer, called.seconds)
        if not await self.write(lambda: self.means.store.split(self.batch, positions, called.answer, self.log)):
            metrics.LATE.labels(self.batch.lane.channel).inc()
