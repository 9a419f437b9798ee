"""The planner: matches an approved dispatch to subscribers and writes its batches.

Each person stands in exactly one batch a channel. Planning streams: batches are committed in chunks
as they are cut, and leave while later ones are still being planned. It can be interrupted anywhere:
whoever resumes leaves out who already stands in a batch, and the numbers of every chunk are taken
from the dispatch's own row, so that a planner that was given up, or a dispatch that was stopped,
writes nothing more.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
import structlog

from channels.contract import Channel
from dispatcher import binary, metrics
from dispatcher.audience import Longs
from dispatcher.drafting import Drafter, Plan, Town
from dispatcher.events import Event
from dispatcher.model import Standing
from dispatcher.routing import NO_SHELTER, Cut, Shape, Variant, cuts
from dispatcher.texts import Composer
from geo.area import Area
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool, Record
    from asyncpg.pool import PoolConnectionProxy

    from dispatcher.session import Session

    Connection = PoolConnectionProxy[Record]

_TAKE = sql("dispatcher", "dispatch_take")
_MATCHED = sql("dispatcher", "dispatch_matched")
_PLANNED = sql("dispatcher", "dispatch_planned")
_PUT_BACK = sql("dispatcher", "dispatch_put_back")
_NUMBERS = sql("dispatcher", "plan_numbers")
_MESSAGES = sql("dispatcher", "plan_messages")
_MEMBERS = sql("dispatcher", "plan_members")
_EVENT = sql("dispatcher", "event_read")
_RING = sql("dispatcher", "ring")
_HARDLY_KNOWN = sql("dispatcher", "batches_hardly_known")
_YEAR = sql("dispatcher", "batch_year")

_FIRST_CHUNK, _CHUNK = 8, 128
_ANALYZED_EVERY = 400

log = structlog.get_logger(__name__)


class NotOursToPlan(Exception):
    """The dispatch was stopped, has expired, or is planned by another by now."""


_Key = tuple[str, str, str, int, str]
"""A message: channel, language, shelter, distance, audience; empty or 0 where it depends on none."""


@dataclass(slots=True)
class _Job:
    """One dispatch being planned."""

    dispatch: str
    event: Event
    priority: int
    approved_at: datetime
    parent: str | None
    composer: Composer
    numbers: dict[_Key, int] = field(default_factory=dict)
    planned: dict[str, Longs] = field(default_factory=dict)
    """On resuming: who stands in a batch already, by channel."""

    def leave_out_planned(self, plan: Plan) -> None:
        for channel, members in self.planned.items():
            rows = plan.routed.get(channel)
            if rows is not None:
                plan.routed[channel] = rows[~np.isin(plan.match.subscribers[rows], members)]


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
        batch_size: int,
        town: Town,
        priorities: tuple[int, int],
    ) -> None:
        self._pool = pool
        self._drafter = drafter
        self._channels = channels
        self._session = session
        self._batch_size = batch_size
        self._town = town
        self._priorities = priorities
        self._since_analyzed = 0

    async def tick(self) -> None:
        while (row := await self._pool.fetchrow(_TAKE, self._session.number, *self._priorities)) is not None:
            try:
                await self._plan(await self._job(row))
            except NotOursToPlan:
                log.info("planning_ended_early", dispatch=row["id"])
            except BaseException:
                await asyncio.shield(self._pool.execute(_PUT_BACK, row["id"], self._session.number))
                raise

    async def _job(self, row: Record) -> _Job:
        stored = await self._pool.fetchrow(_EVENT, row["event"])
        if stored is None:
            raise LookupError(f"dispatch {row['id']} has no event")
        area = Area.from_wkb(stored["area"]) if stored["area"] is not None else None
        event = Event.restore(json.loads(stored["document"]), area)
        composer = Composer(event, issued_at=row["approved_at"], timezone=self._town.timezone)
        job = _Job(row["id"], event, row["priority"], row["approved_at"], row["parent"], composer)
        for known in await self._pool.fetch(_MESSAGES, job.dispatch):
            key = known["channel"], known["language"], known["shelter"], known["distance"], known["audience"]
            job.numbers[key] = known["number"]
        job.planned = await self._planned_before(job.dispatch)
        return job

    async def _planned_before(self, dispatch: str) -> dict[str, Longs]:
        members: dict[str, list[Longs]] = {}
        for row in await self._pool.fetch(_MEMBERS, dispatch):
            members.setdefault(row["channel"], []).append(np.asarray(row["members"], np.int64))
        return {channel: np.concatenate(parts) for channel, parts in members.items()}

    async def _plan(self, job: _Job) -> None:
        audience = 0
        shared = [name for name in job.event.channels if self._channels[name].call_size > 1]
        portions = self._drafter.portions(
            job.event, job.composer, parent=job.parent, shared=shared, dispatch=job.dispatch
        )
        async for plan in portions:
            audience += plan.audience
            await self._pool.execute(_MATCHED, job.dispatch, self._session.number, audience)
            await asyncio.to_thread(job.leave_out_planned, plan)
            await self._write_all(job, plan)
        if await self._pool.fetchval(_PLANNED, job.dispatch, self._session.number) is None:
            raise NotOursToPlan
        await self._pool.execute(_RING, "due")
        log.info("dispatch_planned", dispatch=job.dispatch, audience=audience)

    # -- writing it down -------------------------------------------------------------------------

    async def _write_all(self, job: _Job, plan: Plan) -> None:
        remaining, size = await asyncio.to_thread(self._cuts, plan), _FIRST_CHUNK
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

    def _cuts(self, plan: Plan) -> Iterator[Cut]:
        shapes = {name: shape(self._channels[name], self._batch_size) for name in plan.routed}
        return cuts(plan.match, plan.routed, shapes, plan.variants)

    async def _write(self, job: _Job, plan: Plan, chunk: list[Cut]) -> None:
        """Commit a chunk: new messages, its batches, and the ring that starts their sending."""
        known = len(job.numbers)
        numbered = [(_message_numbers(job, plan, cut), cut) for cut in chunk]
        messages = list(job.numbers)[known:]
        async with self._pool.acquire() as connection, connection.transaction():
            first = await connection.fetchval(_NUMBERS, job.dispatch, self._session.number, len(chunk))
            if first is None:
                raise NotOursToPlan
            await self._copy_messages(connection, job, plan, messages)
            await self._copy_batches(connection, job, first, numbered)
            await connection.execute(_RING, "due")
        await self._tell_the_optimizer(job.dispatch, len(chunk))
        for cut in chunk:
            metrics.PLANNED.labels(cut.channel).inc(len(cut.members))

    async def _copy_messages(self, connection: Connection, job: _Job, plan: Plan, keys: Iterable[_Key]) -> None:
        records = []
        for key in keys:
            channel, language, shelter, distance, audience = key
            info = self._town.shelter_info(plan.shelters, plan.shelters.ids.index(shelter)) if shelter else None
            message = job.composer.compose(channel, language, info, distance or None, plan.standing or Standing.NEW)
            records.append((job.dispatch, job.numbers[key], channel, language, shelter or None, distance or None,
                            message.subject, message.body, audience or None))  # fmt: skip
        columns = ["dispatch", "number", "channel", "language", "shelter", "distance", "subject", "body", "audience"]
        await connection.copy_records_to_table("message", records=records, columns=columns)

    async def _copy_batches(
        self, connection: Connection, job: _Job, first: int, numbered: list[tuple[list[int], Cut]]
    ) -> None:
        rows = (_batch_row(job, number, messages, cut) for number, (messages, cut) in enumerate(numbered, first))
        await connection.copy_to_table(
            "batch", source=io.BytesIO(binary.copy_file(rows)), columns=_BATCH_COLUMNS, format="binary"
        )


_BATCH_COLUMNS = [
    "dispatch", "number", "key", "channel", "lane", "priority", "messages", "members", "places", "outcomes", "state",
]  # fmt: skip


def _batch_row(job: _Job, number: int, messages: list[int], cut: Cut) -> list[bytes]:
    return [
        binary.text(job.dispatch),
        binary.integer(number),
        binary.uuid(uuid4()),
        binary.text(cut.channel),
        binary.text(cut.lane),
        binary.smallint(job.priority),
        binary.integers(np.array(messages, np.int32)),
        binary.integers(cut.members),
        binary.integers(cut.places),
        bytes(len(cut.members)),
        binary.text("due"),
    ]


def _next_of(cuts: Iterator[Cut], size: int) -> list[Cut]:
    return list(islice(cuts, size))


def shape(channel: Channel, batch_size: int) -> Shape:
    """How the channel's batches are cut."""
    one_call = channel.call_size > 1
    return Shape(channel.contact, min(batch_size, channel.call_size) if one_call else batch_size, one_call)


def _message_numbers(job: _Job, plan: Plan, cut: Cut) -> list[int]:
    """The numbers of the cut's messages: one for all members, or one each. New ones are added to the job."""
    numbers = [_message_number(job, plan, cut.channel, variant) for variant in cut.variants]
    return [numbers[which] for which in cut.which] or numbers


def _message_number(job: _Job, plan: Plan, channel: str, variant: Variant) -> int:
    shelter = plan.shelters.ids[variant.shelter] if variant.shelter != NO_SHELTER else ""
    key = channel, variant.language, shelter, variant.distance, str(plan.standing or "")
    return job.numbers.setdefault(key, len(job.numbers))
