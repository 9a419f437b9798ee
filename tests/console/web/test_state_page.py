"""The state of everything over HTTP: trouble stands on top, in words."""

from __future__ import annotations

import json

import asyncpg
import pytest

from console.accounts import Role
from dispatcher.alarms import saw
from dispatcher.trouble import Trouble
from tests.console.office import Desk, Office
from tests.dispatcher.engine_room import Kawabe, kawabe, order

QUOTA = Trouble("quota.gone", "line", "枠がありません。", "The quota is gone.")
PAUSED = Trouble("lane.paused", "email/docomo", "しばらく控えています。", "Left in peace for a while.")


@pytest.fixture
async def watcher(office: Office) -> Desk:
    return await office.signed_in(await office.hire("kudo", "工藤", Role.VIEWER))


async def works(pool: asyncpg.Pool, *troubles: Trouble) -> None:
    """A process of the town's says that it is at work, and what holds it up."""
    told = json.dumps([each.as_json() for each in troubles])
    await pool.execute("insert into worker_session (host, pid, trouble) values ('hall', 7, $1)", told)


async def alarm(pool: asyncpg.Pool, trouble: Trouble) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await saw(connection, [trouble])


async def test_without_a_worker_nothing_would_leave_and_the_page_says_so(watcher: Desk) -> None:
    text = (await watcher.get("/state")).text
    assert "grade-act" in text
    assert "いま発令しても送られません" in text


async def test_all_is_well_while_somebody_works(office: Office, watcher: Desk) -> None:
    await works(office.pool)
    text = (await watcher.get("/state")).text
    assert "異常はありません" in text
    assert "hall (7)" in text


async def test_an_alarm_stands_on_top_with_its_words(office: Office, watcher: Desk) -> None:
    await works(office.pool)
    await alarm(office.pool, QUOTA)
    text = (await watcher.get("/state")).text
    assert "grade-act" in text
    assert "警報 1 件" in text
    assert text.index("line: 枠がありません。") < text.index('id="channel-line"')
    assert "支障あり" in text.split('id="channel-line"')[1].split("</h3>")[0]


async def test_what_holds_up_one_lane_is_to_be_looked_at(office: Office, watcher: Desk) -> None:
    await works(office.pool, PAUSED)
    text = (await watcher.get("/state")).text
    assert "grade-watch" in text
    assert "email/docomo: しばらく控えています。" in text


async def test_what_waits_is_counted_by_channel(office: Office, watcher: Desk) -> None:
    town: Kawabe = await kawabe(office.pool)
    dispatch = await town.send(order())
    await office.pool.execute("update dispatch set state = 'sending' where id = $1", dispatch)
    waiting = await office.pool.fetchval("select sum(size) from batch where channel = 'line'") or 0
    text = (await watcher.get("/state")).text
    card = text.split('id="channel-line"')[1].split("</section>")[0]
    assert f"<dd>{waiting:,}</dd>" in card


async def test_the_part_that_asks_for_itself_keeps_no_sign_in_alive(office: Office, watcher: Desk) -> None:
    await office.pool.execute("update sign_in set seen_at = now() - interval '20 minutes'")
    assert (await watcher.get("/state/now", **{"HX-Request": "true"})).status == 200
    assert await office.pool.fetchval("select max(seen_at) < now() - interval '19 minutes' from sign_in")


async def test_nobody_looks_without_a_sign_in(office: Office) -> None:
    assert (await office.desk().get("/state")).status == 401
