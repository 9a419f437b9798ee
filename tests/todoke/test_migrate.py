"""Migrations: once each, in order, never edited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from todoke.migrate import Migration, migrate, migrations, pending, read_migrations
from words.problem import Refused

BRIDGE = Migration(1, "0001_bridge.sql", "aa", "create table bridge (name text)")
RIVER = Migration(2, "0002_river.sql", "bb", "create table river (name text)")
BROKEN = Migration(2, "0002_broken.sql", "cc", "create table road (name text); create table bridge (name text)")

SENT_BEFORE = """
insert into event (id, version, document, digest) values ('order', 1, '{"channels": ["line"]}', 'd');
insert into dispatch (id, event, class, mode, state, priority, requested_by, approved_by, digest, valid_until)
    values ('1123-k7m2qx', 1, 'evacuation', 'live', 'sending', 0, '佐藤', '森', 'd', now());
insert into message values ('1123-k7m2qx', 0, 'line', 'ja', null, null, '避難指示', '川沿い');
insert into batch (dispatch, number, key, channel, lane, priority, messages, members, places, outcomes, state)
    values ('1123-k7m2qx', 0, gen_random_uuid(), 'line', '', 0, '{0}', '{1,2}', '{3,4}', '\\x2804', 'due');
insert into attempt values ('1123-k7m2qx', 0, 1, 0, 1, now(), '{}', '\\x28', '{200}', '{r}', '{9}');
insert into receipt values ('1123-k7m2qx', 0, 1, 60, 'ok', 'r', now());
"""

EVERY = (
    "select *, tableoid::regclass::text as part from message",
    "select *, tableoid::regclass::text as part from batch",
    "select *, tableoid::regclass::text as part from attempt",
    "select *, tableoid::regclass::text as part from receipt",
)


@pytest.fixture
async def database(empty_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(empty_database_url)
    yield connection
    await connection.close()


async def refusal(database: asyncpg.Connection, *known: Migration) -> Refused:
    with pytest.raises(Refused) as refused:
        await migrate(database, known)
    return refused.value


async def test_an_empty_database_gets_every_migration_once(database: asyncpg.Connection) -> None:
    assert await migrate(database) == migrations()
    assert await migrate(database) == []


async def test_only_what_is_missing_is_applied(database: asyncpg.Connection) -> None:
    await migrate(database, [BRIDGE])
    assert await pending(database, [BRIDGE, RIVER]) == [RIVER]
    assert await migrate(database, [BRIDGE, RIVER]) == [RIVER]


async def test_two_who_migrate_at_once_do_it_once(database: asyncpg.Connection, empty_database_url: str) -> None:
    other = await asyncpg.connect(empty_database_url)
    applied = await asyncio.gather(migrate(database), migrate(other))
    await other.close()
    assert sorted(map(len, applied)) == [0, len(migrations())]


async def test_a_migration_that_fails_leaves_nothing_of_itself(database: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.DuplicateTableError):
        await migrate(database, [BRIDGE, BROKEN])
    assert await database.fetchval("select to_regclass('road')") is None
    assert await pending(database, [BRIDGE, RIVER]) == [RIVER]


async def test_an_edited_file_is_refused_by_name(database: asyncpg.Connection) -> None:
    await migrate(database, [BRIDGE])
    refused = await refusal(database, replace(BRIDGE, checksum="zz"), RIVER)
    assert refused.say("en")[0].startswith("0001_bridge.sql: This file was changed after it had been applied.")
    assert "書き換えられています" in refused.say("ja")[0]
    assert await database.fetchval("select to_regclass('river')") is None


async def test_a_missing_file_is_refused_by_name(database: asyncpg.Connection) -> None:
    await migrate(database, [BRIDGE, RIVER])
    refused = await refusal(database, RIVER)
    assert refused.say("en")[0].startswith("0001_bridge.sql: This file was applied to the database but is gone")
    assert "todoke/migrations にありません" in refused.say("ja")[0]


async def test_a_database_of_a_newer_todoke_is_refused(database: asyncpg.Connection) -> None:
    await migrate(database, [BRIDGE, RIVER])
    refused = await refusal(database, BRIDGE)
    assert "brought up to date by a newer Todoke" in refused.say("en")[0]
    assert "新しい版で更新されています" in refused.say("ja")[0]


async def test_an_old_postgresql_is_refused(database: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("todoke.migrate.OLDEST_POSTGRES", 99)
    refused = await refusal(database, BRIDGE)
    assert "PostgreSQL 18 is too old" in refused.say("en")[0]
    assert "古すぎます" in refused.say("ja")[0]


def test_a_changed_byte_changes_the_checksum(tmp_path: Path) -> None:
    (tmp_path / "0001_bridge.sql").write_text("select 1")
    (before,) = read_migrations(tmp_path)
    (tmp_path / "0001_bridge.sql").write_text("select 2")
    (after,) = read_migrations(tmp_path)
    assert before.checksum != after.checksum


async def test_what_was_sent_before_there_were_years_stays(database: asyncpg.Connection) -> None:
    """Names had no year then (1123-k7m2qx)."""
    await migrate(database, migrations()[:3])
    await database.execute(SENT_BEFORE)
    before = [dict(await database.fetchrow(every) or {}) for every in EVERY]
    assert [migration.number for migration in await migrate(database, migrations()[:4])] == [4]
    after = [dict(await database.fetchrow(every) or {}) for every in EVERY]
    assert all(row.pop("part") != now.pop("part") for row, now in zip(before, after, strict=True))
    assert after[1].pop("size") == 2
    assert after == before


def test_our_own_are_numbered_without_gaps() -> None:
    assert [migration.number for migration in migrations()] == list(range(1, len(migrations()) + 1))
