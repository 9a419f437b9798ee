"""Writing a plan down: its messages and batches, in the transaction of whoever had their numbers handed out.

What a dispatch says is rendered once a message; a batch names its messages by number.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np

from channels.contract import Channel, Message
from dispatcher import binary, metrics
from dispatcher.drafting import Plan, Town
from dispatcher.events import Event
from dispatcher.holding import Reason, ToBeHeld
from dispatcher.model import Standing
from dispatcher.routing import NO_SHELTER, Cut, Shape, Variant, cuts
from dispatcher.texts import Composer
from geo.area import Area
from words.problem import Refused
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool, Record
    from asyncpg.pool import PoolConnectionProxy

    Connection = PoolConnectionProxy[Record]

_MESSAGES = sql("dispatcher", "plan_messages")
_EVENT = sql("dispatcher", "event_read")
_RING = sql("dispatcher", "ring")

MessageKey = tuple[str, str, str, int, str]
"""A message: channel, language, shelter, distance, audience; empty or 0 where it depends on none."""
MessageNumbers = dict[MessageKey, int]


@dataclass(slots=True)
class Job:
    """One dispatch whose batches are being written."""

    dispatch: str
    event: Event
    priority: int
    parent: str | None
    composer: Composer
    numbers: MessageNumbers = field(default_factory=dict)


async def read_job(database: Pool | Connection, row: Record, town: Town) -> Job:
    """`row` holds a dispatch's id, event, priority, parent, approved_at and digest. Its messages so far are read as well.

    Raises ToBeHeld when the event that is stored is not the one that was approved.
    """
    event = await approved_event(database, row["event"], row["digest"])
    composer = Composer(event, issued_at=row["approved_at"], timezone=town.timezone)
    numbers = await message_numbers(database, row["id"])
    return Job(row["id"], event, row["priority"], row["parent"], composer, numbers)


async def approved_event(database: Pool | Connection, number: int, approved: str) -> Event:
    """The stored event, if its digest is still the one `approved`; else raises ToBeHeld.

    An area that was lost must not come to mean everybody, nor a text that was changed be sent in an officer's name.
    """
    stored = await database.fetchrow(_EVENT, number)
    try:
        event = _restored(stored) if stored is not None else None
    except (Refused, LookupError, ValueError, TypeError, AttributeError) as damage:
        raise ToBeHeld(Reason.ALTERED) from damage
    if event is None or event.digest != approved:
        raise ToBeHeld(Reason.ALTERED)
    return event


def _restored(stored: Record) -> Event:
    area = Area.from_wkb(stored["area"]) if stored["area"] is not None else None
    return Event.restore(json.loads(stored["document"]), area)


async def message_numbers(database: Pool | Connection, dispatch: str) -> MessageNumbers:
    """The messages that a dispatch has by now."""
    return {
        (known["channel"], known["language"], known["shelter"], known["distance"], known["audience"]): known["number"]
        for known in await database.fetch(_MESSAGES, dispatch)
    }


class Writer:
    """Cuts a plan as this process's channels want it, and copies what was cut into the tables."""

    def __init__(self, channels: Mapping[str, Channel], *, batch_size: int, town: Town) -> None:
        self._channels = channels
        self._batch_size = batch_size
        self._town = town

    def cuts(self, plan: Plan) -> Iterator[Cut]:
        shapes = {name: shape(self._channels[name], self._batch_size) for name in plan.routed}
        return cuts(plan.match, plan.routed, shapes, plan.variants)

    async def write(
        self,
        connection: Connection,
        job: Job,
        plan: Plan,
        chunk: Sequence[Cut],
        first: int,
        *,
        entered_at: datetime | None = None,
    ) -> None:
        """New messages, a batch a cut, numbered from `first`, and the ring that starts their sending.

        `entered_at` marks them as late entry (dispatcher/late_entry.py).
        """
        known = len(job.numbers)
        numbered = [(numbers_of(job, plan, cut), cut) for cut in chunk]
        await self._copy_messages(connection, job, plan, list(job.numbers)[known:])
        rows = [
            _batch_row(job, number, messages, cut, counts_once=self._channels[cut.channel].repeatable)
            for number, (messages, cut) in enumerate(numbered, first)
        ]
        columns = _BATCH_COLUMNS
        if entered_at is not None:
            columns = [*columns, "entered_at"]
            rows = [[*row, binary.timestamp(entered_at)] for row in rows]
        await connection.copy_to_table(
            "batch", source=io.BytesIO(binary.copy_file(rows)), columns=columns, format="binary"
        )
        await connection.execute(_RING, "due")

    async def _copy_messages(self, connection: Connection, job: Job, plan: Plan, keys: Iterable[MessageKey]) -> None:
        records = []
        for key in keys:
            channel, language, shelter, distance, audience = key
            message = self.compose(job, plan, key)
            records.append((job.dispatch, job.numbers[key], channel, language, shelter or None, distance or None,
                            message.subject, message.body, audience or None))  # fmt: skip
        columns = ["dispatch", "number", "channel", "language", "shelter", "distance", "subject", "body", "audience"]
        await connection.copy_records_to_table("message", records=records, columns=columns)

    def compose(self, job: Job, plan: Plan, key: MessageKey) -> Message:
        """The message of this key, which the plan's people read."""
        channel, language, shelter, distance, _ = key
        info = self._town.shelter_info(plan.shelters, plan.shelters.ids.index(shelter)) if shelter else None
        return job.composer.compose(channel, language, info, distance or None, plan.standing or Standing.NEW)


def count_planned(chunk: Iterable[Cut]) -> None:
    """Once the chunk is committed."""
    for cut in chunk:
        metrics.PLANNED.labels(cut.channel).inc(len(cut.members))


_BATCH_COLUMNS = [
    "dispatch", "number", "key", "channel", "lane", "priority", "messages", "members", "places", "outcomes", "state",
    "counts_once",
]  # fmt: skip


def _batch_row(job: Job, number: int, messages: list[int], cut: Cut, *, counts_once: bool) -> list[bytes]:
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
        binary.boolean(counts_once),
    ]


def shape(channel: Channel, batch_size: int) -> Shape:
    """How the channel's batches are cut."""
    one_call = channel.call_size > 1
    return Shape(channel.contact, min(batch_size, channel.call_size) if one_call else batch_size, one_call)


def numbers_of(job: Job, plan: Plan, cut: Cut) -> list[int]:
    """The numbers of the cut's messages: one for all members, or one each. New ones are added to the job."""
    numbers = [_message_number(job, plan, cut.channel, variant) for variant in cut.variants]
    return [numbers[which] for which in cut.which] or numbers


def _message_number(job: Job, plan: Plan, channel: str, variant: Variant) -> int:
    shelter = plan.shelters.ids[variant.shelter] if variant.shelter != NO_SHELTER else ""
    key = channel, variant.language, shelter, variant.distance, str(plan.standing or "")
    return job.numbers.setdefault(key, len(job.numbers))
