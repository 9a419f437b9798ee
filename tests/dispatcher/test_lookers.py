"""What the watch sees of Kawabe's engine: nobody at work, a lane that stands still, an order over its promise."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from asyncpg import Pool

from channels.contract import Answer, Pause, Verdict
from channels.memory import Script
from dispatcher.dispatches import workers
from dispatcher.lookers import Lanes, Promises, Sessions
from dispatcher.trouble import Trouble
from tests.dispatcher.engine_room import CAST, Kawabe, channel, crowd, invitation, kawabe, order

_TRIED = """
    select planned_at is not null and not exists (select from batch where dispatch = d.id and tries = 0)
    from dispatch d where id = $1
"""


@pytest.fixture
async def town(pool: Pool, tmp_path: Path) -> Kawabe:
    town = await kawabe(pool)
    await town.settle(tmp_path, list(CAST.values()))
    return town


async def ages(pool: Pool, seconds: int) -> None:
    """Everything approved, due and claimed was so long ago."""
    await pool.execute("update dispatch set approved_at = approved_at - $1 * interval '1 second'", seconds)
    await pool.execute(
        "update batch set due_at = due_at - $1 * interval '1 second', "
        "claimed_at = claimed_at - $1 * interval '1 second'",
        seconds,
    )
    await pool.execute("update attempt set at = at - $1 * interval '1 second'", seconds)


def refusing(answer: Answer) -> Script:
    async def refuse(*_: object) -> Answer:
        return answer

    return refuse


async def planned(town: Kawabe) -> None:
    """An order of which nothing was sent: every call is refused for now."""
    for each in town.channels.values():
        each.script = refusing(Answer(Verdict.RETRY, code="503"))
    dispatch = await town.send(order())
    async with town.at_work(), asyncio.timeout(30):
        while not await town.pool.fetchval(_TRIED, dispatch):
            await asyncio.sleep(0.01)
    await town.pool.execute("update batch set due_at = now() where state = 'due'")


async def test_an_order_that_finds_nobody_at_work_is_an_alarm(town: Kawabe) -> None:
    eye = Sessions(town.pool, 30)
    assert await eye.look() == []
    await town.send(order())
    (trouble,) = await eye.look()
    assert trouble.say("en").startswith("Something waits to be sent and no worker is alive.")
    assert trouble.code == "worker.none"


async def test_a_worker_that_died_unseen_is_nobody(town: Kawabe) -> None:
    await town.pool.execute("insert into worker_session (host, pid) values ('kawabe-1', 1)")
    await town.send(order())
    clock = [0.0]
    eye = Sessions(town.pool, 30, clock=lambda: clock[0])
    assert await eye.look() == []
    clock[0] = 31
    assert [each.code for each in await eye.look()] == ["worker.none"]


async def test_what_every_worker_says_is_seen(town: Kawabe) -> None:
    town.line.script = refusing(Answer(Verdict.RETRY, code="429", pause=Pause("channel", None, "quota")))
    await town.send(order())
    async with town.at_work(beat_seconds=0.02), asyncio.timeout(30):
        while not (await workers(town.pool))[0]["trouble"]:
            await asyncio.sleep(0.01)
        assert [each.code for each in await Sessions(town.pool, 30).look()] == ["quota.gone"]


async def test_a_lane_where_nothing_moves_is_stuck(town: Kawabe) -> None:
    await planned(town)
    eye = Lanes(town.pool, 60)
    assert await eye.look() == []
    await ages(town.pool, 61)
    found = {each.where: each for each in await eye.look()}
    assert set(found) == {"line", "sms", "email/google"}
    assert found["sms"].say("ja").startswith("sms: 2 人への送信が 61 秒間進んでいません。")


async def test_a_lane_that_was_called_a_moment_ago_is_not(town: Kawabe) -> None:
    await planned(town)
    await ages(town.pool, 61)
    await town.pool.execute("update batch set claimed_at = now() where channel = 'line'")
    await town.pool.execute("update batch set claimed_at = now() where channel = 'email'")
    assert [each.where for each in await Lanes(town.pool, 60).look()] == ["sms"]


async def test_a_run_of_calls_that_goes_on_is_not_stuck(town: Kawabe) -> None:
    await planned(town)
    await town.pool.execute("update batch set state = 'claimed', session = 1 where channel = 'sms'")
    await ages(town.pool, 61)
    await town.pool.execute("update attempt set at = now()")
    assert "sms" not in {each.where for each in await Lanes(town.pool, 60).look()}


async def test_a_provider_that_is_left_in_peace_says_so_itself(town: Kawabe) -> None:
    await planned(town)
    await ages(town.pool, 61)
    told = Trouble("quota.gone", "line", "…", "…").as_json()
    await town.pool.execute(
        "insert into worker_session (host, pid, trouble) values ('kawabe-1', 1, jsonb_build_array($1::jsonb))",
        json.dumps(told),
    )
    assert "line" not in {each.where for each in await Lanes(town.pool, 60).look()}


async def test_a_campaign_behind_an_order_is_not_stuck(town: Kawabe) -> None:
    await planned(town)
    await town.pool.execute("update batch set priority = 4 where channel = 'line'")
    await town.pool.execute("update batch set channel = 'line' where channel = 'sms'")
    await ages(town.pool, 61)
    (line, _mail) = sorted(await Lanes(town.pool, 60).look(), key=lambda each: each.where != "line")
    assert "for 2 people" in line.en


async def test_an_order_is_late_a_minute_after_the_limits_let_it_through(town: Kawabe) -> None:
    await planned(town)
    eye = Promises(town.pool, town.channels)
    await ages(town.pool, 55)
    assert await eye.look() == []
    await ages(town.pool, 10)
    found = {(each.code, each.where) for each in await eye.look()}
    assert found == {("late.evacuation", "line"), ("late.evacuation", "sms"), ("late.evacuation", "email")}


async def test_a_slow_limit_is_no_broken_promise(pool: Pool, tmp_path: Path) -> None:
    town = await kawabe(pool)
    await town.settle(tmp_path, crowd(100, line=False, phone=True))
    await planned(town)
    slow = channel("sms", "phone", 1, repeatable=False, rate=1)
    eye = Promises(town.pool, {"sms": slow})
    await ages(town.pool, 160)
    assert await eye.look() == []
    await ages(town.pool, 10)
    (trouble,) = await eye.look()
    assert "100 人に送れていません" in trouble.ja


async def test_an_order_that_is_not_planned_is_late(town: Kawabe) -> None:
    dispatch = await town.send(order())
    await ages(town.pool, 61)
    (trouble,) = await Promises(town.pool, town.channels).look()
    assert trouble.code == "late.evacuation"
    assert f"{dispatch} (evacuation) is late" in trouble.en


async def test_a_campaign_may_take_its_time(town: Kawabe) -> None:
    await town.send(invitation())
    await ages(town.pool, 3500)
    assert await Promises(town.pool, town.channels).look() == []


async def test_what_was_sent_is_neither_stuck_nor_late(town: Kawabe) -> None:
    await town.sent(order())
    await ages(town.pool, 100_000)
    assert await Lanes(town.pool, 60).look() == []
    assert await Promises(town.pool, town.channels).look() == []
