"""What became of one person in one dispatch: every message, attempt and receipt."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from dispatcher.dispatches import aged_dispatch, unknown_dispatch
from dispatcher.history import known_outcomes
from dispatcher.holding import Hold, holds_of
from dispatcher.model import DispatchState, Outcome, Standing
from words.problem import Refused
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool, Record

T = TypeVar("T")

_DISPATCH = sql("dispatcher", "history_dispatch")
_BATCHES = sql("dispatcher", "history_person_batches")
_ATTEMPTS = sql("dispatcher", "history_person_attempts")
_RECEIPTS = sql("dispatcher", "history_person_receipts")


@dataclass(frozen=True, slots=True)
class Try:
    """One call that had this person in it. `code` and `reference` are the provider's, `millis` what the call took."""

    at: datetime
    outcome: Outcome
    code: str
    reference: str
    millis: int
    ordered_by: str | None = None
    """The officer who ordered it to be made without the database."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the provider said later."""

    at: datetime
    outcome: Outcome
    code: str
    reference: str


@dataclass(frozen=True, slots=True)
class MessageToPerson:
    """One message on one channel, and how it went. `distance` in metres."""

    channel: str
    language: str
    shelter: str | None
    distance: int | None
    subject: str
    body: str
    outcome: Outcome
    tries: tuple[Try, ...]
    receipts: tuple[Receipt, ...]


@dataclass(frozen=True, slots=True)
class PersonHistory:
    """`place` is the number of the place that was hit, below 0 for where they were; 0 where none was asked (a
    correction, a lift). `entered_at`: when they were found to have come into the area later; None for everybody else.
    `standing` is which audience of an update they were in, None where there were none.
    """

    place: int
    entered_at: datetime | None
    messages: tuple[MessageToPerson, ...]
    standing: Standing | None


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a dispatch chose its people. `area` is WKB; `channels` in order of preference."""

    event_class: str
    mode: str
    state: DispatchState
    relation: str | None
    parent: str | None
    topics: tuple[str, ...]
    channels: tuple[str, ...]
    area: bytes | None
    approved_at: datetime
    matched_at: datetime | None
    planned_at: datetime | None
    held: Hold | None
    """Why nothing of it leaves now."""


async def terms(pool: Pool, dispatch: str) -> Terms:
    """Raises Refused when there is no such dispatch, or its details are gone."""
    row = await pool.fetchrow(_DISPATCH, dispatch)
    if row is None:
        raise Refused(unknown_dispatch(dispatch))
    if row["aged_at"] is not None:
        raise Refused(aged_dispatch(dispatch, row["aged_at"]))
    document = json.loads(row["document"])
    return Terms(
        event_class=row["class"],
        state=DispatchState(row["state"]),
        topics=tuple(document.get("topics", ())),
        channels=tuple(document["channels"]),
        held=(await holds_of(pool, dispatch))[-1] if row["state"] == DispatchState.HELD else None,
        **{
            column: row[column]
            for column in ("mode", "relation", "parent", "area", "approved_at", "matched_at", "planned_at")
        },
    )


async def person_history(pool: Pool, dispatch: str, subscriber: int) -> PersonHistory | None:
    """How it went for a subscriber number; None when the dispatch has no message for them."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        batches = await connection.fetch(_BATCHES, dispatch, subscriber)
        if not batches:
            return None
        numbers, positions = [row["number"] for row in batches], [row["position"] for row in batches]
        attempts = await connection.fetch(_ATTEMPTS, dispatch, numbers)
        receipts = await connection.fetch(_RECEIPTS, dispatch, numbers, positions)
    latest = batches[-1]
    standing = Standing(latest["audience"]) if latest["audience"] is not None else None
    messages = tuple(_messages(batches, attempts, receipts))
    return PersonHistory(latest["place"], latest["entered_at"], messages, standing)


def _messages(
    batches: Sequence[Record], attempts: Sequence[Record], receipts: Sequence[Record]
) -> Iterator[MessageToPerson]:
    """One a channel, and one more for whoever came in after an update had released them, or after it was stopped.

    Of a batch that was split the person's last part tells the outcome, all of them the tries.
    """
    for line in _by_message(batches):
        numbers = {batch["number"]: batch["position"] for batch in line}
        last, outcome = _standing(line)
        yield MessageToPerson(
            channel=last["channel"],
            language=last["language"],
            shelter=last["shelter_name"] or last["shelter"],
            distance=last["distance"],
            subject=last["subject"],
            body=last["body"],
            outcome=outcome,
            tries=tuple(_tries(attempts, numbers)),
            receipts=tuple(_receipt(row) for row in receipts if row["batch"] in numbers),
        )


def _by_message(batches: Iterable[Record]) -> Iterable[list[Record]]:
    lines: dict[tuple[object, ...], list[Record]] = {}
    for batch in batches:
        lines.setdefault((batch["channel"], batch["audience"], batch["entered_at"]), []).append(batch)
    return lines.values()


def _standing(batches: Iterable[Record]) -> tuple[Record, Outcome]:
    found = [(batch, Outcome(int(known_outcomes(batch)[batch["position"]]))) for batch in batches]
    return next((pair for pair in found if pair[1] is not Outcome.MOVED), found[-1])


def _tries(attempts: Iterable[Record], positions: dict[int, int]) -> Iterator[Try]:
    for row in attempts:
        position = positions.get(row["batch"])
        if position is not None and (not row["positions"] or position in row["positions"]):
            at = row["positions"].index(position) if row["positions"] else 0
            code, reference, millis = (_of(row[column], at) for column in ("codes", "refs", "millis"))
            yield Try(row["at"], Outcome(_of(row["outcomes"], at)), code, reference, millis, row["ordered_by"])


def _of(values: Sequence[T], at: int) -> T:
    """One for all, or one a position."""
    return values[0] if len(values) == 1 else values[at]


def _receipt(row: Record) -> Receipt:
    return Receipt(row["at"], Outcome(row["outcome"]), row["code"], row["ref"])
