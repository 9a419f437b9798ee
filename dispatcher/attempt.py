"""One attempt at one batch: read addresses, commit the intent, wait for a connection and a slot, call, record.

What all attempts share is here. A channel that carries a whole batch in one call makes `OneCall`
(one_call.py); for the others the batch is a `RunOfCalls` (run_of_calls.py).
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid5

import asyncpg
import structlog

from channels.contract import Answer, Channel, Message, Recipient, Verdict
from dispatcher import metrics
from dispatcher import outcomes as states
from dispatcher.audience import AddressBook
from dispatcher.background import DATABASE_TROUBLE
from dispatcher.batches import Claimed, Log
from dispatcher.connections import Connections
from dispatcher.deferrals import Deferrals
from dispatcher.inspection import Inspection, Quarantine
from dispatcher.limiter import Limiter
from dispatcher.model import Outcome
from dispatcher.pauses import Pauses
from dispatcher.providers import Providers
from dispatcher.store import Store
from dispatcher.time_limit import TimeLimit
from dispatcher.waiting_line import Place

_ACCEPTED = Verdict.ACCEPTED
"""Looked up once: in Python 3.11 a member of an Enum takes 0.16 µs to find, and this is asked at every call."""
NOBODYS_FAULT = (*DATABASE_TROUBLE, asyncpg.PostgresError, MemoryError, TimeoutError)
"""What may befall anybody's preparation: it says nothing of whom it befell."""
_LAST_TRY = 2
_TROUBLED_SECONDS = 5.0
"""Until a batch is claimed again that nobody could make ready, through no fault of its members."""
log = structlog.get_logger(__name__)


class Called(NamedTuple):
    """A call that was made: its answer, how long it took, and when, by the monotonic clock, it began."""

    answer: Answer
    seconds: float
    began: float = 0.0


@dataclass(frozen=True, slots=True)
class People:
    """Whom an attempt calls: positions in the batch, ascending, and the address of each."""

    positions: list[int]
    addresses: list[str | None]
    """None only before `only` has taken out whoever has none."""

    def only(self, keep: Callable[[int], bool]) -> People:
        kept = [pair for pair in zip(self.positions, self.addresses, strict=True) if keep(pair[0])]
        return People([position for position, _ in kept], [address for _, address in kept])


@dataclass(frozen=True, slots=True)
class Means:
    """What an attempt works with. `may_call(batch)` is asked immediately before every call."""

    store: Store
    addresses: AddressBook
    limiter: Limiter
    pauses: Pauses
    providers: Providers
    deferrals: Deferrals
    channel: Channel
    connections: Connections
    meters: metrics.Meters
    call_seconds: float
    may_call: Callable[[Claimed], bool]
    message: Callable[[str, int], Awaitable[Message]]
    quarantine: Quarantine = field(default_factory=Quarantine)


class Attempt:
    """Carries one claimed batch through. Whatever was called is recorded, also when it is cancelled."""

    def __init__(self, batch: Claimed, means: Means) -> None:
        self.batch = batch
        self.means = means
        self.rules = means.channel.lane(batch.lane.lane)
        self.line = means.limiter.line(self.rules.limits)
        self.provider = means.providers.of(batch.lane, self.rules)
        self.breaker = self.provider.breaker
        self.log = Log()
        self.held = True
        """False once a write has shown that the batch is no longer ours."""
        self.promise = batch.promise(repeatable=means.channel.repeatable)
        self._at_claim = batch.outcomes
        self._valid_until = time.monotonic() + (batch.valid_until - batch.claimed_at).total_seconds()
        self._expiry = -math.inf, batch.valid_until
        self._wish = 0.0
        self._waiting: frozenset[int] = frozenset()
        """Positions whose repeat is put off."""
        self._put_off = 0.0
        """Seconds for which repeats were put off, because the budget had no room for them."""
        self._retried = False
        self._doubted = False

    async def run(self) -> None:
        try:
            if self.means.channel.call_size > 1:
                self.batch.settle_together()
            self._give_up_old_keys()
            await self._inspect()
            ready = await self._make_ready()
        except BaseException as error:
            soon = isinstance(error, (asyncio.CancelledError, *DATABASE_TROUBLE))
            await asyncio.shield(self.release(due_in=0 if soon else _TROUBLED_SECONDS))
            raise
        if not self.held:
            return
        if ready:
            await self.carry()
        else:
            await self.finish()

    def prepare(self, messages: Mapping[int, Message], people: People) -> None:
        """Do all of the calls that needs no provider: whatever this raises, or dies of, certainly sent nothing."""
        raise NotImplementedError

    async def carry(self) -> None:
        """Call whoever `prepare` was given last, and record what came of it."""
        raise NotImplementedError

    # -- whom ------------------------------------------------------------------------------------

    def _sendable(self) -> list[int]:
        positions = states.sendable(self.batch.outcomes, repeat=self.batch.repeating)
        return [position for position in positions if position not in self._waiting] if self._waiting else positions

    async def _inspect(self) -> None:
        """Where others died before, find out of whom. A call that has a key already is made as it was."""
        batch, store = self.batch, self.means.store
        frozen = self.means.channel.call_size > 1 and Outcome.AMBIGUOUS in batch.outcomes
        if batch.deaths and not frozen:
            inspection = Inspection(lambda whom, deaths: store.look_at(batch, whom, deaths), self._look)
            self.held = await inspection.all(self._sendable(), batch.accused)

    async def _look(self, positions: Sequence[int]) -> None:
        """As `_ready` does it. What it raises it raises there again, where somebody listens."""
        with suppress(Exception):
            await self._ready(positions)

    async def _make_ready(self) -> bool:
        """Whether there is anybody to call. Who cannot be handled keeps nobody else from it."""
        if not self.held:
            return False
        self._waiting = self._to_wait(self._sendable())
        try:
            return await self._ready(self._sendable())
        except NOBODYS_FAULT:
            raise
        except Exception as error:
            log.exception("batch_not_ready", dispatch=self.batch.dispatch, batch=self.batch.number)
            await self._leave_out_whoever_raises(type(error).__name__)
        return await self._ready(self._sendable()) if not self._retried else False

    async def _leave_out_whoever_raises(self, reason: str) -> None:
        """Where it is everybody it is nobody's own fault, and all are tried again later."""
        positions = self._sendable()
        guilty = [position for position in positions if await self._raises(position)]
        if guilty and (len(guilty) < len(positions) or (len(guilty) == 1 and self.batch.tries >= _LAST_TRY)):
            await self._quarantine(guilty, reason)
        elif guilty:
            self.note(positions, Called(Answer(Verdict.RETRY, code=reason), 0.0))

    async def _raises(self, position: int) -> bool:
        (came_of_it,) = await asyncio.gather(self._ready([position]), return_exceptions=True)
        if isinstance(came_of_it, NOBODYS_FAULT):
            raise came_of_it
        return isinstance(came_of_it, Exception)

    async def _quarantine(self, guilty: Sequence[int], reason: str) -> None:
        batch = self.batch
        self._leave_out(guilty, Outcome.QUARANTINED)
        remarks = Log()
        for position in guilty:
            remarks.one_call([position], Outcome(batch.outcomes[position]), Answer(Verdict.REJECTED, code=reason), 0.0)
        await self.means.store.remark(batch, remarks)
        self.means.quarantine.add(batch.dispatch, batch.lane.channel, len(guilty))

    async def _ready(self, positions: Sequence[int]) -> bool:
        """Whether there is anybody to call of them. Whoever left since planning is suppressed."""
        batch = self.batch
        numbers = {batch.message_of(position) for position in positions}
        messages = {number: await self.means.message(batch.dispatch, number) for number in numbers}
        people = await self._people(positions)
        if people.positions:
            self.prepare(messages, people)
        return bool(people.positions)

    async def _people(self, positions: Sequence[int]) -> People:
        batch = self.batch
        whole = len(positions) == len(batch.members)
        found = await self.means.addresses.addresses(
            self.means.channel.contact,
            batch.members if whole else [batch.members[position] for position in positions],
            also_left=batch.repeating and Outcome.AMBIGUOUS in batch.outcomes,
        )
        people = People(list(positions), found)
        if None not in found:
            return people
        gone = [position for position, address in zip(positions, found, strict=True) if address is None]
        self._leave_out(gone, Outcome.SUPPRESSED)
        return people.only(lambda position: batch.outcomes[position] < Outcome.SUPPRESSED)

    def _to_wait(self, positions: Sequence[int]) -> frozenset[int]:
        """The repeats that have to wait: for their time, or for room. First tries never do."""
        outcomes = self.batch.outcomes
        if outcomes.count(Outcome.PENDING) == len(positions):
            return frozenset()
        deferred = self.means.deferrals.deferred(self.batch.name, positions)
        repeats = [p for p in positions if outcomes[p] != Outcome.PENDING and p not in deferred]
        if self.means.channel.call_size > 1:
            return frozenset() if self._may_repeat(1) else frozenset(positions)
        # A repeat without an answer is the last one, so a sick provider is probed with first tries where there are any.
        spared = self.batch.probe and len(repeats) + len(deferred) < len(positions)
        number = 0 if spared else self._may_repeat(len(repeats))
        return deferred.union(repeats[number:])

    def _may_repeat(self, calls: int) -> int:
        """How many of so many repeats the budget has room for; the others are put off."""
        budget, name = self.provider.budget, self.batch.name
        number = budget.take(name, calls)
        if number < calls:
            self._put_off = budget.wait(name, calls - number, self.batch.lane.priority)
        return number

    def _leave_out(self, gone: Sequence[int], end: Outcome) -> None:
        """A repeat that cannot be made exactly as it was made is not made: its members stay unknown."""
        batch = self.batch
        doubtful = [position for position in gone if batch.outcomes[position] == Outcome.AMBIGUOUS]
        batch.outcomes = states.marked(batch.outcomes, set(gone) - set(doubtful), end)
        if doubtful and self.means.channel.call_size > 1:
            batch.outcomes = states.abandoned(batch.outcomes, Outcome.SUPPRESSED)
        batch.outcomes = states.marked(batch.outcomes, doubtful, Outcome.UNKNOWN)

    def _give_up_old_keys(self) -> None:
        batch = self.batch
        if not self.means.channel.repeatable or batch.first_attempt_at is None:
            return
        if batch.claimed_at - batch.first_attempt_at > states.KEY_LIFETIME:
            doubtful = [i for i, byte in enumerate(batch.outcomes) if byte == Outcome.AMBIGUOUS]
            batch.outcomes = states.marked(batch.outcomes, doubtful, Outcome.UNKNOWN)

    # -- the call, and what follows from its answer -----------------------------------------------

    def may_call(self) -> bool:
        """Asked immediately before every call."""
        return self.held and (not self.breaker.opened or self.batch.probe) and self.means.may_call(self.batch)

    def queue(self, message: Message) -> Place:
        """A place in the line for the tokens of one call."""
        return self.line.join(self.means.channel.cost(message), self.batch.lane.priority, self.may_call)

    async def reached(self, place: Place) -> bool:
        """Wait for a slot. True: the call has to begin at once. False: it is no longer permitted."""
        reached = await place.reached()
        self.means.meters.waited.inc(place.waited)
        return reached

    async def call(
        self, message: Message, positions: Sequence[int], recipients: Sequence[Recipient], key: UUID, within: TimeLimit
    ) -> Called:
        """One call, which has a slot, a connection and a committed intent. `key` names exactly these members."""
        channel, breaker, began = self.means.channel, self.breaker, time.monotonic()
        breaker.under_way += 1
        self.batch.probe = False
        try:
            with within:
                answer = await channel.send(message, recipients, key=key, expires_at=self._expires_at(began))
        except TimeoutError:
            answer = Answer(Verdict.AMBIGUOUS, code="timeout")
        except asyncio.CancelledError:
            self.note(positions, Called(Answer(Verdict.AMBIGUOUS, code="cancelled"), time.monotonic() - began))
            raise
        except Exception:
            log.exception("channel_raised", channel=channel.name, dispatch=self.batch.dispatch)
            answer = Answer(Verdict.AMBIGUOUS, code="channel_error")
        finally:
            breaker.under_way -= 1
        seconds = time.monotonic() - began
        self.means.meters.calls.observe(seconds)
        return Called(answer, seconds, began)

    def _expires_at(self, now: float) -> datetime:
        """When the dispatch is no longer valid, as this machine's clock has it, be it right or wrong.

        Asked at every call, and worked out once a second (`now`, monotonic): it costs as much as a tenth of an SMS.
        """
        if now - self._expiry[0] >= 1:
            self._expiry = now, datetime.now(UTC) + timedelta(seconds=self._valid_until - now)
        return self._expiry[1]

    def note(self, positions: Sequence[int], called: Called) -> None:
        """What the answer makes of the members at `positions`."""
        batch, verdict = self.batch, called.answer.verdict
        touched = bytearray(batch.outcomes)
        for position in positions:
            outcome = touched[position] = states.after_answer(touched[position], verdict, self.promise)
        batch.outcomes = bytes(touched)
        if verdict is not _ACCEPTED and verdict is Verdict.RETRY:
            batch.not_called(positions)
        self.heed(positions, outcome, called)

    def heed(self, positions: Sequence[int], outcome: Outcome, called: Called) -> None:
        """Log the answer, and remember what it asks for."""
        answer = called.answer
        self.log.one_call(positions, outcome, answer, called.seconds)
        if answer.verdict is _ACCEPTED:
            self.means.pauses.relent(self.batch.lane)
            if not self.breaker.opened:
                self.breaker.accepted += 1
                return
        if answer.deferred:
            for position in positions:
                self.means.deferrals.defer(self.batch.name, position)
        self._retried |= answer.verdict is Verdict.RETRY and not answer.deferred
        self._doubted |= answer.verdict is Verdict.AMBIGUOUS
        pause = self.provider.heard(answer, called.began)
        if pause is not None:
            self._wish = max(self._wish, self.means.pauses.heed(self.batch.lane, pause))

    # -- writing it down --------------------------------------------------------------------------

    async def finish(self) -> None:
        """Let go of the batch: done, or due again. Proof outlives the loss of the claim."""
        after = None if states.all_final(self.batch.outcomes) else self._when_due()
        if after is None:
            self.means.deferrals.forget(self.batch.name)
        if not self.held or not await self.write(lambda: self.means.store.finish(self.batch, self.log, after)):
            await self.merge_late()
        self._count()

    def _when_due(self) -> states.Next:
        """When what is left is due. While the breaker is open it spaces the tries, and a batch is soon there again."""
        batch, sick = self.batch, self.breaker.opened
        batch.tries += self._retried and not sick
        retries = [position for position, byte in enumerate(batch.outcomes) if byte == Outcome.RETRY]
        return states.next_attempt(
            batch.outcomes,
            tries=0 if sick else batch.tries,
            at_least=self._wish,
            repeated=(batch.repeating and not self._put_off) or self._doubted,
            promise=self.promise,
            held=self._put_off,
            deferred=self.means.deferrals.waiting(batch.name, retries),
        )

    async def release(self, *, due_in: float = 0) -> None:
        """Give the batch back as it was claimed: no call of it was made."""
        self.batch.not_called(range(len(self.batch.members)))
        await self.write(lambda: self.means.store.release(self.batch, due_in=due_in))

    async def merge_late(self) -> None:
        metrics.LATE.labels(self.batch.lane.channel).inc()
        proofs = bytes(byte if byte >= Outcome.REJECTED else 0 for byte in self.batch.outcomes)
        await self.write(lambda: self.means.store.merge_late(self.batch, proofs, self.log))

    async def write(self, write: Callable[[], Awaitable[bool]]) -> bool:
        """Write what was learnt, however long the database is away: it would be lost otherwise."""
        said = False
        while True:
            try:
                return await write()
            except DATABASE_TROUBLE as trouble:
                if not said:
                    error, dispatch = type(trouble).__name__, self.batch.dispatch
                    log.warning("outcomes_wait_for_database", dispatch=dispatch, error=error)
                said = True
                await asyncio.sleep(0.5)

    def _count(self) -> None:
        for outcome, number in states.newly(self._at_claim, self.batch.outcomes).items():
            metrics.MESSAGES.labels(self.batch.lane.channel, outcome.name.lower()).inc(number)


def call_key(key: UUID, positions: Sequence[int]) -> UUID:
    """The key of a call for exactly these positions, ascending, of the batch with this key."""
    if len(positions) == 1:
        return UUID(int=key.int ^ (positions[0] + 1))
    run = positions[-1] - positions[0] + 1 == len(positions)
    return uuid5(key, f"{positions[0]}-{positions[-1]}" if run else ",".join(map(str, positions)))
