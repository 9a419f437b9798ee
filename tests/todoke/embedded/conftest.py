"""Helpers around a server that comes and goes."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from todoke.embedded import using_embedded_postgres

CHECKOUT = Path(__file__).resolve().parents[3]
VISITOR = """
import sys
from pathlib import Path
from todoke.embedded import using_embedded_postgres
with using_embedded_postgres(Path(sys.argv[1])) as dsn:
    print(dsn, flush=True)
    sys.stdin.read()
"""


class Town:
    """A data directory, and what can happen to its server."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.place = data / "postgres"

    @property
    def server(self) -> int:
        return int((self.place / "cluster" / "postmaster.pid").read_text().splitlines()[0])

    @property
    def watchdog(self) -> int:
        """The process that was started with this place's name; one that is just starting bears another name at first."""
        last_look = time.monotonic() + 30
        while time.monotonic() < last_look:
            for line in Path("/proc").glob("[0-9]*/cmdline"):
                words = _words(line)
                if os.fsencode(self.place) in words and any(word.endswith(b"watchdog.py") for word in words):
                    return int(line.parent.name)
            time.sleep(0.01)
        raise LookupError("nobody watches")

    def wait_until_stopped(self) -> None:
        """The kernel says when the last process of the server is gone."""
        lock = os.open(self.place / "server.lock", os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
        finally:
            os.close(lock)


def _words(cmdline: Path) -> list[bytes]:
    try:
        return cmdline.read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    town = Town(tmp_path / "kawabe")
    yield town
    if (town.place / "server.lock").exists():
        town.wait_until_stopped()


@pytest.fixture
def visit(town: Town) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Start another process that uses the town's server; it is there when this returns."""
    visitors: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        visitor = subprocess.Popen(
            [sys.executable, "-c", VISITOR, str(town.data)],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        visitors.append(visitor)
        assert visitor.stdout is not None
        assert visitor.stdout.readline().startswith("postgresql://")
        return visitor

    yield start
    for visitor in visitors:
        visitor.kill()
        visitor.communicate()


async def ask(dsn: str, question: str) -> str:
    connection = await asyncpg.connect(dsn)
    try:
        return str(await connection.fetchval(question))
    finally:
        await connection.close()


async def keep(data: Path, name: str) -> None:
    """Write one row that must still be there later."""
    with using_embedded_postgres(data) as dsn:
        connection = await asyncpg.connect(dsn)
        await connection.execute("create table if not exists resident (name text)")
        await connection.execute("insert into resident values ($1)", name)
        await connection.close()
