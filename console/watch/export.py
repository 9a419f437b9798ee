"""What became of every recipient as CSV, some batches at a time: whoever reads slowly holds nothing but their own line.

It names people by the id the town gave them, and nobody's address.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING

from console import audit
from console.accounts import Officer, Role, still
from console.report import labels
from console.watch.chronology import chronology
from console.watch.look import head
from dispatcher.dispatches import aged_dispatch, status
from dispatcher.history import known_outcomes
from dispatcher.model import Outcome
from words.csv_cells import BOM, lines
from words.problem import Refused
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool, Record

_BATCHES = sql("console.watch", "export_batches")
_NAMES = sql("console.watch", "export_names")
_MESSAGES = sql("console.watch", "export_messages")
_AT_ONCE = 20
MAY_EXPORT = (Role.APPROVER, Role.ADMINISTRATOR, Role.AUDITOR)
COLUMNS = (
    "dispatch",
    "batch",
    "position",
    "subscriber",
    "channel",
    "language",
    "audience",
    "shelter",
    "outcome",
    "結果",
)


async def begin(pool: Pool, officer: Officer, dispatch: str) -> None:
    """Note in the record who takes it. Raises Refused: no such dispatch, its details are gone, or who may not."""
    known = await head(pool, dispatch)
    if known.aged_at is not None:
        raise Refused(aged_dispatch(dispatch, known.aged_at))
    recipients = sum(sum(counts.values()) for counts in (await status(pool, dispatch)).channels.values())
    async with pool.acquire() as connection, connection.transaction():
        await still(connection, officer.id, *MAY_EXPORT)
        await audit.record(
            connection,
            actor=officer.id,
            action="dispatch.exported",
            subject=f"dispatch:{dispatch}",
            details={"rows": recipients},
        )


async def outcomes(pool: Pool, dispatch: str) -> AsyncIterator[str]:
    """CSV, in pieces. What moves meanwhile is as it was when its piece was read."""
    yield BOM + lines([COLUMNS])
    words = {row["number"]: row for row in await pool.fetch(_MESSAGES, dispatch)}
    last = -1
    while rows := await pool.fetch(_BATCHES, dispatch, last, _AT_ONCE):
        last = rows[-1]["number"]
        wanted = list({member for row in rows for member in row["members"]})
        names = {row["number"]: row["id"] for row in await pool.fetch(_NAMES, wanted)}
        yield lines(cells for row in rows for cells in _cells(dispatch, row, words, names))


def _cells(
    dispatch: str, batch: Record, words: Mapping[int, Record], names: Mapping[int, str]
) -> Iterator[tuple[object, ...]]:
    """Moved members stand in the batch they moved to."""
    messages, known = batch["messages"], known_outcomes(batch)
    for position, member in enumerate(batch["members"]):
        outcome = Outcome(int(known[position]))
        if outcome is Outcome.MOVED:
            continue
        said = words[messages[position if len(messages) > 1 else 0]]
        yield (
            dispatch, batch["number"], position, names.get(member, ""), batch["channel"], said["language"],
            said["audience"] or "", said["shelter"] or "", outcome.name.lower(), labels.outcome(outcome).ja,
        )  # fmt: skip


async def chronology_csv(pool: Pool, dispatch: str) -> str:
    """Who did what when, as CSV."""
    rows = [
        (each.at.isoformat(), each.who, each.what.ja, each.what.en, each.note)
        for each in await chronology(pool, dispatch)
    ]
    return BOM + lines([("at", "who", "何を", "what", "note"), *rows])
