"""Reading the record, the newest first, for those who watch over what officers do."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from console.accounts import Role, still
from console.audit.record import record
from words.csv_cells import BOM, lines
from words.problem import Problem, Refused
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool, Record

_LIST = sql("console.audit", "list_some")
_HEAD = sql("console.audit", "head")

MAY_READ = (Role.ADMINISTRATOR, Role.AUDITOR)
PAGE = 50
_PIECE = 2_000
"""Rows of the export read at once."""
_NEWEST = 2**63 - 1
GROUPS: Sequence[str] = (
    "order", "dispatch", "channel", "everything", "shelter", "subscriber", "template",
    "officer", "elevation", "sign_in", "factor", "key", "report", "record",
)  # fmt: skip
"""What actions begin with: what one can filter by."""
COLUMNS = ("number", "at", "login", "name", "action", "subject", "details")


@dataclass(frozen=True, slots=True)
class Filter:
    """Empty: all of them. `group`: of GROUPS; `login` and `subject` exactly; from `since` up to, not with, `until`;
    `before`: only rows with a smaller number.
    """

    group: str = ""
    login: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """`login` and `name` are None for the program and the command line."""

    seq: int
    at: datetime
    login: str | None
    name: str | None
    action: str
    subject: str
    details: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Page:
    """`before`: what to ask for to see older rows; None when there are none. `head`: the whole record's last number and hash."""

    rows: Sequence[Row]
    before: int | None
    head: tuple[int, str]


async def read(pool: Pool, chosen: Filter) -> Page:
    """One page. Raises Refused for a group that is none."""
    rows = await _rows(pool, chosen, PAGE + 1)
    head = await pool.fetchrow(_HEAD)
    last = (head["seq"], head["hash"].hex()) if head is not None else (0, "")
    return Page(rows[:PAGE], rows[PAGE - 1].seq if len(rows) > PAGE else None, last)


async def begin_export(pool: Pool, officer: int, chosen: Filter) -> None:
    """Taking the record away is itself on record, before a row of it leaves. Raises Refused."""
    _check(chosen)
    told = {
        "group": chosen.group,
        "login": chosen.login,
        "subject": chosen.subject,
        "since": chosen.since.isoformat() if chosen.since else None,
        "until": chosen.until.isoformat() if chosen.until else None,
    }
    async with pool.acquire() as connection, connection.transaction():
        await still(connection, officer, *MAY_READ)
        await record(connection, actor=officer, action="record.exported", subject="record", details=told)


async def exported(pool: Pool, chosen: Filter) -> AsyncIterator[str]:
    """The rows as CSV, the newest first, some at a time."""
    yield BOM + lines([COLUMNS])
    before: int | None = _NEWEST
    while before is not None:
        rows = await _rows(pool, replace(chosen, before=before), _PIECE)
        yield lines(_cells(row) for row in rows)
        before = rows[-1].seq if len(rows) == _PIECE else None


async def _rows(pool: Pool, chosen: Filter, most: int) -> list[Row]:
    _check(chosen)
    before = chosen.before if chosen.before is not None else _NEWEST
    wanted = (before, chosen.group, chosen.login, chosen.subject, chosen.since, chosen.until, most)
    return [_row(row) for row in await pool.fetch(_LIST, *wanted)]


def _row(row: Record) -> Row:
    details = json.loads(row["details"])
    return Row(row["seq"], row["at"], row["login"], row["name"], row["action"], row["subject"], details)


def _cells(row: Row) -> Sequence[object]:
    details = json.dumps(row.details, ensure_ascii=False, sort_keys=True)
    return row.seq, row.at.isoformat(), row.login, row.name, row.action, row.subject, details


def _check(chosen: Filter) -> None:
    if chosen.group not in {"", *GROUPS}:
        raise Refused(
            Problem(
                "record.filter",
                "/group",
                "この絞り込みはできません。一覧の選択肢から選び直してください。",
                "One cannot filter by that. Choose from the list.",
            )
        )
