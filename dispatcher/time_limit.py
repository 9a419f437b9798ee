"""`asyncio.timeout` for one call after the other of a task, at the cost of one timer for many of them."""

from __future__ import annotations

import asyncio
from types import TracebackType

_NEVER = float("inf")


class TimeLimit:
    """Each time it is entered, what is inside has `seconds`; then it is cancelled, and TimeoutError raised instead.

    Only for the task that made it. Setting and clearing a timer for each call takes 6 µs (2026-11), as long as
    building an SMS; here the alarm rings now and then and is set again for what is left.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._ends = _NEVER
        self._alarm: asyncio.TimerHandle | None = None
        self._rang = False
        self._cancelled_before = 0

    def __enter__(self) -> None:
        self._ends = self._loop.time() + self._seconds
        if self._alarm is None:
            self._alarm = self._loop.call_at(self._ends, self._ring)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends = _NEVER
        if not self._rang or self._task is None:
            return
        self._rang = False
        if self._task.uncancel() <= self._cancelled_before and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def close(self) -> None:
        """No more calls."""
        if self._alarm is not None:
            self._alarm.cancel()

    def _ring(self) -> None:
        self._alarm = None
        if self._ends == _NEVER or self._task is None:
            return
        if self._loop.time() < self._ends:
            self._alarm = self._loop.call_at(self._ends, self._ring)
            return
        self._rang = True
        self._cancelled_before = self._task.cancelling()
        self._task.cancel()
