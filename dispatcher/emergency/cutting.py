"""Planning without the database: whoever of an approved order stands in no batch yet, from the columns in memory.

A batch's key follows from the dispatch, the words and the exact members, so cutting again gives the same batches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
        return list(self._words(job, plan, first=len(order.words))), kept

    def _words(self, job: Job, plan: Plan, *, first: int) -> Iterator[Words]:
        for key, number in job.numbers.items():
            if number >= first:
                message = self.writer.compose(job, plan, key)
                yield Words(number, message.language, message.subject, message.body, key)


def _numbers(order: Order) -> dict[MessageKey, int]:
    return {words.key: number for number, words in order.words.items() if words.key is not None}


def _batches(job: Job, plan: Plan, cuts: Sequence[Cut], leaving: Leaving) -> Iterator[Kept]:
    for turn, cut in enumerate(cuts, 1):
        messages = np.array(numbers_of(job, plan, cut), "<i4").tobytes()
        members = cut.members.astype("<i8").tobytes()
        yield Kept(
            number=-turn,
            key=uuid5(_OURS, b"\0".join([job.dispatch.encode(), cut.channel.encode(), messages, members]).hex()),
            channel=cut.channel,
            lane=cut.lane,
            priority=job.priority,
            messages=messages,
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
