"""Those who wait for the same limits, in order: one asks for all, each sleeps until its own slot."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dispatcher import metrics

_ASK_AT_ONCE = 64
_ASK_SECONDS = 0.01
"""How long to gather before asking again for what was not granted: a quarter of the horizon."""


class Window(NamedTuple):
    """When a call may begin: seconds of the monotonic clock, both ends included."""

    opens: float
    closes: float


@dataclass(frozen=True, slots=True)
class Granted:
    """Windows for the first of those asked for, and in how many seconds to ask for the others."""

    windows: Sequence[Window]
    again_in: float


@dataclass(slots=True)
class _Place:
    cost: int
    window: asyncio.Future[Window]


class WaitingLine:
    """First come, first served. `grant(costs)` is asked for all who wait, one question at a time.

    `grant_now(costs)`, where there is one, answers at once and spares who waits alone the way round.
    """

    def __init__(
        self,
        grant: Callable[[Sequence[int]], Awaitable[Granted]],
        clock: Callable[[], float],
        grant_now: Callable[[Sequence[int]], Granted] | None = None,
    ) -> None:
        self._grant = grant
        self._grant_now = grant_now
        self._clock = clock
        self._places: deque[_Place] = deque()
        self._asking: asyncio.Task[None] | None = None

    async def take(self, cost: int) -> float:
        """Return inside a window for `cost` tokens; the seconds waited. Whoever oversleeps goes to the front."""
        began = self._clock()
        window = await self._window(cost)
        while not await self._reached(window):
            metrics.LIMITER_OVERSLEPT.inc()
            window = await self._window(cost, front=True)
        return max(0.0, self._clock() - began)

    async def _reached(self, window: Window) -> bool:
        if (early := window.opens - self._clock()) > 0:
            await asyncio.sleep(early)
        return self._clock() <= window.closes

    async def _window(self, cost: int, *, front: bool = False) -> Window:
        if self._grant_now is not None and not self._places and (windows := self._grant_now([cost]).windows):
            return windows[0]
        place = _Place(cost, asyncio.get_running_loop().create_future())
        (self._places.appendleft if front else self._places.append)(place)
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        return await place.window

    async def _ask(self) -> None:
        try:
            while waiting := self._first():
                granted = await self._grant([place.cost for place in waiting])
                self._hand_out(waiting, granted.windows)
                if len(granted.windows) < len(waiting):
                    await asyncio.sleep(max(granted.again_in, _ASK_SECONDS if granted.windows else 0.0))
        except BaseException as error:
            self._give_up(error)
            raise

    def _first(self) -> list[_Place]:
        """Those in front; who has gone away meanwhile is left out."""
        self._places = deque(place for place in self._places if not place.window.done())
        return [self._places[number] for number in range(min(len(self._places), _ASK_AT_ONCE))]

    def _hand_out(self, waiting: Sequence[_Place], windows: Sequence[Window]) -> None:
        """The slot of somebody who has gone away meanwhile is lost: it was cut to that one's cost."""
        for place, window in zip(waiting, windows, strict=False):
            if not place.window.done():
                place.window.set_result(window)

    def _give_up(self, error: BaseException) -> None:
        for place in self._places:
            if not place.window.done():
                place.window.cancel() if isinstance(error, asyncio.CancelledError) else place.window.set_exception(
                    error
                )
