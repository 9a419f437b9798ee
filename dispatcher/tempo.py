"""The pace under a provider that says "too fast" without saying how fast it may be: additive increase, multiplicative
decrease, in shares of the configured limit.

Cut at the first refusal, and at the end of its second to what was let through; then raised in growing steps, so that it
stays long near what the provider bears, and is back at the whole limit within a minute of the last refusal.
"""

from __future__ import annotations

CUT = 0.7
LET_THROUGH = 0.9
"""Of the share that was let through: what was measured over one second is not quite what the provider bears."""
LEAST_SHARE, LEAST_RATE = 0.005, 0.5
"""What is tried all the same: a two-hundredth of the limit, and a call every two seconds."""
STEP = 0.001
"""Share by which each clean second raises it more than the one before: back from nothing in 45 s."""


class Tempo:
    """`share` of the provider's limit (`rate` calls a second) that is used now, 1 for all of it."""

    def __init__(self, rate: float) -> None:
        self.share = 1.0
        self._least = min(1.0, max(LEAST_SHARE, LEAST_RATE / rate))
        self._before = 1.0
        """The share that this second began with."""
        self._clean = 0
        self._resting = False

    @property
    def slowed(self) -> bool:
        return self.share < 1.0

    def refuse(self) -> bool:
        """A call was too fast. True when the share changed: by the first of a second that does not follow a cut."""
        if self._resting or self.share < self._before:
            return False
        self.share = max(self._least, self.share * CUT)
        return self.share < self._before

    def tick(self, answered: int, refused: int) -> bool:
        """A second has passed, with so many answers, and so many of them "too fast". True when the share changed."""
        share = self.share
        if share < self._before:
            self.share = max(self._least, min(share, self._before * LET_THROUGH * (1 - refused / answered)))
            self._clean = 0
        elif self.slowed and not refused:
            self._clean += 1
            self.share = min(1.0, share + STEP * self._clean)
        self._resting = share < self._before
        self._before = self.share
        return self.share != share
