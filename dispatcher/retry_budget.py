"""How many of a provider's calls may be repeats: a storm of them must not keep a sick provider down.

A repeat is a call for people who were called before and not reached. In a minute they may be a tenth of the calls that
were accepted, and in any second LEAST_A_SECOND all the same, so that no repeat waits for ever. First tries are never
held, and nothing is dropped: repeats without room stand in a line, the most urgent in front, and by the time their
batch is due again what was given out in that line is theirs.

Counted by process and provider, at the claim of a batch, so that a call costs nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass

from dispatcher.model import LAST_PRIORITY

SHARE = 0.1
LEAST_A_SECOND = 10
"""What no provider is hurt by; Finagle's RetryBudget has the same floor."""
MINUTE_TICKS = 60
_PATIENCE_TICKS = 30
"""How long what was given out is kept for a batch after it was due: another worker may have claimed it."""


@dataclass(slots=True)
class _Waiting:
    """A batch in the line: the repeats it wants, those given to it, and until which tick it is waited for."""

    priority: int
    calls: int
    until: int
    given: int = 0


class RetryBudget:
    """Told once a second how many calls were accepted; asked before each repeat. Batches are named by their caller."""

    def __init__(self) -> None:
        self.left = LEAST_A_SECOND
        """How many more may be repeated before the next tick."""
        self._a_second = LEAST_A_SECOND
        self._ticks = 0
        self._spent = 0
        self._minute: deque[tuple[int, int]] = deque(maxlen=MINUTE_TICKS)
        self._line: dict[Hashable, _Waiting] = {}
        self._wanted = [0] * (LAST_PRIORITY + 1)

    @property
    def waiting(self) -> int:
        """How many repeats have not been given room yet."""
        return sum(self._wanted)

    def take(self, batch: Hashable, calls: int) -> int:
        """How many of `calls` repeats of a batch may be made now."""
        given = self._leave(batch)
        more = min(max(0, calls - given), self.left)
        self._spend(more)
        return min(calls, given) + more

    def wait(self, batch: Hashable, calls: int, priority: int) -> float:
        """Put so many repeats of a batch in the line; gives the seconds until there will be room for all of them."""
        self._leave(batch)
        self._wanted[priority] += calls
        seconds = 1 + sum(self._wanted[: priority + 1]) / self._a_second
        self._line[batch] = _Waiting(priority, calls, self._ticks + int(seconds) + _PATIENCE_TICKS)
        return seconds

    def tick(self, accepted: int) -> None:
        """A second has passed, in which so many calls were accepted."""
        self._ticks += 1
        self._minute.append((accepted, self._spent))
        self._spent = 0
        tenth = SHARE * sum(accepted for accepted, _ in self._minute)
        self._a_second = max(LEAST_A_SECOND, int(tenth / MINUTE_TICKS))
        self.left = max(LEAST_A_SECOND, int(tenth) - sum(spent for _, spent in self._minute))
        if self._line:
            self._give_out()

    def _give_out(self) -> None:
        for batch in [batch for batch, waiting in self._line.items() if waiting.until < self._ticks]:
            self._leave(batch)
        for waiting in sorted(self._line.values(), key=lambda each: each.priority):
            number = min(waiting.calls - waiting.given, self.left)
            waiting.given += number
            self._wanted[waiting.priority] -= number
            self._spend(number)

    def _spend(self, number: int) -> None:
        self.left -= number
        self._spent += number

    def _leave(self, batch: Hashable) -> int:
        """Out of the line, with what was given."""
        waiting = self._line.pop(batch, None)
        if waiting is None:
            return 0
        self._wanted[waiting.priority] -= waiting.calls - waiting.given
        return waiting.given
