"""A claim is an index scan whatever PostgreSQL believes of the table, and never waits for another."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest
from asyncpg import Pool

from dispatcher.dispatches import create
from tests.dispatcher.engine_room import OFFICERS, order
from words.sql import sql

PLAN = Path(__file__).resolve().parents[2] / "docs" / "plans" / "batch_claim.txt"
CLAIM = sql("dispatcher", "batch_claim")
OLD, DUE = sql("bench", "add_old_batches"), sql("bench", "add_due_batches")
YEAR = "batch_2026"
WORKERS = 16


@pytest.fixture
async def year(pool: Pool) -> Pool:
    """Dispatches of one year: an old one, and one that is being sent."""
    await create(pool, order(), OFFICERS)
    await pool.execute(
        "insert into dispatch select (jsonb_populate_record(d, $1)).* from dispatch d", '{"id": "261101-aaaaaa"}'
    )
    await pool.execute("update dispatch set id = '261123-bbbbbb', state = 'sending' where id <> '261101-aaaaaa'")
    await pool.execute("update dispatch set state = 'drained' where id = '261101-aaaaaa'")
    return pool


async def plan(pool: Pool) -> str:
    """As PostgreSQL keeps it for every claim of a connection."""
    async with pool.acquire() as connection:
        await connection.execute(f"prepare claim (text, smallint, text, bigint, bigint) as {CLAIM}")
        rows = await connection.fetch("explain (costs off) execute claim ('line', 0, '', 1, 8)")
        await connection.execute("deallocate claim")
    return "\n".join(row[0] for row in rows) + "\n"


async def test_the_plan_of_a_claim_is_the_committed_one(year: Pool) -> None:
    await year.execute(OLD, "261101-aaaaaa", 5_000)
    await year.execute(DUE, "261123-bbbbbb", 20)
    await year.execute(f"analyze {YEAR}")
    assert await plan(year) == PLAN.read_text(encoding="utf-8")


@pytest.mark.parametrize(("seen", "then"), [(OLD, DUE), (DUE, OLD)], ids=["only old", "only due"])
async def test_what_the_statistics_did_not_see_changes_nothing(year: Pool, seen: str, then: str) -> None:
    names = {OLD: "261101-aaaaaa", DUE: "261123-bbbbbb"}
    await year.execute(seen, names[seen], 5_000)
    await year.execute(f"analyze {YEAR}")
    await year.execute(then, names[then], 20_000)
    assert await plan(year) == PLAN.read_text(encoding="utf-8")


async def test_sixteen_workers_claim_side_by_side(year: Pool, fresh_database_url: str) -> None:
    """Each holds its claim uncommitted while the others claim: one that waited for it would be ended."""
    await year.execute(DUE, "261123-bbbbbb", WORKERS * 8)
    async with AsyncExitStack() as stack:
        claims = await asyncio.gather(*(_claim(stack, fresh_database_url, number) for number in range(WORKERS)))
    claimed = [row["number"] for rows in claims for row in rows]
    assert sorted(claimed) == list(range(WORKERS * 8))


async def _claim(stack: AsyncExitStack, url: str, session: int) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url, server_settings={"lock_timeout": "2s"})
    stack.push_async_callback(connection.close)
    await connection.execute("begin")
    rows: list[asyncpg.Record] = await connection.fetch(CLAIM, "line", 0, "", session, 8)
    stack.push_async_callback(connection.execute, "commit")
    return rows


async def test_what_was_due_first_is_claimed_first(year: Pool) -> None:
    await year.execute(DUE, "261123-bbbbbb", 50)
    await year.execute("update batch set due_at = now() - number * interval '1 second'")
    assert {row["number"] for row in await year.fetch(CLAIM, "line", 0, "", 1, 3)} == {47, 48, 49}


async def test_no_statement_of_the_queue_reads_the_whole_table(year: Pool) -> None:
    await year.execute(OLD, "261101-aaaaaa", 20_000)
    await year.execute(DUE, "261123-bbbbbb", 20)
    await year.execute(f"vacuum analyze {YEAR}")
    for verb in ("lanes_busy", "batch_orphans", "batch_leftover", "late_leftover", "dispatch_finish"):
        rows = await year.fetch(f"explain (costs off) {sql('dispatcher', verb)}")
        assert not [row[0] for row in rows if f"Seq Scan on {YEAR}" in row[0]], verb
