"""Planning without the database: whoever of an approved order stands in no batch yet, from the columns in memory.

A batch's key follows from the dispatch, what its messages are for and the exact members: cutting again, here or on
another server, gives the same batches, whatever numbers the messages have there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

import numpy as np

from dispatcher.drafting import Drafter, Plan
from dispatcher.emergency.leaving import Leaving, members_by_channel
from dispatcher.emergency.memory import Order
from dispatcher.emergency.records import Kept, Words
from dispatcher.model import Relation
from dispatcher.planner import leave_out
from dispatcher.routing import Cut
from dispatcher.writing import Job, MessageKey, Writer, numbers_of
from geo.shelters import ShelterBoard

_OURS = UUID("6f0d4a52-6a5f-4c62-9d0e-3b0e3f7f9a11")
"""The namespace of keys that are derived; drawn once."""


@dataclass(frozen=True, slots=True)
class Cutter:
    """What the planner works with, as far as it needs no database."""

    drafter: Drafter
    writer: Writer

    def can(self, order: Order) -> bool:
        """Whether its people are known by its area alone, and not by what the record says of earlier orders."""
        event = order.job.event
        return event.area is not None and not event.standings and event.relation in {None, Relation.UPDATES}

    async def cut(self, order: Order, shelters: ShelterBoard, leaving: Leaving) -> tuple[list[Words], list[Kept]]:
        """New messages and batches, numbered from -1 down, for everybody who stands in none."""
        known = order.job
        job = Job(known.dispatch, known.event, known.priority, known.parent, known.composer, _numbers(order))
        plan = await self.drafter.draft_now(job.event, job.composer, shelters)
        leave_out(plan, members_by_channel(order.batches.values()))
        kept = list(_batches(job, plan, list(self.writer.cuts(plan)), leaving))
        return list(self._words(job, plan, first=_first(order))), kept

    def _words(self, job: Job, plan: Plan, *, first: int) -> Iterator[Words]:
        for key, number in job.numbers.items():
            if number >= first:
                message = self.writer.compose(job, plan, key)
                yield Words(number, message.language, message.subject, message.body, key)


def _numbers(order: Order) -> dict[MessageKey, int]:
    """Those that are known; the gaps between them are filled, because new ones are numbered by how many there are."""
    known = {words.key: number for number, words in order.words.items() if words.key is not None}
    gaps = set(range(_first(order))) - order.words.keys()
    return known | {("", "", "", gap, ""): gap for gap in gaps}


def _first(order: Order) -> int:
    """The number of the first new message."""
    return max(order.words, default=-1) + 1


def _key(job: Job, keys: Mapping[int, MessageKey], channel: str, messages: Sequence[int], members: bytes) -> UUID:
    words = "\0".join(str(part) for number in messages for part in keys[number])
    return uuid5(_OURS, b"\0".join([job.dispatch.encode(), channel.encode(), words.encode(), members]).hex())


def _batches(job: Job, plan: Plan, cuts: Sequence[Cut], leaving: Leaving) -> Iterator[Kept]:
    numbered = [(numbers_of(job, plan, cut), cut) for cut in cuts]
    keys = {number: key for key, number in job.numbers.items()}
    for turn, (messages, cut) in enumerate(numbered, 1):
        members = cut.members.astype("<i8").tobytes()
        yield Kept(
            number=-turn,
            key=_key(job, keys, cut.channel, messages, members),
            channel=cut.channel,
            lane=cut.lane,
            priority=job.priority,
            messages=np.array(messages, "<i4").tobytes(),
            members=members,
            places=cut.places.astype("<i8").tobytes(),
            outcomes=bytes(len(cut.members)),
            attempt=0,
            tries=0,
            first_attempt_at=None,
            repeat_at=None,
            exact=False,
            doubtful=False,
            counts_once=leaving.counts_once(cut.channel),
            repeated=None,
            sealed=leaving.sealed(cut.channel, cut.members),
        )
