"""The rescuer: gives up workers that no longer beat, and puts their batches back into the queue.

It trusts its own monotonic clock and *changes* of a session's beat, never timestamps, so that a
stepped wall clock on any host expires nobody. Every process watches; an advisory lock lets one act.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import structlog

from channels.contract import Answer, Channel, Verdict
from dispatcher import metrics
from dispatcher import outcomes as states
from dispatcher.batches import Log, span_of, unpassed
from dispatcher.inspection import Quarantine, after_death, quarantined
from dispatcher.model import POLICIES, BatchState, EventClass, Outcome
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool, Record

_LIST = sql("dispatcher", "session_list")
_EXPIRE = sql("dispatcher", "session_expire")
_ORPHANS = sql("dispatcher", "batch_orphans")
_RESCUE = sql("dispatcher", "batch_rescue")
_WORKER_DIED = "worker_died"
LOOK_SECONDS = 1.0
"""Between two looks at the others. A death is known this much later at both ends of the silence: with looks as rare as
beats, work would lie for up to 40 s after a kill, and 35 are promised."""
_LOCK = 7_032_002
"""The advisory lock of whoever rescues just now."""

log = structlog.get_logger(__name__)


class Rescuer:
    """`tick` is called every LOOK_SECONDS. Channels this process does not know are left to others."""

    def __init__(
        self,
        pool: Pool,
        channels: Mapping[str, Channel],
        *,
        expire_seconds: float,
        quarantine: Quarantine | None = None,
    ) -> None:
        self._pool = pool
        self._quarantine = quarantine or Quarantine()
        self._channels = channels
        self._expire_seconds = expire_seconds
        self._seen: dict[int, tuple[int, float]] = {}

    async def tick(self) -> None:
        silent = self._silent(await self._pool.fetch(_LIST))
        async with self._pool.acquire() as connection, connection.transaction():
            if not await connection.fetchval("select pg_try_advisory_xact_lock($1)", _LOCK):
                return
            for number, beat in silent:
                if await connection.fetchval(_EXPIRE, number, beat) is not None:
                    metrics.EXPIRED_SESSIONS.inc()
                    log.warning("session_given_up", session=number)
        await self._rescue_orphans()

    def _silent(self, sessions: list[Record]) -> list[tuple[int, int]]:
        """Sessions whose beat has not changed for too long, as (number, beat)."""
        now = time.monotonic()
        seen = {}
        for session in sessions:
            number, beat = session["number"], session["beat"]
            known = self._seen.get(number)
            seen[number] = known if known is not None and known[0] == beat else (beat, now)
        self._seen = seen
        return [(number, beat) for number, (beat, since) in seen.items() if now - since >= self._expire_seconds]

    async def _rescue_orphans(self) -> None:
        for orphan in await self._pool.fetch(_ORPHANS):
            channel = self._channels.get(orphan["channel"])
            if channel is not None:
                await self._rescue(orphan, channel)

    async def _rescue(self, orphan: Record, channel: Channel) -> None:
        promise = states.Promise(POLICIES[EventClass(orphan["class"])], channel.repeatable and orphan["counts_once"])
        repeating = orphan["repeat_at"] is None or orphan["repeat_at"] <= orphan["claimed_at"]
        crashed = states.after_crash(
            orphan["outcomes"], started=orphan["started"], repeated=orphan["repeated"], promise=promise
        )
        finding = after_death(
            crashed,
            deaths=orphan["deaths"],
            suspect=span_of(orphan["suspect"]),
            started=orphan["started"],
            one_call=channel.call_size > 1,
            counts_once=promise.repeatable,
        )
        outcomes = states.refined(quarantined(crashed, finding.guilty), orphan["proofs"])
        if channel.call_size > 1:
            outcomes = states.proven_together(crashed, outcomes)
        state, after = BatchState.DONE, states.Next(None, None, ambiguous=False)
        if not states.all_final(outcomes):
            state = BatchState.DUE
            after = states.next_attempt(
                outcomes, tries=orphan["tries"], at_least=0, repeated=repeating, promise=promise
            )
        held = orphan["dispatch"], orphan["number"], orphan["attempt"], orphan["session"]
        when = after.repeat_in, after.due_in, after.ambiguous
        found = finding.deaths, *(finding.suspect or (None, None))
        marks = unpassed(orphan["repeated"])
        told = _obituary(orphan["outcomes"], outcomes).arguments()
        if (
            await self._pool.fetchval(_RESCUE, *held, outcomes, state, orphan["tries"], *when, *found, *told, marks)
            is None
        ):
            return
        metrics.RESCUED.labels(orphan["channel"]).inc()
        log.info("batch_rescued", dispatch=orphan["dispatch"], batch=orphan["number"], session=orphan["session"])
        if finding.guilty:
            self._quarantine.add(orphan["dispatch"], orphan["channel"], len(finding.guilty))
            log.error(
                "recipients_quarantined", dispatch=orphan["dispatch"], batch=orphan["number"], positions=finding.guilty
            )


def _obituary(before: bytes, after: bytes) -> Log:
    """What to remember of whoever ends by a worker's death."""
    ended = Log()
    for position, (old, new) in enumerate(zip(before, after, strict=True)):
        if old < Outcome.SUPPRESSED <= new:
            ended.one_call([position], Outcome(new), Answer(Verdict.AMBIGUOUS, code=_WORKER_DIED), 0.0)
    return ended
