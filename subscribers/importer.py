"""Import of the subscribers' CSV file: read in chunks, compared with what is stored, and only what differs written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from asyncpg import DeadlockDetectedError, Pool, SerializationError, UniqueViolationError

from subscribers.gathering import Gathering, Person
from subscribers.known import list_known, list_line_holders
from subscribers.rejects import Rejects, open_rejects
from subscribers.rows import Row, parse_row
from subscribers.table import BrokenLine, Line, Table, open_table
from subscribers.topics import MOST_TOPICS, too_many_topics
from subscribers.vault import Vault
from subscribers.writing import Connection, Numbers, write_people
from words.problem import Problem, Refused
from words.sql import sql

_TRY_IMPORT_LOCK = sql("subscribers", "try_import_lock")
_RELEASE_IMPORT_LOCK = sql("subscribers", "release_import_lock")

CHUNK = 20_000
"""Subscribers a transaction, and in memory at once."""

_MOST_TRIES = 5
_OVERTAKEN = (SerializationError, UniqueViolationError, DeadlockDetectedError)
"""Somebody changed one of these subscribers meanwhile: the chunk is read and compared again."""

Rejected = list[tuple[int, list[Problem]]]


@dataclass(frozen=True, slots=True)
class ImportResult:
    """Counts of one import. `places` and `contacts` are those that the accepted rows name, stored already or not."""

    rows: int = 0
    subscribers_new: int = 0
    subscribers_changed: int = 0
    subscribers_unchanged: int = 0
    places: int = 0
    contacts: int = 0
    rejected: int = 0

    def __add__(self, other: ImportResult) -> ImportResult:
        return ImportResult(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


def default_rejects(path: Path) -> Path:
    """Where rows that were left out are listed unless told otherwise: beside the file."""
    return path.parent / f"{path.name}.rejects.csv"  # with_name() knows no name beside "."


async def import_subscribers(
    pool: Pool,
    vault: Vault,
    path: Path,
    *,
    rejects: Path | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> ImportResult:
    """Bring the stored subscribers up to what the file says; doing it twice changes nothing.

    Bad rows go to `rejects` (else `default_rejects`) and never stop the others; `progress` hears the
    rows done and all rows after every chunk. Raises Refused, before anything is changed, for a file that
    cannot be read, another header, too many topics, or an import already under way.
    """
    with (
        open_table(path) as table,
        open_rejects(rejects or default_rejects(path), source=path) as out,
    ):
        async with pool.acquire() as connection:
            if not await connection.fetchval(_TRY_IMPORT_LOCK):
                raise Refused(_busy())
            try:
                return await _import(connection, vault, table, out, progress)
            finally:
                await connection.execute(_RELEASE_IMPORT_LOCK)


async def _import(
    connection: Connection, vault: Vault, table: Table, out: Rejects, progress: Callable[[int, int], None]
) -> ImportResult:
    numbers = await Numbers.read(connection)
    if len(table.topics | numbers.topics.keys()) > MOST_TOPICS:
        raise Refused(too_many_topics())
    total = ImportResult()
    for lines in table.chunks(CHUNK):
        rows, broken = _parsed(table, lines)
        counts, refused = await _stored(connection, vault, rows)
        for line, problems in sorted(broken + refused, key=lambda reject: reject[0]):
            out.add(line, problems)
        total += counts + ImportResult(rows=len(lines), rejected=len(broken) + len(refused))
        progress(total.rows, len(table))
    return total


def _parsed(table: Table, lines: list[Line]) -> tuple[list[Row], Rejected]:
    rows: list[Row] = []
    broken: Rejected = []
    for line in lines:
        try:
            rows.append(parse_row(line.number, table.cells(line)))
        except Refused as refused:
            broken.append((line.number, list(refused.problems)))
        except BrokenLine as error:
            broken.append((line.number, [error.problem]))
    return rows, broken


async def _stored(connection: Connection, vault: Vault, rows: list[Row]) -> tuple[ImportResult, Rejected]:
    lookups = [{kind: vault.lookup(kind, address) for kind, address in row.contacts.items()} for row in rows]
    for tries_left in reversed(range(_MOST_TRIES)):
        try:
            async with connection.transaction(isolation="repeatable_read"):
                return await _compared_and_written(connection, vault, rows, lookups)
        except _OVERTAKEN:
            if not tries_left:
                raise
    raise AssertionError("unreachable")


async def _compared_and_written(
    connection: Connection, vault: Vault, rows: list[Row], lookups: list[dict[str, bytes]]
) -> tuple[ImportResult, Rejected]:
    known = await list_known(connection, {row.id for row in rows})
    holders = await list_line_holders(connection, {found["line"] for found in lookups if "line" in found})
    gathering = Gathering(known, holders)
    refused = [
        (row.line, problems)
        for row, found in zip(rows, lookups, strict=True)
        if (problems := gathering.add(row, found))
    ]
    changed = await write_people(connection, vault, gathering.people)
    return _counts(gathering.people, changed), refused


def _counts(people: list[Person], changed: int) -> ImportResult:
    new = sum(person.known is None for person in people)
    return ImportResult(
        subscribers_new=new,
        subscribers_changed=changed,
        subscribers_unchanged=len(people) - new - changed,
        places=sum(len(person.places) for person in people),
        contacts=sum(len(person.contacts) for person in people),
    )


def _busy() -> Problem:
    return Problem(
        "import.busy",
        "",
        "別の取り込みが進行中です。終わるのを待ってから、もう一度実行してください。",
        "Another import is under way. Wait until it has finished, then run this again.",
    )
