"""Connections opened ahead: a call whose moment has come has nothing left to do but to ask.

Opening one takes three round trips with TLS. Begun only when a limit's slot has come, it would make the call late, and
the first calls after a pause would come in one second with those on time.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")

FRESH_SECONDS = 5.0
"""For so long it is kept. Later the other end may be closing it at this very moment; servers wait five seconds or more."""


class Reserve(Generic[T]):
    """Keeps what `open_one` gives, each for one call to come; whichever call comes first takes the one kept longest.

    `give_back` is told of one that no call needed, `throw_away` of one kept too long. What `open_one` raises of
    `failures` is kept likewise, and raised by the call: that is who can tell what it means.
    """

    def __init__(
        self,
        open_one: Callable[[], Awaitable[T]],
        *,
        give_back: Callable[[T], None],
        throw_away: Callable[[T], None],
        failures: tuple[type[BaseException], ...],
    ) -> None:
        self._open_one = open_one
        self._give_back = give_back
        self._throw_away = throw_away
        self._failures = failures
        self._kept: list[Kept[T]] = []

    async def keep(self) -> Kept[T]:
        """One more for a call to come. Raises nothing of `failures`."""
        try:
            kept = Kept(self, await self._open_one(), None)
        except self._failures as failure:
            kept = Kept(self, None, failure)
        self._kept.append(kept)
        return kept

    def take(self) -> T | None:
        """One that is kept, if there is. Raises what opening it raised."""
        while self._kept:
            kept = self._kept.pop(0)
            fresh = time.monotonic() - kept.since < FRESH_SECONDS
            if kept.failure is not None and fresh:
                raise kept.failure
            if kept.one is not None and fresh:
                return kept.one
            self._drop(kept)
        return None

    def let_go(self, kept: Kept[T]) -> None:
        """Whoever it was kept for makes no call any more, or has made it."""
        if kept in self._kept:
            self._kept.remove(kept)
            if kept.one is not None:
                self._give_back(kept.one)

    def _drop(self, kept: Kept[T]) -> None:
        if kept.one is not None:
            self._throw_away(kept.one)


class Kept(Generic[T]):
    """One connection that is kept, or why there is none."""

    __slots__ = ("_reserve", "failure", "one", "since")

    def __init__(self, reserve: Reserve[T], one: T | None, failure: BaseException | None) -> None:
        self.one = one
        self.failure = failure
        self.since = time.monotonic()
        self._reserve = reserve

    def release(self) -> None:
        """It is needed no longer. May come twice, and after a call took it."""
        self._reserve.let_go(self)
