"""The circuit breaker of one provider: a sick one is left in peace, and tried with one real message now and then.

It counts what says that the provider is sick (no connection, silence, 5xx, dropped connections), never a refusal of a
person nor a 429. Each process sees its own calls and has its own breakers.

The counts are plain attributes that are raised at every call: a call costs the breaker about a tenth of a microsecond,
and all judging is done once a second (`tick`) or at a failure.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from channels.contract import Answer, Verdict

WINDOW_TICKS = 10
"""The last ten seconds are judged (a tick is a second)."""
LEAST_CALLS = 20
FAILING_SHARE = 0.5
PROBE_SECONDS = 2.0
SILENT_TICKS = 5
"""Seconds in which a provider answers nothing at all. Half of the longest call: fifteen connections that hang make no
twenty failures in ten seconds."""
UNWELL_CALLS = 3
UNWELL_SHARE = 0.1
"""From so many failed calls in ten seconds on, and so large a share, a brown-out is told, whether or not it opens; and
where even one call hangs and nothing is answered, because a small town makes no more than one."""


class Breaker:
    """Open: nothing is begun but a probe every PROBE_SECONDS. `clock` is monotonic seconds.

    Opened by half of at least twenty calls in ten seconds, or by half of all `connections` silent for five seconds.
    """

    __slots__ = (
        "_clock",
        "_connections",
        "_hanging",
        "_probe_at",
        "_silence",
        "_waiting",
        "_window",
        "accepted",
        "failed",
        "opened",
        "opened_at",
        "others",
        "share",
        "under_way",
        "unwell",
    )

    def __init__(self, connections: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.opened = False
        self.opened_at = 0.0
        self.under_way = 0
        """Calls begun and not answered."""
        self.accepted = 0
        """Since the last tick; likewise `failed`, and `others`, which prove neither health nor sickness."""
        self.failed = 0
        self.others = 0
        self.unwell = False
        self.share = 0.0
        """Of the calls that are judged, those that failed; while open, of those that opened it."""
        self._clock = clock
        self._connections = connections
        self._window: deque[tuple[int, int]] = deque(maxlen=WINDOW_TICKS - 1)
        self._waiting: deque[int] = deque(maxlen=SILENT_TICKS)
        """Calls under way at the last ticks, since something was answered."""
        self._hanging = 0
        self._silence = False
        self._probe_at = 0.0

    # -- may a call be made? ---------------------------------------------------------------------

    def admits(self) -> bool:
        """Whether a batch may be claimed: anything while closed, one for a probe when it is time for it."""
        return not self.opened or self._clock() >= self._probe_at

    def probe(self) -> None:
        """A batch was claimed for a probe: the next one is for later, whatever becomes of it."""
        self._probe_at = self._clock() + PROBE_SECONDS

    # -- what came of it -------------------------------------------------------------------------

    def count(self, answer: Answer, began: float) -> bool:
        """One call, begun at `began`, was answered. True when that opened or closed the breaker."""
        if answer.verdict is Verdict.ACCEPTED:
            self.accepted += 1
            return self.opened and self._heal(began)
        if not answer.sick:
            self.others += 1
            return self.opened and self._heal(began)
        self.failed += 1
        return not self.opened and self._judge()

    def tick(self) -> bool:
        """A second has passed. True when that opened the breaker."""
        changed = not self.opened and (self._judge() or self._is_silent())
        if not self.opened:
            self._look()
        self._window.append((self.accepted + self.others + self.failed, self.failed))
        self.accepted = self.others = self.failed = 0
        return changed

    def _heal(self, began: float) -> bool:
        """Closed by the answer to a probe; after a silence by any answer, which shows that it was only slow."""
        if began < self.opened_at and not self._silence:
            return False
        self.opened = self._silence = False
        self._window.clear()
        self._waiting.clear()
        self._hanging = self.failed = 0
        self._look()
        return True

    def _totals(self) -> tuple[int, int]:
        calls = self.accepted + self.others + self.failed + sum(calls for calls, _ in self._window)
        return calls, self.failed + sum(failed for _, failed in self._window)

    def _judge(self) -> bool:
        calls, failed = self._totals()
        return calls >= LEAST_CALLS and failed >= calls * FAILING_SHARE and self._open()

    def _is_silent(self) -> bool:
        """Nothing was answered for so long that whatever was under way at its beginning hangs."""
        if self.accepted or self.others:
            self._waiting.clear()
        self._hanging = min(self._waiting[0], self.under_way) if len(self._waiting) == SILENT_TICKS else 0
        self._waiting.append(self.under_way)
        if self._hanging < min(LEAST_CALLS, (self._connections + 1) // 2):
            return False
        self._silence = True
        return self._open()

    def _open(self) -> bool:
        self._look()
        self.opened, self.opened_at = True, self._clock()
        self.probe()
        return True

    def _look(self) -> None:
        calls, failed = (number + self._hanging for number in self._totals())
        self.share = failed / calls if calls else 0.0
        many = failed >= UNWELL_CALLS and self.share >= UNWELL_SHARE
        self.unwell = many or self._hanging > 0 or (self.unwell and self.share == 1)
