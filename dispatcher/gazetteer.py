"""The gazetteer: the boundaries and shelters that events refer to, as stored."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from geo.area import Area
from geo.boundaries import BoundaryFile, read_boundaries
from geo.municipality import municipality_code
from geo.shelter_csv import ShelterFile, ShelterKind, read_shelters
from geo.shelters import Shelter, ShelterBoard, ShelterStatus, hazard_bit
from words.problem import Problem, Refused
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Connection, Pool, Record
    from asyncpg.pool import PoolConnectionProxy

    AnyConnection = Connection | PoolConnectionProxy

BOUNDARY_UPSERT = sql("dispatcher", "boundary_upsert")
BOUNDARY_READ = sql("dispatcher", "boundary_read")
SHELTER_UPSERT = sql("dispatcher", "shelter_upsert")
SHELTER_LIST = sql("dispatcher", "shelter_list")
SHELTER_BOARD = sql("dispatcher", "shelter_board")
SHELTER_NAMES = sql("dispatcher", "shelter_names")
SHELTER_SET_STATUS = sql("dispatcher", "shelter_set_status")
SHELTER_SET_STATUS_FIT = sql("dispatcher", "shelter_set_status_fit")

SUGGESTIONS = 3


@dataclass(frozen=True, slots=True)
class ListedShelter:
    shelter: Shelter
    status: ShelterStatus


@dataclass(frozen=True, slots=True)
class ShelterImport:
    """What an official file changed. `problems` are the rows that were left out."""

    kind: ShelterKind
    new: int
    changed: int
    unchanged: int
    problems: tuple[Problem, ...]


async def import_boundaries(pool: Pool, data: bytes, code: str | None = None) -> BoundaryFile:
    """Store every boundary of a GeoJSON file under its code, or all of it under `code`; twice changes nothing more.

    Raises Refused, with nothing stored, as `geo.boundaries.read_boundaries` does.
    """
    found = await asyncio.to_thread(read_boundaries, data, code)
    rows = [(each.code, each.name, each.area.wkb, each.area.digest, each.area.points) for each in found.boundaries]
    async with pool.acquire() as connection, connection.transaction():
        await connection.executemany(BOUNDARY_UPSERT, rows)
    return found


async def boundary(pool: Pool, code: str) -> tuple[Area, str] | None:
    """The area and name stored under a code of five digits, or six with a right check digit; None where none is."""
    try:
        five = municipality_code(code)
    except Refused:
        return None
    row = await pool.fetchrow(BOUNDARY_READ, five)
    return (Area.from_wkb(row["geometry"]), row["name"]) if row else None


async def import_shelters(pool: Pool, data: bytes) -> ShelterImport:
    """Store the shelters of an official CSV; what the town said of their status stays. Raises Refused."""
    return await store_shelters(pool, read_shelters(data))


async def store_shelters(pool: Pool, file: ShelterFile) -> ShelterImport:
    """A row of a known id is updated; a file of shelters to stay in never takes hazards from a site."""
    rows = file.rows
    found: list[Record] = await pool.fetch(
        SHELTER_UPSERT,
        [row.id for row in rows],
        [row.name for row in rows],
        [row.address for row in rows],
        [row.hazards for row in rows],
        [row.stay for row in rows],
        [row.lon for row in rows],
        [row.lat for row in rows],
        [row.capacity for row in rows],
        file.kind == "site",
    )
    new = sum(row["new"] for row in found)
    return ShelterImport(file.kind, new, len(found) - new, len(rows) - len(found), file.problems)


async def set_status(pool: Pool, identifier: str, status: ShelterStatus) -> str:
    """Say what one shelter's status is; returns its name. Raises Refused for an unknown id, with the nearest ones."""
    return (await set_statuses(pool, [identifier], status))[0].shelter.name


async def set_statuses(pool: Pool, identifiers: Sequence[str], status: ShelterStatus) -> list[ListedShelter]:
    """All of them or, when one is unknown, none."""
    async with pool.acquire() as connection, connection.transaction():
        return await say_status(connection, identifiers, status)


async def say_status(
    connection: AnyConnection, identifiers: Sequence[str], status: ShelterStatus, *, officer: int | None = None
) -> list[ListedShelter]:
    """In the transaction of whoever says so. Raises Refused when one is unknown; the transaction is then to be undone."""
    rows = await connection.fetch(SHELTER_SET_STATUS, list(identifiers), status.value, officer)
    unknown = sorted(set(identifiers) - {row["id"] for row in rows})
    if unknown:
        names = [(row["id"], row["name"]) for row in await connection.fetch(SHELTER_NAMES)]
        raise Refused(_unknown(identifier, _nearest(identifier, names)) for identifier in unknown)
    return [_listed(row) for row in rows]


async def set_all_statuses(
    pool: Pool | AnyConnection, status: ShelterStatus, *, hazard: str | None = None, officer: int | None = None
) -> list[ListedShelter]:
    """Every shelter, or every site designated for a hazard. Raises ValueError for an unknown hazard."""
    mask = hazard_bit(hazard) if hazard else None
    return [_listed(row) for row in await pool.fetch(SHELTER_SET_STATUS_FIT, mask, status.value, officer)]


async def shelters(pool: Pool) -> list[ListedShelter]:
    """Every shelter with its status, by id."""
    return [_listed(row) for row in await pool.fetch(SHELTER_LIST)]


async def board(pool: Pool) -> ShelterBoard:
    """Those people may be sent to now, by id."""
    receiving = [status.value for status in ShelterStatus if status.receives]
    listed = [_listed(row) for row in await pool.fetch(SHELTER_BOARD, receiving)]
    return ShelterBoard.of((each.shelter, each.status) for each in listed)


def _listed(row: Record) -> ListedShelter:
    columns = ("id", "name", "address", "hazards", "stay", "lon", "lat", "capacity")
    return ListedShelter(Shelter(*(row[column] for column in columns)), ShelterStatus(row["status"]))


def _nearest(wanted: str, names: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The shelters whose id or name looks most like what was typed."""

    def likeness(shelter: tuple[str, str]) -> float:
        return max(SequenceMatcher(None, wanted, text).ratio() for text in shelter)

    return sorted(names, key=lambda shelter: (-likeness(shelter), shelter[0]))[:SUGGESTIONS]


def _unknown(identifier: str, nearest: list[tuple[str, str]]) -> Problem:
    if not nearest:
        return Problem(
            "shelter.unknown",
            identifier,
            "避難所がまだ一つも登録されていません。todoke import shelters で取り込んでください。",
            "No shelters have been imported yet; do so with todoke import shelters.",
        )
    likely_ja = "、".join(f"{shelter}（{name}）" for shelter, name in nearest)
    likely_en = ", ".join(f"{shelter} ({name})" for shelter, name in nearest)
    return Problem(
        "shelter.unknown",
        identifier,
        f"この共通IDの避難所はありません。近いものは {likely_ja} です。",
        f"No shelter has this id. The nearest are {likely_en}.",
    )
