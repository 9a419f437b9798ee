"""Now, as PostgreSQL's timestamps count."""

from __future__ import annotations

import time

_YEAR_2000 = 946_684_800_000_000
_HOUR = 3_600_000_000
"""Microseconds."""


def now() -> int:
    """Microseconds since 2000-01-01 UTC."""
    return time.time_ns() // 1_000 - _YEAR_2000


def grace() -> int:
    """What ended before this may be forgotten: an hour, more than the clocks of two machines are ever apart."""
    return now() - _HOUR
