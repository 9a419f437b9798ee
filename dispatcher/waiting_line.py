"""Those who wait for the same limits, the most urgent in front. The line owns the slots, not those who wait.

A slot finds its caller only when it opens: whoever is ready and most urgent then. So an order takes
over the slots that a campaign was given, nothing is lost with a caller who is no longer permitted, and
one who is not ready in time holds nobody behind.
"""

from __future__ import annotations

import asyncio
from bisect import insort
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import count
from operator import attrgetter
from types import TracebackType
from typing import NamedTuple, Self

from dispatcher import metrics

_ASK_AT_ONCE = 64
_ASK_SECONDS = 0.01
"""How long to gather before asking again for what was not granted: a quarter of the horizon."""
_LOOK_SECONDS = 0.25
"""How long who is no longer permitted may stand in a line that nothing is granted to."""


class Window(NamedTuple):
    """When a call may begin: seconds of the monotonic clock, both ends included."""

    opens: float
    closes: float


@dataclass(frozen=True, slots=True)
class Granted:
    """Windows for the first of those asked for, and in how many seconds to ask for the others."""

    windows: Sequence[Window]
    again_in: float


@dataclass(frozen=True, slots=True)
class Slot:
    """A window, and the tokens it is good for."""

    window: Window
    cost: int


def always() -> bool:
    return True


class Place:
    """One call's place in the line, from joining to leaving: leave it as a context, or by `leave`."""

    def __init__(self, line: WaitingLine, cost: int, rank: tuple[int, int], permitted: Callable[[], bool]) -> None:
        self.cost = cost
        self.rank = rank
        self.permitted = permitted
        self.is_near = self.is_ready = self.has_left = False
        self.waited = 0.0
        """Seconds from being ready to the call."""
        self._line = line
        self._slot: Slot | None = None
        self._error: BaseException | None = None
        self._news: asyncio.Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    async def near(self) -> bool:
        """Wait until a slot is in sight, at most the horizon ahead. False: the call is no longer permitted."""
        while self._in_line() and not self.is_near:
            await self._hear()
        return not self.has_left

    async def reached(self) -> bool:
        """Wait for a slot and return inside it: the call begins at once. False: it is no longer permitted."""
        began = self._line.clock()
        self.is_ready = True
        self._line.attend()
        while self._in_line() and not self._awake_in_time():
            if self._slot is None:
                await self._hear()
        self.waited = max(0.0, self._line.clock() - began)
        if self.has_left:
            return False
        if not self.permitted():
            self.leave()
            return False
        self._slot = None
        return True

    def leave(self) -> None:
        """Give up the place; the slot, if there is one, is for somebody else."""
        slot, self._slot = self._slot, None
        self.has_left = True
        self._line.left(self, slot)
        self._tell()

    # -- what the line tells ---------------------------------------------------------------------

    def come_near(self) -> None:
        if not self.is_near:
            self.is_near = True
            self._tell()

    def serve(self, slot: Slot) -> None:
        self._slot = slot
        self._tell()

    def fail(self, error: BaseException) -> None:
        self._error = error
        self.leave()

    def _tell(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    async def _hear(self) -> None:
        self._news = asyncio.get_running_loop().create_future()
        try:
            await self._news
        except BaseException:
            self.leave()
            raise

    def _in_line(self) -> bool:
        if self._error is not None:
            raise self._error
        return not self.has_left

    def _awake_in_time(self) -> bool:
        """Whether this is inside our slot. Whoever overslept is in front again, by the rank they have."""
        if self._slot is None:
            return False
        if self._line.clock() <= self._slot.window.closes:
            return True
        self._line.give_up(self._slot)
        self._slot = None
        self._line.rejoin(self)
        return False


class WaitingLine:
    """By priority, then first come, first served. `grant(costs)` is asked for all who wait, one question at a time.

    `give_back(slot)` is told of every slot that nobody used in time. `at_once(cost, most)`, where there is one, gives
    slots that are open to as many calls as it says. `grant_now(costs)`, where there is
    one, answers at once and spares who waits alone the way round.
    """

    def __init__(
        self,
        grant: Callable[[Sequence[int]], Awaitable[Granted]],
        clock: Callable[[], float],
        give_back: Callable[[Slot], None],
        grant_now: Callable[[Sequence[int]], Granted] | None = None,
        at_once: Callable[[int, int], int] | None = None,
    ) -> None:
        self.clock = clock
        self._give_back = give_back
        self._grant = grant
        self._grant_now = grant_now
        self._at_once = at_once
        self._numbers = count()
        self._places: list[Place] = []
        self._slots: list[Slot] = []
        self._asking: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    # -- who waits -------------------------------------------------------------------------------

    def join(self, cost: int, priority: int = 0, permitted: Callable[[], bool] = always) -> Place:
        """A place behind those of the same priority. `permitted` is asked before a slot is asked for or used."""
        place = Place(self, cost, (priority, next(self._numbers)), permitted)
        if self._grant_now is not None and not self._places and not self._slots:
            self._keep([cost], self._grant_now([cost]))
        self.rejoin(place)
        return place

    @property
    def free(self) -> bool:
        """Whether nobody waits, so that calls may get slots by `pass_through`."""
        return self._at_once is not None and not self._places and not self._slots

    def pass_through(self, cost: int, most: int) -> int:
        """How many calls of `cost`, `most` at the most, may begin this moment because nobody waits: they have slots."""
        return self._at_once(cost, most) if self._at_once is not None and self.free else 0

    def rejoin(self, place: Place) -> None:
        insort(self._places, place, key=attrgetter("rank"))
        self.attend()

    def left(self, place: Place, slot: Slot | None) -> None:
        if place in self._places:
            self._places.remove(place)
        if slot is not None:
            insort(self._slots, slot, key=attrgetter("window"))
            self.attend()

    def attend(self) -> None:
        """Something changed: use the slots that are open, tell who is near, ask for the others."""
        # One moment for all steps: a slot that opened between two of them would be neither used nor waited for.
        now = self.clock()
        self._give_up_closed(now)
        self._serve_ready(now)
        if self._without_slot() and (self._asking is None or self._asking.done()):
            self._asking = asyncio.create_task(self._ask(), name="waiting line")
        self._wake_for_next(now)

    # -- slots in hand ---------------------------------------------------------------------------

    def _give_up_closed(self, now: float) -> None:
        while self._slots and self._slots[0].window.closes < now:
            self.give_up(self._slots.pop(0))

    def give_up(self, slot: Slot) -> None:
        metrics.LIMITER_OVERSLEPT.inc()
        self._give_back(slot)

    def _serve_ready(self, now: float) -> None:
        for slot in [slot for slot in self._slots if slot.window.opens <= now]:
            place = self._most_urgent(slot.cost)
            if place is not None:
                self._slots.remove(slot)
                self._places.remove(place)
                place.serve(slot)

    def _most_urgent(self, cost: int) -> Place | None:
        """Who is ready to use a slot of this cost; whoever is asked and no longer permitted leaves."""
        for place in [place for place in self._places if place.is_ready and place.cost <= cost]:
            if place.permitted():
                return place
            place.leave()
        return None

    def _without_slot(self) -> list[Place]:
        """Those for whom no slot is in hand. The others are told that one is near."""
        in_hand = [slot.cost for slot in self._slots]
        without = []
        for place in self._places:
            fitting = next((cost for cost in in_hand if cost >= place.cost), None)
            if fitting is None:
                without.append(place)
            else:
                in_hand.remove(fitting)
                place.come_near()
        return without

    def _wake_for_next(self, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        opens = next((slot.window.opens for slot in self._slots if slot.window.opens > now), None)
        self._timer = (
            None if opens is None else asyncio.get_running_loop().call_later(max(0.0, opens - now), self.attend)
        )

    # -- asking for more -------------------------------------------------------------------------

    async def _ask(self) -> None:
        try:
            while costs := self._wanted():
                granted = await self._grant(costs)
                self._keep(costs, granted)
                self.attend()
                if len(granted.windows) < len(costs):
                    soonest = _ASK_SECONDS if granted.windows else 0.0
                    await asyncio.sleep(min(max(granted.again_in, soonest), _LOOK_SECONDS))
        except asyncio.CancelledError:
            for place in list(self._places):
                place.leave()
            raise
        except Exception as error:  # noqa: BLE001 - handed to whoever waits
            for place in list(self._places):
                place.fail(error)

    def _wanted(self) -> list[int]:
        """What to ask for; whoever is no longer permitted leaves instead."""
        wanted = []
        for place in self._without_slot()[:_ASK_AT_ONCE]:
            if place.permitted():
                wanted.append(place.cost)
            else:
                place.leave()
        return wanted

    def _keep(self, costs: Sequence[int], granted: Granted) -> None:
        for window, cost in zip(granted.windows, costs, strict=False):
            insort(self._slots, Slot(window, cost), key=attrgetter("window"))
