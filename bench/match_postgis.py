"""PostGIS as a peer of `bench match`: in a PostgreSQL of its own, made for this and thrown away.

The places have a GiST index and lie on the disk in its order; the area is asked for cut up by ST_Subdivide or
taken apart by ST_Dump, whichever is faster. Everything is in memory, jit is off. Only the number of places is
asked for, so that PostGIS need not send them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from bench.areas import Floats
from bench.postgis import USER, postgis
from bench.reporting import middle
from words.sql import sql

ROWS = 100_000
"""Sent at once."""
SLOW, PATIENCE, LOADING = 20.0, 60.0, 3_600.0
"""Seconds: after which a question is not repeated, for one answer, and for loading and indexing."""

_PLACES = sql("bench", "postgis_places")
_IN_ORDER = (
    "create index place_geom on place using gist (geom)",
    "cluster place using place_geom",
    "vacuum analyze place",
)
_FORMS = (sql("bench", "postgis_subdivided"), sql("bench", "postgis_dumped"))


def ask_postgis(
    lons: Floats, lats: Floats, asked: dict[str, BaseGeometry], runs: int
) -> tuple[float, dict[str, float], dict[str, int]]:
    """Seconds to load and index, milliseconds and places by area. Raises LeftOut where there is no PostGIS."""
    with postgis() as socket:
        return asyncio.run(_measured(socket, lons, lats, asked, runs))


async def _measured(
    socket: Path, lons: Floats, lats: Floats, asked: dict[str, BaseGeometry], runs: int
) -> tuple[float, dict[str, float], dict[str, int]]:
    connection = await asyncpg.connect(host=str(socket), user=USER, database=USER, command_timeout=LOADING)
    try:
        began = time.perf_counter()
        await connection.execute("create extension postgis")
        await connection.execute("create unlogged table spot (number int8, lon float8, lat float8)")
        await connection.copy_to_table("spot", source=_rows(lons, lats), format="binary")
        for statement in (_PLACES, *_IN_ORDER):
            await connection.execute(statement)
        build = time.perf_counter() - began
        ms, counts = {}, {}
        for name, area in asked.items():
            answers = [await _asked(connection, form, shapely.to_wkb(area), runs) for form in _FORMS]
            answered = [each for each in answers if each is not None]
            if answered:
                ms[name], counts[name] = min(answered)
        return build, ms, counts
    finally:
        await connection.close()


async def _asked(connection: asyncpg.Connection, form: str, area: bytes, runs: int) -> tuple[float, int] | None:
    """Milliseconds and places; nothing when it takes longer than a minute. A slow question is not repeated."""
    taken: list[float] = []
    while len(taken) < runs and sum(taken) < SLOW * 1e3:
        began = time.perf_counter()
        try:
            count = await connection.fetchval(form, area, timeout=PATIENCE)
        except TimeoutError:
            return None
        taken.append((time.perf_counter() - began) * 1e3)
    return middle(taken), count


async def _rows(lons: Floats, lats: Floats) -> AsyncIterator[bytes]:
    """PostgreSQL's binary COPY: 11 letters and 8 zeros, then for each row how many columns, each with its length."""
    yield b"PGCOPY\n\xff\r\n\0" + bytes(8)
    row = np.dtype([("columns", ">i2"), ("a", ">i4"), ("number", ">i8"), ("b", ">i4"), ("lon", ">f8"), ("c", ">i4"),
                    ("lat", ">f8")])  # fmt: skip
    for start in range(0, len(lons), ROWS):
        part = slice(start, start + ROWS)
        rows = np.empty(len(lons[part]), row)
        rows["columns"], rows["a"], rows["b"], rows["c"] = 3, 8, 8, 8
        rows["number"], rows["lon"], rows["lat"] = np.arange(start, start + len(rows)), lons[part], lats[part]
        yield rows.tobytes()
    yield b"\xff\xff"
