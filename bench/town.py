"""A town for measuring: an embedded PostgreSQL under `bench-data`, filled once and used again.

Addresses are sealed as in life; fsync and synchronous_commit are on.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from bench.filling import fill, lane_rows
from bench.people import CENTRE, FESTIVAL, RADIUS, Size, area
from bench.power_cut import power_cut
from bench.reporting import progress
from dispatcher.dispatches import Signatures
from dispatcher.events import Event, parse_event
from geo.shelters import hazard_bit
from subscribers.keyfile import load_key
from subscribers.vault import Vault, open_vault
from todoke.context import open_pool
from todoke.embedded import embedded_postgres, using_embedded_postgres
from todoke.embedded.locks import open_lock
from todoke.migrate import migrate
from words.problem import Refused
from words.sql import sql

ROOT = Path(__file__).resolve().parents[1] / "bench-data"
VERSION = 1
"""Of what a filled town looks like: towns of another version are made anew."""
NAME = "川辺町"
OFFICERS = Signatures("佐藤", "森")
SHELTERS = 12
POOL_SIZE = 30

_INDEXES = sql("bench", "list_contact_indexes")
_NUMBERING = sql("bench", "continue_numbering")
_EMPTY = sql("bench", "empty_dispatches")
_END_SESSIONS = sql("bench", "end_sessions")
_SHELTER = sql("bench", "add_shelter")


@dataclass(frozen=True, slots=True)
class Town:
    """A filled town whose server runs."""

    size: Size
    directory: Path
    dsn: str

    @asynccontextmanager
    async def pool(self, size: int = POOL_SIZE) -> AsyncIterator[asyncpg.Pool]:
        async with open_pool(self.dsn, size) as pool:
            yield pool

    @property
    def postmaster(self) -> int:
        """The server's own process."""
        return _postmaster(self.directory)

    def crash(self) -> None:
        """End the server at once, as a power cut would end it."""
        power_cut(self.directory / "postgres")


@asynccontextmanager
async def open_town(size: Size) -> AsyncIterator[Town]:
    """The town, made first if it is not there. No dispatch is left in it from before.

    One benchmark at a time: each ends the server as it likes, so whoever comes second waits.
    """
    directory = ROOT / size.name
    lock = await asyncio.to_thread(_alone, directory)
    try:
        await asyncio.to_thread(_see_to, directory, size)
        async with embedded_postgres(directory) as dsn:
            await empty(dsn)
            yield Town(size, directory, dsn)
    finally:
        os.close(lock)


@asynccontextmanager
async def again(town: Town) -> AsyncIterator[Town]:
    """The town after its server has ended: started anew, recovered from its log."""
    async with embedded_postgres(town.directory) as dsn:
        yield Town(town.size, town.directory, dsn)


async def empty(dsn: str) -> None:
    """Take away all dispatches, and begin with a checkpoint behind us."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(_EMPTY)
        await connection.execute(_END_SESSIONS)
        await connection.execute("checkpoint")
    finally:
        await connection.close()


def order(kind: str = "evacuation", *, channels: tuple[str, ...] = ("line",), **changes: Any) -> Event:
    """An event for the whole area; an evacuation order names the reader's nearest shelter."""
    now = datetime.now(UTC)
    level, body = ("{level_name}", "{shelter_name}") if kind == "evacuation" else ("20:00", "")
    texts = {
        "ja": {"subject": "お知らせ", "body": f"川辺町です。川沿いの方へ{level}。{body}"},
        "en": {"subject": "Notice", "body": f"Kawabe, riverside: {level}. {body}"},
        "vi": {"subject": "Thong bao", "body": f"Kawabe, ven song: {level}. {body}"},
    }
    document: dict[str, Any] = {
        "class": kind, "mode": "live", "area": area(), "texts": texts, "channels": list(channels), "delivery": "all",
        "valid_until": (now + timedelta(hours=3)).isoformat(),
    }  # fmt: skip
    if kind == "evacuation":
        document |= {"hazard": "flood", "level": 4, "issuer": "川辺町長"}
    else:
        document |= {"topics": [FESTIVAL]}
    return parse_event(document | changes, now=now, areas=lambda _code: None, channels=channels, town=NAME)


def _alone(directory: Path) -> int:
    """The town's lock, held. The caller closes it."""
    directory.parent.mkdir(exist_ok=True, mode=0o755)
    lock = open_lock(directory.with_suffix(".lock"))
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def _see_to(directory: Path, size: Size) -> None:
    record = directory / "town.json"
    wanted = {"version": VERSION, **asdict(size)}
    if record.exists() and json.loads(record.read_text()) == wanted and _fits(directory):
        return
    progress(f"making a town of {size.subscribers:,} subscribers with {size.places:,} places")
    shutil.rmtree(directory, ignore_errors=True)
    _make(directory, size)
    record.write_text(json.dumps(wanted) + "\n")


def _fits(directory: Path) -> bool:
    """Whether this program's migrations can go on from those the town was made with."""
    try:
        with using_embedded_postgres(directory) as dsn:
            asyncio.run(_prepare(dsn))
    except Refused:
        return False
    return True


async def _prepare(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await migrate(connection)
    finally:
        await connection.close()


def _make(directory: Path, size: Size) -> None:
    with using_embedded_postgres(directory) as dsn:
        key = load_key(None, directory)
        asyncio.run(_prepare(dsn))
        indexes = asyncio.run(_before(dsn))
        fill(dsn, key, size)
        asyncio.run(_after(dsn, key, indexes))


async def _before(dsn: str) -> list[str]:
    """Lanes and topics; and without the indexes that would be filled in random order."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.copy_records_to_table("lane", records=lane_rows(), columns=["number", "name"])
        await connection.execute("insert into topic (number, name) values (0, $1)", FESTIVAL)
        indexes = await connection.fetch(_INDEXES)
        for index in indexes:
            await connection.execute(f"drop index {index['indexname']}")
        return [index["indexdef"] for index in indexes]
    finally:
        await connection.close()


async def _after(dsn: str, key: bytes, indexes: list[str]) -> None:
    async with asyncpg.create_pool(dsn, min_size=1, max_size=1, command_timeout=None) as pool:
        for index in indexes:
            await pool.execute(index)
        await pool.execute(_NUMBERING)
        bit = hazard_bit("flood")
        await pool.executemany(_SHELTER, [(f"s{i:02d}", f"避難所{i:02d}", bit, *_around(i)) for i in range(SHELTERS)])
        await open_vault(pool, key)
        await pool.execute("vacuum analyze")
        await pool.execute("checkpoint")


def _around(position: int) -> tuple[float, float]:
    """Shelters on a grid of three by four over the area."""
    column, row = divmod(position, 4)
    return CENTRE[0] + (column - 1) * RADIUS / 2, CENTRE[1] + (row - 1.5) * RADIUS / 2


def vault_of(town: Town) -> Vault:
    return Vault(load_key(None, town.directory))


def _postmaster(directory: Path) -> int:
    return int((directory / "postgres" / "cluster" / "postmaster.pid").read_text().split("\n", 1)[0])
