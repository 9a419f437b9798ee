"""Years are dropped whole, when they were kept long enough, and how many were reached stays known."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from asyncpg import CheckViolationError, NotNullViolationError, Pool

from dispatcher import ageing
from dispatcher.ageing import Ageing, add_years, drop_years
from dispatcher.dispatches import create, status
from dispatcher.history import dispatch_history
from dispatcher.personal_history import terms
from tests.dispatcher.engine_room import CAST, OFFICERS, Kawabe, kawabe, order
from words.problem import Refused
from words.sql import sql

LIST, NOW = sql("dispatcher", "year_list"), sql("dispatcher", "year_now")
PARTS = {
    "message": "select distinct tableoid::regclass::text as part from message",
    "batch": "select distinct tableoid::regclass::text as part from batch",
    "attempt": "select distinct tableoid::regclass::text as part from attempt",
}


@pytest.fixture
async def town(pool: Pool, tmp_path: Path) -> Kawabe:
    town = await kawabe(pool)
    await without_autovacuum(pool)
    await town.settle(tmp_path, list(CAST.values()))
    return town


async def without_autovacuum(pool: Pool) -> None:
    """A table that is being vacuumed is in use, so its year would be dropped an hour later."""
    for table in await pool.fetch(
        "select oid::regclass::text as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'"
    ):
        await pool.execute(f"alter table {table['name']} set (autovacuum_enabled = off)")


@pytest.fixture
async def this_year(town: Kawabe) -> int:
    """A year begins in April; there are tables for it."""
    await add_years(town.pool)
    year: int = await town.pool.fetchval(NOW)
    return year


async def years(pool: Pool) -> list[str]:
    return [row["year"] for row in await pool.fetch(LIST)]


async def test_a_dispatch_is_named_for_its_day_and_stands_in_its_year(town: Kawabe, this_year: int) -> None:
    dispatch = (await town.sent(order())).dispatch
    today = await town.pool.fetchval("select to_char(now() at time zone 'utc', 'YYMMDD')")
    assert dispatch.startswith(f"{today}-")
    for table, parts in PARTS.items():
        assert [row["part"] for row in await town.pool.fetch(parts)] == [f"{table}_{this_year}"]


async def test_how_many_were_reached_outlives_who_they_were(town: Kawabe, this_year: int) -> None:
    before = await town.sent(order())
    assert str(this_year) in await drop_years(town.pool, keep_years=3, today=this_year + 4)
    assert await status(town.pool, before.dispatch) == before
    assert await town.pool.fetchval("select count(*) from batch") == 0


async def test_a_year_is_kept_for_as_long_as_was_said(town: Kawabe, this_year: int) -> None:
    await town.sent(order())
    await drop_years(town.pool, keep_years=3, today=this_year + 3)
    await drop_years(town.pool, keep_years=0, today=this_year + 40)
    await drop_years(town.pool, keep_years=50, today=this_year + 40)
    assert str(this_year) in await years(town.pool)


async def test_nothing_unfinished_is_dropped(town: Kawabe, this_year: int) -> None:
    dispatch = await town.send(order())
    assert str(this_year) not in await drop_years(town.pool, keep_years=3, today=this_year + 4)
    async with town.at_work():
        assert (await town.over(dispatch)).channels["line"]["accepted"] == 2


async def test_what_was_approved_after_the_year_is_kept_with_it(town: Kawabe, this_year: int) -> None:
    """Dispatches of before have names without a year."""
    dispatch = (await town.sent(order())).dispatch
    await town.pool.execute(
        "insert into dispatch select (jsonb_populate_record(d, $1)).* from dispatch d", '{"id": "1123-abcdef"}'
    )
    assert await drop_years(town.pool, keep_years=3, today=this_year + 3) == []
    assert (await status(town.pool, dispatch)).channels


async def test_a_year_in_use_waits_and_makes_nobody_wait(
    town: Kawabe, this_year: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ageing, "_TRIES", 2)
    before = await town.sent(order())
    async with town.pool.acquire() as reader, reader.transaction():
        await reader.fetch("select from batch")
        assert await drop_years(town.pool, keep_years=3, today=this_year + 4) == []
        assert await status(town.pool, before.dispatch) == before
    assert str(this_year) in await drop_years(town.pool, keep_years=3, today=this_year + 4)


async def test_two_workers_drop_a_year_once(town: Kawabe, this_year: int) -> None:
    await town.sent(order())
    found = await asyncio.gather(*(drop_years(town.pool, keep_years=3, today=this_year + 4) for _ in range(2)))
    assert sum(str(this_year) in dropped for dropped in found) <= 1
    await drop_years(town.pool, keep_years=3, today=this_year + 4)
    assert str(this_year) not in await years(town.pool)


async def test_a_year_dropped_while_somebody_lists_them_is_not_listed(town: Kawabe, this_year: int) -> None:
    async with town.pool.acquire() as reader, reader.transaction(isolation="repeatable_read"):
        await reader.fetchval("select count(*) from pg_class")
        await town.pool.execute("select drop_year($1)", str(this_year))
        assert str(this_year) not in {row["year"] for row in await reader.fetch(LIST)}


async def test_details_that_are_gone_are_not_told_as_nobody_reached(town: Kawabe, this_year: int) -> None:
    dispatch = (await town.sent(order())).dispatch
    await drop_years(town.pool, keep_years=3, today=this_year + 4)
    for ask in (dispatch_history, terms):
        with pytest.raises(Refused, match=f"The details of dispatch '{dispatch}' were dropped on ") as refusal:
            await ask(town.pool, dispatch)
        assert refusal.value.say("ja")[0].endswith(f"人数は todoke status {dispatch} で分かります。")


async def test_a_correction_needs_to_know_whom_its_parent_reached(town: Kawabe, this_year: int) -> None:
    dispatch = (await town.sent(order())).dispatch
    await drop_years(town.pool, keep_years=3, today=this_year + 4)
    with pytest.raises(Refused, match="is no longer on record: it has been kept long enough") as refusal:
        await create(town.pool, order(reference={"lifts": dispatch}, area=None), OFFICERS)
    assert "だれに届いたかの記録がありません" in refusal.value.say("ja")[0]


async def test_a_missing_year_is_added_once(town: Kawabe, this_year: int) -> None:
    await town.pool.execute("select drop_year($1)", str(this_year))
    assert await add_years(town.pool) == [str(this_year)]
    sent = await town.sent(order())
    assert await add_years(town.pool) == []
    assert await status(town.pool, sent.dispatch) == sent


async def test_what_finds_no_year_is_sent_and_trouble_for_people_to_see(
    town: Kawabe, this_year: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await town.pool.execute("select drop_year($1)", str(this_year))
    monkeypatch.setattr(ageing, "_ADD", "select pg_sleep(0 * $1::integer)")
    assert (await town.sent(order())).channels["line"]["accepted"] == 2
    monkeypatch.undo()
    watch = Ageing(town.pool, keep_years=3)
    await watch.tick()
    assert [trouble.code for trouble in watch.trouble()] == ["ageing.failed"]
    assert "todoke age" in watch.trouble()[0].say("ja")
    assert (await town.sent(order(id="next"))).channels["line"]["accepted"] == 2


async def test_arrays_that_do_not_fit_one_another_are_no_batch(pool: Pool) -> None:
    row = (
        "insert into batch (dispatch, number, key, channel, lane, priority, messages, members, places, outcomes, state)"
        " values ('261123-abcdef', 0, gen_random_uuid(), 'line', '', 0, '{0}', '{1,2}', $1::bigint[], $2, 'due')"
    )
    with pytest.raises(NotNullViolationError):
        await pool.execute(row, [0], bytes(2))
    with pytest.raises(CheckViolationError):
        await pool.execute(row, [0, 0], bytes(3))
