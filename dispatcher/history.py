"""What became of a dispatch: read afterwards, or meanwhile, from its batches, attempts and receipts."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dispatcher import outcomes as states
from dispatcher.audience import Longs
from dispatcher.dispatches import Emergency, aged_dispatch, unknown_dispatch
from dispatcher.holding import Hold, holds_of
from dispatcher.model import Outcome, Standing
from geo.area import Area
from words.problem import Refused
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool, Record

_DISPATCH = sql("dispatcher", "history_dispatch")
_BATCHES = sql("dispatcher", "history_batches")
_MESSAGES = sql("dispatcher", "history_messages")
_ATTEMPTS = sql("dispatcher", "history_attempts")
_BOUNDARIES = sql("dispatcher", "history_boundaries")
_LAST_OUTCOME = sql("dispatcher", "history_last_outcome")
_EMERGENCIES = sql("dispatcher", "emergency_orders")

Bytes = NDArray[np.uint8]


class Fate(StrEnum):
    """What a person needs to know of an outcome. In this order: of one person's channels the first one counts."""

    REACHED = "reached"
    UNCERTAIN = "uncertain"
    WAITING = "waiting"
    MISSED = "missed"


_FATES = {
    Outcome.DELIVERED: Fate.REACHED,
    Outcome.ACCEPTED: Fate.REACHED,
    Outcome.IN_FLIGHT: Fate.UNCERTAIN,
    Outcome.AMBIGUOUS: Fate.UNCERTAIN,
    Outcome.UNKNOWN: Fate.UNCERTAIN,
    Outcome.PENDING: Fate.WAITING,
    Outcome.RETRY: Fate.WAITING,
}
_ORDER = list(Fate)
_OUTCOMES = 256


def fate(outcome: Outcome) -> Fate:
    """REACHED: a provider took it or it arrived. UNCERTAIN: it may have. WAITING: not yet. MISSED: it did not."""
    return _FATES.get(outcome, Fate.MISSED)


_RANKS = np.full(_OUTCOMES, _ORDER.index(Fate.MISSED), np.uint8)
for _outcome in Outcome:
    _RANKS[_outcome] = _ORDER.index(fate(_outcome))


@dataclass(frozen=True, slots=True)
class Tally:
    """Recipients of one message with one outcome. Whoever is on two channels is counted on both."""

    channel: str
    language: str
    message: int
    outcome: Outcome
    recipients: int


@dataclass(frozen=True, slots=True)
class MessageSent:
    """One rendered text; `distance` in metres. `shelter_name` is None where none is named, or it is no longer known.

    `audience` is the `Standing` it is for, None where it is for everybody.
    """

    number: int
    channel: str
    language: str
    audience: str | None
    shelter: str | None
    shelter_name: str | None
    distance: int | None
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class People:
    """One row a person: their number, the place that was hit (0: none was asked), and a position in `Fate`."""

    subscribers: Longs
    places: Longs
    fates: Bytes

    def __len__(self) -> int:
        return len(self.subscribers)

    def with_fate(self, wanted: Fate) -> NDArray[np.bool_]:
        return np.equal(self.fates, _ORDER.index(wanted))

    def counts(self) -> dict[Fate, int]:
        return {each: int(self.with_fate(each).sum()) for each in Fate}


@dataclass(frozen=True, slots=True)
class DispatchHistory:
    """Everything but the recipients' names. `area` is WKB, None where there is none.

    `accepted` holds per channel (seconds since the approval, recipients a provider then took).
    """

    dispatch: str
    event: str
    event_class: str
    mode: str
    state: str
    parent: str | None
    relation: str | None
    requested_by: str
    approved_by: str
    stopped_by: str | None
    digest: str
    document: Mapping[str, Any]
    area: bytes | None
    audience: int | None
    late_entries: int
    valid_until: datetime
    approved_at: datetime
    matched_at: datetime | None
    planned_at: datetime | None
    first_send_at: datetime | None
    last_outcome_at: datetime | None
    ended_at: datetime | None
    tallies: Sequence[Tally]
    messages: Sequence[MessageSent]
    people: People
    standings: Mapping[Standing, int]
    """People by audience of an update; empty where there are none."""
    accepted: Mapping[str, Sequence[tuple[float, int]]]
    holds: Sequence[Hold]
    emergencies: Sequence[Emergency] = ()


async def dispatch_history(pool: Pool, dispatch: str) -> DispatchHistory:
    """All of it as one snapshot. Raises Refused when there is no such dispatch, or its details are gone."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        row = await connection.fetchrow(_DISPATCH, dispatch)
        if row is None:
            raise Refused(unknown_dispatch(dispatch))
        if row["aged_at"] is not None:
            raise Refused(aged_dispatch(dispatch, row["aged_at"]))
        batches = await connection.fetch(_BATCHES, dispatch)
        messages = await connection.fetch(_MESSAGES, dispatch)
        attempts = await connection.fetch(_ATTEMPTS, dispatch)
        last: datetime | None = await connection.fetchval(_LAST_OUTCOME, dispatch)
        orders = await connection.fetch(_EMERGENCIES, dispatch)
        holds = await holds_of(connection, dispatch)
    # A million people take half a second: whoever sends meanwhile does not wait for it.
    history = await asyncio.to_thread(_history, row, batches, messages, attempts, last, holds)
    return replace(history, emergencies=[Emergency(**each) for each in orders])


def _history(
    row: Record,
    batches: list[Record],
    messages: list[Record],
    attempts: list[Record],
    last: datetime | None,
    holds: list[Hold],
) -> DispatchHistory:
    known = [known_outcomes(batch) for batch in batches]
    sent = [MessageSent(**dict(message)) for message in messages]
    as_stored = ("mode", "state", "parent", "relation", "requested_by", "approved_by", "stopped_by", "digest", "area")
    moments = (
        "audience",
        "late_entries",
        "valid_until",
        "approved_at",
        "matched_at",
        "planned_at",
        "first_send_at",
        "ended_at",
    )
    return DispatchHistory(
        dispatch=row["id"],
        event=row["event_id"],
        event_class=row["class"],
        document=json.loads(row["document"]),
        last_outcome_at=last,
        tallies=_tallies(batches, known, sent),
        messages=sent,
        people=_people(batches, known),
        standings=_standings(batches, sent),
        accepted=_accepted(attempts),
        holds=holds,
        **{column: row[column] for column in (*as_stored, *moments)},
    )


async def boundaries_near(pool: Pool, area: Area) -> list[tuple[Area, str]]:
    """Imported boundaries that meet `area`, with their names."""
    stored = [(Area.from_wkb(row["geometry"]), row["name"]) for row in await pool.fetch(_BOUNDARIES)]
    return [(land, name) for land, name in stored if land.geometry.intersects(area.geometry)]


def known_outcomes(batch: Record) -> Bytes:
    """One byte a member: the record refined by late proofs, and in flight for whoever is being called."""
    known = np.frombuffer(states.refined(batch["outcomes"], batch["proofs"]), np.uint8).copy()
    if batch["state"] == "claimed":
        under_way = known[: batch["started"]]
        under_way[under_way < Outcome.SUPPRESSED] = Outcome.IN_FLIGHT
    return known


def _tallies(batches: Sequence[Record], known: Sequence[Bytes], messages: Iterable[MessageSent]) -> list[Tally]:
    """Moved members are counted in the batch they moved to."""
    words = {message.number: message for message in messages}
    keys = _column(batches, "messages") * _OUTCOMES + np.concatenate([np.empty(0, np.uint8), *known])
    found = [
        (words[int(key) // _OUTCOMES], Outcome(int(key) % _OUTCOMES), int(count))
        for key, count in zip(*np.unique(keys, return_counts=True), strict=True)
    ]
    return [
        Tally(message.channel, message.language, message.number, outcome, count)
        for message, outcome, count in found
        if outcome is not Outcome.MOVED
    ]


def _people(batches: Sequence[Record], known: Sequence[Bytes]) -> People:
    """Each person once, with the best of what became of them on any channel."""
    outcomes = np.concatenate([np.empty(0, np.uint8), *known])
    counted = outcomes != Outcome.MOVED
    ranks = _RANKS[outcomes[counted]]
    members = _column(batches, "members")[counted]
    order = np.lexsort((ranks, members))
    subscribers, first = np.unique(members[order], return_index=True)
    return People(subscribers, _column(batches, "places")[counted][order][first], ranks[order][first])


def _standings(batches: Sequence[Record], messages: Iterable[MessageSent]) -> dict[Standing, int]:
    """All members of a batch are of one audience; a batch that was split has the members of its parts."""
    audiences = {message.number: message.audience for message in messages}
    found: dict[str, list[Sequence[int]]] = defaultdict(list)
    for batch in batches:
        audience = audiences[batch["messages"][0]]
        if audience is not None:
            found[audience].append(batch["members"])
    if not found:
        return {}
    return {standing: len(set().union(*found[standing])) for standing in Standing}


def _column(batches: Iterable[Record], name: str) -> Longs:
    """One number a member; where a batch holds one for all of them, it is repeated."""
    columns = [np.resize(np.array(batch[name], np.int64), len(batch["members"])) for batch in batches]
    return np.concatenate([np.empty(0, np.int64), *columns])


def _accepted(attempts: Iterable[Record]) -> dict[str, list[tuple[float, int]]]:
    """An attempt's outcome is one for all it called, or one for each."""
    moments: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for attempt in attempts:
        outcomes = attempt["outcomes"]
        taken = outcomes.count(Outcome.ACCEPTED) * (attempt["called"] if len(outcomes) == 1 else 1)
        if taken:
            moments[attempt["channel"]].append((attempt["seconds"], taken))
    return {channel: sorted(found) for channel, found in sorted(moments.items())}
