"""Late entry: whoever comes into the area of an order in force gets it too, once.

The data's way: the audience tells whose places or position changed, within about a second (`Changes`); where they are
now is asked of the fences around all areas in force; whoever is inside and stands in no batch of the order yet is
drafted and written as batches of that same dispatch, marked with the time (`entered_at`), and sent like all others. For
an order that is new to this process, those who changed since its approval are asked for again: its plan saw all others. An
order approved before this process heard of changes, or before something went wrong, is first compared with everybody in
its area, so nothing that happened meanwhile is missed.

Every process does this by itself, for each follows the changes by itself: when one dies or freezes nobody waits for
another to take over. That a person gets it once is decided in the transaction that writes it: it locks the dispatch's
row, reads the batches written since this process last did, and gives up what anybody else was quicker with. In the same
transaction the order must still be in force (the view `order_in_force`), so one that was lifted, stopped, replaced by a
newer one or has expired writes nothing more; and whoever approves a lift waits for a transaction under way, and ends what
it wrote, but for batches that a worker has in hand at that moment: those are calls under way, like any other's.

Two orders whose areas overlap are two orders: they say different things, and whoever comes into both gets both. Within
one event it is one order, however many parts its area has, and however often it was sent: only the newest dispatch of an
event counts, and whoever stood in an older one has it. An update or a correction is an order of its own in place of what
it refers to: whoever has only the old words gets the new ones on coming in.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import structlog
from numpy.typing import NDArray

from channels.contract import Channel
from dispatcher import binary, metrics
from dispatcher import outcomes as states
from dispatcher.audience import Changes, Living, Longs, Whereabouts
from dispatcher.background import Agent
from dispatcher.drafting import Drafter, Plan, Town
from dispatcher.epoch import Epoch
from dispatcher.holding import Reason, ToBeHeld
from dispatcher.model import Outcome
from dispatcher.trouble import Trouble
from dispatcher.writing import Job, Writer, approved_event, count_planned, message_numbers, read_job
from geo.area import Area
from geo.fences import Fences
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool, Record
    from asyncpg.pool import PoolConnectionProxy

    Connection = PoolConnectionProxy[Record]

_ORDERS = sql("dispatcher", "late_orders")
_LOCK = sql("dispatcher", "late_lock")
_NUMBERS = sql("dispatcher", "late_numbers")
_MEMBERS = sql("dispatcher", "late_members")
_DIGEST = sql("dispatcher", "event_digest")

_PEOPLE_AT_ONCE = 10_000
"""Written in one transaction. All messages of one person are in the same one, so that nobody is left with half of them."""

_REMEMBERED_SECONDS = 60.0
"""How long the numbers of those who changed are kept, for orders that this process is about to learn of."""
_MARGIN_SECONDS = 3.0
"""Whoever was heard of so long before an approval was looked at before it, while what it takes the place of was in force."""

_NEVER_SENT = np.zeros(256, dtype=np.bool_)
_NEVER_SENT[[Outcome.SUPPRESSED, Outcome.EXPIRED, Outcome.CANCELLED, Outcome.MOVED]] = True

log = structlog.get_logger(__name__)


class LateEntry:
    """At work for as long as `at_work` lasts. Orders for channels that this process does not have are left to others."""

    def __init__(
        self,
        pool: Pool,
        audience: Living,
        drafter: Drafter,
        writer: Writer,
        *,
        channels: Mapping[str, Channel],
        town: Town,
        epoch: Epoch | None = None,
    ) -> None:
        self._pool = pool
        self._epoch = epoch or Epoch()
        self._audience = audience
        self._drafter = drafter
        self._writer = writer
        self._channels = frozenset(channels)
        self._town = town
        self._changed: list[Longs] = []
        self._heard = _Heard()
        self._orders: dict[tuple[str, ...], _Order] = {}
        self._served: list[_Order] = []
        self._fences = Fences([])
        self._failed = False
        self._altered: set[str] = set()

    @asynccontextmanager
    async def at_work(self, *, every: float) -> AsyncIterator[None]:
        """Look at once when somebody changed, and every so many seconds whether an order came in force."""
        looking = Agent("late entry", self._epoch.unless_replaced(self.tick), every=every)
        with self._audience.changes() as changes:
            self._heard.begin()
            async with looking, Agent("changes", partial(self._hear, changes, looking), every=0):
                yield

    def trouble(self) -> list[Trouble]:
        """For people to see."""
        failed = [_failing()] if self._failed else []
        return failed + [_altered(dispatch) for dispatch in sorted(self._altered)]

    async def tick(self) -> None:
        """After trouble no order is known any more, so everybody is looked at again."""
        changed, self._changed = self._changed, []
        try:
            now = time.monotonic()
            strange = await self._renew(await self._pool.fetch(_ORDERS), changed, now)
            await self._look_at(changed)
            for order in strange:
                await self._look_at_everybody(order)
        except BaseException:
            self._orders, self._served, self._failed = {}, [], True
            self._heard.begin()
            raise
        self._failed = False

    async def _hear(self, changes: Changes, looking: Agent) -> None:
        numbers = await changes.next()
        self._changed.append(numbers)
        self._heard.add(numbers)
        looking.wake()

    # -- orders ----------------------------------------------------------------------------------

    async def _renew(self, rows: Sequence[Record], changed: list[Longs], now: float) -> list[_Order]:
        """Know the orders in force and no others; gives those that have to be compared with everybody.

        To `changed` is added who may have come into the area of one that was approved only just now. `now`: of the
        monotonic clock, before the rows were asked for.
        """
        known, self._orders, altered = self._orders, {}, set[str]()
        before, strange = {key[0] for key in known}, set()
        for row in rows:
            key = row["id"], *sorted(row["kin"])
            try:
                self._orders[key] = known.get(key) or await self._read(row)
            except ToBeHeld:
                altered.add(row["id"])
                continue
            if key not in known:
                since = None if row["id"] in before else self._heard.since(now - row["age"] - _MARGIN_SECONDS)
                changed.extend(since or [])
                if since is None:
                    strange.add(key)
        self._tell_altered(altered)
        if self._orders.keys() == known.keys():
            return []
        served = {
            key: order for key, order in self._orders.items() if self._channels.issuperset(order.job.event.channels)
        }
        self._fences = await asyncio.to_thread(Fences, [order.area for order in served.values()])
        self._served = list(served.values())
        return [order for key, order in served.items() if key in strange]

    def _tell_altered(self, altered: set[str]) -> None:
        """Whoever comes into the area of an order that is not what was approved does not get it."""
        for dispatch in altered - self._altered:
            log.error("order_altered", dispatch=dispatch)
        self._altered = altered

    async def _read(self, row: Record) -> _Order:
        job = await read_job(self._pool, row, self._town)
        area = job.event.area or await self._area_of(row["area_of"])
        return _Order(job, area, dict.fromkeys(row["kin"], 0))

    async def _area_of(self, event: int) -> Area:
        other = await approved_event(self._pool, event, await self._pool.fetchval(_DIGEST, event))
        if other.area is None:
            raise ToBeHeld(Reason.ALTERED)
        return other.area

    # -- people ----------------------------------------------------------------------------------

    async def _look_at(self, changed: Sequence[Longs]) -> None:
        if changed and self._served:
            for order, here in await asyncio.to_thread(lambda: list(self._inside(changed))):
                await self._bring_in(order, here)

    def _inside(self, changed: Sequence[Longs]) -> Iterator[tuple[_Order, Whereabouts]]:
        spots = self._audience.whereabouts(np.unique(np.concatenate(changed)))
        rows, areas = self._fences.around_each(spots.lons, spots.lats)
        for area in np.unique(areas).tolist():
            yield self._served[area], _rows(spots, rows[areas == area])

    async def _look_at_everybody(self, order: _Order) -> None:
        match = await asyncio.to_thread(self._audience.match, order.area)
        await self._bring_in(order, Whereabouts(match.subscribers, match.places, match.lons, match.lats))

    async def _bring_in(self, order: _Order, here: Whereabouts) -> None:
        if not len(here):
            return
        await order.learn(self._pool)
        here = await asyncio.to_thread(order.strangers, here)
        people = np.unique(here.subscribers)
        for start in range(0, len(people), _PEOPLE_AT_ONCE):
            some = people[start : start + _PEOPLE_AT_ONCE]
            await self._bring_in_some(order, _rows(here, np.isin(here.subscribers, some)))

    async def _bring_in_some(self, order: _Order, here: Whereabouts) -> None:
        while len(here := order.strangers(here)):
            plan = await self._drafter.for_those(order.job.event, order.job.composer, here)
            if not plan.audience or await self._write(order, plan):
                return

    async def _write(self, order: _Order, plan: Plan) -> bool:
        """False when another process was quicker with somebody: then the rest has to be drafted anew."""
        job, people = order.job, plan.people
        cuts = await asyncio.to_thread(lambda: list(self._writer.cuts(plan)))
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(_LOCK, job.dispatch)
            await order.learn(connection)
            if order.known.holds(people).any():
                return False
            numbers = await connection.fetchrow(_NUMBERS, job.dispatch, len(cuts), len(people))
            if numbers is None:
                return True
            job.numbers = await message_numbers(connection, job.dispatch)
            await self._writer.write(connection, job, plan, cuts, numbers["first"], entered_at=numbers["at"])
        count_planned(cuts)
        metrics.LATE_ENTRIES.labels(job.event.event_class).inc(len(people))
        log.info("late_entry", dispatch=job.dispatch, people=len(people))
        return True


@dataclass(slots=True)
class _Heard:
    """Who changed lately, and since when this process hears of it at all."""

    from_when: float = math.inf
    parts: deque[tuple[float, Longs]] = field(default_factory=deque)

    def begin(self) -> None:
        self.from_when = time.monotonic()
        self.parts.clear()

    def add(self, numbers: Longs) -> None:
        now = time.monotonic()
        self.parts.append((now, numbers))
        while self.parts[0][0] < now - _REMEMBERED_SECONDS:
            self.parts.popleft()

    def since(self, then: float) -> list[Longs] | None:
        """Everybody heard of since a moment of the monotonic clock; None where that is further back than is known."""
        if then < max(self.from_when, time.monotonic() - _REMEMBERED_SECONDS):
            return None
        return [numbers for at, numbers in self.parts if at >= then]


@dataclass(slots=True)
class _Numbers:
    """A growing set of numbers, as sorted arrays that are merged when they are of a size."""

    parts: list[Longs] = field(default_factory=list)

    def add(self, numbers: Longs) -> None:
        self.parts.append(np.unique(numbers))
        while len(self.parts) > 1 and 2 * len(self.parts[-1]) >= len(self.parts[-2]):
            last = self.parts.pop()
            self.parts.append(np.union1d(self.parts.pop(), last))

    def holds(self, numbers: Longs) -> NDArray[np.bool_]:
        found = np.zeros(len(numbers), dtype=np.bool_)
        for part in self.parts:
            if len(part):
                at = np.searchsorted(part, numbers)
                found |= part[np.minimum(at, len(part) - 1)] == numbers
        return found


@dataclass(eq=False, slots=True)
class _Order:
    """One order in force. `read_to`: the number of the next batch to read, of each dispatch whose people count."""

    job: Job
    area: Area
    read_to: dict[str, int]
    known: _Numbers = field(default_factory=_Numbers)
    """Who stands in a batch, unless it was certainly never sent to them."""

    async def learn(self, database: Pool | Connection) -> None:
        """Read the batches written since the last time."""
        rows = await database.fetch(_MEMBERS, list(self.read_to), list(self.read_to.values()))
        for row in rows:
            self.read_to[row["dispatch"]] = max(self.read_to[row["dispatch"]], row["number"] + 1)
        if rows:
            await asyncio.to_thread(lambda: self.known.add(np.concatenate([_members(row) for row in rows])))

    def strangers(self, here: Whereabouts) -> Whereabouts:
        return _rows(here, ~self.known.holds(here.subscribers))


def _members(row: Record) -> Longs:
    outcomes = np.frombuffer(states.refined(row["outcomes"], row["proofs"]), np.uint8)
    return binary.bigints(row["members"])[~_NEVER_SENT[outcomes]]


def _rows(here: Whereabouts, rows: Longs | NDArray[np.bool_]) -> Whereabouts:
    return Whereabouts(here.subscribers[rows], here.places[rows], here.lons[rows], here.lats[rows])


def _altered(dispatch: str) -> Trouble:
    return Trouble(
        "late_entry.altered",
        dispatch,
        "保存されている内容や区域が承認されたものと一致しないため、あとから区域に入った人には送りません。"
        f"`todoke stop {dispatch}` で中止し、必要なら作り直して発信してください。",
        "What is stored, or its area, is not what was approved, so whoever comes into the area does not get it. "
        f"Stop it with `todoke stop {dispatch}`, and send it anew if it is still needed.",
    )


def _failing() -> Trouble:
    return Trouble(
        "late_entry.failed",
        "",
        "発令中の区域にあとから入った人への通知が止まっています。ログで原因(agent_failed)を確かめてください。"
        "直ると、止まっていた間に入った人にも届きます。",
        "Orders in force do not go to those who come into their area. See agent_failed in the log for the cause. "
        "Once it is mended, whoever came in meanwhile gets them too.",
    )
