"""One process looks for all; what looks wrong becomes an alarm, also where looking itself fails."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
import pytest
from asyncpg import Pool

from dispatcher import watch as watching
from dispatcher.alarms import Notice, standing
from dispatcher.trouble import Trouble
from dispatcher.watch import Looker, Watch
from tests.dispatcher.test_alarms import QUOTA, Pager


def watch(pool: Pool, *lookers: Looker, pager: Pager | None = None, look_seconds: float = 60) -> Watch:
    return Watch(
        pool,
        lookers,
        look_seconds=look_seconds,
        repeat_seconds=60,
        tell=(pager or Pager()).tell,
        woken=lambda: None,
    )


class Eye:
    """Sees what it is given, and counts how often it looked."""

    def __init__(self, *seen: Trouble) -> None:
        self.seen: Sequence[Trouble] = seen
        self.looked = 0

    async def look(self) -> Sequence[Trouble]:
        self.looked += 1
        return self.seen

    @property
    def looker(self) -> Looker:
        return Looker("eye", self.look)


async def test_of_two_processes_one_looks_for_both(pool: Pool) -> None:
    eyes = [Eye(QUOTA), Eye(QUOTA)]
    for eye in eyes:
        await watch(pool, eye.looker).tick()
    assert [eye.looked for eye in eyes] == [1, 0]
    assert [each.trouble for each in await standing(pool)] == [QUOTA]


async def test_when_the_one_that_looked_is_gone_the_other_goes_on(pool: Pool) -> None:
    eyes = [Eye(), Eye(QUOTA)]
    await watch(pool, eyes[0].looker).tick()
    await pool.execute("update duty set done_at = done_at - interval '60 seconds'")
    await watch(pool, eyes[1].looker).tick()
    assert [each.trouble for each in await standing(pool)] == [QUOTA]


async def test_one_who_cannot_look_is_an_alarm_and_hides_no_other(pool: Pool) -> None:
    async def stumble() -> Sequence[Trouble]:
        raise KeyError("where")

    await watch(pool, Looker("blind", stumble), Eye(QUOTA).looker).tick()
    found = {(each.trouble.code, each.trouble.where) for each in await standing(pool)}
    assert found == {("watch.failed", "blind"), ("quota.gone", "line")}


@asynccontextmanager
async def nobody_let_in(server: str, pool: Pool) -> AsyncIterator[None]:
    """The database turns everybody away meanwhile, as one that starts or stops does."""
    name = await pool.fetchval("select current_database()")
    keeper = await asyncpg.connect(server)
    await keeper.execute(f"alter database {name} allow_connections false")
    await pool.expire_connections()
    yield
    await keeper.execute(f"alter database {name} allow_connections true")
    await keeper.close()


async def test_the_database_gone_is_told_from_memory(
    pool: Pool, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "GONE_SECONDS", 0.0)
    mori = Pager()
    alone = watch(pool, Eye().looker, pager=mori)
    await alone.tick()
    assert mori.heard == []
    async with nobody_let_in(database_url, pool):
        await alone.tick()
        await alone.tick()
        assert mori.states == ["raised"]
    await alone.tick()
    assert mori.states == ["raised", "ended"]
    assert [notice.trouble.code for notice in mori.heard] == ["database.gone"] * 2


async def test_a_database_that_restarts_is_no_alarm(pool: Pool, database_url: str) -> None:
    mori = Pager()
    alone = watch(pool, Eye().looker, pager=mori)
    async with nobody_let_in(database_url, pool):
        await alone.tick()
    await alone.tick()
    assert mori.heard == []


async def test_an_alarm_says_what_to_do_in_both_languages(pool: Pool) -> None:
    notice = Notice("raised", watching.database_gone(), await pool.fetchval("select now()"))
    told = notice.as_json()
    assert told["ja"].startswith("データベースが使えません。")
    assert told["en"].startswith("The database cannot be used")
    assert set(told) == {"alarm", "state", "where", "since", "until", "ja", "en"}


async def test_an_alarm_that_another_process_sees_is_not_over_for_this_one(pool: Pool) -> None:
    await watch(pool, Eye(QUOTA).looker, look_seconds=60).tick()
    await pool.execute("update alarm set seen_at = seen_at - interval '60 seconds'")
    await watch(pool, Looker("other", Eye().look), look_seconds=60).tick()
    assert [each.trouble for each in await standing(pool)] == [QUOTA]
