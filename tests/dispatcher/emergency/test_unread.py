"""What was planned, claimed or sent after the last reading, when the database goes: nobody twice, everybody once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from asyncpg import Pool

from channels.contract import Answer, Verdict
from dispatcher.attempt import call_key
from dispatcher.batches import BatchStore, Claimed, LaneKey, Log
from dispatcher.dispatches import Status, stop
from dispatcher.emergency import station
from dispatcher.emergency.cutting import Cutter
from dispatcher.emergency.desk import Desk
from dispatcher.emergency.in_hand import WatchedStore
from dispatcher.emergency.journal import Journal, read
from dispatcher.emergency.leaving import Leaving
from dispatcher.emergency.memory import Memory
from dispatcher.emergency.records import InHand, Kept
from dispatcher.emergency.station import Ordinary, Station, Ways
from dispatcher.limiter import MemoryLimiter
from dispatcher.model import Outcome
from dispatcher.session import Session
from dispatcher.writing import Writer
from subscribers.columns import open_audience
from subscribers.offline import OfflineAddresses
from tests.dispatcher.emergency.office import claim, drafter, plan, session
from tests.dispatcher.engine_room import CAST, KAWABE, Kawabe, crowd, kawabe, order, people
from todoke.context import open_pool


class ReadOnce(Memory):
    """Its first reading is its last: the database goes before the next one."""

    read = False

    async def refresh(self) -> None:
        if not self.read:
            await super().refresh()
        self.read = True


@dataclass
class Post:
    """A station by the river that has read once, and the store of its worker."""

    desk: Desk
    store: WatchedStore
    pool: Pool
    station: Station
    memory: Memory

    async def send_without_the_database(self, dispatch: str) -> None:
        """From its going to the last call."""
        self.pool.terminate()
        async with asyncio.timeout(20):
            while not self.desk.outlooks() or self.desk.outlooks()[0].state == "remembered":
                await asyncio.sleep(0.02)
            await self.desk.order(dispatch, by="森", confirm="川辺町")
            while self.desk.outlooks()[0].state != "sent":
                await asyncio.sleep(0.02)


@asynccontextmanager
async def manned(town: Kawabe, url: str, directory: Path, alive: Session) -> AsyncIterator[Post]:
    async with open_pool(url, 3) as pool:
        columns = await open_audience(town.pool)
        memory = ReadOnce(pool, KAWABE)
        store = WatchedStore(pool, memory.learn)
        cutter = Cutter(await drafter(town), Writer(town.channels, batch_size=500, town=KAWABE))
        ordinary = Ordinary(pool, 0.1, memory, store, cutter, lambda: alive.number)
        ways = Ways(town.channels, MemoryLimiter(), poll_seconds=0.02, call_seconds=0.1, patience=0.1)
        here = Station(directory, ways, OfflineAddresses(columns, town.vault), ordinary)
        async with here.at_work():
            await here.tick()
            yield Post(Desk(here), store, pool, here, memory)


@pytest.fixture
async def town(pool: Pool, tmp_path: Path) -> Kawabe:
    town = await kawabe(pool)
    await town.settle(tmp_path, [*crowd(2, phone=True), CAST["mei"]])
    return town


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.01)


async def begun(store: BatchStore, channel: str, alive: Session) -> Claimed:
    """A channel's batch, its words read and its intent committed."""
    batch = await claim(store, channel, alive)
    for number in set(batch.messages):
        await store.message(batch.dispatch, number)
    assert await store.begin(batch, len(batch.members))
    return batch


async def finished(store: BatchStore, channel: str, alive: Session) -> Claimed:
    batch = await begun(store, channel, alive)
    batch.outcomes = bytes([Outcome.ACCEPTED] * len(batch.members))
    assert await store.finish(batch, Log(), None)
    return batch


async def sent_on(town: Kawabe, dispatch: str) -> Status:
    """By the database, which is back, to the end."""
    async with town.at_work():
        return await town.over(dispatch)


async def test_who_was_called_after_the_last_reading_is_not_called_again(
    town: Kawabe, fresh_database_url: str, tmp_path: Path
) -> None:
    dispatch = await town.send(order(area_name={"ja": "川辺町"}))
    async with session(town) as alive:
        async with manned(town, fresh_database_url, tmp_path / "emergency", alive) as post:
            await plan(town, alive)
            await finished(post.store, "sms", alive)
            line = await begun(post.store, "line", alive)
            await post.send_without_the_database(dispatch)
        async with manned(town, fresh_database_url, tmp_path / "emergency", alive):
            end = await sent_on(town, dispatch)
        held = await town.pool.fetchval("select count(*) from batch where state = 'claimed'")
    assert (people(town.sms), len(people(town.line)), people(town.email)) == ([], 2, ["mei@gmail.com"])
    assert town.line.taken[0].key == call_key(line.key, (0, 1))
    assert end.channels == {"sms": {"accepted": 2}, "line": {"accepted": 2}, "email": {"accepted": 1}}
    assert held == 0


async def test_a_batch_whose_words_nobody_had_read_is_cut_anew_and_held_by_nobody_in_the_end(
    town: Kawabe, fresh_database_url: str, tmp_path: Path
) -> None:
    dispatch = await town.send(order(area_name={"ja": "川辺町"}, channels=["sms"]))
    async with session(town) as alive:
        async with manned(town, fresh_database_url, tmp_path / "emergency", alive) as post:
            await plan(town, alive)
            batch = await claim(post.store, "sms", alive)
            await post.send_without_the_database(dispatch)
        async with manned(town, fresh_database_url, tmp_path / "emergency", alive) as post:
            assert not await post.store.release(batch)
            end = await sent_on(town, dispatch)
    assert len(people(town.sms)) == 2
    assert end.channels == {"sms": {"accepted": 2}}


async def test_what_another_process_of_the_server_just_called_is_known_from_what_it_leaves(
    town: Kawabe, tmp_path: Path
) -> None:
    dispatch = await town.send(order())
    memory = Memory(town.pool, KAWABE)
    await memory.refresh()
    neighbour = WatchedStore(town.pool, lambda _batch: None)
    async with session(town) as alive:
        await plan(town, alive)
        sms, line = await finished(neighbour, "sms", alive), await begun(neighbour, "line", alive)
    Journal.create(tmp_path / "1.in-hand", neighbour.told()).close()
    told = [each for each in read(tmp_path / "1.in-hand")[0] if isinstance(each, InHand)]
    whole = memory.orders[dispatch].completed(told)
    kept = {batch.channel: batch for batch in await left(town, whole, told)}
    assert {name: batch.key for name, batch in kept.items() if name != "email"} == {"sms": sms.key, "line": line.key}
    assert (kept["sms"].outcomes, kept["line"].outcomes) == (sms.outcomes, bytes(2))
    assert kept["email"].number < 0


async def left(town: Kawabe, whole: Any, told: list[InHand]) -> list[Kept]:
    """All that stands in the journal then."""
    columns = await open_audience(town.pool)
    leaving = Leaving(town.channels, told, 0, columns.sealed)
    cutter = Cutter(await drafter(town), Writer(town.channels, batch_size=500, town=KAWABE))
    shelters = Memory(town.pool, KAWABE)
    await shelters.refresh()
    assert shelters.shelters is not None
    _, cut = await cutter.cut(whole, shelters.shelters, leaving)
    return [*leaving.batches(whole), *cut]


class Torn:
    """Connections that break once a statement holds these words."""

    def __init__(self, pool: Pool, words: str) -> None:
        self._pool = pool
        self.words: str | None = words

    async def fetch(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        if self.words is not None and self.words in statement:
            raise ConnectionResetError
        return await self._pool.fetch(statement, *arguments)

    async def fetchrow(self, statement: str, *arguments: object) -> asyncpg.Record | None:
        return await self._pool.fetchrow(statement, *arguments)


@pytest.mark.parametrize("words", ["array_send(members)", "from message\nwhere dispatch = $1 and number >="])
async def test_an_order_is_remembered_whole_or_as_it_was(town: Kawabe, words: str) -> None:
    dispatch = await town.send(order())
    torn: Any = Torn(town.pool, words)
    torn.words = None
    memory = Memory(torn, KAWABE)
    await memory.refresh()
    async with session(town) as alive:
        await plan(town, alive)
    torn.words = words
    with pytest.raises(ConnectionResetError):
        await memory.refresh()
    remembered = memory.orders[dispatch]
    assert (remembered.state, remembered.batches, remembered.words) == ("approved", {}, {})
    torn.words = None
    await memory.refresh()
    assert (len(remembered.batches), remembered.state) == (3, "sending")
    assert all(map(remembered.said, remembered.batches.values()))


async def test_an_order_that_could_not_be_read_whole_is_not_remembered_yet(town: Kawabe) -> None:
    await town.send(order())
    async with session(town) as alive:
        await plan(town, alive)
    torn: Any = Torn(town.pool, "array_send(members)")
    memory = Memory(torn, KAWABE)
    with pytest.raises(ConnectionResetError):
        await memory.refresh()
    assert memory.orders == {}


async def test_a_batch_split_after_the_last_reading_is_known_by_its_parts(town: Kawabe) -> None:
    dispatch = await town.send(order(channels=["line"]))
    memory = Memory(town.pool, KAWABE)
    await memory.refresh()
    store = WatchedStore(town.pool, memory.learn)
    async with session(town) as alive:
        await plan(town, alive)
        batch = await begun(store, "line", alive)
        assert await store.split(batch, [0, 1], Answer(Verdict.REJECTED, code="400"), Log())
        part = (await store.claim(LaneKey(0, "line", ""), alive.number, 1))[0]
    whole = memory.orders[dispatch].completed(store.told())
    kept = {each.number: each for each in await left(town, whole, store.told())}
    assert {number: bytes(each.outcomes) for number, each in kept.items()} == {
        batch.number: bytes([Outcome.MOVED] * 2), part.number: b"\0", 3 - part.number: b"\0",
    }  # fmt: skip


class Slow:
    """A pool whose reading of batches takes as long as nobody lets it go on."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.reading, self.goes_on = asyncio.Event(), asyncio.Event()
        self.slow = False

    async def fetch(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        if self.slow and "array_send(members)" in statement:
            self.slow = False
            self.reading.set()
            await self.goes_on.wait()
        return await self._pool.fetch(statement, *arguments)

    async def fetchrow(self, statement: str, *arguments: object) -> asyncpg.Record | None:
        return await self._pool.fetchrow(statement, *arguments)


async def test_an_order_is_seen_while_the_batches_of_another_are_being_read(town: Kawabe) -> None:
    first = await town.send(order())
    slow: Any = Slow(town.pool)
    memory = Memory(slow, KAWABE)
    await memory.refresh()
    async with session(town) as alive:
        await plan(town, alive)
    slow.slow = True
    reading = asyncio.create_task(memory.refresh())
    await slow.reading.wait()
    second = await town.send(order(area_name={"ja": "川沿い"}))
    await memory.look()
    assert memory.orders.keys() == {first, second}
    assert (memory.orders[first].unplanned, memory.orders[second].unplanned) == (True, True)
    slow.goes_on.set()
    await reading
    assert (memory.orders[first].unplanned, memory.orders[second].unplanned) == (False, True)


async def test_an_order_that_was_planned_before_it_was_seen_is_known_with_its_batches(town: Kawabe) -> None:
    dispatch = await town.send(order())
    async with session(town) as alive:
        await plan(town, alive)
    memory = Memory(town.pool, KAWABE)
    await memory.look()
    assert (len(memory.orders[dispatch].batches), memory.orders[dispatch].unplanned) == (3, False)


async def test_what_is_stopped_is_forgotten_at_the_next_look(town: Kawabe) -> None:
    dispatch = await town.send(order())
    memory = Memory(town.pool, KAWABE)
    await memory.look()
    await stop(town.pool, dispatch, by="森")
    await memory.look()
    assert memory.orders == {}


async def test_a_post_that_is_called_looks_at_once(
    town: Kawabe, fresh_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(station, "LOOK_SECONDS", 3600.0)
    async with session(town) as alive, manned(town, fresh_database_url, tmp_path / "emergency", alive) as post:
        dispatch = await town.send(order())
        post.station.look()
        await until(lambda: dispatch in post.memory.orders)
