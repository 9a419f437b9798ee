"""Journals that cannot be merged are put aside: nothing keeps an order in for good."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from asyncpg import LockNotAvailableError, Pool

from dispatcher.emergency.in_hand import WatchedStore
from dispatcher.emergency.journal import Journal
from dispatcher.emergency.leaving import Leaving
from dispatcher.emergency.ledger import now
from dispatcher.emergency.memory import Memory
from dispatcher.emergency.records import Calls, Carried, Head, Kept, Ordered, Stopped
from dispatcher.emergency.shelf import Shelf
from dispatcher.model import Outcome
from dispatcher.session import Session
from subscribers.columns import open_audience
from tests.dispatcher.emergency.office import claim, plan, session
from tests.dispatcher.engine_room import CAST, KAWABE, Kawabe, kawabe, order
from todoke.context import open_pool


def head(dispatch: str) -> Head:
    valid_until = now() + timedelta(hours=1)
    return Head(dispatch, "e", ["川辺町"], "evacuation", valid_until, "佐藤", "森", "here", 0, 0, unplanned=False)


def quietly() -> None:
    """Nobody's gate."""


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


async def test_the_journal_of_a_dispatch_the_database_does_not_know_is_put_aside(pool: Pool, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    await shelf.add("261123-k7m2qx", [head("261123-k7m2qx"), Ordered("森", now())], [])
    await shelf.merge(pool, [], quietly)
    assert names(tmp_path) == ["261123-k7m2qx.not-merged"]
    assert shelf.books == {}


async def test_what_a_dead_process_left_is_taken_up_and_a_journal_without_its_head_is_not(tmp_path: Path) -> None:
    Journal.create(tmp_path / "261123-aaaaaa.journal", [head("261123-aaaaaa")]).close()
    Journal.create(tmp_path / "261123-bbbbbb.journal", [Ordered("森", now())]).close()
    shelf = Shelf(tmp_path)
    shelf.read()
    assert list(shelf.books) == ["261123-aaaaaa"]
    assert names(tmp_path) == ["261123-aaaaaa.journal", "261123-bbbbbb.not-merged"]
    shelf.close()


@pytest.fixture
async def planned(pool: Pool, tmp_path: Path) -> AsyncIterator[tuple[Kawabe, Kept, Session]]:
    """An order to Tome by SMS, as a journal has it when its one batch was in hand."""
    town = await kawabe(pool)
    await town.settle(tmp_path, [CAST["tome"]])
    dispatch = await town.send(order(channels=["sms"]))
    async with session(town) as alive:
        await plan(town, alive)
        memory = Memory(pool, KAWABE)
        store = WatchedStore(pool, memory.learn)
        await claim(store, "sms", alive)
        await memory.refresh()
        columns = await open_audience(pool)
        leaving = Leaving(town.channels, store.told(), alive.number, columns.sealed)
        [kept] = leaving.batches(memory.orders[dispatch])
        yield town, kept, alive


def carried(number: int, session: int, *, part: int = 0) -> Carried:
    calls = Calls(now(), [0], bytes([Outcome.ACCEPTED]), ["201"], ["SM1"], [3])
    return Carried(number, 1, part, session, calls)


async def dispatch_of(pool: Pool) -> str:
    return str(await pool.fetchval("select id from dispatch"))


async def waiting(pool: Pool, part: str) -> None:
    """Until a statement with this in it waits for a lock."""
    query = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and position($1 in query) > 0"
    async with asyncio.timeout(20):
        while not await pool.fetchval(query, part):
            await asyncio.sleep(0.02)


async def test_what_an_attempt_learnt_while_its_journal_is_merged_is_merged_as_well(
    pool: Pool, tmp_path: Path, planned: tuple[Kawabe, Kept, Session]
) -> None:
    dispatch, (_, kept, alive), shelf = await dispatch_of(pool), planned, Shelf(tmp_path)
    await shelf.add(dispatch, [head(dispatch), Ordered("森", now()), Stopped("佐藤", now())], [kept])
    assert await shelf.carry(dispatch, carried(kept.number, alive.number, part=0))
    async with pool.acquire() as one, pool.acquire() as other, other.transaction():
        async with one.transaction():
            await one.execute("select from batch for update")
            merging = asyncio.create_task(shelf.merge(pool, [alive.number], quietly))
            await waiting(pool, "from batch b")
            await other.execute("select from dispatch for update")
        await waiting(pool, "set state = case when was_sent")
        assert await shelf.carry(dispatch, carried(kept.number, alive.number, part=1))
    await merging
    assert await pool.fetchval("select count(*) from attempt") == 2
    assert await pool.fetchval("select count(*) from batch where state = 'claimed'") == 0


async def test_an_attempt_at_a_batch_that_the_journal_does_not_know_tells_the_database_once_it_is_merged(
    pool: Pool, tmp_path: Path
) -> None:
    shelf = Shelf(tmp_path)
    await shelf.add("261123-k7m2qx", [head("261123-k7m2qx"), Ordered("森", now())], [])
    attempt = asyncio.create_task(shelf.carry("261123-k7m2qx", carried(7, 1)))
    await asyncio.sleep(0)
    assert not attempt.done()
    await shelf.merge(pool, [], quietly)
    assert not await attempt


async def test_a_lock_that_others_hold_puts_no_journal_aside(
    pool: Pool, fresh_database_url: str, tmp_path: Path, planned: tuple[Kawabe, Kept, Session]
) -> None:
    dispatch, (_, kept, alive), shelf = await dispatch_of(pool), planned, Shelf(tmp_path / "emergency")
    (tmp_path / "emergency").mkdir()
    await shelf.add(dispatch, [head(dispatch), Ordered("森", now())], [kept])
    async with open_pool(fresh_database_url, 1) as impatient, pool.acquire() as other, other.transaction():
        await impatient.execute("set lock_timeout = 50")
        await other.execute("select from batch for update")
        with pytest.raises(LockNotAvailableError):
            await shelf.merge(impatient, [alive.number], quietly)
    assert names(tmp_path / "emergency") == [f"{dispatch}.journal"]
    await shelf.merge(pool, [alive.number], quietly)
    assert (names(tmp_path / "emergency"), shelf.books) == ([], {})
