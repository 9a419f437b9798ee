"""Whatever officers, keys, clocks and servers do in whatever order: nothing leaves that nobody else approved as it is.

`TODOKE_STATE_EXAMPLES=500` makes a long run of it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from console.orders import alone, approving, book, submitting
from console.orders.model import Author, Kind, Order, State
from console.orders.releaser import Releaser
from tests.conftest import TEMPLATE
from tests.console.orders.hall import Hall, draft, open_hall
from todoke.context import open_pool
from words.problem import Refused

EXAMPLES = int(os.environ.get("TODOKE_STATE_EXAMPLES", "40"))
STEPS = 20
ISSUERS = ("川辺町長", "町長", "川辺町")
"""What changes from one version to the next."""
OFFICERS = st.sampled_from(["sato", "mori", "tanaka"])
PICK = st.integers(0, 10**6)
ALLOWED = {
    State.DRAFT: {State.SUBMITTED, State.COUNTING, State.VOID},
    State.SUBMITTED: {State.DRAFT, State.COUNTING, State.VOID},
    State.COUNTING: {State.RELEASED, State.TAKEN_BACK, State.VOID},
    State.TAKEN_BACK: {State.DRAFT, State.SUBMITTED, State.COUNTING, State.VOID},
    State.RELEASED: set[State](),
    State.VOID: set[State](),
}
"""From a draft straight to counting is break-glass."""
_APPROVALS = "select id, hash, kind, officer, counted from town_order_approval where order_id = $1 and kind <> 'after'"
_GIVEN = """select o.id, o.hash, d.digest, a.kind, a.officer, a.hash as approved, v.officer as author, s.officer as submitter,
       v.document ->> 'level' as level, s.version = o.version as present, a.at >= s.at as after
from town_order o
join dispatch d on d.id = o.dispatch
join town_order_approval a on a.id = o.approval
join town_order_version v on v.order_id = o.id and v.number = o.version
join lateral (
    select * from town_order_submission s where s.order_id = o.id order by s.number desc limit 1
) s on true"""

Result = TypeVar("Result")


class World:
    """The hall, and the loop it lives in."""

    def __init__(self, hall: Hall, loop: asyncio.AbstractEventLoop) -> None:
        self.hall = hall
        self.loop = loop

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        return self.loop.run_until_complete(coroutine)

    def tried(self, coroutine: Coroutine[Any, Any, Order]) -> str:
        """The codes of a refusal, or nothing."""
        try:
            self.run(coroutine)
        except Refused as refusal:
            return ",".join(problem.code for problem in refusal.problems)
        return ""


class Night(RuleBasedStateMachine):
    world: World
    """Set by the test: a machine is made without arguments."""

    def __init__(self) -> None:
        super().__init__()
        self.states: dict[int, State] = {}
        self.hashes: list[str] = ["0" * 64]
        self.taken_back: set[int] = set()

    @property
    def hall(self) -> Hall:
        return self.world.hall

    def officer(self, name: str) -> int:
        return int(getattr(self.hall, name))

    def some(self, which: int) -> Order:
        number = sorted(self.states)[which % len(self.states)]
        return self.world.run(book.read(self.hall.pool, number))

    @initialize()
    def nobody_lost_a_role(self) -> None:
        self.world.run(self.hall.pool.execute("update officer set roles = '{approver}' where login = 'mori'"))
        self.world.run(
            self.hall.pool.execute(
                "update town_order set state = 'void', void_why = 'another example', "
                "hash = null, approval = null, release_at = null where dispatch is null"
            )
        )
        self.somebody_drafts(4)

    @rule(
        which=PICK,
        steps=st.integers(1, 4),
        lonely=st.booleans(),
        asks=st.sampled_from(["sato", "tanaka"]),
        approves=st.sampled_from(["mori", "tanaka"]),
    )
    def it_goes_its_way(self, which: int, steps: int, *, lonely: bool, asks: str, approves: str) -> None:
        """As far as it was meant to, so that the rest has something to come between."""
        self.world.run(self.hall.pool.execute("update officer set roles = '{approver}' where login = 'mori'"))
        for _ in range(steps):
            self._next_step(self.some(which), lonely=lonely, asks=asks, approves=approves)
            self.states_follow_one_another_as_they_may()

    def _next_step(self, order: Order, *, lonely: bool, asks: str, approves: str) -> None:
        match order.state:
            case State.DRAFT | State.TAKEN_BACK if lonely and order.version.document["level"] == 5:
                self.somebody_breaks_the_glass(_place(self.states, order), asks, "川沿い", fresh=True)
            case State.DRAFT | State.TAKEN_BACK:
                self.somebody_submits_it(_place(self.states, order), asks, stale=1)
            case State.SUBMITTED:
                self.somebody_approves_it(_place(self.states, order), approves, stale=1, age=10.0)
            case State.COUNTING:
                self.time_passes(12)
                self.servers_look(2)
            case _:
                self.somebody_drafts(5)

    @rule(level=st.sampled_from([4, 5]))
    def somebody_drafts(self, level: int) -> None:
        order = self.world.run(self.hall.draft(draft(level=level)))
        self.states[order.id] = order.state

    @rule(which=PICK, who=OFFICERS, issuer=st.sampled_from(ISSUERS))
    def somebody_changes_it(self, which: int, who: str, issuer: str) -> None:
        order = self.some(which)
        level = order.version.document["level"]
        changed = draft(level=level, issuer=issuer)
        author, after = Author(self.officer(who)), order.version.number
        self.world.tried(book.revise(self.hall.desk, order.id, author, changed, after=after))

    @rule(which=PICK, who=OFFICERS, stale=st.integers(0, 4))
    def somebody_submits_it(self, which: int, who: str, stale: int) -> None:
        order = self.some(which)
        seen = self.hashes[-1] if stale == 0 else self.world.run(self.hall.hash(order))
        self.hashes.append(seen)
        self.world.tried(submitting.submit(self.hall.desk, order.id, Author(self.officer(who)), hash=seen))

    @rule(which=PICK, who=OFFICERS, stale=st.integers(0, 4), age=st.sampled_from([0.0, 10.0, 200.0, 400.0, None]))
    def somebody_approves_it(self, which: int, who: str, stale: int, age: float | None) -> None:
        order = self.some(which)
        seen = order.hash if order.hash and stale else self.hashes[which % len(self.hashes)]
        factor = datetime.now(UTC) - timedelta(seconds=age + 1) if age is not None else None
        wish = approving.approve(self.hall.desk, order.id, self.officer(who), hash=seen, factor_at=factor)
        if not self.world.tried(wish) and order.state is State.SUBMITTED:
            assert age is not None
            assert age < 300
            assert order.submission is not None
            assert self.officer(who) not in {order.version.author.officer, order.submission.author.officer}

    @rule(which=PICK, who=OFFICERS, name=st.sampled_from(["川沿い", "町"]), fresh=st.booleans())
    def somebody_breaks_the_glass(self, which: int, who: str, name: str, *, fresh: bool) -> None:
        order = self.some(which)
        seen = self.world.run(self.hall.hash(order))
        wish = alone.release_alone(
            self.hall.desk,
            order.id,
            self.officer(who),
            hash=seen,
            area_name=name,
            factor_at=datetime.now(UTC) if fresh else None,
        )
        if not self.world.tried(wish):
            assert (order.version.document["level"], name, fresh) == (5, "川沿い", True)

    @rule(which=PICK, who=OFFICERS)
    def somebody_takes_it_back(self, which: int, who: str) -> None:
        order = self.some(which)
        if not self.world.tried(approving.take_back(self.hall.desk, order.id, self.officer(who))):
            self.taken_back.add(order.id)

    @rule(which=PICK, who=OFFICERS)
    def somebody_sends_it_back_or_withdraws_it(self, which: int, who: str) -> None:
        order = self.some(which)
        back = submitting.send_back if which % 2 else submitting.withdraw
        more = {"note": "もう一度"} if which % 2 else {}
        self.world.tried(back(self.hall.desk, order.id, self.officer(who), **more))

    @rule(which=PICK, now=st.integers(0, 5))
    def somebody_gives_it_up(self, which: int, now: int) -> None:
        if not now:
            self.world.tried(book.discard(self.hall.desk, self.some(which).id, Author(self.hall.sato)))

    @rule(role=st.sampled_from(["approver", "viewer"]))
    def an_administrator_gives_or_takes_a_role(self, role: str) -> None:
        self.world.run(
            self.hall.pool.execute("update officer set roles = array[$1] where id = $2", role, self.hall.mori)
        )

    @rule(seconds=st.sampled_from([4, 6, 12, 2000]))
    def time_passes(self, seconds: int) -> None:
        self.world.run(self.hall.seconds_pass(seconds))

    @rule(servers=st.integers(1, 3))
    def servers_look(self, servers: int) -> None:
        async def look() -> None:
            await asyncio.gather(*(Releaser(self.hall.pool).tick() for _ in range(servers)))

        before = {number: self.world.run(book.read(self.hall.pool, number)) for number in self.states}
        self.world.run(look())
        for number, order in before.items():
            after = self.world.run(book.read(self.hall.pool, number))
            if after.state is not order.state:
                assert order.state is State.COUNTING
                assert order.seconds_left == 0

    @invariant()
    def states_follow_one_another_as_they_may(self) -> None:
        for number, was in self.states.items():
            now = self.world.run(book.read(self.hall.pool, number)).state
            # Taken back, written anew and submitted within one step there is none of.
            assert now is was or now in ALLOWED[was], (number, was, now)
            self.states[number] = now

    @invariant()
    def nothing_was_released_without_an_approval_of_just_what_it_is(self) -> None:
        for row in self.world.run(self.hall.pool.fetch(_GIVEN)):
            assert row["digest"] == row["hash"] == row["approved"]
            assert row["present"]
            assert row["after"]
            if row["kind"] == Kind.ALONE:
                assert row["level"] == "5"
            else:
                assert row["kind"] == Kind.SECOND
                assert row["officer"] not in {row["author"], row["submitter"]}

    @invariant()
    def every_dispatch_is_one_released_order(self) -> None:
        dispatches = self.world.run(self.hall.pool.fetchval("select count(*) from dispatch"))
        released = self.world.run(self.hall.pool.fetchval("select count(*) from town_order where state = 'released'"))
        assert dispatches == released

    @invariant()
    def what_was_taken_back_and_not_approved_again_was_not_sent(self) -> None:
        for number in self.taken_back & self.states.keys():
            order = self.world.run(book.read(self.hall.pool, number))
            approvals = self.world.run(self.hall.pool.fetch(_APPROVALS, number))
            assert order.state is not State.RELEASED or len(approvals) > 1


def _place(states: dict[int, State], order: Order) -> int:
    return sorted(states).index(order.id)


def test_no_path_releases_without_an_approval_of_the_present_content(database_url: str, tmp_path: Path) -> None:
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(_on(database_url, f"create database orders_machine template {TEMPLATE}"))
        opened = open_pool(urlsplit(database_url)._replace(path="/orders_machine").geturl(), 6)
        pool = loop.run_until_complete(opened.__aenter__())
        world = World(loop.run_until_complete(open_hall(pool, tmp_path)), loop)
        try:
            run_state_machine_as_test(
                type("NightHere", (Night,), {"world": world}),
                settings=settings(
                    max_examples=EXAMPLES,
                    stateful_step_count=STEPS,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            loop.run_until_complete(opened.__aexit__(None, None, None))
            loop.run_until_complete(_on(database_url, "drop database orders_machine with (force)"))
    finally:
        loop.close()


async def _on(server: str, statement: str) -> None:
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
