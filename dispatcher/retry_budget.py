"""How many of a provider's calls may be repeats: a storm of them must not keep a sick provider down.

A repeat is a call for people who were called before and not reached. In a minute they may be a tenth of the calls that
were accepted, and in any second LEAST_A_SECOND all the same, so that no repeat waits for ever. First tries are never
held, and nothing is dropped: who finds no room waits for the turn that they would have in a line.

Counted by process and provider, at the claim of a batch, so that a call costs nothing.
"""

from __future__ import annotations

from collections import deque

from dispatcher.model import LAST_PRIORITY

SHARE = 0.1
LEAST_A_SECOND = 10
"""What no provider is hurt by; Finagle's RetryBudget has the same floor."""
MINUTE_TICKS = 60


class RetryBudget:
    """Told once a second how many calls were accepted; asked before each repeat."""

    def __init__(self) -> None:
        self.left = LEAST_A_SECOND
        """How many may be repeated before the next tick."""
        self.allowance = LEAST_A_SECOND
        self._spent = 0
        self._minute: deque[tuple[int, int]] = deque(maxlen=MINUTE_TICKS)
        self._waiting = [0] * (LAST_PRIORITY + 1)

    def take(self, calls: int, priority: int) -> int:
        """How many of `calls` repeats may be made now. None while repeats of what is more urgent wait."""
        taken = 0 if any(self._waiting[:priority]) else min(calls, self.left)
        self.left -= taken
        self._spent += taken
        return taken

    def wait(self, calls: int, priority: int) -> float:
        """Seconds that repeats without room wait: as if all who wait and are as urgent stood in a line."""
        self._waiting[priority] += calls
        return 1 + sum(self._waiting[: priority + 1]) / self.allowance

    @property
    def waiting(self) -> int:
        """About how many repeats wait."""
        return sum(self._waiting)

    def tick(self, accepted: int) -> None:
        """A second has passed, in which so many calls were accepted."""
        self._minute.append((accepted, self._spent))
        self._spent = 0
        tenth = SHARE * sum(accepted for accepted, _ in self._minute) - sum(spent for _, spent in self._minute)
        self.left = max(LEAST_A_SECOND, int(tenth))
        self.allowance = max(LEAST_A_SECOND, int(SHARE * sum(accepted for accepted, _ in self._minute) / MINUTE_TICKS))
        self._move_up(self.left)

    def _move_up(self, number: int) -> None:
        for priority, waiting in enumerate(self._waiting):
            gone = min(waiting, number)
            self._waiting[priority] -= gone
            number -= gone
