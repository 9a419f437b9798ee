"""Released once, whatever dies; and what is not released says why."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console.orders import approving, book, submitting
from console.orders.lookout import Lookout
from console.orders.model import Author, Order, State
from console.orders.releaser import Releaser
from dispatcher.alarms import standing
from tests.console.orders.hall import Hall, drill
from tests.dispatcher.engine_room import people
from tests.todoke.running import started
from todoke.context import open_pool
from words.problem import Refused

CHECKOUT = Path(__file__).resolve().parents[3]
SERVER = """
import asyncio, sys
from console.orders.releaser import Releaser
from todoke.context import open_pool

async def main():
    async with open_pool(sys.argv[1], 4) as pool:
        print("up", flush=True)
        async with Releaser(pool).at_work(every=0.01):
            await asyncio.sleep(600)

asyncio.run(main())
"""
SLOW = """create function slow_dispatch() returns trigger language plpgsql as $$
begin perform pg_sleep(0.5); return new; end $$;
create trigger slow_dispatch before insert on dispatch for each row execute function slow_dispatch()"""
TOMORROW = """create schema early;
create function early.clock_timestamp() returns timestamptz language sql as
    $$ select pg_catalog.clock_timestamp() + interval '20 hours' $$;
do $$ begin execute format('alter database %I set search_path = early, pg_catalog, public', current_database()); end $$"""
"""Whoever connects from now on reads another clock."""
RELEASING = "select exists (select from pg_stat_activity where query like 'insert into dispatch%' and state = 'active')"


async def server(dsn: str) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        SERVER,
        dsn,
        cwd=CHECKOUT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"up\n"
    return process


async def until_released(hall: Hall, order: Order) -> None:
    async with asyncio.timeout(60):
        while (await hall.read(order)).state is not State.RELEASED:
            await asyncio.sleep(0.02)


async def until(hall: Hall, *, releasing: bool) -> None:
    async with asyncio.timeout(60):
        while await hall.pool.fetchval(RELEASING) is not releasing:
            await asyncio.sleep(0.005)


async def test_two_servers_die_in_the_middle_of_it_and_two_others_release_it_once(
    hall: Hall, fresh_database_url: str
) -> None:
    """The database takes half a second over the dispatch, and within it the server is killed."""
    await hall.pool.execute(SLOW)
    order = await hall.counting()
    await hall.seconds_pass(10)
    for _ in range(2):
        victim = await server(fresh_database_url)
        await until(hall, releasing=True)
        os.kill(victim.pid, signal.SIGKILL)
        await victim.wait()
        await until(hall, releasing=False)
        assert (await hall.read(order)).state is State.COUNTING
    others = [await server(fresh_database_url) for _ in range(2)]
    try:
        await until_released(hall, order)
    finally:
        for each in others:
            each.kill()
            await each.wait()
    assert len(await hall.dispatches()) == 1
    assert (await hall.recorded(order)).count("order.released") == 1


async def test_what_is_released_reaches_people_like_any_dispatch(hall: Hall) -> None:
    order = await hall.counting()
    await hall.seconds_pass(10)
    async with hall.town.at_work(), Releaser(hall.pool).at_work(every=0.02):
        await until_released(hall, order)
        end = await hall.town.over((await hall.read(order)).dispatch or "")
    assert (end.audience, end.requested_by, end.approved_by) == (4, "佐藤", "森")
    assert len(people(hall.town.line)) == 2


async def test_a_worker_releases_what_officers_approved(hall: Hall, fresh_database_url: str, tmp_path: Path) -> None:
    order = await hall.counting()
    await hall.seconds_pass(10)
    settings = {
        "data": str(tmp_path / "data"),
        "database_url": fresh_database_url,
        "vault.key": base64.b64encode(b"k" * 32).decode(),
        "channels.line.token": "nobody",
        "channels.line.endpoint": "http://127.0.0.1:9",
    }
    worker = started("worker", *(f"--set={key}={value}" for key, value in settings.items()))
    try:
        await until_released(hall, order)
    finally:
        worker.kill()
        worker.communicate()
    assert len(await hall.dispatches()) == 1


async def test_servers_that_look_at_once_release_it_once(hall: Hall) -> None:
    order = await hall.counting()
    await hall.seconds_pass(10)
    await asyncio.gather(*(Releaser(hall.pool).tick() for _ in range(8)))
    assert len(await hall.dispatches()) == 1
    assert (await hall.read(order)).state is State.RELEASED


async def test_taking_back_and_releasing_at_once_do_one_of_both(hall: Hall) -> None:
    for _ in range(5):
        order = await hall.counting()
        await hall.seconds_pass(10)
        before = len(await hall.dispatches())
        await asyncio.gather(
            Releaser(hall.pool).tick(), approving.take_back(hall.desk, order.id, hall.mori), return_exceptions=True
        )
        released = (await hall.read(order)).state is State.RELEASED
        assert len(await hall.dispatches()) - before == released


async def test_what_could_not_leave_for_half_an_hour_leaves_no_more(hall: Hall) -> None:
    order = await hall.counting()
    await hall.seconds_pass(1811)
    await Releaser(hall.pool).tick()
    order = await hall.read(order)
    assert (order.state, order.void_why) == (State.VOID, "stale")
    assert await hall.dispatches() == []
    [alarm] = await standing(hall.pool)
    assert alarm.trouble.code == "order.not_released"
    assert "was approved, could not be sent and is void" in alarm.trouble.en


async def test_a_backup_releases_nothing(hall: Hall) -> None:
    """Its epoch is another than the one it was approved in."""
    order = await hall.counting()
    await hall.pool.execute("update epoch set number = number + 1")
    assert (await hall.released(order)).void_why == "restored"
    assert await hall.dispatches() == []


async def test_content_that_is_altered_in_the_database_is_not_sent(hall: Hall) -> None:
    order = await hall.counting()
    await hall.pool.execute("alter table town_order_submission disable trigger all")
    await hall.pool.execute("update town_order_submission set area = null")
    assert (await hall.released(order)).void_why == "content_changed"
    assert await hall.dispatches() == []


async def test_an_order_that_nobody_releases_is_an_alarm(hall: Hall) -> None:
    await hall.counting()
    assert await Lookout(hall.pool).look() == []
    await hall.seconds_pass(40)
    assert [each.code for each in await Lookout(hall.pool).look()] == ["order.stuck"]


async def test_two_officers_of_one_name_are_two(hall: Hall) -> None:
    await hall.pool.execute("update officer set name = '佐藤' where id = $1", hall.mori)
    order = await hall.released(await hall.counting())
    assert order.state is State.RELEASED
    [sent] = await hall.dispatches()
    assert (sent["requested_by"], sent["approved_by"]) == ("佐藤 (sato)", "佐藤 (mori)")


# -- scheduled drills --------------------------------------------------------------------------


async def tomorrow(hall: Hall) -> Order:
    begins = datetime.now(UTC) + timedelta(hours=20)
    return await hall.approve(await hall.submitted(drill(), start_at=begins))


async def test_an_approved_drill_waits_for_its_time_and_then_counts_down(hall: Hall, fresh_database_url: str) -> None:
    order = await tomorrow(hall)
    assert order.state is State.APPROVED
    await Releaser(hall.pool).tick()
    assert (await hall.read(order)).state is State.APPROVED
    await hall.pool.execute(TOMORROW)
    async with open_pool(fresh_database_url) as pool:
        await Releaser(pool).tick()
        assert (await hall.read(order)).state is State.COUNTING
        await hall.pool.execute("update town_order set release_at = release_at - interval '10 seconds'")
        await Releaser(pool).tick()
    assert (await hall.read(order)).state is State.RELEASED
    [sent] = await hall.dispatches()
    assert sent["mode"] == "drill"


async def test_a_drill_cancels_itself_when_a_real_order_is_live(hall: Hall) -> None:
    order = await tomorrow(hall)
    await hall.released(await hall.counting())
    await Releaser(hall.pool).tick()
    order = await hall.read(order)
    assert (order.state, order.void_why) == (State.VOID, "real_order")
    assert [each["mode"] for each in await hall.dispatches()] == ["live"]


async def test_a_drill_of_next_month_does_not_mind(hall: Hall) -> None:
    later = datetime.now(UTC) + timedelta(days=30)
    order = await hall.approve(await hall.submitted(drill(), start_at=later))
    await hall.counting()
    await Releaser(hall.pool).tick()
    assert (await hall.read(order)).state is State.APPROVED


async def test_what_is_live_is_never_scheduled(hall: Hall) -> None:
    with pytest.raises(Refused) as refused:
        await hall.draft(start_at=datetime.now(UTC) + timedelta(hours=1))
    assert refused.value.say("en") == [
        "/start_at: Only a drill can be sent like this. What is live is sent when people approve it."
    ]


async def test_a_drill_by_a_key_with_that_right_needs_no_officer_and_a_live_order_does(hall: Hall) -> None:
    key = Author(key="river gauge")
    order = await book.create(hall.desk, key, drill())
    order = await submitting.submit(hall.desk, order.id, key, hash=await hall.hash(order))
    order = await approving.approve_drill(hall.desk, order.id, "river gauge", hash=order.hash or "")
    assert (await hall.released(order)).state is State.RELEASED
    live = await hall.submitted()
    with pytest.raises(Refused, match="Only a drill can be sent like this"):
        await approving.approve_drill(hall.desk, live.id, "river gauge", hash=live.hash or "")
