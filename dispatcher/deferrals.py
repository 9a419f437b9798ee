"""Recipients whose provider wants to be asked again later, for each of them alone: a greylisting mail server.

It refuses the first try of everyone it does not know and takes the second if that comes late enough, so each such
mailbox waits a minute, then five, then fifteen, and nobody else does. Kept per process: whoever does not know it asks
too early and is refused once more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Sequence

WAITS = (60.0, 300.0, 900.0)
"""Seconds; the last for every further refusal. Common greylists ask for one to five minutes."""
_FORGOTTEN_AFTER = 3_600.0


class Deferrals:
    """By batch and position in it. `clock` is monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._batches: dict[Hashable, dict[int, tuple[int, float]]] = {}

    def defer(self, batch: Hashable, position: int) -> None:
        """This recipient was refused for now."""
        if batch not in self._batches:
            self._forget_old()
        waiting = self._batches.setdefault(batch, {})
        times, _ = waiting.get(position, (0, 0.0))
        waiting[position] = times + 1, self._clock() + WAITS[min(times, len(WAITS) - 1)]

    def deferred(self, batch: Hashable, positions: Sequence[int]) -> frozenset[int]:
        """Those of the positions that may not be called yet."""
        known, now = self._batches.get(batch, {}), self._clock()
        return frozenset(position for position in positions if position in known and known[position][1] > now)

    def waiting(self, batch: Hashable, positions: Sequence[int]) -> tuple[int, float]:
        """How many of the positions wait, and in how many seconds the last of them may be called.

        The last, so that all who were refused together are asked again together.
        """
        known, now = self._batches.get(batch, {}), self._clock()
        moments = [known[position][1] for position in self.deferred(batch, positions)]
        return len(moments), max(moments, default=now) - now

    def forget(self, batch: Hashable) -> None:
        """Nothing of this batch is left to do."""
        self._batches.pop(batch, None)

    def _forget_old(self) -> None:
        """Of batches that somebody else finished, or that were stopped."""
        old = self._clock() - _FORGOTTEN_AFTER
        for batch in [batch for batch, each in self._batches.items() if max(when for _, when in each.values()) < old]:
            del self._batches[batch]
