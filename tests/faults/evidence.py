"""What really happened to a dispatch, by two witnesses: the providers' files, and the database's tables.

Nothing here knows Todoke's code. Files are read as docs/sandbox.md describes them, tables by SQL of our own
(sql/), and what a byte of an outcome means is written down once more below, from docs/lifecycle.md.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg

PENDING, RETRY, AMBIGUOUS = 0, 3, 4
SUPPRESSED, EXPIRED, CANCELLED, MOVED, QUARANTINED = 10, 11, 12, 13, 14
UNKNOWN, REJECTED, ACCEPTED, UNDELIVERED, DELIVERED = 20, 30, 40, 50, 60
NAMES = {
    PENDING: "pending", RETRY: "retry", AMBIGUOUS: "ambiguous", SUPPRESSED: "suppressed", EXPIRED: "expired",
    CANCELLED: "cancelled", MOVED: "moved", QUARANTINED: "quarantined", UNKNOWN: "unknown", REJECTED: "rejected", ACCEPTED: "accepted",
    UNDELIVERED: "undelivered", DELIVERED: "delivered",
}  # fmt: skip
UNSENT = frozenset({PENDING, RETRY, AMBIGUOUS})
"""What may still be called."""

CHANNELS = ("line", "sms", "email")
MARK = re.compile(r"通番 ([0-9a-z-]+)")
"""Every text of a row carries one: so a provider's record names its event, whatever Todoke says of it."""
SQL = {path.stem: path.read_text(encoding="utf-8") for path in (Path(__file__).parent / "sql").glob("*.sql")}


@dataclass(frozen=True)
class Copy:
    """One person in one record of what a provider accepted."""

    mark: str
    channel: str
    address: str
    at: datetime
    ref: str


@dataclass(frozen=True)
class Request:
    """One request as a provider answered it. `monotonic` is when its system took it in, in seconds."""

    channel: str
    monotonic: float
    outcome: str
    code: str
    fault: str


class Journals:
    """The files of one provider, read on from where the last reading ended."""

    def __init__(self, directory: Path, *, limits: dict[str, int]) -> None:
        self.limits = limits
        """Requests a second the provider permits, by channel; 0 is no limit."""
        self.copies: dict[str, list[Copy]] = defaultdict(list)
        """By mark."""
        self.requests: list[Request] = []
        self._directory = directory
        self._read: dict[str, int] = defaultdict(int)

    def refresh(self) -> None:
        for channel in CHANNELS:
            for record in self._lines(f"{channel}.jsonl"):
                self._take(channel, record)
        self.requests += [
            Request(
                each["channel"],
                each["monotonic"] - each["waited"],
                each["outcome"],
                str(each["code"]),
                each["fault"] or "",
            )
            for each in self._lines("requests.jsonl")
            if each["endpoint"] in {"multicast", "push", "create", "rcpt"}
        ]

    def _take(self, channel: str, record: dict[str, Any]) -> None:
        found = MARK.search(_text(channel, record))
        mark = found[1] if found else ""
        at = datetime.fromisoformat(record["at"])
        ref = record.get("request_id") or record.get("sid") or record["queue_id"]
        self.copies[mark] += [Copy(mark, channel, address, at, ref) for address in _receivers(channel, record)]

    def _lines(self, name: str) -> Iterator[dict[str, Any]]:
        """Whole lines only: a torn one was never acknowledged."""
        path = self._directory / name
        if not path.exists():
            return
        with path.open("rb") as file:
            file.seek(self._read[name])
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._read[name] += len(line)
                yield json.loads(line)


def _text(channel: str, record: dict[str, Any]) -> str:
    if channel == "line":
        return " ".join(str(message.get("text", "")) for message in record["messages"])
    return str(record["body"])


def _receivers(channel: str, record: dict[str, Any]) -> list[str]:
    if channel == "line":
        return [*record["to"], *record["blocked"]]
    return [str(record["to"])]


@dataclass(frozen=True)
class Break:
    """A worker's session that the row killed or froze, and when (UTC)."""

    session: int
    at: datetime


@dataclass(frozen=True)
class Word:
    """What the database says once of a member: in an attempt (`kind` "attempt 2.0") or a receipt."""

    at: datetime
    kind: str
    outcome: int
    code: str
    ref: str


@dataclass(frozen=True)
class Seen:
    """One state a batch was in, from `at` on. `session` is None when nobody held it."""

    at: datetime
    state: str
    session: int | None
    attempt: int
    started: int
    outcomes: bytes
    proofs: bytes

    def begun(self, position: int) -> bool:
        """Whether the member may have been called by then in this attempt."""
        return self.session is not None and position < self.started

    def outcome(self, position: int) -> int:
        own = self.outcomes[position]
        proof = self.proofs[position] if self.proofs else 0
        return max(own, proof) if proof >= UNKNOWN else own


@dataclass
class Member:
    """One person's place in a batch, and all the database ever said of it."""

    person: str
    channel: str
    batch: int
    position: int
    outcome: int
    """What is true of it in the end: the higher proof of the batch's two records."""
    state: str
    words: list[Word] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)


@dataclass(frozen=True)
class Dispatch:
    id: str
    event_class: str
    mode: str
    state: str
    approved_at: datetime
    ended_at: datetime | None
    stopped_by: str | None
    valid_until: datetime


async def read_dispatch(connection: asyncpg.Connection, name: str) -> Dispatch:
    """Raises LookupError when there is none of that name."""
    row = await connection.fetchrow(SQL["dispatch"], name)
    if row is None:
        raise LookupError(f"no dispatch {name}")
    return Dispatch(**dict(row))


async def read_members(connection: asyncpg.Connection, name: str) -> list[Member]:
    """Everybody in the dispatch's batches but who was moved on to a smaller one, with their whole history."""
    seen = await _seen(connection, name)
    members: dict[tuple[int, int], Member] = {}
    for row in await connection.fetch(SQL["members"], name):
        history = seen.get(row["number"], [])
        for position, person in enumerate(row["people"]):
            end = Seen(row["now"], row["state"], None, 0, 0, row["outcomes"], row["proofs"] or b"")
            outcome = end.outcome(position)
            if outcome != MOVED:
                members[row["number"], position] = Member(
                    person, row["channel"], row["number"], position, outcome, row["state"], seen=history
                )
    await _add_attempts(connection, name, members)
    await _add_receipts(connection, name, members)
    return list(members.values())


async def _seen(connection: asyncpg.Connection, name: str) -> dict[int, list[Seen]]:
    found: dict[int, list[Seen]] = defaultdict(list)
    if await connection.fetchval("select to_regclass('faults.seen') is not null"):
        for row in await connection.fetch(SQL["seen"], name):
            state = dict(row)
            number = state.pop("number")
            found[number].append(Seen(**state | {"proofs": row["proofs"] or b""}))
    return found


async def _add_attempts(connection: asyncpg.Connection, name: str, members: dict[tuple[int, int], Member]) -> None:
    for row in await connection.fetch(SQL["attempts"], name):
        positions = row["positions"] or range(row["size"])
        calls = len(row["outcomes"])
        for nth, position in enumerate(positions):
            call = nth if calls > 1 or len(positions) == 1 else 0
            member = members.get((row["batch"], position))
            if member is not None:
                kind = f"attempt {row['attempt']}.{row['part']} of session {row['session']}"
                word = Word(row["at"], kind, row["outcomes"][call], row["codes"][call], row["refs"][call])
                member.words.append(word)


async def _add_receipts(connection: asyncpg.Connection, name: str, members: dict[tuple[int, int], Member]) -> None:
    for row in await connection.fetch(SQL["receipts"], name):
        member = members.get((row["batch"], row["position"]))
        if member is not None:
            member.words.append(Word(row["at"], "receipt", row["outcome"], row["code"], row["ref"]))
