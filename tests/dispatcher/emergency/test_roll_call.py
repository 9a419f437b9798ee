"""After an outage a server waits for the others, but not for ever."""

from __future__ import annotations

import asyncio

from asyncpg import Pool

from dispatcher.emergency.roll_call import RollCall

NEVER = 1_000.0


def ignored() -> None:
    """Nobody's gate."""


async def test_a_server_that_is_alone_waits_for_nobody(pool: Pool) -> None:
    here = RollCall(pool, "here", grace=NEVER)
    await here.beat(unmerged=False)
    async with asyncio.timeout(10):
        await here.wait(ignored)


async def test_it_waits_until_another_is_back_and_has_merged(pool: Pool) -> None:
    here, there = RollCall(pool, "here", grace=NEVER), RollCall(pool, "there", grace=NEVER)
    await there.beat(unmerged=False)
    waiting = asyncio.create_task(here.wait(ignored))
    await asyncio.sleep(0.1)
    await there.beat(unmerged=True)
    await asyncio.sleep(0.5)
    assert not waiting.done()
    await there.beat(unmerged=False)
    async with asyncio.timeout(10):
        await waiting


async def test_one_that_stays_away_is_not_waited_for_beyond_the_grace(pool: Pool) -> None:
    here, there = RollCall(pool, "here", grace=0.3), RollCall(pool, "there", grace=0.3)
    await there.beat(unmerged=False)
    async with asyncio.timeout(10):
        await here.wait(ignored)


async def test_one_that_signed_off_is_not_waited_for(pool: Pool) -> None:
    here, there = RollCall(pool, "here", grace=NEVER), RollCall(pool, "there", grace=NEVER)
    await there.beat(unmerged=False)
    await there.sign_off()
    async with asyncio.timeout(10):
        await here.wait(ignored)
