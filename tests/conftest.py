"""Real servers for the tests: one embedded PostgreSQL a pytest-xdist worker, one database a test."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from hypothesis import settings

from todoke.context import open_pool
from todoke.embedded import using_embedded_postgres
from todoke.migrate import migrate

# How long an example takes says how busy the machine is, and nothing of what is tested.
settings.register_profile("todoke", deadline=None)
settings.load_profile("todoke")

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
TEMPLATE = "kawabe"
NUMBERS = count(1)


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The DSN of this worker's own PostgreSQL, where a database is a throw-away thing: it syncs nothing."""
    with using_embedded_postgres(tmp_path_factory.mktemp("pg")) as dsn:
        asyncio.run(_make_template(dsn))
        yield dsn


@pytest.fixture
async def empty_database_url(database_url: str) -> AsyncIterator[str]:
    """The DSN of a database with nothing in it."""
    async with _database(database_url, "template0") as dsn:
        yield dsn


@pytest.fixture
async def fresh_database_url(database_url: str) -> AsyncIterator[str]:
    """The DSN of a migrated database with nothing in its tables: for tests that start processes."""
    async with _database(database_url, TEMPLATE) as dsn:
        yield dsn


@pytest.fixture
async def pool(fresh_database_url: str) -> AsyncIterator[asyncpg.Pool]:
    """Connections to a migrated database with nothing in its tables."""
    async with open_pool(fresh_database_url) as pool:
        yield pool


@pytest.fixture(scope="session")
def shared_data() -> Callable[..., Path]:
    """The path of a real data file beside the checkout; skips the test where it is absent."""

    def find(*parts: str) -> Path:
        path = DATA.joinpath(*parts)
        if not path.exists():
            pytest.skip(f"needs the real data file {'/'.join(parts)} beside the checkout")
        return path

    return find


@asynccontextmanager
async def _database(server: str, template: str) -> AsyncIterator[str]:
    name = f"test_{next(NUMBERS)}"
    await _execute(server, f"create database {name} template {template}")
    try:
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    finally:
        await _execute(server, f"drop database {name} with (force)")


async def _make_template(server: str) -> None:
    await _execute(server, "alter system set fsync = off", "select pg_reload_conf()", f"create database {TEMPLATE}")
    connection = await asyncpg.connect(urlsplit(server)._replace(path=f"/{TEMPLATE}").geturl())
    try:
        await migrate(connection)
    finally:
        await connection.close()


async def _execute(dsn: str, *statements: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser, which `.ci/run` installs. Without it the tests are skipped, but never where CI runs."""
    found = shutil.which("chromium")
    if found is None:
        reason = "needs Chromium: apt-get install chromium"
        if not os.environ.get("CI"):
            pytest.skip(reason)
        pytest.fail(reason)
    return found
