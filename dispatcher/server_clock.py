"""Where another machine's clock stands on ours, bounded by what was measured and never guessed."""

from __future__ import annotations

_DRIFT = 0.0005
"""The fastest a clock is slewed (adjtime: 500 ppm): by so much a second the bounds grow apart again."""


class ServerClock:
    """Every question answered with the server's time bounds `local - server` from both sides; the bounds add up.

    All times are seconds. A server whose clock steps, or another server, contradicts what was
    measured before, and what was measured before is forgotten.
    """

    def __init__(self) -> None:
        self._low = self._high = 0.0
        self._at: float | None = None

    @property
    def known(self) -> bool:
        return self._at is not None

    def heard(self, *, asked_at: float, server: float, answered_at: float) -> None:
        low, high = asked_at - server, answered_at - server
        if self._at is not None:
            grown = (answered_at - self._at) * _DRIFT
            nearer = max(low, self._low - grown), min(high, self._high + grown)
            low, high = nearer if nearer[0] <= nearer[1] else (low, high)
        self._low, self._high, self._at = low, high, answered_at

    def latest(self, server: float) -> float:
        """The last moment of ours at which it can have been `server` there."""
        return server + self._high

    def earliest(self, server: float) -> float:
        """The first moment of ours at which it can have been `server` there."""
        return server + self._low

    def there(self, local: float) -> float:
        """The server's time at our `local`, at least."""
        return local - self._high
