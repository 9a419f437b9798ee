"""What the board shows, and an officer's word about one shelter or all that fit a hazard."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from console import audit
from console.accounts import Role, still
from dispatcher.gazetteer import say_status, set_all_statuses
from geo.shelters import HAZARDS, ShelterStatus
from words.problem import Problem, Refused
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool, Record

_LIST = sql("console.shelters", "list")
_LOCK = sql("console.shelters", "lock")

MAY_SAY = (Role.AUTHOR, Role.APPROVER, Role.ADMINISTRATOR)
MOST = 200
"""Rows shown at once: more than anybody looks through, and still a light page."""
CHOICES = (ShelterStatus.OPEN, ShelterStatus.CROWDED, ShelterStatus.FULL, ShelterStatus.CLOSED)


@dataclass(frozen=True, slots=True)
class Row:
    """`capacity` in people, None if unknown; `by` and `at`: who said so last, in the console, and when."""

    id: str
    name: str
    address: str
    hazards: Sequence[str]
    stay: bool
    capacity: int | None
    status: ShelterStatus
    at: datetime | None
    by: str | None


@dataclass(frozen=True, slots=True)
class Board:
    """`rows`: at most MOST of those that fit; `found`: how many fit; `counts` and `room` (places, as far as known, of
    those that receive people) are of the whole town.
    """

    rows: Sequence[Row]
    found: int
    counts: Counter[ShelterStatus]
    room: int


async def board(pool: Pool, *, words: str = "", status: str = "", hazard: str = "") -> Board:
    """Those whose name or address has all of `words`, with that status, designated for that hazard; empty: any.

    Raises Refused for a status or hazard that is none.
    """
    if status not in {"", *ShelterStatus} or hazard not in {"", *HAZARDS}:
        raise Refused(_no_choice())
    rows = await everywhere(pool)
    wanted = _plain(words).split()
    fitting = [
        row
        for row in rows
        if (not status or row.status == status)
        and (not hazard or hazard in row.hazards)
        and all(word in _plain(f"{row.name} {row.address} {row.id}") for word in wanted)
    ]
    room = sum(row.capacity or 0 for row in rows if row.status.receives)
    return Board(fitting[:MOST], len(fitting), Counter(row.status for row in rows), room)


async def everywhere(pool: Pool) -> list[Row]:
    """Every shelter."""
    return [_row(row) for row in await pool.fetch(_LIST)]


async def say(pool: Pool, officer: int, identifier: str, status: ShelterStatus, *, seen: ShelterStatus) -> str:
    """An officer's word about a shelter that stood at `seen` on their screen; returns its name.

    Raises Refused when somebody else said something different meanwhile, and for an unknown shelter: nothing is changed.
    """
    async with pool.acquire() as connection, connection.transaction():
        await still(connection, officer, *MAY_SAY)
        row = await connection.fetchrow(_LOCK, identifier)
        if row is not None and row["status"] not in {seen, status}:
            raise Refused(_meanwhile(row))
        [changed] = await say_status(connection, [identifier], status, officer=officer)
        before = row["status"] if row is not None else None
        told = {"from": before, "to": status.value}
        await audit.record(
            connection, actor=officer, action="shelter.status", subject=_subject(identifier), details=told
        )
    return changed.shelter.name


async def say_all(pool: Pool, officer: int, hazard: str, status: ShelterStatus) -> int:
    """The same of every shelter designated for the hazard; returns how many. Raises Refused for a hazard that is none."""
    if hazard not in HAZARDS:
        raise Refused(_no_choice())
    async with pool.acquire() as connection, connection.transaction():
        await still(connection, officer, *MAY_SAY)
        changed = await set_all_statuses(connection, status, hazard=hazard, officer=officer)
        told = {"hazard": hazard, "to": status.value, "shelters": len(changed)}
        await audit.record(connection, actor=officer, action="shelter.status_of_all", subject="shelters", details=told)
    return len(changed)


def _row(row: Record) -> Row:
    return Row(
        row["id"],
        row["name"],
        row["address"],
        [hazard for bit, hazard in enumerate(HAZARDS) if row["hazards"] >> bit & 1],
        row["stay"],
        row["capacity"],
        ShelterStatus(row["status"]),
        row["status_at"],
        row["status_by"],
    )


def _plain(text: str) -> str:
    """Wide and narrow letters, capitals and small ones are the same to whoever searches."""
    return unicodedata.normalize("NFKC", text).casefold()


def _subject(identifier: str) -> str:
    return f"shelter:{identifier}"


def _meanwhile(row: Record) -> Problem:
    now = ShelterStatus(row["status"])
    who_ja, who_en = row["status_by"] or "ほかの人", row["status_by"] or "somebody else"
    return Problem(
        "shelter.meanwhile",
        "/status",
        f"{row['name']}は、この画面を開いたあとに{who_ja}が「{now.ja}」にしました。いまの状態を確かめて、必要ならもう一度選んでください。",
        f"{row['name']}: {who_en} has meanwhile set it to {now.value}. Look at it as it is now, and choose again if need be.",
    )


def _no_choice() -> Problem:
    return Problem(
        "shelter.choice",
        "/status",
        "選べない値が送られました。画面を読み込み直して、選び直してください。",
        "That is none of the choices. Load the page again and choose anew.",
    )
