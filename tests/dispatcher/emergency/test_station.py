"""What an officer is told who wants an order sent without the database."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from dispatcher.drafting import Drafter
from dispatcher.emergency.cutting import Cutter
from dispatcher.emergency.desk import Desk
from dispatcher.emergency.in_hand import WatchedStore
from dispatcher.emergency.journal import read
from dispatcher.emergency.memory import Memory
from dispatcher.emergency.records import Kept
from dispatcher.emergency.station import Ordinary, Station, Ways
from dispatcher.limiter import MemoryLimiter
from dispatcher.writing import Writer
from subscribers.columns import open_audience
from subscribers.offline import OfflineAddresses
from tests.dispatcher.engine_room import CAST, KAWABE, Kawabe, kawabe, order, people
from todoke.context import open_pool
from words.problem import Refused


@dataclass
class Post:
    """A station by the river, and the only connections it has to the database."""

    desk: Desk
    pool: asyncpg.Pool
    town: Kawabe

    def lose_the_database(self) -> None:
        self.pool.terminate()

    async def ready(self) -> None:
        """Until the database has been given up on."""
        async with asyncio.timeout(20):
            while not self.desk.outlooks() or self.desk.outlooks()[0].state == "remembered":
                await asyncio.sleep(0.02)


async def said(asked: Awaitable[object]) -> str:
    with pytest.raises(Refused) as refused:
        await asked
    return " ".join(refused.value.say("en"))


@asynccontextmanager
async def manned(town: Kawabe, url: str, directory: Path) -> AsyncIterator[Post]:
    async with open_pool(url, 3) as pool:
        columns = await open_audience(town.pool)
        drafter = Drafter(pool, columns, {name: each.contact for name, each in town.channels.items()})
        memory = Memory(pool, KAWABE)
        ordinary = Ordinary(
            pool, 0.1, memory, WatchedStore(pool, memory.learn),
            Cutter(drafter, Writer(town.channels, batch_size=500, town=KAWABE)), lambda: 0,
        )  # fmt: skip
        ways = Ways(town.channels, MemoryLimiter(), poll_seconds=0.02, call_seconds=0.1, patience=0.1)
        station = Station(directory, ways, OfflineAddresses(columns, town.vault), ordinary)
        async with station.at_work():
            await station.tick()
            yield Post(Desk(station), pool, town)


@pytest.fixture
async def town(pool: asyncpg.Pool, tmp_path: Path) -> Kawabe:
    town = await kawabe(pool)
    await town.settle(tmp_path, list(CAST.values()))
    return town


async def test_an_approved_order_is_sent_to_everybody_without_the_database(
    town: Kawabe, fresh_database_url: str, tmp_path: Path
) -> None:
    dispatch = await town.send(order(area_name={"ja": "川辺町"}))
    async with manned(town, fresh_database_url, tmp_path / "emergency") as post:
        post.lose_the_database()
        await post.ready()
        outlook = await post.desk.order(dispatch, by="森", confirm=" 川辺町 ")
        async with asyncio.timeout(20):
            while post.desk.outlooks()[0].state != "sent":
                await asyncio.sleep(0.02)
    assert outlook.to_call == {"email": 1, "line": 2, "sms": 2}
    assert len(people(town.line)) == len(people(town.sms)) == 2
    assert people(town.email) == ["mei@gmail.com"]


async def test_no_address_stands_in_clear_on_the_disk(town: Kawabe, fresh_database_url: str, tmp_path: Path) -> None:
    dispatch = await town.send(order())
    async with manned(town, fresh_database_url, tmp_path / "emergency") as post:
        post.lose_the_database()
        await post.ready()
    path = tmp_path / "emergency" / f"{dispatch}.journal"
    assert sum(len(record.sealed) for record in read(path)[0] if isinstance(record, Kept)) == 5
    content = await asyncio.to_thread(path.read_bytes)
    assert not any(address in content for address in (b"9011110001", b"8011110002", b"mei@gmail.com", b"U" + b"a" * 32))


async def test_while_the_database_answers_nothing_is_sent_without_it(
    town: Kawabe, fresh_database_url: str, tmp_path: Path
) -> None:
    dispatch = await town.send(order())
    async with manned(town, fresh_database_url, tmp_path / "emergency") as post:
        answer = await said(post.desk.order(dispatch, by="森", confirm="x"))
    assert "The database answers, so the ordinary way is at work" in answer


async def test_when_the_database_has_only_just_gone_the_officer_has_to_wait(
    town: Kawabe, fresh_database_url: str, tmp_path: Path
) -> None:
    dispatch = await town.send(order())
    async with manned(town, fresh_database_url, tmp_path / "emergency") as post:
        post.lose_the_database()
        answer = await said(post.desk.order(dispatch, by="森", confirm="x"))
    assert "calls may still be under way. Try again in" in answer


async def test_without_the_name_typed_it_says_what_to_type_and_how_many_it_would_reach(
    town: Kawabe, fresh_database_url: str, tmp_path: Path
) -> None:
    dispatch = await town.send(order(area_name={"ja": "川辺町"}))
    async with manned(town, fresh_database_url, tmp_path / "emergency") as post:
        post.lose_the_database()
        await post.ready()
        answer = await said(post.desk.order(dispatch, by="森", confirm="川上町"))
    assert (
        "type the name of its area or event: --confirm '川辺町' (it would be sent to email 1, line 2, sms 2)" in answer
    )
    assert people(town.line) == []


async def test_a_drill_is_not_sent_without_the_database(town: Kawabe, fresh_database_url: str, tmp_path: Path) -> None:
    drill = await town.send(order(mode="drill"))
    await town.send(order(id="the-real-thing"))
    async with manned(town, fresh_database_url, tmp_path / "emergency") as post:
        post.lose_the_database()
        await post.ready()
        answer = await said(post.desk.order(drill, by="森", confirm="x"))
    assert f"{drill} is no live evacuation (evacuation, drill)" in answer


async def test_what_was_not_approved_in_time_is_unknown_and_what_is_known_is_named(
    town: Kawabe, fresh_database_url: str, tmp_path: Path
) -> None:
    dispatch = await town.send(order())
    async with manned(town, fresh_database_url, tmp_path / "emergency") as post:
        post.lose_the_database()
        await post.ready()
        answer = await said(post.desk.order("261123-nobody", by="森", confirm="x"))
    assert "knows no approved evacuation '261123-nobody'" in answer
    assert f"What it can send: {dispatch}" in answer


async def test_an_order_is_given_once_and_not_after_a_stop(
    town: Kawabe, fresh_database_url: str, tmp_path: Path
) -> None:
    dispatch = await town.send(order(area_name={"ja": "川辺町"}))
    async with manned(town, fresh_database_url, tmp_path / "emergency") as post:
        post.lose_the_database()
        await post.ready()
        await post.desk.order(dispatch, by="森", confirm="川辺町")
        again = await said(post.desk.order(dispatch, by="佐藤", confirm="川辺町"))
        await post.desk.stop(dispatch, by="佐藤")
        after = await said(post.desk.order(dispatch, by="佐藤", confirm="川辺町"))
    assert f"森 has already ordered {dispatch} to be sent" in again
    assert f"{dispatch} was stopped by 佐藤" in after


async def test_without_a_disk_to_write_intents_to_nothing_is_sent(
    town: Kawabe, fresh_database_url: str, tmp_path: Path
) -> None:
    dispatch = await town.send(order())
    async with manned(town, fresh_database_url, tmp_path / "emergency") as post:
        await asyncio.to_thread(shutil.rmtree, tmp_path / "emergency")
        post.lose_the_database()
        async with asyncio.timeout(20):
            while "only just" in (answer := await said(post.desk.order(dispatch, by="森", confirm="x"))):
                await asyncio.sleep(0.05)
    assert "cannot write its journal to disk (No such file or directory), and sends nothing without one" in answer
