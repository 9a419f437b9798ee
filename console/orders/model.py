"""An order as people handle it: its state, its versions, what was submitted, and who approved it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from dispatcher.model import Mode

Connection = PoolConnectionProxy


class State(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    """Another officer may approve it."""
    APPROVED = "approved"
    """A drill that waits for its time."""
    COUNTING = "counting"
    """Approved, and leaves at `release_at` unless it is taken back."""
    RELEASED = "released"
    TAKEN_BACK = "taken_back"
    """Nothing of it left. Written anew it is a draft again."""
    VOID = "void"

    @property
    def editable(self) -> bool:
        return self in {State.DRAFT, State.SUBMITTED, State.APPROVED, State.TAKEN_BACK}


class Kind(StrEnum):
    """Of an approval."""

    SECOND = "second"
    ALONE = "alone"
    """Break-glass: a level 5 by one officer."""
    KEY = "key"
    """A drill by an API key with the right to send drills."""
    AFTER = "after"
    """Another officer has looked at what one released alone."""


@dataclass(frozen=True, slots=True)
class Author:
    """An officer, or the name of an API key."""

    officer: int | None = None
    key: str | None = None

    def __post_init__(self) -> None:
        if (self.officer is None) == (self.key is None):
            raise ValueError("an author is an officer or a key")


@dataclass(frozen=True, slots=True)
class Version:
    """`document` is an event document (docs/formats.md) as it was written, perhaps not complete."""

    number: int
    document: Mapping[str, Any] = field(repr=False)
    author: Author
    at: datetime

    @classmethod
    def of(cls, row: asyncpg.Record) -> Version:
        author = Author(row["version_officer"], row["version_key"])
        return cls(row["version"], json.loads(row["document"]), author, row["version_at"])


@dataclass(frozen=True, slots=True)
class Submission:
    """What was put before others. `people` were counted then; `figures` is the sheet as it was promised."""

    number: int
    hash: str
    author: Author
    people: int | None
    figures: Mapping[str, Any] = field(repr=False)
    at: datetime


@dataclass(frozen=True, slots=True)
class Approval:
    """`due_at`: when another officer has to have looked at what this one released alone."""

    kind: Kind
    author: Author
    counted: int | None
    at: datetime
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class LookedAt:
    """Another officer's word on what was released alone."""

    officer: int
    agreed: bool
    note: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Order:
    """As of `now`, by the database's clock."""

    id: int
    state: State
    mode: Mode
    version: Version
    prepared_for: int | None
    start_at: datetime | None
    hash: str | None
    submission: Submission | None
    approval: Approval | None
    looked_at: LookedAt | None
    release_at: datetime | None
    dispatch: str | None
    void_why: str | None
    changed_at: datetime
    now: datetime

    @property
    def seconds_left(self) -> float | None:
        """Until it leaves; None where it does not count down."""
        return max(0.0, (self.release_at - self.now).total_seconds()) if self.release_at else None

    @property
    def seconds_to_look(self) -> float | None:
        """Until another officer has to have looked at it, below 0 when that is overdue; None where nobody has to."""
        if self.approval is None or self.approval.due_at is None or self.looked_at is not None:
            return None
        return (self.approval.due_at - self.now).total_seconds()

    @classmethod
    def of(cls, row: asyncpg.Record) -> Order:
        return cls(
            id=row["id"],
            state=State(row["state"]),
            mode=Mode(row["mode"]),
            version=Version.of(row),
            prepared_for=row["prepared_for"],
            start_at=row["start_at"],
            hash=row["hash"],
            submission=_submission(row),
            approval=_approval(row),
            looked_at=_looked_at(row),
            release_at=row["release_at"],
            dispatch=row["dispatch"],
            void_why=row["void_why"],
            changed_at=row["changed_at"],
            now=row["now"],
        )


def _submission(row: asyncpg.Record) -> Submission | None:
    """The present one: what was submitted before the content changed is history."""
    if row["hash"] is None:
        return None
    return Submission(
        row["submission"],
        row["hash"],
        Author(row["submission_officer"], row["submission_key"]),
        row["people"],
        json.loads(row["figures"]),
        row["submission_at"],
    )


def _approval(row: asyncpg.Record) -> Approval | None:
    if row["approval"] is None:
        return None
    author = Author(row["approval_officer"], row["approval_key"])
    return Approval(Kind(row["kind"]), author, row["counted"], row["approval_at"], row["due_at"])


def _looked_at(row: asyncpg.Record) -> LookedAt | None:
    if row["looked_at"] is None:
        return None
    return LookedAt(row["looked_by"], row["agreed"], row["note"], row["looked_at"])
