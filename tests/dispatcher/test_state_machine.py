"""Leases, calls, crashes, receipts and stops in whatever order, against the real statements, with a model beside them.

`TODOKE_STATE_EXAMPLES=1000` makes a long run of it.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from urllib.parse import urlsplit

import asyncpg
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from channels.contract import Verdict
from dispatcher.inspection import MOST_DEATHS_CALLING, Inspection, Span
from dispatcher.model import POLICIES, EventClass, Outcome
from tests.conftest import TEMPLATE
from tests.dispatcher.lease_model import LINE, SMS, Hand, Providers, Worker, World
from todoke.context import open_pool

EXAMPLES = int(os.environ.get("TODOKE_STATE_EXAMPLES", "60"))
STEPS = 25
ROUNDS = 40
CALLS = st.sampled_from(
    [
        (True, Verdict.ACCEPTED),
        (True, Verdict.AMBIGUOUS),
        (False, Verdict.AMBIGUOUS),
        (False, Verdict.RETRY),
        (False, Verdict.REJECTED),
    ]
)
"""Whether the provider accepts, and what comes back of it."""
RECEIPTS = st.sampled_from([Outcome.DELIVERED, Outcome.UNDELIVERED, Outcome.ACCEPTED])
ENDS = st.sampled_from(["let go", "let go", "answers lost", "dies", "is given up", "stays"])
PICK = st.integers(0, 10**6)
"""Which of those there are."""


class Dies(Exception):
    """A worker, while it looks at somebody."""


class Lease(RuleBasedStateMachine):
    """A town's one dispatch, by LINE and SMS, and the workers that send it."""

    world: World
    """Set by the test: a machine is made without arguments."""

    def __init__(self) -> None:
        super().__init__()
        self.workers: list[Worker] = []
        self.providers = Providers()
        self.before: dict[tuple[str, int, int], tuple[int, str]] = {}
        self.died_looking: Counter[tuple[int, int]] = Counter()
        self.ended = False

    @initialize(event_class=st.sampled_from([EventClass.EVACUATION, EventClass.ADVISORY, EventClass.TOURISM]))
    def approve(self, event_class: EventClass) -> None:
        self.event_class = event_class
        self.dispatch = self.world.run(self.world.dispatch(event_class))
        self.start_a_worker()

    # -- workers ---------------------------------------------------------------------------------

    @rule()
    def start_a_worker(self) -> None:
        self.workers.append(self.world.run(self.world.open_worker()))

    @rule(which=PICK)
    def a_worker_dies(self, which: int) -> None:
        if living := [worker for worker in self.workers if not worker.dead]:
            living[which % len(living)].dead = True

    @rule(which=PICK)
    def a_worker_freezes_or_wakes(self, which: int) -> None:
        if living := [worker for worker in self.workers if not worker.dead]:
            worker = living[which % len(living)]
            worker.frozen = not worker.frozen

    @rule()
    def the_silent_are_given_up(self) -> None:
        self.world.run(self.world.rescue(self.workers))

    # -- attempts --------------------------------------------------------------------------------

    @rule(which=PICK, channel=st.sampled_from([LINE, SMS]))
    def claim(self, which: int, channel: str) -> None:
        self.world.run(self.world.claim(self._some_worker(which), self.dispatch, channel))

    @rule(which=PICK, channel=st.sampled_from([LINE, SMS]), made=st.lists(CALLS, max_size=4), end=ENDS)
    def attempt(self, which: int, channel: str, made: list[tuple[bool, Verdict]], end: str) -> None:
        """A whole one, or as far as it comes."""
        world, worker = self.world, self._some_worker(which)
        world.run(world.time_passes(self.dispatch))
        hand = world.run(world.claim(worker, self.dispatch, channel))
        if hand is None:
            return
        for accept, verdict in made:
            if hand.held and hand.called == hand.begun < len(hand.todo):
                world.run(world.begin(hand, 2))
            if hand.held and hand.called < hand.begun:
                world.call(hand, self.providers, accept=accept, verdict=verdict)
        self._end(hand, end)

    def _end(self, hand: Hand, end: str) -> None:
        world = self.world
        if end == "let go":
            for position in list(hand.answers):
                world.answer(hand, position)
            world.run(world.finish(hand))
        elif end == "answers lost":
            world.run(world.finish(hand))
        elif end in {"dies", "is given up"}:
            hand.worker.dead = end == "dies"
            hand.worker.frozen = end == "is given up"
            world.run(world.rescue(self.workers))
            hand.worker.frozen = False

    def _some_worker(self, which: int) -> Worker:
        if not [worker for worker in self.workers if worker.works]:
            self.start_a_worker()
        working = [worker for worker in self.workers if worker.works]
        return working[which % len(working)]

    @rule(which=PICK, after=st.integers(0, 6))
    def a_worker_dies_looking(self, which: int, after: int) -> None:
        """Where somebody died before, members are looked at before they are called."""
        wary = [hand for hand in self._hands() if not hand.begun and hand.batch.deaths and hand.todo and hand.held]
        if wary:
            self.world.run(self._look(wary[which % len(wary)], after))

    async def _look(self, hand: Hand, after: int) -> None:
        batch, seen = hand.batch, 0
        if hand.one_call and Outcome.AMBIGUOUS in batch.outcomes:
            return

        async def say(whom: Span | None, deaths: int) -> bool:
            return await self.world.store.look_at(batch, whom, deaths)

        async def look(portion: object) -> None:
            nonlocal seen
            seen += 1
            if seen > after:
                raise Dies(portion)

        try:
            hand.held = await Inspection(say, look).all(hand.todo, batch.accused)
        except Dies as died:
            hand.worker.dead = True
            for position in died.args[0]:
                self.died_looking[batch.number, position] += 1

    @rule(which=PICK, most=st.integers(1, 3))
    def begin(self, which: int, most: int) -> None:
        if ready := [hand for hand in self._hands() if hand.held and hand.begun < len(hand.todo)]:
            self.world.run(self.world.begin(ready[which % len(ready)], most))

    @rule(which=PICK, made=CALLS)
    def call(self, which: int, made: tuple[bool, Verdict]) -> None:
        if ready := [hand for hand in self._hands() if hand.held and hand.called < hand.begun]:
            self.world.call(ready[which % len(ready)], self.providers, accept=made[0], verdict=made[1])

    @rule(which=PICK)
    def an_answer_comes(self, which: int) -> None:
        waiting = [hand for hand in self._awake() if hand.answers]
        if waiting:
            hand = waiting[which % len(waiting)]
            self.world.answer(hand, sorted(hand.answers)[which % len(hand.answers)])

    @rule(which=PICK)
    def let_go(self, which: int) -> None:
        if hands := self._awake():
            self.world.run(self.world.finish(hands[which % len(hands)]))

    @rule(which=PICK)
    def a_zombie_tries_to_begin(self, which: int) -> None:
        """Were the fence of its own clock to fail, its claim is gone all the same."""
        fenced = [hand for worker in self.workers if worker.fenced for hand in worker.hands if hand.todo]
        if fenced:
            hand = fenced[which % len(fenced)]
            assert not self.world.run(self.world.store.begin(hand.batch, len(hand.batch.members)))

    def _hands(self) -> list[Hand]:
        return [hand for worker in self.workers if worker.works for hand in worker.hands]

    def _awake(self) -> list[Hand]:
        """Also of workers that were given up: what they had under way still ends."""
        return [hand for worker in self.workers if not (worker.dead or worker.frozen) for hand in worker.hands]

    # -- the world around ------------------------------------------------------------------------

    @rule()
    def time_passes(self) -> None:
        self.world.run(self.world.time_passes(self.dispatch))

    @rule(which=PICK, outcomes=st.lists(RECEIPTS, min_size=1, max_size=3))
    def receipts_come(self, which: int, outcomes: list[Outcome]) -> None:
        members = self.world.run(self.world.members(self.dispatch))
        taken = [where for where, member in members.items() if self.providers.copies(where[0], member)]
        if taken:
            _, batch, position = taken[which % len(taken)]
            for outcome in outcomes:
                assert self.world.run(self.world.receipt(self.dispatch, batch, position, outcome))
                self.no_outcome_goes_back_and_none_is_claimed_without_proof()

    @precondition(lambda self: not self.ended)
    @rule(by_an_officer=st.booleans(), now=st.integers(0, 9))
    def it_ends_early(self, by_an_officer: bool, now: int) -> None:
        if now:
            return
        self.ended = True
        self.world.run((self.world.stop if by_an_officer else self.world.expire)(self.dispatch))

    # -- what holds at every moment --------------------------------------------------------------

    @invariant()
    def line_never_accepts_anybody_under_two_keys(self) -> None:
        assert all(len(keys) == 1 for keys in self.providers.line.values())

    @invariant()
    def copies_are_bounded_by_the_class(self) -> None:
        most = 1 if POLICIES[self.event_class].reconcile is None else 2
        assert all(copies <= most for copies in self.providers.sms.values())

    @invariant()
    def no_outcome_goes_back_and_none_is_claimed_without_proof(self) -> None:
        known = self.world.run(self.world.known(self.dispatch))
        members = self.world.run(self.world.members(self.dispatch))
        for where, (byte, state) in known.items():
            was, state_was = self.before.get(where, (0, "due"))
            assert was < Outcome.SUPPRESSED or byte >= was
            assert byte != Outcome.MOVED
            assert state_was != "done" or state == "done"
            if byte >= Outcome.ACCEPTED:
                assert self.providers.copies(where[0], members[where])
        self.before = known

    # -- the end ---------------------------------------------------------------------------------

    def teardown(self) -> None:
        if hasattr(self, "dispatch"):
            self._come_to_an_end()
            self._nobody_is_lost()

    def _come_to_an_end(self) -> None:
        """Everybody dies once more; then one worker has peace to finish."""
        world = self.world
        for worker in self.workers:
            worker.dead = True
        world.run(world.rescue(self.workers))
        last = world.run(world.open_worker())
        for _ in range(ROUNDS):
            world.run(world.closer.tick())
            world.run(world.time_passes(self.dispatch))
            for channel in (LINE, SMS):
                hand = world.run(world.claim(last, self.dispatch, channel))
                if hand is not None:
                    self._carry(hand)
        self.no_outcome_goes_back_and_none_is_claimed_without_proof()
        self.line_never_accepts_anybody_under_two_keys()
        self.copies_are_bounded_by_the_class()
        assert {state for _, state in self.before.values()} == {"done"}

    def _carry(self, hand: Hand) -> None:
        while hand.held and hand.begun < len(hand.todo):
            self.world.run(self.world.begin(hand, 2))
            while hand.held and hand.called < hand.begun:
                self.world.call(hand, self.providers, accept=True, verdict=Verdict.ACCEPTED)
        for position in list(hand.answers):
            self.world.answer(hand, position)
        self.world.run(self.world.finish(hand))

    def _nobody_is_lost(self) -> None:
        members = self.world.run(self.world.members(self.dispatch))
        for where, (byte, _) in self.before.items():
            channel, batch, position = where
            member = members[where]
            if self.providers.copies(channel, member):
                assert byte >= Outcome.UNKNOWN, "somebody has it, and is said to have got nothing"
            elif byte in {Outcome.CANCELLED, Outcome.EXPIRED}:
                assert self.ended
            elif byte == Outcome.REJECTED:
                assert (channel, member) in self.providers.refused
            elif byte == Outcome.QUARANTINED:
                assert self.died_looking[batch, position] > 1
            else:
                assert byte == Outcome.UNKNOWN
                assert self.ended or channel == SMS or len(self.workers) >= MOST_DEATHS_CALLING


def test_whatever_happens_in_whatever_order_nobody_is_lost_and_nobody_told_too_often(database_url: str) -> None:
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(_on(database_url, f"create database state_machine template {TEMPLATE}"))
        opened = open_pool(urlsplit(database_url)._replace(path="/state_machine").geturl(), 2)
        world = World(loop.run_until_complete(opened.__aenter__()), loop)
        try:
            run_state_machine_as_test(
                type("LeaseHere", (Lease,), {"world": world}),
                settings=settings(
                    max_examples=EXAMPLES,
                    stateful_step_count=STEPS,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            loop.run_until_complete(opened.__aexit__(None, None, None))
            loop.run_until_complete(_on(database_url, "drop database state_machine with (force)"))
    finally:
        loop.close()


async def _on(server: str, statement: str) -> None:
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
