"""The world of the state machine test: the real tables and statements, and beside them providers that remember."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeVar
from uuid import UUID, uuid4

from asyncpg import Pool

from channels.contract import Answer, Verdict
from dispatcher import outcomes as states
from dispatcher.attempt import call_key
from dispatcher.batches import BatchStore, Claimed, LaneKey, Log, Member
from dispatcher.closer import Closer
from dispatcher.model import EventClass, Outcome
from dispatcher.rescuer import Rescuer
from tests.dispatcher.engine_room import channel

T = TypeVar("T")
LINE, SMS = "line", "sms"
SIZES = {LINE: 2, SMS: 2}
CHANNELS = {
    LINE: channel("line", "line", 500, repeatable=True),
    SMS: channel("sms", "phone", 1, repeatable=False),
}
_EVENT = "insert into event (id, version, document, digest) values ($1, 1, '{}', '') returning number"
_DISPATCH = (
    "insert into dispatch (id, event, class, mode, state, priority, requested_by, approved_by, digest, valid_until)"
    " values ($1, $2, $3, 'live', 'sending', 0, '佐藤', '森', '', now() + interval '1 hour')"
)
_BATCH = (
    "insert into batch (dispatch, number, key, channel, lane, priority, messages, members, places, outcomes, state,"
    " counts_once) values ($1, $2, $3, $4, $1, 0, '{0}', $5, $5, $6, 'due', $7)"
)
_TIME_PASSES = (
    "update batch set due_at = now(), repeat_at = case when repeat_at is not null then now() end"
    " where dispatch = $1 and state = 'due'"
)
_BATCHES = "select number, channel, members, outcomes, proofs, state from batch where dispatch = $1 order by number"


@dataclass(eq=False)
class Worker:
    """A process, as far as its lease goes."""

    session: int
    frozen: bool = False
    dead: bool = False
    fenced: bool = False
    """Given up by the others: it starts nothing more."""
    hands: list[Hand] = field(default_factory=list)

    @property
    def works(self) -> bool:
        return not (self.frozen or self.dead or self.fenced)


@dataclass(eq=False)
class Hand:
    """An attempt at a batch, by the steps of OneCall and RunOfCalls."""

    worker: Worker
    batch: Claimed
    todo: list[int]
    held: bool = True
    begun: int = 0
    """How many of `todo`."""
    called: int = 0
    answers: dict[int, Verdict] = field(default_factory=dict)
    """By position: what is on its way back. Of a call to many under the first."""
    log: Log = field(default_factory=Log)
    retried: bool = False
    doubted: bool = False

    @property
    def one_call(self) -> bool:
        return self.batch.lane.channel == LINE

    @property
    def promise(self) -> states.Promise:
        return self.batch.promise(repeatable=self.one_call)


@dataclass
class Providers:
    """What they have accepted."""

    keys: dict[UUID, frozenset[int]] = field(default_factory=dict)
    line: dict[int, set[UUID]] = field(default_factory=dict)
    """By member: the keys under which a LINE call was accepted."""
    sms: Counter[int] = field(default_factory=Counter)
    asked: Counter[tuple[str, int]] = field(default_factory=Counter)
    """Calls that were made, by channel and member."""
    refused: set[tuple[str, int]] = field(default_factory=set)

    def multicast(self, key: UUID, members: Sequence[int], *, accept: bool) -> bool:
        """Whether the key is accepted now, or was before. The same key with other members is a fault of ours."""
        for member in members:
            self.asked[LINE, member] += 1
        if key in self.keys:
            assert self.keys[key] == frozenset(members), "a key was used again for other people"
            return True
        if accept:
            self.keys[key] = frozenset(members)
            for member in members:
                self.line.setdefault(member, set()).add(key)
        return accept

    def text(self, member: int, *, accept: bool) -> bool:
        self.asked[SMS, member] += 1
        self.sms[member] += accept
        return accept

    def copies(self, name: str, member: int) -> int:
        return len(self.line.get(member, ())) if name == LINE else self.sms[member]


class World:
    """One database for all runs; a run is a dispatch of its own, in lanes of its own."""

    numbers = count(1)

    def __init__(self, pool: Pool, loop: asyncio.AbstractEventLoop) -> None:
        self.pool = pool
        self.store = BatchStore(pool)
        self.rescuer = Rescuer(pool, CHANNELS, expire_seconds=3600)
        self.closer = Closer(pool)
        self._loop = loop

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(work)

    async def dispatch(self, event_class: EventClass) -> str:
        name = f"261123-{next(self.numbers):06d}"
        event = await self.pool.fetchval(_EVENT, name)
        await self.pool.execute(_DISPATCH, name, event, event_class.value)
        for number, (channel_name, size) in enumerate(SIZES.items()):
            members = list(range(1, size + 1))
            once = CHANNELS[channel_name].repeatable
            await self.pool.execute(_BATCH, name, number, uuid4(), channel_name, members, bytes(size), once)
        await self.pool.execute("update dispatch set next_batch = $2 where id = $1", name, len(SIZES))
        return name

    async def open_worker(self) -> Worker:
        number = await self.pool.fetchval("insert into worker_session (host, pid) values ('', 0) returning number")
        return Worker(number)

    async def claim(self, worker: Worker, dispatch: str, channel_name: str) -> Hand | None:
        claimed = await self.store.claim(LaneKey(0, channel_name, dispatch), worker.session, 1)
        for batch in claimed:
            if channel_name == LINE:
                batch.settle_together()
            hand = Hand(worker, batch, states.sendable(batch.outcomes, repeat=batch.repeating))
            worker.hands.append(hand)
            return hand
        return None

    async def begin(self, hand: Hand, most: int) -> None:
        """Commit the intent for a few more of a run, or for all of a call to many."""
        batch = hand.batch
        window = hand.todo[hand.begun :] if hand.one_call else hand.todo[hand.begun : hand.begun + most]
        started = len(batch.members) if hand.one_call else window[-1] + 1
        batch.call_again(window, before=started)
        if hand.begun:
            log, hand.log = hand.log, Log()
            hand.held = await self.store.progress(batch, started, log)
        else:
            hand.held = await self.store.begin(batch, started)
        if hand.held:
            hand.begun += len(window)

    def call(self, hand: Hand, providers: Providers, *, accept: bool, verdict: Verdict) -> None:
        """One call; `verdict` is what comes back of it, if it is still true then."""
        batch, positions = hand.batch, hand.todo[hand.called : None if hand.one_call else hand.called + 1]
        members = [batch.members[position] for position in positions]
        if hand.one_call:
            taken = providers.multicast(call_key(batch.key, positions), members, accept=accept)
        else:
            taken = providers.text(members[0], accept=accept)
        if taken and verdict is not Verdict.AMBIGUOUS:
            verdict = Verdict.ACCEPTED
        if verdict is Verdict.REJECTED:
            providers.refused |= {(batch.lane.channel, member) for member in members}
        hand.called += len(positions)
        hand.answers[positions[0]] = verdict

    def answer(self, hand: Hand, position: int) -> None:
        """As `Attempt.note` and `OneCall` take it."""
        batch, verdict = hand.batch, hand.answers.pop(position)
        positions = hand.todo if hand.one_call else [position]
        touched = bytearray(batch.outcomes)
        for each in positions:
            touched[each] = states.after_answer(touched[each], verdict, hand.promise)
        batch.outcomes = bytes(touched)
        if verdict is Verdict.RETRY:
            batch.not_called(positions)
        hand.retried |= verdict is Verdict.RETRY
        hand.doubted |= verdict is Verdict.AMBIGUOUS
        whole = hand.one_call and len(positions) == len(batch.members)
        hand.log.one_call([] if whole else positions, Outcome(touched[positions[0]]), Answer(verdict), 0.0)

    async def finish(self, hand: Hand) -> None:
        """Let go: whoever was called and has no answer is doubtful, whoever was not was certainly not called."""
        batch = hand.batch
        for position in list(hand.answers):
            hand.answers[position] = Verdict.AMBIGUOUS
            self.answer(hand, position)
        batch.not_called(hand.todo[hand.called :])
        hand.worker.hands.remove(hand)
        if hand.todo and not hand.called and (hand.one_call or not hand.begun):
            await self.store.release(batch)
            return
        after = None
        if not states.all_final(batch.outcomes):
            batch.tries += hand.retried
            again = batch.repeating or hand.doubted
            after = states.next_attempt(
                batch.outcomes, tries=batch.tries, at_least=0, repeated=again, promise=hand.promise
            )
        if not hand.held or not await self.store.finish(batch, hand.log, after):
            proofs = bytes(byte if byte >= Outcome.REJECTED else 0 for byte in batch.outcomes)
            await self.store.merge_late(batch, proofs, hand.log)

    async def rescue(self, workers: Sequence[Worker]) -> None:
        """The silent are given up, and their work is taken."""
        for worker in workers:
            if worker.dead or worker.frozen:
                worker.fenced = True
                await self.pool.execute("update worker_session set expired = true where number = $1", worker.session)
        await self.rescuer.tick()

    async def time_passes(self, dispatch: str) -> None:
        await self.pool.execute(_TIME_PASSES, dispatch)

    async def stop(self, dispatch: str) -> None:
        await self.pool.execute("update dispatch set state = 'cancelled', stopped_by = '森' where id = $1", dispatch)
        await self.closer.tick()

    async def expire(self, dispatch: str) -> None:
        await self.pool.execute("update dispatch set valid_until = now() where id = $1", dispatch)
        await self.closer.tick()

    async def receipt(self, dispatch: str, batch: int, position: int, outcome: Outcome) -> bool:
        return await self.store.receipt(Member(dispatch, batch, position), outcome, code="", ref=json.dumps("x"))

    async def known(self, dispatch: str) -> dict[tuple[str, int, int], tuple[int, str]]:
        """By (channel, batch, position): the outcome that is true, and the state of the batch."""
        return {
            (row["channel"], row["number"], position): (byte, row["state"])
            for row in await self.pool.fetch(_BATCHES, dispatch)
            for position, byte in enumerate(states.refined(row["outcomes"], row["proofs"]))
        }

    async def members(self, dispatch: str) -> dict[tuple[str, int, int], int]:
        return {
            (row["channel"], row["number"], position): member
            for row in await self.pool.fetch(_BATCHES, dispatch)
            for position, member in enumerate(row["members"])
        }
