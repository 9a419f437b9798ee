"""The teller: takes notices that are due to the town's hooks, and tries again where one does not take them.

It has a task of its own in every process; a hook's time is bounded by the hook. With no hook alarms stand in the log,
the metrics and `todoke status`, and wait there for one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import structlog

from dispatcher import alarms, metrics
from dispatcher.alarms import Due, Notice

if TYPE_CHECKING:
    from asyncpg import Pool

log = structlog.get_logger(__name__)


class HookFailed(Exception):
    """The hook did not take the notice. Says why, in a few words without any secret."""


class Hook(Protocol):
    """One way to tell somebody. `name` is stable: it is remembered which hook took what."""

    name: str

    async def tell(self, notice: Notice) -> None:
        """Raises HookFailed, and nothing else but CancelledError, within a bounded time."""
        ...


class Teller:
    """`tick` is called every few seconds, and at once when an alarm was raised or ended."""

    def __init__(self, pool: Pool, hooks: Sequence[Hook], *, repeat_seconds: float) -> None:
        self._pool = pool
        self._hooks = hooks
        self._repeat_seconds = repeat_seconds

    async def tick(self) -> None:
        while self._hooks and (due := await alarms.due(self._pool)) is not None:
            await self._tell(due)

    async def _tell(self, due: Due) -> None:
        took = set(due.told) | await self._taken(
            [hook for hook in self._hooks if hook.name not in due.told], due.notice
        )
        if took.issuperset(hook.name for hook in self._hooks):
            await alarms.told(self._pool, due, repeat_seconds=self._repeat_seconds)
        else:
            seconds = await alarms.untold(self._pool, due, sorted(took))
            log.warning("alarm_not_told", alarm=due.notice.trouble.code, again_in=seconds)

    async def tell_now(self, notice: Notice) -> None:
        """Tell what stands in no table: once, whatever comes of it."""
        await self._taken(self._hooks, notice)

    async def _taken(self, hooks: Sequence[Hook], notice: Notice) -> set[str]:
        took = set()
        for hook in hooks:
            try:
                await hook.tell(notice)
            except HookFailed as failure:
                metrics.HOOK_FAILURES.labels(hook.name).inc()
                log.warning("alarm_hook_failed", hook=hook.name, alarm=notice.trouble.code, reason=str(failure))
            else:
                took.add(hook.name)
                log.info("alarm_told", hook=hook.name, alarm=notice.trouble.code, state=notice.state)
        return took
