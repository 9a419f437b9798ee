"""Rate limits as slots: whoever wants to call is told *when*, waits until then, and gives up a slot it overslept.

The arithmetic is GCRA (the virtual-scheduling leaky bucket), several keys in one decision. A slot
is taken before the wait, so that waking a little late costs nothing, and used within
LATENESS_SECONDS or not at all, so that what was late never bunches with what was on time. That is
what makes both ends meet: 201 slots lie (1 / HEADROOM) seconds apart, no one arrives later than
1 / HEADROOM - 1 = 12 ms after its own, hence no second holds more than 200, and 98.8 % are used.

A key that was never seen is an *empty* bucket: a process that starts, or a store that lost its
memory, owes a full interval before its first burst, so restarts cannot add up to a violation.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Protocol

from channels.contract import Limit
from dispatcher.waiting_line import Granted, WaitingLine, Window

HEADROOM = 0.988
"""Share of a provider's limit that is used; the rest is 12 ms a second for calls to be late in."""

SPAN_SECONDS = 1 / HEADROOM
"""Calls of slots this far apart cannot arrive in the same second."""

LATENESS_SECONDS = 0.008
"""A call that could not begin this soon after its slot gives it up. What is left of the 12 ms is for the way out."""

LEEWAY_SECONDS = 0.001
"""A key may be used this long after its turn: timers are a millisecond coarse, and several keys never agree better."""

HORIZON_SECONDS = 0.04
"""Nobody takes a slot further ahead: what a stop, a crash or a lost store can leave behind is this much."""

SHARE_MARGIN = 0.85
"""What several processes without a common memory use of their even shares: they learn of one another late."""


class Limiter(Protocol):
    def shared_among(self, processes: int) -> None:
        """How many processes draw on the same limits now."""
        ...

    def slow(self, key: str, share: float) -> None:
        """Use only this share of a key's limit from now on; 1 for all of it."""
        ...

    def line(self, limits: Sequence[Limit]) -> WaitingLine:
        """Where to wait for tokens of every one of `limits`: always the same for the same limits.

        In any one second a key spends at most `rate` + `burst` - 1 tokens: a burst above one comes
        on top, after idleness. A call that costs more than that many is made in one go, and waited for after it.
        """
        ...


class MemoryLimiter:
    """Remembers alone. Several processes each take their share. `clock` is monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._schedule = Schedule()
        self._lines: dict[tuple[Limit, ...], WaitingLine] = {}

    def shared_among(self, processes: int) -> None:
        self._schedule.processes = max(1, processes)

    def slow(self, key: str, share: float) -> None:
        self._schedule.paces[key] = share

    def line(self, limits: Sequence[Limit]) -> WaitingLine:
        line = self._lines.get(key := tuple(limits))
        if line is None:
            line = self._lines[key] = self._line(key)
        return line

    def _line(self, limits: Sequence[Limit]) -> WaitingLine:
        async def grant(costs: Sequence[int]) -> Granted:
            return self.grant(limits, costs)

        return WaitingLine(
            grant,
            self._clock,
            lambda slot: self.give_back(limits, slot.window.opens, slot.cost),
            lambda costs: self.grant(limits, costs),
            lambda cost, most: self._schedule.at_once(limits, cost, most, self._clock()),
        )

    def grant(self, limits: Sequence[Limit], costs: Sequence[int]) -> Granted:
        """Windows for as many of `costs` as begin within the horizon, in order, without waiting."""
        now = self._clock()
        slots, again_in = self._schedule.reserve(limits, costs, now)
        return Granted([Window(slot, slot + LATENESS_SECONDS) for slot in slots], again_in)

    def give_back(self, limits: Sequence[Limit], slot: float, cost: int) -> None:
        """Nobody called in this slot, and nobody will."""
        self._schedule.give_back(limits, slot, cost)


class Schedule:
    """When each key is free again, in seconds of the caller's clock; `lua/reserve.lua` is its twin.

    Only here slots are given back: several processes do not know in time what the others left unused.
    """

    def __init__(self) -> None:
        self.processes = 1
        self.paces: dict[str, float] = {}
        """Shares of the keys that are slowed, or have been."""
        self._keys: dict[str, Key] = {}

    def reserve(self, limits: Sequence[Limit], costs: Sequence[int], now: float) -> tuple[list[float], float]:
        """The slots that were reserved, and after how many seconds it makes sense to ask for the next."""
        slots: list[float] = []
        keys = [self._key(limit, now) for limit in limits]
        for cost in costs:
            slot, again_in = first_slot(keys, cost, now)
            if again_in > 0:
                return slots, again_in
            for key in keys:
                key.spend(slot, cost)
            slots.append(slot)
        return slots, 0.0

    def at_once(self, limits: Sequence[Limit], cost: int, most: int, now: float) -> int:
        """How many calls of `cost`, `most` at the most, may begin this moment: as many slots are reserved."""
        keys = [self._key(limit, now) for limit in limits]
        number = min([most, *(key.room(cost, now) for key in keys)])
        if number:
            for key in keys:
                key.spend(now, cost * number)
        return number

    def give_back(self, limits: Sequence[Limit], slot: float, cost: int) -> None:
        """Nobody called in this slot: the next ones come closer until it is made up for."""
        for limit in limits:
            self._keys[limit.key].give_back(slot, cost)

    def _key(self, limit: Limit, now: float) -> Key:
        rate = share(limit.rate * self.paces.get(limit.key, 1.0), self.processes)
        burst = max(1, limit.burst // self.processes)
        key = self._keys.get(limit.key)
        if key is None:
            key = self._keys[limit.key] = Key(now + burst / (rate * HEADROOM))
        key.interval, key.burst = 1 / (rate * HEADROOM), burst
        key.most = ceil(rate) + burst - 1
        return key


@dataclass(slots=True)
class Key:
    """One limit; `next` is GCRA's theoretical arrival time.

    Slots that were given back are made up for by others at half the interval. That nevertheless no
    second is too full is seen to by a look at the slots of the last SPAN_SECONDS: no more than `most`
    tokens, because no call arrives later than SPAN_SECONDS - 1 after its slot.
    """

    next: float
    interval: float = 0.0
    burst: int = 1
    most: int = 1
    owed: float = 0.0
    spent: int = 0
    """Tokens of the slots in `recent`."""
    recent: deque[tuple[float, int]] = field(default_factory=deque)

    def free_at(self, cost: int, now: float) -> float:
        """The first moment that `cost` tokens may be spent at."""
        while self.recent and self.recent[0][0] <= now - SPAN_SECONDS:
            self.spent -= self.recent.popleft()[1]
        turn = self.next - (max(self.burst, cost) - cost) * self.interval
        return max(now, turn, self._second_has_room(cost))

    def room(self, cost: int, now: float) -> int:
        """How many times `cost` tokens may be spent at this moment, one after the other."""
        if self.free_at(cost, now) > now:
            return 0
        start = max(self.next, now - LEEWAY_SECONDS) - (max(self.burst, cost) - cost) * self.interval
        return 1 + min(int((now - start) / (cost * self.interval)), (self.most - self.spent) // cost - 1)

    def _second_has_room(self, cost: int) -> float:
        excess = self.spent + cost - max(self.most, cost)
        for slot, spent in self.recent:
            if excess <= 0:
                break
            excess -= spent
            if excess <= 0:
                return slot + SPAN_SECONDS
        return 0.0

    def spend(self, slot: float, cost: int) -> None:
        made_up = min(self.owed, cost / 2)
        self.owed -= made_up
        self.next = max(self.next, slot - LEEWAY_SECONDS) + (cost - made_up) * self.interval
        self.spent += cost
        self.recent.append((slot, cost))

    def give_back(self, slot: float, cost: int) -> None:
        if (slot, cost) in self.recent:
            self.recent.remove((slot, cost))
            self.spent -= cost
            self.owed += cost


def first_slot(keys: Sequence[Key], cost: int, now: float) -> tuple[float, float]:
    """(The slot, 0), or (it, the seconds after which to ask again) when it must not be taken yet.

    Not yet is beyond the horizon, and when a slow key would make a faster one lie idle meanwhile:
    one mail domain must not hold the account's other domains.
    """
    free = [key.free_at(cost, now) for key in keys]
    slot = max(free, default=now)
    slowest = max((key.interval for key, at in zip(keys, free, strict=True) if at == slot), default=0.0)
    idle = max((slot - at for key, at in zip(keys, free, strict=True) if key.interval < slowest), default=0.0)
    return slot, max(0.0, slot - now - HORIZON_SECONDS, idle - LEEWAY_SECONDS)


def share(rate: float, processes: int) -> float:
    """Tokens a second one of `processes` may use alone.

    Whole tokens where there is one for each, because in any second every process may be at its most.
    """
    if processes <= 1:
        return rate
    even = rate / processes
    whole = float(rate // processes)
    return min(even * SHARE_MARGIN / HEADROOM, whole or even)
