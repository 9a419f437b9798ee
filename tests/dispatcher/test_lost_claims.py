"""What a process took and never heard of is not kept from everybody for good."""

from __future__ import annotations

import asyncio
from pathlib import Path

from asyncpg import Pool

from dispatcher.batches import BatchStore, Claimed, LaneKey
from dispatcher.epoch import Epoch
from dispatcher.inspection import Quarantine
from dispatcher.limiter import MemoryLimiter
from dispatcher.pauses import Pauses
from dispatcher.providers import Providers
from dispatcher.sender import Sender
from dispatcher.session import Session
from subscribers.addressbook import Addresses
from subscribers.columns import open_audience
from tests.dispatcher.emergency.office import plan, session
from tests.dispatcher.engine_room import CAST, Kawabe, kawabe, order, people


class Deaf(BatchStore):
    """Its first claim is committed, and the answer lost."""

    deaf = True

    async def claim(self, lane: LaneKey, session: int, most: int) -> list[Claimed]:
        batches = await super().claim(lane, session, most)
        if self.deaf and batches:
            self.deaf = False
            raise ConnectionResetError
        return batches


async def sender(town: Kawabe, alive: Session) -> Sender:
    columns = await open_audience(town.pool)
    limiter = MemoryLimiter()
    return Sender(
        store=Deaf(town.pool),
        addresses=Addresses(columns, town.pool, town.vault),
        channels=town.channels,
        limiter=limiter,
        session=alive,
        pauses=Pauses(),
        providers=Providers(limiter, lambda: None),
        poll_seconds=0.05,
        call_seconds=5,
        lane_through=lambda: None,
        epoch=Epoch(),
        quarantine=Quarantine(),
    )


async def test_a_claim_whose_answer_was_lost_is_given_back_by_the_one_who_made_it(pool: Pool, tmp_path: Path) -> None:
    town = await kawabe(pool)
    await town.settle(tmp_path, [CAST["hana"], CAST["tome"]])
    dispatch = await town.send(order(channels=["sms"]))
    async with session(town) as alive:
        await plan(town, alive)
        async with await sender(town, alive), asyncio.timeout(20):
            while len(people(town.sms)) < 2 or await pool.fetchval("select count(*) from batch where state <> 'done'"):
                await asyncio.sleep(0.02)
    assert len(people(town.sms)) == 2
    assert await pool.fetchval("select attempt from batch where dispatch = $1", dispatch) == 2


async def test_a_plan_that_could_not_be_put_back_is_taken_up_again_by_its_own_planner(
    pool: Pool, tmp_path: Path
) -> None:
    town = await kawabe(pool)
    await town.settle(tmp_path, [CAST["hana"]])
    dispatch = await town.send(order())
    async with session(town) as alive:
        await pool.execute("update dispatch set state = 'planning', planner = $1", alive.number)
        await plan(town, alive)
    assert await pool.fetchval("select state from dispatch where id = $1", dispatch) == "sending"
