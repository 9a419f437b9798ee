"""The planner: matches an approved dispatch to subscribers and writes its batches.

Each person stands in exactly one batch a channel. Planning streams: batches are committed in chunks
as they are cut, and leave while later ones are still being planned. It can be interrupted anywhere:
whoever resumes leaves out who already stands in a batch, and the numbers of every chunk are taken
from the dispatch's own row, so that a planner that was given up, or a dispatch that was stopped,
writes nothing more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import structlog

from channels.contract import Channel
from dispatcher.audience import Longs
from dispatcher.drafting import Drafter, Plan, Town
from dispatcher.holding import ToBeHeld, check_drift, hold_planned
from dispatcher.routing import Cut
from dispatcher.writing import Job, Writer, count_planned, read_job
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool

    from dispatcher.session import Session

_TAKE = sql("dispatcher", "dispatch_take")
_MATCHED = sql("dispatcher", "dispatch_matched")
_PLANNED = sql("dispatcher", "dispatch_planned")
_PUT_BACK = sql("dispatcher", "dispatch_put_back")
_NUMBERS = sql("dispatcher", "plan_numbers")
_MEMBERS = sql("dispatcher", "plan_members")
_RING = sql("dispatcher", "ring")
_HARDLY_KNOWN = sql("dispatcher", "batches_hardly_known")
_YEAR = sql("dispatcher", "batch_year")

_FIRST_CHUNK, _CHUNK = 8, 128
_ANALYZED_EVERY = 400

log = structlog.get_logger(__name__)


class NotOursToPlan(Exception):
    """The dispatch was stopped, has expired, or is planned by another by now."""


class Planner:
    """`tick` plans every dispatch that waits with a priority in `priorities`, the first and the last.

    A process has two: planning a campaign for a million people takes seconds, and no order waits for that.
    """

    def __init__(
        self,
        pool: Pool,
        drafter: Drafter,
        channels: Mapping[str, Channel],
        session: Session,
        *,
        writer: Writer,
        town: Town,
        priorities: tuple[int, int],
    ) -> None:
        self._pool = pool
        self._drafter = drafter
        self._channels = channels
        self._session = session
        self._writer = writer
        self._town = town
        self._priorities = priorities
        self._since_analyzed = 0

    async def tick(self) -> None:
        """Nothing while this process may not send: then somebody may be planning without the database."""
        while (
            self._session.alive
            and (row := await self._pool.fetchrow(_TAKE, self._session.number, *self._priorities)) is not None
        ):
            try:
                job = await read_job(self._pool, row, self._town)
                await self._plan(job, counted=row["counted"] if row["next_batch"] == row["numbers_from"] else None)
            except NotOursToPlan:
                log.info("planning_ended_early", dispatch=row["id"])
            except ToBeHeld as because:
                await hold_planned(self._pool, row["id"], self._session.number, because)
            except BaseException:
                await asyncio.shield(self._pool.execute(_PUT_BACK, row["id"], self._session.number))
                raise

    async def _planned_before(self, dispatch: str) -> dict[str, Longs]:
        """On resuming: who stands in a batch already, by channel."""
        members: dict[str, list[Longs]] = {}
        for row in await self._pool.fetch(_MEMBERS, dispatch):
            members.setdefault(row["channel"], []).append(np.asarray(row["members"], np.int64))
        return {channel: np.concatenate(parts) for channel, parts in members.items()}

    async def _plan(self, job: Job, *, counted: int | None) -> None:
        """`counted` people were approved: more or fewer than these are not written to; None once some were."""
        audience, planned = 0, await self._planned_before(job.dispatch)
        shared = [name for name in job.event.channels if self._channels[name].call_size > 1]
        portions = self._drafter.portions(
            job.event,
            job.composer,
            parent=job.parent,
            shared=shared,
            dispatch=job.dispatch,
            counted=partial(check_drift, counted),
        )
        async for plan in portions:
            audience += plan.audience
            await self._pool.execute(_MATCHED, job.dispatch, self._session.number, audience)
            await asyncio.to_thread(leave_out, plan, planned)
            await self._write_all(job, plan)
        if await self._pool.fetchval(_PLANNED, job.dispatch, self._session.number) is None:
            raise NotOursToPlan
        await self._pool.execute(_RING, "due")
        log.info("dispatch_planned", dispatch=job.dispatch, audience=audience)

    # -- writing it down -------------------------------------------------------------------------

    async def _write_all(self, job: Job, plan: Plan) -> None:
        remaining, size = await asyncio.to_thread(self._writer.cuts, plan), _FIRST_CHUNK
        while chunk := await asyncio.to_thread(_next_of, remaining, size):
            await self._write(job, plan, chunk)
            size = _CHUNK

    async def _tell_the_optimizer(self, dispatch: str, batches: int) -> None:
        """Refresh the table's statistics: for what was empty a moment ago PostgreSQL would plan every claim as a full scan.

        Only then, and without the arrays: of a large table that takes seconds, which the planning would wait for.
        """
        self._since_analyzed += batches
        if self._since_analyzed >= _ANALYZED_EVERY:
            self._since_analyzed = 0
            year = await self._pool.fetchval(_YEAR, dispatch)
            if await self._pool.fetchval(_HARDLY_KNOWN, year):
                await self._pool.execute(f"analyze {year} (dispatch, channel, lane, priority, state, due_at, session)")

    async def _write(self, job: Job, plan: Plan, chunk: list[Cut]) -> None:
        """Commit a chunk, if the dispatch is still ours to plan."""
        async with self._pool.acquire() as connection, connection.transaction():
            first = await connection.fetchval(_NUMBERS, job.dispatch, self._session.number, len(chunk))
            if first is None:
                raise NotOursToPlan
            await self._writer.write(connection, job, plan, chunk, first)
        await self._tell_the_optimizer(job.dispatch, len(chunk))
        count_planned(chunk)


def leave_out(plan: Plan, planned: Mapping[str, Longs]) -> None:
    """Take out of the plan who stands in a batch already, by channel."""
    for channel, members in planned.items():
        rows = plan.routed.get(channel)
        if rows is not None:
            plan.routed[channel] = rows[~np.isin(plan.match.subscribers[rows], members)]


def _next_of(cuts: Iterator[Cut], size: int) -> list[Cut]:
    return list(islice(cuts, size))
