"""A PostgreSQL that a test may take away: its own server, killed and started again at will."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg

from bench.power_cut import power_cut
from todoke.context import open_pool
from todoke.embedded import using_embedded_postgres
from todoke.migrate import migrate


class OwnDatabase:
    """Nobody but `start` starts it again: to those who use it by its URL it is any PostgreSQL."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._users = ExitStack()
        self.url = ""

    async def start(self) -> None:
        self.url = await asyncio.to_thread(self._users.enter_context, using_embedded_postgres(self._directory))
        connection = await asyncpg.connect(self.url)
        try:
            await migrate(connection)
        finally:
            await connection.close()

    def kill(self) -> None:
        """SIGKILL, as a machine that loses its power would end it."""
        power_cut(self._directory / "postgres")

    def close(self) -> None:
        self._users.close()

    @asynccontextmanager
    async def pool(self) -> AsyncIterator[asyncpg.Pool]:
        async with open_pool(self.url, 4) as pool:
            yield pool


@contextmanager
def own_database(directory: Path) -> Iterator[OwnDatabase]:
    database = OwnDatabase(directory)
    try:
        yield database
    finally:
        database.close()
