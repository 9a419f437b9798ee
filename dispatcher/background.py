"""Whatever runs in the background: one small class with one way to start, tick, wake and stop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

import asyncpg
import structlog

from dispatcher import metrics

DATABASE_TROUBLE = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
)
"""The database is away, or a connection to it, or its disk is full or broken: what was asked may be asked again.

asyncpg calls it an internal error when a connection is cut off just between two steps of one question.
"""

log = structlog.get_logger(__name__)


class Agent:
    """Calls `tick` again and again: `every` seconds after the last one ended, or at once when woken.

    A tick that fails is logged, counted (`todoke_agent_errors_total`) and tried again: an agent
    outlives a database restart, and its trouble is visible. That the database is away is said once, in a line: a dozen
    agents that each wrote a trace at every tick would fill a disk in an outage.
    """

    def __init__(self, name: str, tick: Callable[[], Awaitable[None]], *, every: float) -> None:
        self.name = name
        self._tick = tick
        self._every = every
        self._awake = asyncio.Event()
        self._without_database = False
        self._task: asyncio.Task[None] | None = None
        self._leaving = False

    def wake(self) -> None:
        self._awake.set()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name=self.name)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leaving = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        # A library under a tick may swallow the one cancellation there is; who leaves does not wait for it for ever.
        while not self._leaving:
            self._awake.clear()
            await self._tick_once()
            await self._sleep()

    async def _sleep(self) -> None:
        # Until Python 3.12 `wait_for` loses a cancellation that comes together with what was waited for.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._every):
                await self._awake.wait()

    async def _tick_once(self) -> None:
        try:
            await self._tick()
        except DATABASE_TROUBLE as trouble:
            metrics.AGENT_ERRORS.labels(self.name).inc()
            if not self._without_database:
                log.warning("agent_without_database", agent=self.name, error=type(trouble).__name__)
            self._without_database = True
        except Exception:
            metrics.AGENT_ERRORS.labels(self.name).inc()
            log.exception("agent_failed", agent=self.name)
        else:
            self._without_database = False
