"""The bell, and by it who is at work."""

from __future__ import annotations

import asyncio

from asyncpg import Pool

from dispatcher.bell import PLAN, Bell, anybody_at_work

CUT = """
select pg_terminate_backend(pid, 10000) from pg_locks
where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())
"""
RING = "select pg_notify('todoke', $1)"


async def at_work(pool: Pool) -> None:
    async with asyncio.timeout(10):
        while not await anybody_at_work(pool):
            await asyncio.sleep(0.01)


async def test_after_its_connection_broke_it_is_heard_and_known_to_be_at_work_again(pool: Pool) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with Bell(pool, heard.put_nowait, poll_seconds=0.01):
        await at_work(pool)
        await pool.execute(CUT)
        await at_work(pool)
        async with asyncio.timeout(10):
            while heard.empty():
                await pool.execute(RING, PLAN)
    assert heard.get_nowait() == PLAN


async def test_whose_connection_broke_a_moment_ago_closes_in_peace(pool: Pool) -> None:
    async with Bell(pool, lambda _: None, poll_seconds=60):
        await at_work(pool)
        await pool.execute(CUT)
    assert not await anybody_at_work(pool)
