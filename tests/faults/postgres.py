"""A row's own PostgreSQL, which may be killed, stopped and started again."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg

from todoke.embedded import using_embedded_postgres
from todoke.embedded.account import account_for
from todoke.embedded.locks import exclusive, held
from todoke.embedded.place import Place
from todoke.embedded.seclusion import seclusion_for
from todoke.embedded.server import Server
from todoke.embedded.software import software
from todoke.migrate import migrate

GLANCE = 0.02
PATIENCE = 60.0
"""Seconds a connection is asked for again while the server is away."""
TROUBLE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
WATCH = (Path(__file__).parent / "watch.sql").read_text(encoding="utf-8")


class Postgres:
    """The server, running until it is stopped, killed, or the row is over. `url` stays the same all the while."""

    def __init__(self, folder: Path, url: str) -> None:
        self.url = url
        self._place = Place.under(folder, account_for(folder))
        self._pools: list[asyncpg.Pool] = []

    @property
    def socket(self) -> str:
        """The directory of its Unix socket, as `host` of a connection or of a proxy."""
        return os.path.realpath(self._place.run)

    @property
    def cluster(self) -> Path:
        """Its files."""
        return self._place.cluster

    @property
    def log(self) -> Path:
        return self._place.log

    def through(self, host: str, port: int) -> str:
        """The URL of the same database through a proxy at `host` and `port`."""
        return f"postgresql://todoke@{host}:{port}/postgres?sslmode=disable"

    def pids(self) -> list[int]:
        """The postmaster, then its children."""
        try:
            lines = (self._place.cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []
        master = int(lines[0])
        return [master, *_children(master)]

    async def kill(self) -> float:
        """SIGKILL to the postmaster and all its children, as when the machine loses power but for the disk's cache."""
        at = time.monotonic()
        for pid in self.pids()[:1]:
            os.kill(pid, signal.SIGSTOP)  # or it would start a child while we look
        for pid in reversed(self.pids()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await self._gone()
        return at

    async def stop(self) -> None:
        """A fast shutdown."""
        self._signal(signal.SIGINT)
        await self._gone()

    async def start(self) -> float:
        """Start it again; gives the monotonic time from which it takes connections."""
        await asyncio.to_thread(self._start)
        return time.monotonic()

    async def restart_immediate(self) -> float:
        """`pg_ctl restart -m immediate`: no checkpoint, recovery from the log. As `start`."""
        self._signal(signal.SIGQUIT)
        await self._gone()
        return await self.start()

    async def terminate_backends(self) -> int:
        """Cut off every connection of Todoke, as an administrator can; gives how many."""
        async with self.connection() as connection:
            return int(
                await connection.fetchval(
                    "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name like 'todoke %'"
                )
            )

    async def pool(self) -> asyncpg.Pool:
        """Connections of the harness, closed with the row."""
        pool = await asyncpg.create_pool(
            self.url, min_size=0, max_size=4, server_settings={"application_name": "faults"}
        )
        self._pools.append(pool)
        return pool

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """One connection of the harness; waits for a server that is starting. Raises TimeoutError after PATIENCE."""
        connection = await self._connect()
        try:
            yield connection
        finally:
            with suppress(*TROUBLE):
                await connection.close(timeout=1)

    async def _connect(self) -> asyncpg.Connection:
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    return await asyncpg.connect(self.url, server_settings={"application_name": "faults"})
                except TROUBLE:
                    await asyncio.sleep(GLANCE)

    async def close(self) -> None:
        for pool in self._pools:
            pool.terminate()

    def _signal(self, number: signal.Signals) -> None:
        for pid in self.pids()[:1]:
            os.kill(pid, number)

    def _start(self) -> None:
        with exclusive(self._place.starting):
            server = Server(self._place, seclusion_for(self._place, software()))
            if not server.alive():
                server.start()

    async def _gone(self) -> None:
        async with asyncio.timeout(PATIENCE):
            while held(self._place.server):
                await asyncio.sleep(GLANCE)


@asynccontextmanager
async def running(folder: Path, *, watched: bool) -> AsyncIterator[Postgres]:
    """A server below `folder` with today's schema. `watched`: every change of a batch is kept in faults.seen."""
    using = using_embedded_postgres(folder)
    url = await asyncio.to_thread(using.__enter__)
    postgres = Postgres(folder, url)
    try:
        async with postgres.connection() as connection:
            await migrate(connection)
            if watched:
                await connection.execute(WATCH)
        yield postgres
    finally:
        await postgres.close()
        await asyncio.to_thread(using.__exit__, None, None, None)
        await postgres._gone()  # noqa: SLF001 the watchdog stops it now


def _children(parent: int) -> list[int]:
    """Processes whose parent is `parent`, by /proc."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            after_name = stat.read_text().rpartition(")")[2].split()
            if int(after_name[1]) == parent:
                found.append(int(stat.parent.name))
    return found
