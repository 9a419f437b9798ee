"""PostGIS as a peer of `bench match`: in a PostgreSQL of its own, made for this and thrown away.

The places have a GiST index and lie on the disk in its order; the area is asked for cut up by ST_Subdivide or
taken apart by ST_Dump, whichever is faster. Everything is in memory, jit is off. Only the number of places is
asked for, so that PostGIS need not send them.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, PIPE

import asyncpg
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from bench.areas import Floats
from bench.reporting import middle
from words.sql import sql

USER = "postgres"
"""Who runs the server when root measures: PostgreSQL refuses to run as root."""
SETTINGS = ("shared_buffers=2GB", "work_mem=512MB", "maintenance_work_mem=1GB", "max_wal_size=8GB", "jit=off",
            "max_parallel_workers_per_gather=0", "fsync=off", "listen_addresses=")  # fmt: skip
ROWS = 100_000
"""Sent at once."""
PATIENCE = 3_600.0

_FORMS = (sql("bench", "postgis_subdivided"), sql("bench", "postgis_dumped"))


class LeftOut(Exception):
    """A peer that could not be asked, and why."""


def ask_postgis(
    lons: Floats, lats: Floats, asked: dict[str, BaseGeometry], runs: int
) -> tuple[float, dict[str, float], dict[str, int]]:
    """Seconds to load and index, milliseconds and places by area. Raises LeftOut where there is no PostGIS."""
    with _server(_programs()) as socket:
        return asyncio.run(_measured(socket, lons, lats, asked, runs))


def _programs() -> Path:
    """Where the server programs of a PostgreSQL are that has PostGIS."""
    configs = [Path(found) for found in [shutil.which("pg_config")] if found]
    configs += sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_config"), reverse=True)
    for config in configs:
        share, programs = (_said(config, option) for option in ("--sharedir", "--bindir"))
        if (Path(share) / "extension" / "postgis.control").exists() and (Path(programs) / "initdb").exists():
            return Path(programs)
    raise LeftOut("no PostgreSQL on this machine has it")


def _said(program: Path, *words: str) -> str:
    return subprocess.run([program, *words], check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603


@contextmanager
def _server(programs: Path) -> Iterator[Path]:
    """The directory of its socket, while it runs."""
    user = USER if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        directory = Path(name)
        if user:
            shutil.chown(directory, user)
        options = " ".join(f"-c {each}" for each in (*SETTINGS, f"unix_socket_directories={directory}"))
        control: list[Path | str] = [programs / "pg_ctl", "--pgdata", directory / "cluster", "--wait"]
        _do(user, programs / "initdb", "--pgdata", directory / "cluster", "--auth", "trust", "--username", USER)
        _do(user, *control, "--log", directory / "log", "--options", options, "start")
        try:
            yield directory
        finally:
            _do(user, *control, "--mode", "immediate", "stop")


def _do(user: str | None, *words: str | Path) -> None:
    done = subprocess.run(words, stdout=DEVNULL, stderr=PIPE, text=True, check=False, user=user, cwd="/")  # noqa: S603
    if done.returncode:
        raise LeftOut((done.stderr.strip().splitlines() or [f"{words[0]} failed"])[-1])


async def _measured(
    socket: Path, lons: Floats, lats: Floats, asked: dict[str, BaseGeometry], runs: int
) -> tuple[float, dict[str, float], dict[str, int]]:
    connection = await asyncpg.connect(host=str(socket), user=USER, database=USER, command_timeout=PATIENCE)
    try:
        began = time.perf_counter()
        await connection.execute("create extension postgis")
        await connection.execute("create unlogged table spot (number int8, lon float8, lat float8)")
        await connection.copy_to_table("spot", source=_rows(lons, lats), format="binary")
        await connection.execute(sql("bench", "postgis_places"))
        build = time.perf_counter() - began
        ms, counts = {}, {}
        for name, area in asked.items():
            ms[name], counts[name] = await _asked(connection, shapely.to_wkb(area), runs)
        return build, ms, counts
    finally:
        await connection.close()


async def _asked(connection: asyncpg.Connection, area: bytes, runs: int) -> tuple[float, int]:
    best, count = float("inf"), 0
    for form in _FORMS:
        taken = []
        for _ in range(runs):
            began = time.perf_counter()
            count = await connection.fetchval(form, area)
            taken.append((time.perf_counter() - began) * 1e3)
        best = min(best, middle(taken))
    return best, count


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
