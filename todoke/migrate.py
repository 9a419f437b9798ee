"""Bring a database's schema up to this program's: SQL files in order, each once, never changed afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from words.problem import Problem, Refused
from words.sql import sql

CREATE_TABLE = sql("todoke", "create_schema_migration")
FIND_TABLE = sql("todoke", "find_schema_migration")
LIST = sql("todoke", "list_migrations")
RECORD = sql("todoke", "record_migration")

Connection = asyncpg.Connection | PoolConnectionProxy
ADVISORY_LOCK = 0x746F646F6B65
"""`todoke` in ASCII: whoever migrates holds it, for as long as its session lives."""
OLDEST_POSTGRES = 15


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str
    """The whole file name: `0001_who_and_where.sql`."""
    checksum: str
    """SHA-256 of the file, in hexadecimal."""
    text: str = ""


def migrations() -> list[Migration]:
    """This program's migrations, in order."""
    return read_migrations(resources.files("todoke").joinpath("migrations"))


def read_migrations(directory: Traversable) -> list[Migration]:
    files = (entry for entry in directory.iterdir() if entry.name.endswith(".sql"))
    return sorted(map(_read, files), key=lambda migration: migration.number)


def _read(file: Traversable) -> Migration:
    content = file.read_bytes()
    return Migration(int(file.name[:4]), file.name, hashlib.sha256(content).hexdigest(), content.decode())


async def migrate(connection: Connection, known: Sequence[Migration] | None = None) -> list[Migration]:
    """Apply what is missing, each file in a transaction of its own, and return what was applied.

    Waits for anybody else who migrates the same database. Raises Refused, and changes nothing, when
    the server is too old, or the database is not one that these files made.
    """
    known = migrations() if known is None else known
    async with _alone(connection):
        await connection.execute(CREATE_TABLE)
        missing = await pending(connection, known)
        for migration in missing:
            await _apply(connection, migration)
    return missing


async def pending(connection: Connection, known: Sequence[Migration] | None = None) -> list[Migration]:
    """What `migrate` would apply. Raises Refused as it does."""
    known = migrations() if known is None else known
    if connection.get_server_version().major < OLDEST_POSTGRES:
        raise Refused(_too_old(connection.get_server_version().major))
    done = await _done(connection)
    problems = list(_differences(done, known))
    if problems:
        raise Refused(problems)
    numbers = {migration.number for migration in done}
    return [migration for migration in known if migration.number not in numbers]


@asynccontextmanager
async def _alone(connection: Connection) -> AsyncIterator[None]:
    await connection.execute("select pg_advisory_lock($1)", ADVISORY_LOCK)
    try:
        yield
    finally:
        await connection.execute("select pg_advisory_unlock($1)", ADVISORY_LOCK)


async def _done(connection: Connection) -> list[Migration]:
    if not await connection.fetchval(FIND_TABLE):
        return []
    return [Migration(row["number"], row["name"], row["checksum"]) for row in await connection.fetch(LIST)]


async def _apply(connection: Connection, migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(migration.text)
        await connection.execute(RECORD, migration.number, migration.name, migration.checksum)


def _differences(done: Iterable[Migration], known: Sequence[Migration]) -> Iterable[Problem]:
    files = {migration.number: migration for migration in known}
    newest = max(files, default=0)
    for migration in done:
        file = files.get(migration.number)
        if migration.number > newest:
            yield _newer(migration)
        elif file is None:
            yield _missing(migration)
        elif file.checksum != migration.checksum:
            yield _edited(file)


def _too_old(major: int) -> Problem:
    return Problem(
        "migrate.server_too_old",
        "database_url",
        f"PostgreSQL {major} は古すぎます。{OLDEST_POSTGRES} 以上のサーバーを指定してください。",
        f"PostgreSQL {major} is too old. Name a server of version {OLDEST_POSTGRES} or newer.",
    )


def _newer(migration: Migration) -> Problem:
    return Problem(
        "migrate.database_newer",
        migration.name,
        "データベースはこの Todoke より新しい版で更新されています。Todoke を新しい版にしてください。",
        "The database was brought up to date by a newer Todoke. Install that version of Todoke.",
    )


def _missing(migration: Migration) -> Problem:
    return Problem(
        "migrate.file_missing",
        migration.name,
        "データベースに適用済みのこのファイルが todoke/migrations にありません。Todoke を入れ直してください。",
        "This file was applied to the database but is gone from todoke/migrations. Install Todoke again.",
    )


def _edited(migration: Migration) -> Problem:
    return Problem(
        "migrate.file_edited",
        migration.name,
        "適用済みのこのファイルは、その後書き換えられています。元に戻し、変更は新しい番号のファイルに書いてください。",
        "This file was changed after it had been applied. Restore it, and put the change into a file of a new number.",
    )
