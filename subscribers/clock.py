"""Now, as PostgreSQL has it: whether a place or a position still counts is no question of this machine's clock."""

from __future__ import annotations

import time

_HOUR = 3_600_000_000
"""Microseconds."""


class Clock:
    """The server's clock by this machine's monotonic one, which nobody sets. Before it was `heard`, the wall clock's."""

    def __init__(self) -> None:
        self._ahead: int | None = None

    def heard(self, server: int) -> None:
        """It is `server` there now, in microseconds since 2000-01-01 UTC."""
        self._ahead = server - _monotonic()

    def now(self) -> int:
        """Microseconds since 2000-01-01 UTC."""
        if self._ahead is None:
            return time.time_ns() // 1_000 - _YEAR_2000
        return _monotonic() + self._ahead


_YEAR_2000 = 946_684_800_000_000
CLOCK = Clock()
"""A process works with one database."""


def now() -> int:
    """Microseconds since 2000-01-01 UTC."""
    return CLOCK.now()


def grace() -> int:
    """What ended before this may be forgotten: an hour, more than the clocks of two machines are ever apart."""
    return now() - _HOUR


def _monotonic() -> int:
    return time.monotonic_ns() // 1_000
