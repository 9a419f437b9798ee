"""How a worker takes its leave."""

from __future__ import annotations

from asyncpg import Pool

from dispatcher.session import Session

AT_WORK = "select count(*) from worker_session where ended_at is null"


def session(pool: Pool) -> Session:
    return Session(pool, beat_seconds=60, expire_seconds=120, trouble=list, shared_among=lambda _: None)


async def test_a_worker_that_ends_is_gone_at_once(pool: Pool) -> None:
    async with session(pool) as worker:
        assert worker.number > 0
        assert await pool.fetchval(AT_WORK) == 1
    assert await pool.fetchval(AT_WORK) == 0


async def test_a_worker_whose_database_is_gone_ends_all_the_same(pool: Pool) -> None:
    async with session(pool):
        pool.terminate()
