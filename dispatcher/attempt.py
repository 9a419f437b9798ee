"""One attempt at one batch: read addresses, take tokens, commit the intent, call, record.

A channel that carries the whole batch in one call (LINE) makes one; for the others (SMS, email)
the batch is a run of single calls by a few hands, whose intents are committed together as they
come, so that a crash leaves in doubt only what was truly under way.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from uuid import uuid5

import asyncpg
import structlog

from channels.contract import Answer, Channel, Message, Recipient, Verdict
from dispatcher import metrics
from dispatcher import outcomes as states
from dispatcher.audience import AddressBook
from dispatcher.batches import BatchStore, Claimed, Log, Member
from dispatcher.limiter import Limiter
from dispatcher.model import LEAST_URGENT, Outcome
from dispatcher.pauses import Pauses

DATABASE_TROUBLE = (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.OperatorInterventionError)
_FLUSH_SECONDS = 0.1
"""An outcome stays unrecorded at most this long when no other call is about to begin."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Means:
    """What an attempt works with. `may_call(batch)` is asked immediately before every call."""

    store: BatchStore
    addresses: AddressBook
    limiter: Limiter
    pauses: Pauses
    channel: Channel
    slots: asyncio.Semaphore
    spare_slots: asyncio.Semaphore
    """Taken as well by whatever is not urgent, so that connections stay free for what is."""
    call_seconds: float
    may_call: Callable[[Claimed], bool]
    message: Callable[[str, int], Awaitable[Message]]


Call = tuple[int, Message, Recipient]
"""A single call to be made: the member's position, what to say, and to whom."""


class Attempt:
    """Carries one claimed batch through. Whatever was called is recorded, also when it is cancelled."""

    def __init__(self, batch: Claimed, means: Means) -> None:
        self._batch = batch
        self._means = means
        self._promise = batch.promise(repeatable=means.channel.repeatable)
        self._rules = means.channel.lane(batch.lane.lane)
        self._log = Log()
        self._wish = 0.0
        self._retried = False
        self._held = True
        self._begun = 0
        self._wanted = 0
        self._written_at = time.monotonic()
        self._writing = asyncio.Lock()
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        try:
            messages = {
                number: await self._means.message(self._batch.dispatch, number) for number in set(self._batch.messages)
            }
            recipients = await self._recipients()
        except BaseException:
            await asyncio.shield(self._release())
            raise
        if not recipients:
            await self._finish()
        elif self._means.channel.call_size > 1:
            await self._one_call(messages[self._batch.messages[0]], recipients)
        else:
            await self._single_calls(messages, recipients)

    # -- whom ------------------------------------------------------------------------------------

    async def _recipients(self) -> dict[int, Recipient]:
        """Who is called, by position. Whoever left since planning is suppressed, not written to."""
        self._give_up_old_keys()
        batch = self._batch
        positions = states.sendable(batch.outcomes, repeat=batch.repeating)
        repeat = any(batch.outcomes[position] == Outcome.AMBIGUOUS for position in positions)
        found = await self._means.addresses.addresses(
            self._means.channel.contact, [batch.members[position] for position in positions], also_left=repeat
        )
        gone = [position for position, address in zip(positions, found, strict=True) if address is None]
        self._suppress(gone)
        return {
            position: Recipient(address, Member(batch.dispatch, batch.number, position).token)
            for position, address in zip(positions, found, strict=True)
            if address is not None and not self._final(position)
        }

    def _suppress(self, gone: Sequence[int]) -> None:
        """A repeat that cannot be made exactly as it was made is not made: its members stay unknown."""
        batch = self._batch
        doubtful = [position for position in gone if batch.outcomes[position] == Outcome.AMBIGUOUS]
        batch.outcomes = states.marked(batch.outcomes, set(gone) - set(doubtful), Outcome.SUPPRESSED)
        if doubtful and self._means.channel.call_size > 1:
            batch.outcomes = states.abandoned(batch.outcomes, Outcome.SUPPRESSED)
        batch.outcomes = states.marked(batch.outcomes, doubtful, Outcome.UNKNOWN)

    def _give_up_old_keys(self) -> None:
        batch = self._batch
        if not self._means.channel.repeatable or batch.first_attempt_at is None:
            return
        if batch.claimed_at - batch.first_attempt_at > states.KEY_LIFETIME:
            doubtful = [i for i, byte in enumerate(batch.outcomes) if byte == Outcome.AMBIGUOUS]
            batch.outcomes = states.marked(batch.outcomes, doubtful, Outcome.UNKNOWN)

    def _final(self, position: int) -> bool:
        return Outcome(self._batch.outcomes[position]).final

    # -- one call for the whole batch -------------------------------------------------------------

    async def _one_call(self, message: Message, recipients: dict[int, Recipient]) -> None:
        positions = list(recipients)
        if not await self._may_begin(message):
            await asyncio.shield(self._release())
            return
        answer, seconds = Answer(Verdict.AMBIGUOUS, code="cancelled"), 0.0
        try:
            answer, seconds = await self._call(message, positions, list(recipients.values()))
        finally:
            await asyncio.shield(self._conclude(positions, answer, seconds))

    async def _may_begin(self, message: Message) -> bool:
        """Tokens and the committed intent for the one call; whatever prevents it, nothing has left yet."""
        try:
            await self._tokens(message)
            if not self._means.may_call(self._batch):
                return False
            return await self._means.store.begin(self._batch, len(self._batch.members))
        except BaseException:
            await asyncio.shield(self._release())
            raise

    async def _conclude(self, positions: Sequence[int], answer: Answer, seconds: float) -> None:
        if answer.verdict is Verdict.SPLIT and len(positions) > 1:
            self._log.one_call(positions, Outcome.MOVED, answer, seconds)
            if not await self._write(lambda: self._means.store.split(self._batch, positions, answer, self._log)):
                metrics.LATE.labels(self._batch.lane.channel).inc()
            return
        self._note(positions, answer, seconds)
        await self._finish()

    # -- a run of single calls --------------------------------------------------------------------

    async def _single_calls(self, messages: Mapping[int, Message], recipients: dict[int, Recipient]) -> None:
        work = iter(
            (position, messages[self._batch.message_of(position)], recipient)
            for position, recipient in recipients.items()
        )
        hands = [asyncio.create_task(self._hand(work)) for _ in range(self._rules.at_once)]
        try:
            await asyncio.gather(*hands)
        finally:
            for hand in hands:
                hand.cancel()
            await asyncio.gather(*hands, return_exceptions=True)
            await asyncio.shield(self._finish() if self._begun else self._release())

    async def _hand(self, work: Iterator[Call]) -> None:
        """Calls one recipient after the other, in order, until the work or the permission ends."""
        while (turn := await self._turn_of(work)) is not None:
            position, message, recipient = turn
            if not await self._intend(position):
                return
            await self._single_call(message, position, recipient)
            await self._flush_if_quiet()

    async def _turn_of(self, work: Iterator[Call]) -> Call | None:
        """The next recipient with the tokens for it. One hand at a time, so that no token is taken for nothing."""
        async with self._turn:
            if not self._may_go_on():
                return None
            call = next(work, None)
            if call is None:
                return None
            await self._tokens(call[1])
            return call if self._may_go_on() else None

    def _may_go_on(self) -> bool:
        return self._held and self._means.may_call(self._batch)

    async def _single_call(self, message: Message, position: int, recipient: Recipient) -> None:
        answer, seconds = Answer(Verdict.AMBIGUOUS, code="cancelled"), 0.0
        try:
            answer, seconds = await self._call(message, [position], [recipient])
        finally:
            self._note([position], answer, seconds)

    async def _intend(self, position: int) -> bool:
        """Commit the intent to call `position`; hands that come meanwhile share one commit."""
        self._wanted = max(self._wanted, position + 1)
        async with self._writing:
            if position >= self._begun and self._held:
                await self._advance()
        return self._held

    async def _advance(self) -> None:
        started = self._wanted
        if self._begun:
            self._held = await self._progress(started)
        else:
            self._held = await self._means.store.begin(self._batch, started)
        self._begun = started if self._held else self._begun

    async def _flush_if_quiet(self) -> None:
        if time.monotonic() - self._written_at < _FLUSH_SECONDS or self._writing.locked():
            return
        async with self._writing:
            if self._held and self._log.positions:
                self._held = await self._progress(self._begun)

    async def _progress(self, started: int) -> bool:
        done, self._log = self._log, Log()
        self._written_at = time.monotonic()
        held = await self._write(lambda: self._means.store.progress(self._batch, started, done))
        if not held:
            self._log = done
        return held

    # -- the call, and what follows from its answer -----------------------------------------------

    async def _tokens(self, message: Message) -> None:
        waited = await self._means.limiter.take(self._rules.limits, self._means.channel.cost(message))
        if waited:
            metrics.LIMITER_WAIT.labels(self._batch.lane.channel).inc(waited)

    async def _call(
        self, message: Message, positions: Sequence[int], recipients: Sequence[Recipient]
    ) -> tuple[Answer, float]:
        """One call, within its time. The key names exactly these members: the same call, the same key."""
        key = uuid5(self._batch.key, ",".join(map(str, positions)))
        channel = self._means.channel
        async with self._courtesy(), self._means.slots:
            began = time.monotonic()
            try:
                async with asyncio.timeout(self._means.call_seconds):
                    answer = await channel.send(message, recipients, key=key, expires_at=self._batch.valid_until)
            except TimeoutError:
                answer = Answer(Verdict.AMBIGUOUS, code="timeout")
            except Exception:
                log.exception("channel_raised", channel=channel.name, dispatch=self._batch.dispatch)
                answer = Answer(Verdict.AMBIGUOUS, code="channel_error")
            seconds = time.monotonic() - began
        metrics.CALLS.labels(channel.name).observe(seconds)
        return answer, seconds

    def _courtesy(self) -> AbstractAsyncContextManager[None]:
        urgent = self._batch.lane.priority <= LEAST_URGENT
        return nullcontext() if urgent else self._means.spare_slots

    def _note(self, positions: Sequence[int], answer: Answer, seconds: float) -> None:
        batch = self._batch
        touched = bytearray(batch.outcomes)
        for position in positions:
            touched[position] = states.after_answer(touched[position], answer.verdict, self._promise)
        batch.outcomes = bytes(touched)
        self._log.one_call(positions, Outcome(touched[positions[0]]), answer, seconds)
        self._retried |= answer.verdict is Verdict.RETRY
        if answer.pause is not None:
            self._wish = max(self._wish, self._means.pauses.heed(batch.lane, answer.pause))

    async def _finish(self) -> None:
        """Let go of the batch: done, or due again. Proof outlives the loss of the claim."""
        batch = self._batch
        after = None
        if not states.all_final(batch.outcomes):
            batch.tries += self._retried
            after = states.next_attempt(
                batch.outcomes,
                tries=batch.tries,
                at_least=self._wish,
                repeated=batch.repeating,
                promise=self._promise,
            )
        if not self._held or not await self._write(lambda: self._means.store.finish(batch, self._log, after)):
            await self._merge_late()
        self._count()

    async def _release(self) -> None:
        """Give the batch back as it was claimed: no call of it was made."""

        async def release() -> bool:
            await self._means.store.release(self._batch)
            return True

        await self._write(release)

    async def _merge_late(self) -> None:
        metrics.LATE.labels(self._batch.lane.channel).inc()
        proofs = bytes(byte if byte >= Outcome.REJECTED else 0 for byte in self._batch.outcomes)

        async def merge() -> bool:
            await self._means.store.merge_late(self._batch, proofs, self._log)
            return True

        await self._write(merge)

    async def _write(self, write: Callable[[], Awaitable[bool]]) -> bool:
        """Write what was learnt, however long the database is away: it would be lost otherwise."""
        while True:
            try:
                return await write()
            except DATABASE_TROUBLE as trouble:
                log.warning("outcomes_wait_for_database", dispatch=self._batch.dispatch, error=type(trouble).__name__)
                await asyncio.sleep(0.5)

    def _count(self) -> None:
        for outcome, number in Counter(self._batch.outcomes).items():
            if Outcome(outcome).final and outcome != Outcome.MOVED:
                metrics.MESSAGES.labels(self._batch.lane.channel, Outcome(outcome).name.lower()).inc(number)
