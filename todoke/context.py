"""What every command is given: settings, a voice, and the database."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg
import click
from asyncpg.pool import PoolConnectionProxy

from config import Configuration, Settings
from dispatcher.epoch import Epoch
from dispatcher.stand_in import reached_by
from todoke.embedded import embedded_postgres
from todoke.migrate import migrate, pending
from words.problem import Problem, Refused, Tongue

T = TypeVar("T")
POOL_SIZE = 10
CONNECT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Context:
    configuration: Configuration
    json: bool = False
    """Whether a program listens: then standard output holds nothing but JSON objects, one a line."""
    epoch: Epoch | None = None
    """Of a process that stays up: it looks at every connection before anything is asked on it."""

    @property
    def settings(self) -> Settings:
        return self.configuration.settings

    @property
    def tongue(self) -> Tongue:
        return self.settings.language

    def say(self, *, ja: str, en: str) -> None:
        """One line for a person on standard output; nothing when a program listens."""
        if not self.json:
            click.echo(ja if self.tongue == "ja" else en)

    def emit(self, thing: Any) -> None:
        """One JSON object on a line of its own, when a program listens."""
        if self.json:
            click.echo(json.dumps(thing, ensure_ascii=False, default=str))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work` in an event loop of its own. What it raises ends the command (cli.py)."""
        return asyncio.run(work)

    @asynccontextmanager
    async def database(self, size: int = POOL_SIZE) -> AsyncIterator[asyncpg.Pool]:
        """Up to `size` connections to the database with today's schema.

        With no `database_url` our own PostgreSQL is started, and brought up to date. Raises Refused
        when there is no database to be had, or somebody else's has yet to be migrated.
        """
        async with self.database_server() as dsn:
            await self._see_to_the_schema(dsn)
            async with open_pool(dsn, size, meet=self.epoch.meet if self.epoch is not None else None) as pool:
                yield pool

    @asynccontextmanager
    async def database_server(self) -> AsyncIterator[str]:
        """The DSN of the database as it is; of our own server for as long as this lasts."""
        if self.settings.database_url is not None:
            yield self.settings.database_url.get_secret_value()
        else:
            async with embedded_postgres(self.settings.data) as dsn:
                yield dsn

    async def _see_to_the_schema(self, dsn: str) -> None:
        async with connection(dsn) as database:
            if self.settings.database_url is None:
                await migrate(database)
            elif await pending(database):
                raise Refused(_not_migrated())


@asynccontextmanager
async def connection(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """One connection. Raises Refused when the server does not let us in."""
    try:
        connected = await asyncpg.connect(dsn, timeout=CONNECT_SECONDS, **_session())
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise Refused(_unreachable(dsn, error)) from None
    try:
        yield connected
    finally:
        await connected.close()


Meeting = Callable[[asyncpg.Connection | PoolConnectionProxy], Coroutine[Any, Any, None]]


@asynccontextmanager
async def open_pool(dsn: str, size: int = POOL_SIZE, *, meet: Meeting | None = None) -> AsyncIterator[asyncpg.Pool]:
    """Up to `size` connections, as every part of Todoke expects them. `meet` is given each before its first use."""
    async with asyncpg.create_pool(dsn, min_size=1, max_size=size, init=meet, reset=_as_it_is, **_session()) as pool:
        with reached_by(pool, dsn):
            yield pool


async def _as_it_is(_connection: asyncpg.Connection) -> None:
    """A connection goes back without a round trip of its own: nobody leaves settings or locks behind on one.

    An open transaction is rolled back and listeners are dropped by the pool all the same.
    """


def _session() -> dict[str, Any]:
    """Every statement is planned once, not for each of its parameters: with the tables of several years PostgreSQL
    would take planning anew for the cheaper way, and spend as long on it as on the statement itself."""
    return {"server_settings": {"application_name": f"todoke {os.getpid()}", "plan_cache_mode": "force_generic_plan"}}


def _unreachable(dsn: str, error: Exception) -> Problem:
    """The URL holds a password: only its host is named."""
    reason = str(error) or type(error).__name__
    host = urlsplit(dsn).hostname or "localhost"
    return Problem(
        "database.unreachable",
        "database_url",
        f"{host} のデータベースに接続できません({reason})。サーバーと database_url を確かめてください。",
        f"The database on {host} cannot be reached ({reason}). Check the server and database_url.",
    )


def _not_migrated() -> Problem:
    return Problem(
        "database.not_migrated",
        "database_url",
        "データベースがまだ更新されていません。`todoke migrate` を実行してください。",
        "The database is not up to date yet. Run `todoke migrate`.",
    )
